"""The protocols of middleware: what it is given, what it is, and what else it may offer.

What belongs here: the shapes that a middleware author meets.  What does not: building the chain,
which `build_chain` does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar, runtime_checkable

if TYPE_CHECKING:
    import asyncio

    from refold.actions.action import Action

__all__ = [
    "Attaches",
    "Closes",
    "CommitObserver",
    "Dispatch",
    "Flushes",
    "Middleware",
    "Opens",
    "Service",
    "StoreAPI",
]

A = TypeVar("A", bound="Action")
S_co = TypeVar("S_co", covariant=True)
S_contra = TypeVar("S_contra", contravariant=True)


class Dispatch(Protocol):
    """Takes an action on its way to the reducer and returns what its caller shall get."""

    def __call__(self, action: Action, /) -> Action:
        """Handle one action."""
        ...


class StoreAPI(Protocol[S_co]):
    """What a middleware sees of its store."""

    @property
    def state(self) -> S_co:
        """The present state: the old one before ``next(action)``, the new one after it."""
        ...

    def dispatch(self, action: A, /) -> A:
        """Send an action through the whole chain again."""
        ...


class Middleware(Protocol[S_contra]):
    """Set up once per store; returns the handler of every action.

    A middleware object may also offer what the protocols below say; each is looked for once, when
    the store is made.
    """

    def __call__(self, store: StoreAPI[S_contra], next: Dispatch, /) -> Dispatch:  # noqa: A002
        """Return a handler, which calls ``next(action)`` to let an action go on to the reducer."""
        ...


@runtime_checkable
class CommitObserver(Protocol):
    """A middleware that wants what really reached the reducer, wherever it stands in the list.

    One with a true attribute ``sets_cause`` may set the dispatch context in `committed`, so that
    what is dispatched in answer to the action has it; the store puts the old one back.
    """

    def committed(self, actions: tuple[Action, ...], /) -> None:
        """Take note of one commit: after the reducer, before any subscriber.

        Args:
            actions: the one action, or all actions of a transaction in order.
        """
        ...


@runtime_checkable
class Opens(Protocol):
    """A middleware that starts tasks of its own while the store is entered."""

    def open(self, group: asyncio.TaskGroup, /) -> None:
        """Begin; called once, in the store's event loop, before any service runs.

        Args:
            group: where the tasks are started, so that leaving the store waits for them.  Whoever
                starts some is a `Service` too, whose end cancels them.
        """
        ...


@runtime_checkable
class Service(Protocol):
    """A middleware that lives in time: a connection, a timer."""

    async def run(self) -> None:
        """Work between entering and leaving the store; leaving cancels it and waits for it."""
        ...


@runtime_checkable
class Flushes(Protocol):
    """A middleware that writes somewhere."""

    async def flushed(self) -> None:
        """Wait until all that was committed so far is where it is promised to be."""
        ...


@runtime_checkable
class Closes(Protocol):
    """A middleware that holds something open."""

    def close(self) -> None:
        """Let go of it; called once, after the services have stopped."""
        ...


class Attaches(Protocol[S_contra]):
    """What a store takes as ``listeners``: it stands behind all middleware, at the reducer."""

    def attach(self) -> Middleware[S_contra]:
        """Return a new middleware for one store."""
        ...
