"""Reading, subscribing and selecting are checked against the store's state."""

from __future__ import annotations

from refold import Store, selector
from typing_tests.accepted.counter import Counter, Root, root

store = Store(root)


def select_counter(state: Root) -> Counter:
    """Read the slice."""
    return state.counter


def hear_texts(new: str, old: str) -> None:
    """Take two texts."""
    print(new, old)


store.state = Root()  # expect-error
store.state.counter = Counter()  # expect-error
store.subscribe(hear_texts, select=select_counter)  # expect-error


@selector(select_counter)  # expect-error
def _(counter: str) -> int:
    return len(counter)
