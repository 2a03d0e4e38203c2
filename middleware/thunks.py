"""`thunks`: dispatch a function, which is called with the store's dispatch and state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from refold.actions.action import Action

if TYPE_CHECKING:
    from refold.store.middleware import Dispatch, StoreAPI

__all__ = ["thunks"]


def thunks(store: StoreAPI[Any], next: Dispatch) -> Dispatch:  # noqa: A002  # its usual name
    """Middleware that calls a dispatched function with ``(dispatch, get_state)``.

    Whatever it returns is what ``dispatch`` returns: of a coroutine function, an awaitable.
    """

    def handle(action: Any) -> Any:
        if callable(action) and not isinstance(action, Action | type):
            return action(store.dispatch, lambda: store.state)
        return next(action)  # pyright: ignore[reportArgumentType]  # the chain's end refuses the rest

    return handle
