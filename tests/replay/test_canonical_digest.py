"""Canonical digests: equal for equal values, different for different ones."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyrsistent import pmap, pset, pvector

from refold.errors import PayloadError
from refold.replay.canonical_digest import (
    DIGEST_ALGORITHM,
    canonical_digest,
    changed_slices,
    state_digest,
)
from tests.strategies.observatory_states import START, Observatory, Totals
from tests.strategies.observatory_strategies import states
from tests.strategies.sameness import exact_form
from tests.strategies.typed_values import (
    Box,
    Colour,
    Flags,
    Mixed,
    Pair,
    Tree,
    TypedValue,
    typed_values,
    value_strategies,
)

UTC = datetime.UTC

PAIRS_OF_ONE_TYPE = value_strategies.flatmap(lambda form: st.tuples(form[1], form[1]))


@given(pair=PAIRS_OF_ONE_TYPE)
def test_digests_are_equal_if_and_only_if_the_values_are(pair: tuple[object, object]) -> None:
    """Two values of a type have one digest exactly if nothing but identity tells them apart."""
    left, right = pair
    are_same = exact_form(left, merge_lists=True) == exact_form(right, merge_lists=True)
    assert (canonical_digest(left) == canonical_digest(right)) == are_same


@given(left=states, right=states)
def test_states_are_told_apart(left: Observatory, right: Observatory) -> None:
    """Two states of an application have one digest exactly if they are the same."""
    are_same = exact_form(left, merge_lists=True) == exact_form(right, merge_lists=True)
    assert (state_digest(left) == state_digest(right)) == are_same


@given(typed_value=typed_values)
def test_a_digest_is_32_hexadecimal_digits(typed_value: TypedValue) -> None:
    """Every value of an allowed type has a digest, and always the same."""
    digest = canonical_digest(typed_value[1])
    assert len(digest) == 32
    assert int(digest, 16) >= 0
    assert canonical_digest(typed_value[1]) == digest


DIFFERENT: list[object] = [
    None,
    False,
    True,
    0,
    1,
    -1,
    0.0,
    -0.0,
    1.0,
    float("inf"),
    -float("inf"),
    float("nan"),
    2**64,
    2**64 + 1,
    "",
    "0",
    "None",
    "nan",
    b"",
    b"0",
    (),
    (0,),
    ((),),
    (0, 0),
    ("a", "b"),
    ("ab",),
    (("a",), "b"),
    ("a", ("b",)),
    frozenset(),
    frozenset({0}),
    pmap(),
    pmap({0: 1}),
    pmap({1: 0}),
    pmap({"0": 1}),
    datetime.date(2020, 1, 1),
    datetime.datetime(2020, 1, 1),  # noqa: DTZ001
    datetime.datetime(2020, 1, 1, tzinfo=UTC),
    datetime.time(0),
    datetime.time(0, tzinfo=UTC),
    datetime.timedelta(0),
    datetime.timedelta(days=1),
    datetime.timedelta(seconds=1),
    Decimal(0),
    Decimal("0.0"),
    Decimal("-0"),
    Decimal("NaN"),
    Colour.RED,
    Colour.NONE,
    Flags.A,
    Flags.A | Flags.B,
    Flags(0),
    Tree(),
    Tree(0.0),
    Box(0),
    Box("0"),
]


def test_different_values_have_different_digests() -> None:
    """Kinds, signs, nesting and borders between texts are told apart."""
    digests = {canonical_digest(value): value for value in DIFFERENT}
    assert len(digests) == len(DIFFERENT)


SAME: list[tuple[object, object]] = [
    ((1, 2), pvector([1, 2])),
    (Pair(1.0, "x"), (1.0, "x")),
    (frozenset({1, 2}), pset([2, 1])),
    (float("nan"), -float("nan")),
    (pmap({"a": 1, "b": 2}), pmap({"b": 2, "a": 1})),
    (Mixed.TEXT, Mixed("1")),
]


@pytest.mark.parametrize(("left", "right"), SAME)
def test_values_that_a_log_cannot_tell_apart_have_one_digest(left: object, right: object) -> None:
    """All list-likes, all set-likes and all not-a-numbers are alike, and order does not count."""
    assert canonical_digest(left) == canonical_digest(right)


def test_huge_integers_have_digests() -> None:
    """An integer too long for Python's decimal conversion has a digest, too."""
    assert canonical_digest(10**10_000) != canonical_digest(10**10_000 + 1)


@pytest.mark.parametrize("value", [object(), lambda: 1, 1j, [1j], object])
def test_what_no_state_may_hold_has_no_digest(value: Any) -> None:
    """Anything but the allowed types is refused, with its type named."""
    with pytest.raises(PayloadError, match="has no canonical form"):
        canonical_digest(value)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"title": "other"}, ["title"]),
        ({"totals": Totals(sum=-0.0)}, ["totals"]),
        ({"totals": Totals(1.0), "title": "x"}, ["totals", "title"]),
    ],
)
def test_a_states_digest_tells_which_slices_differ(
    changes: dict[str, Any], expected: list[str]
) -> None:
    """From two digests of states the names of the slices that differ can be read."""
    other = attrs.evolve(START, **changes)
    assert changed_slices(state_digest(START), state_digest(other)) == expected


KNOWN: list[tuple[object, str]] = [
    (None, "4ee3fdf7a7a38af04951408152eaad1f"),
    (True, "883e609a05d85c187a019cad93c12237"),
    (10**80, "e923ecc9a61e5931423f043c820064d1"),
    (-0.0, "59bfe1558d782ac14ede1d4ad1633ecf"),
    (float("nan"), "23e39af69964ec7aba5de5350177f394"),
    ("café", "be56386bf3add70a40162f0b02af07d0"),
    ((1, "a"), "e8eb7a00c04ec0a9673ed8555a972085"),
    (frozenset({1, "1"}), "c54a8df2f33953f6d3b191246ec3f4ec"),
    (pmap({"a": 1.5}), "9fb7fbdce728c948986279800c2f9fe5"),
    (datetime.timedelta(days=-1, microseconds=1), "b893aedc6a3cd7cc4ca6b1565e1204b4"),
    (Decimal("1E+30"), "19e317b9f457c7a3248833411ad7e091"),
]


@pytest.mark.parametrize(("value", "digest"), KNOWN)
def test_the_byte_form_has_not_changed(value: object, digest: str) -> None:
    """A value's digest stays what it was: another byte form needs another name in the header."""
    assert DIGEST_ALGORITHM == "blake2b-128/1"
    assert canonical_digest(value) == digest
