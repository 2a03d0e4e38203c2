"""The way into a store whose observers write down in answer to what an action was dispatched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, overload

from refold.store.dispatch_context import handling, saved_dispatch_context

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Command", "Dispatcher", "restoring_context"]

A = TypeVar("A")
R_co = TypeVar("R_co", covariant=True)


class Command(Generic[R_co]):
    """The base of what is dispatched but is no action: a middleware obeys it, and answers.

    It is not recorded and never reaches a reducer.
    """


class Dispatcher(Protocol):
    """What ``store.dispatch`` is: it returns the very action that it was given.

    Of a command it returns the answer of whoever obeyed it.
    """

    @overload
    def __call__(self, command: Command[R_co], /) -> R_co: ...
    @overload
    def __call__(self, action: A, /) -> A: ...


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
