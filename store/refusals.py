"""The errors of a store that is used at the wrong time or from the wrong place."""

from __future__ import annotations

from refold.errors import InsideReducerError, StoreClosedError, WrongThreadError

__all__ = ["inside_reducer", "store_closed", "wrong_thread"]


def wrong_thread(action: object) -> WrongThreadError:
    """Return the error for a dispatch from a foreign thread."""
    return WrongThreadError(
        f"{type(action).__name__} was dispatched from another thread than the store's own; use"
        f" store.dispatch_threadsafe(action), which runs it on the store's event loop"
    )


def inside_reducer(what: str) -> InsideReducerError:
    """Return the error for what reducers may not do."""
    return InsideReducerError(
        f"reducers may not {what}: a reducer gets all it needs as arguments and returns the next"
        f" state; do this in middleware, in a subscriber, or after dispatch"
    )


def store_closed(action: object) -> StoreClosedError:
    """Return the error for a dispatch to a closed store."""
    return StoreClosedError(
        f"{type(action).__name__} was dispatched to a closed store; dispatch inside 'async with"
        f" Store(...)' or before aclose(); the last state can still be read"
    )
