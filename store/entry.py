"""The way into a store: what must be settled before the first middleware sees an action."""

from __future__ import annotations

from threading import get_ident
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from refold.store.dispatch_context import current_dispatch_context, handling

if TYPE_CHECKING:
    from refold.store.commit_core import CommitCore
    from refold.store.middleware import Dispatch

__all__ = ["Dispatcher", "make_entry"]

A = TypeVar("A")


class Dispatcher(Protocol):
    """What ``store.dispatch`` is: it returns the very object that it was given."""

    def __call__(self, action: A, /) -> A:
        """Dispatch one action."""
        ...


def make_entry(core: CommitCore, chain: Dispatch, *, keeps_context: bool) -> Dispatcher:
    """Return the cheapest function that guards the chain.

    Args:
        core: knows the thread that may dispatch.
        chain: the outermost handler; the commit itself if there is no middleware.
        keeps_context: whether an observer writes the dispatch context down, so that it must be
            put back after each dispatch.
    """
    if keeps_context:
        return cast("Dispatcher", _make_entry_with_context(core, chain))
    if chain is core.commit:
        return cast("Dispatcher", chain)  # it checks the thread itself
    call: Any = chain

    def dispatch(action: Any, /, *extra: Any, **named: Any) -> Any:  # noqa: ANN401  # as the chain
        if get_ident() != core.owner:
            core.check_thread(action)
        return call(action, *extra, **named) if extra or named else call(action)

    return dispatch


def _make_entry_with_context(core: CommitCore, chain: Any) -> Any:  # noqa: ANN401  # see make_entry
    def dispatch(action: Any, /, *extra: Any, **named: Any) -> Any:  # noqa: ANN401  # as the chain
        if get_ident() != core.owner:
            core.check_thread(action)
        before = current_dispatch_context()
        try:
            return chain(action, *extra, **named) if extra or named else chain(action)
        finally:
            handling(before)

    return dispatch
