"""The oracle of sameness tells apart what Python's equality does not."""

from __future__ import annotations

import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from pyrsistent import pmap, pset, pvector

from tests.strategies.sameness import exact_form, exactly_same
from tests.strategies.typed_values import Flags, TypedValue, typed_values

UTC = datetime.UTC
PARIS = datetime.timezone(datetime.timedelta(hours=1))


DIFFERENT: list[tuple[object, object]] = [
    (1, 1.0),
    (1, True),
    (0.0, -0.0),
    ((1,), (True,)),
    ((), pvector()),
    (frozenset({1}), pset([1])),
    (pmap({1: 0}), pmap({True: 0})),
    (Decimal(1), Decimal("1.0")),
    (Flags.A, Flags.B),
    (
        datetime.datetime(2020, 1, 1, 12, tzinfo=UTC),
        datetime.datetime(2020, 1, 1, 13, tzinfo=PARIS),
    ),
]


@pytest.mark.parametrize(("left", "right"), DIFFERENT)
def test_values_that_differ_in_kind_are_not_the_same(left: object, right: object) -> None:
    """Values that Python may call equal are told apart by type, sign and written form."""
    assert not exactly_same(left, right)


def test_all_nans_are_the_same() -> None:
    """A not-a-number is the same as any other, although Python calls it unequal to itself."""
    assert exactly_same((float("nan"),), (-float("nan"),))


def test_lists_and_sets_can_be_merged() -> None:
    """On demand a tuple is taken for a vector, and a frozenset for a persistent set."""
    assert exact_form((1,), merge_lists=True) == exact_form(pvector([1]), merge_lists=True)
    assert exact_form(frozenset({1}), merge_lists=True) == exact_form(pset([1]), merge_lists=True)


@given(typed_values)
def test_every_value_has_a_form(typed_value: TypedValue) -> None:
    """A value of any allowed type has a form, which can be hashed and is equal to itself."""
    _, value = typed_value
    assert hash(exact_form(value)) == hash(exact_form(value))
    assert exactly_same(value, value)
