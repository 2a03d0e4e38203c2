"""`DynamicMiddleware`: a place in the chain that can be filled after the store is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from refold.store.build_chain import build_chain, check_middleware
from refold.store.middleware import Closes, CommitObserver

if TYPE_CHECKING:
    from refold.actions.action import Action
    from refold.store.middleware import Dispatch, Middleware, StoreAPI

__all__ = ["DynamicMiddleware"]


class DynamicMiddleware:
    """Middleware that stands for all that is added to it; list one per store."""

    def __init__(self) -> None:
        """Start empty: actions go straight on."""
        self._added: tuple[Any, ...] = ()
        self._handlers: list[Dispatch] = []
        self._store: StoreAPI[Any] | None = None

    def add(self, *middleware: Middleware[Any]) -> None:
        """Add middleware behind those added before, from the next dispatch on; each is set up once.

        Added middleware may observe commits and be closed, but its ``run`` is not called: services
        are started when the store is entered.

        Raises:
            MiddlewareError: one is not callable, is there already, or returns no handler.
        """
        added = check_middleware((*self._added, *middleware), allow_twice=False)
        if self._store is not None:
            self._set_up(added[len(self._added) :], self._store)
        self._added = added

    def __call__(self, store: StoreAPI[Any], next: Dispatch, /) -> Dispatch:  # noqa: A002
        """Stand in the chain of a store, and set up what was added before."""
        self._store = store
        self._next = next
        self._set_up(self._added, store)
        return self._handler_at(0)

    def committed(self, actions: tuple[Action, ...]) -> None:
        """Tell those added that want to know."""
        for middleware in self._added:
            if isinstance(middleware, CommitObserver):
                middleware.committed(actions)

    def close(self) -> None:
        """Close those added that hold something."""
        for middleware in self._added:
            if isinstance(middleware, Closes):
                middleware.close()

    def _set_up(self, middleware: tuple[Any, ...], store: StoreAPI[Any]) -> None:
        for one in middleware:
            following = self._handler_at(len(self._handlers) + 1)
            self._handlers.append(build_chain((one,), store, following))

    def _handler_at(self, place: int) -> Dispatch:
        """Return a handler that finds the one at the place when it is called, or goes on."""

        def handle(action: Action, /) -> Action:
            if place < len(self._handlers):
                return self._handlers[place](action)
            return self._next(action)

        return handle
