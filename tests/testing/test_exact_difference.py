"""Where two values differ for anybody who looks closely."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from pyrsistent import pdeque, pmap, pset, pvector

from refold.testing.exact_difference import first_difference
from tests.strategies.observatory_states import Aim, Observatory, Phase, Position
from tests.strategies.observatory_strategies import states
from tests.strategies.sameness import exactly_same


@given(one=states, other=states)
def test_a_difference_is_told_exactly_where_there_is_one(
    one: Observatory, other: Observatory
) -> None:
    """Two states have no difference if and only if nothing could tell them apart."""
    assert (first_difference(one, other) is None) == exactly_same(one, other)


@pytest.mark.parametrize(
    ("expected", "found", "path"),
    [
        (False, 0, "x"),
        (1, 1.0, "x"),
        (0.0, -0.0, "x"),
        (Decimal("1.0"), Decimal("1.00"), "x"),
        ((1, 2), (1, 3), "x[1]"),
        ((1,), (1, 2), "x[1]"),
        ((1,), pvector([1]), "x"),
        (pdeque([1, True]), pdeque([1, 1]), "x[1]"),
        (pmap({"a": 1}), pmap({"a": True}), "x['a']"),
        (pmap({1: "a"}), pmap({True: "a"}), "x[1]"),
        (pmap({"a": 1}), pmap({"a": 1, "b": 1}), "x['b']"),
        (frozenset({1}), frozenset({True}), "x"),
        (Position(1.0, 2.0), Position(1.0, 3.0), "x.y"),
        (Aim(Position(), Decimal(1)), Aim(Position(), Decimal(2)), "x.certainty"),
        (None, 0, "x"),
    ],
)
def test_the_path_of_the_first_difference(expected: Any, found: Any, path: str) -> None:
    """Values that are equal by ``==`` are told apart by type and sign; the path leads there."""
    difference = first_difference(expected, found, "x")
    assert difference is not None
    assert difference.path == path


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        (math.nan, float("nan")),
        (frozenset({math.nan}), frozenset({float("nan")})),
        (pmap({math.nan: 1}), pmap({float("nan"): 1})),
        (Phase.SETUP, "setup"),
        (frozenset({1, 2}), pset([2, 1])),
        (pmap({"a": 1, "b": 2}), {"b": 2, "a": 1}),
    ],
)
def test_what_no_log_tells_apart_is_the_same(expected: Any, found: Any) -> None:
    """A not-a-number is the same as another, a text as its enum's member, and order is none."""
    assert first_difference(expected, found) is None
