"""`SeenIds`: the latest ids, and not one more."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refold.middleware.seen_ids import SeenIds


@given(st.lists(st.integers(0, 8), max_size=60), st.integers(1, 6))
def test_ids_are_those_of_a_naive_model(identifiers: list[int], limit: int) -> None:
    """Rule 42: an id is new unless it is among the last `limit` different ones."""
    seen = SeenIds(limit)
    for index, identifier in enumerate(identifiers):
        latest = list(OrderedDict.fromkeys(reversed(identifiers[:index])))[:limit]
        assert len(seen) == len(latest)
        assert seen.see(identifier) == (identifier not in latest)


def test_ten_thousand_ids_are_remembered_by_default() -> None:
    """The first of 10,000 is still known, and forgotten after one more."""
    seen = SeenIds()
    assert all(seen.see(number) for number in range(10_000))
    assert not seen.see(0)
    assert seen.see(10_000)
    assert len(seen) == 10_000
    assert not seen.see(0)  # it was seen again lately
    assert seen.see(1)


@pytest.mark.parametrize("limit", [True, 1.5, "1", None])
def test_a_limit_that_is_no_int_is_refused(limit: object) -> None:
    """Table L: the message names the argument."""
    with pytest.raises(TypeError, match="limit must be an int, got"):
        SeenIds(cast("Any", limit))


def test_a_limit_below_one_is_refused() -> None:
    """Nothing could be remembered."""
    with pytest.raises(ValueError, match="limit must be 1 or more, got 0"):
        SeenIds(0)
