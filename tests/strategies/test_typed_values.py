"""The strategy of typed values draws types that fields may have, and values that fit them."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from pyrsistent import PMap

from refold.actions.check_value_type import check_value_type
from tests.strategies.typed_values import SCALARS, TypedValue, typed_values
from tests.testing.finding import find

PATIENT = settings(max_examples=100_000, phases=[Phase.generate])
"""It ends at the first that is found; what is rare must not make the test fail now and then."""


@given(typed_values)
def test_every_drawn_type_is_allowed(typed_value: TypedValue) -> None:
    """No type is drawn that a field must not have."""
    check_value_type(typed_value[0], "drawn")


def test_collections_inside_collections_are_drawn() -> None:
    """The strategy reaches a map with an entry."""
    tp, value = find(
        typed_values,
        lambda pair: bool(pair[1]) and isinstance(pair[1], PMap),
        settings=PATIENT,
    )
    assert "PMap" in str(tp)
    assert value


WANTED: list[Callable[[float], bool]] = [
    lambda number: number != number,  # noqa: PLR0124  # finds nan
    lambda number: number == math.inf,
    lambda number: number == 0 and math.copysign(1, number) < 0,
    lambda number: isinstance(number, int) and number > 2**64,
    lambda number: isinstance(number, bool),
]


@pytest.mark.parametrize("is_wanted", WANTED)
def test_the_difficult_numbers_are_drawn(is_wanted: Callable[[float], bool]) -> None:
    """A float field is drawn with not-a-number, infinity, minus zero, huge integers and bools."""
    find(SCALARS[float], is_wanted, settings=PATIENT)


@given(st.data())
def test_every_scalar_has_values(data: st.DataObject) -> None:
    """Each of the scalar types has a strategy that gives something."""
    for strategy in SCALARS.values():
        data.draw(strategy)
