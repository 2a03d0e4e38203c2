"""A store takes middleware for its own state only."""

from __future__ import annotations

from refold import Dispatch, Store, StoreAPI
from typing_tests.accepted.counter import Counter, root


def for_the_counter(store: StoreAPI[Counter], next: Dispatch) -> Dispatch:  # noqa: A002
    """Middleware that would read a field which the root does not have."""
    print(store.state.value)
    return next


def without_next(_store: StoreAPI[object]) -> None:
    """No middleware at all."""


Store(root, middleware=[for_the_counter])  # expect-error
Store(root, middleware=[without_next])  # expect-error
