"""The errors of a store that is used at the wrong time or from the wrong place."""

from __future__ import annotations

from refold.errors import (
    InsideReducerError,
    StoreClosedError,
    TransactionError,
    WrongThreadError,
)

__all__ = [
    "awaited_in_transaction",
    "inside_reducer",
    "others_transaction",
    "store_closed",
    "wrong_thread",
]


def wrong_thread(what: str) -> WrongThreadError:
    """Return the error for what is done in a foreign thread."""
    return WrongThreadError(
        f"{what} from another thread than the store's own; use"
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


def others_transaction(what: str) -> TransactionError:
    """Return the error for what is done while a transaction is open across an ``await``."""
    return TransactionError(
        f"{what} while a transaction of the store is open across an await; its block must end"
        f" first, so await before or after it, or let the others wait for it by a lock"
    )


def awaited_in_transaction() -> TransactionError:
    """Return the error for a transaction in whose block something was awaited."""
    return TransactionError(
        "the block of a transaction awaited something, so others ran while it was half done; it"
        " was rolled back: await before the block, or ask for it by"
        " store.transaction(across_await=True), which refuses what others dispatch meanwhile"
    )
