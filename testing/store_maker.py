"""`StoreMaker`: stores of one test, closed when it ends; the fixture ``refold_store``."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar, Unpack

from refold.store.store import Store

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from refold.actions.action import Action
    from refold.store.inputs import Inputs
    from refold.store.middleware import Attaches, Middleware

__all__ = ["StoreMaker", "StoreOptions"]

S = TypeVar("S")


class StoreOptions(TypedDict, total=False):
    """What a `Store` takes by keyword."""

    state: Any
    middleware: Iterable[Middleware[Any]]
    listeners: Iterable[Attaches[Any]]
    inputs: Inputs | None
    batch: Iterable[type[Action]]
    batch_seconds: float | None
    check_duplicate_middleware: bool


class StoreMaker:
    """Makes stores, and closes all of them, the last one first, when its ``with`` block ends.

    A store that nobody entered has no service that an event loop would have to stop, so a test
    need not be a coroutine.
    """

    def __init__(self) -> None:
        """Have made none."""
        self._open = contextlib.ExitStack()

    def __call__(
        self, reducer: Callable[[Any, Any], S], /, **options: Unpack[StoreOptions]
    ) -> Store[S]:
        """Return a new store; the arguments are those of `Store`."""
        store = Store(reducer, **options)
        self._open.callback(_close, store)
        return store

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close every store, also if closing one raises; that is raised then."""
        self._open.__exit__(error_type, error, traceback)


def _close(store: Store[Any]) -> None:
    """Close a store that was not entered, or was left again: then nothing is waited for."""
    with contextlib.closing(asyncio.new_event_loop()) as loop:
        loop.run_until_complete(store.aclose())
