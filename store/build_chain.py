"""Building the chain of middleware around a store's commit, the first listed outermost."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from refold.errors import MiddlewareError, MiddlewareSetupError

if TYPE_CHECKING:
    from collections.abc import Callable

    from refold.actions.action import Action
    from refold.reducers.reducer import Reducer
    from refold.store.inputs import Inputs
    from refold.store.middleware import Dispatch, Middleware, StoreAPI

__all__ = ["ChainAPI", "build_chain", "check_middleware"]


class ChainAPI:
    """The `StoreAPI` that middleware is given; it dispatches only once the chain is whole."""

    __slots__ = ("_dispatch", "_read_reducer", "_read_state", "inputs")

    def __init__(
        self,
        read_state: Callable[[], Any],
        read_reducer: Callable[[], Reducer[Any]],
        inputs: Inputs,
    ) -> None:
        """Read state and reducer by these functions; refuse to dispatch until `open`."""
        self.inputs = inputs
        """The store's sources of time, ids and chance."""
        self._read_state = read_state
        self._read_reducer = read_reducer
        self._dispatch: Callable[..., Any] = _refuse_during_setup

    @property
    def state(self) -> Any:  # erased; the protocol gives it its type back
        """The present state."""
        return self._read_state()

    @property
    def reducer(self) -> Reducer[Any]:
        """The present reducer; a recorder writes down whose actions and state these are."""
        return self._read_reducer()

    def dispatch(self, action: Any, /, *extra: object, **named: object) -> Any:
        """Send an action, and any extra arguments, through the whole chain."""
        return self._dispatch(action, *extra, **named)

    def open(self, dispatch: Callable[..., Any]) -> None:
        """Let dispatches through from now on."""
        self._dispatch = dispatch


def check_middleware(candidates: Iterable[Any], *, allow_twice: bool) -> tuple[Any, ...]:
    """Return the middleware as a tuple if each is callable and none is listed twice.

    Raises:
        MiddlewareError: one is no callable, or the same one stands in two places.
    """
    middleware = tuple(candidates)
    for place, candidate in enumerate(middleware):
        if not callable(candidate):
            message = (
                f"middleware number {place + 1} is {candidate!r}, expected a callable"
                f" (store, next) -> handler"
            )
            raise MiddlewareError(message)
        if not allow_twice and any(candidate is earlier for earlier in middleware[:place]):
            message = (
                f"middleware number {place + 1} ({candidate!r}) is listed twice; list it once, or"
                f" pass check_duplicate_middleware=False"
            )
            raise MiddlewareError(message)
    return middleware


def build_chain(
    middleware: tuple[Middleware[Any], ...], api: StoreAPI[Any], commit: Dispatch
) -> Dispatch:
    """Return the handler of the first middleware, which leads through all to the commit.

    Raises:
        MiddlewareError: a middleware returned something that is no handler.
    """
    chain = commit
    for place in reversed(range(len(middleware))):
        builder = middleware[place]
        chain = builder(api, chain)
        if not callable(chain):
            message = (
                f"middleware number {place + 1} ({builder!r}) returned {chain!r}, expected a"
                f" handler (action) -> action; return the inner function, or next itself"
            )
            raise MiddlewareError(message)
    return chain


def _refuse_during_setup(action: Action, *_extra: object, **_named: object) -> Any:
    message = (
        f"{type(action).__name__} was dispatched while the middleware is being set up: other"
        f" middleware would miss it; dispatch from the handler, or once the store is made"
    )
    raise MiddlewareSetupError(message)
