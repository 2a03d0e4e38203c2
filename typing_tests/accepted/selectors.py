"""What is inferred of selectors."""

from __future__ import annotations

from typing import assert_type

import attrs

from refold import selector, structured_selector
from typing_tests.accepted.counter import Counter, Root


def select_counter(root: Root) -> Counter:
    """Read the slice."""
    return root.counter


@selector(select_counter)
def select_doubled(counter: Counter) -> int:
    """One input."""
    return 2 * counter.value


@selector(select_counter, select_doubled)
def select_text(counter: Counter, doubled: int) -> str:
    """Two inputs, one of them a selector."""
    return f"{counter.name}: {doubled}"


@attrs.frozen
class Summary:
    """What is shown."""

    doubled: int
    text: str


select_summary = structured_selector(Summary, doubled=select_doubled, text=select_text)


def a_selector_knows_its_result() -> None:
    """A selector is of its result function's type, whatever its inputs are."""
    assert_type(select_doubled(Root()), int)
    assert_type(select_text(Root()), str)
    assert_type(select_summary(Root()), Summary)
    assert_type(select_doubled.recomputations, int)
