"""The way into a store whose observers write down in answer to what an action was dispatched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from refold.store.dispatch_context import handling, saved_dispatch_context

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Dispatcher", "restoring_context"]

A = TypeVar("A")


class Dispatcher(Protocol):
    """What ``store.dispatch`` is: it returns the very object that it was given."""

    def __call__(self, action: A, /) -> A:
        """Dispatch one action."""
        ...


def restoring_context(chain: Callable[..., Any]) -> Callable[..., Any]:
    """Return the chain, after which the dispatch context is what it was before.

    In between, an observer makes the action being handled the cause of whatever is dispatched.
    """

    def dispatch(action: Any, /, *extra: Any, **named: Any) -> Any:
        before = saved_dispatch_context()
        try:
            if extra or named:
                return chain(action, *extra, **named)
            return chain(action)
        finally:
            handling(before)

    return dispatch
