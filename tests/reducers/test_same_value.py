"""`is_same_value`: what ``==`` says, without reading all of two maps that share their parts."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs
from hypothesis import given
from hypothesis import strategies as st
from pyrsistent import PMap, pmap, pvector

from refold.reducers.entity_adapter import EntityAdapter
from refold.reducers.same_value import is_same_value

keys = st.integers(0, 40) | st.text(max_size=2)
values = st.integers(0, 2) | st.just("a")
changes = st.lists(st.tuples(keys, st.none() | values), max_size=8)


@attrs.frozen
class Box:
    """A record of a map and something that does not count."""

    rows: PMap[Any, Any]
    note: Any = attrs.field(default=None, eq=False)


@attrs.frozen(eq=False)
class Counted:
    """Counts how often it is compared."""

    number: int
    compared: ClassVar[list[int]] = []

    def __eq__(self, other: object) -> bool:
        self.compared.append(self.number)
        return isinstance(other, Counted) and self.number == other.number

    def __hash__(self) -> int:
        return hash(self.number)


def changed(rows: PMap[Any, Any], steps: list[tuple[Any, Any]]) -> PMap[Any, Any]:
    """Return the map with values set, and keys removed where the value is None."""
    for key, value in steps:
        rows = rows.discard(key) if value is None else rows.set(key, value)
    return rows


@given(start=st.dictionaries(keys, values), one=changes, other=changes)
def test_it_says_what_equality_says(
    start: dict[Any, Any], one: list[tuple[Any, Any]], other: list[tuple[Any, Any]]
) -> None:
    """For maps of any past, alone and in records."""
    rows = pmap(start)
    left, right = changed(rows, one), changed(rows, other)
    assert is_same_value(left, right) == (left == right)
    assert is_same_value(Box(left, note=1), Box(right)) == (left == right)
    assert is_same_value(left, pmap(dict(left)))
    assert is_same_value(pvector([left]), pvector([right])) == (left == right)


def test_it_looks_at_few_values_of_maps_that_share_theirs() -> None:
    """After one change in a map of 10,000, no more than a handful of values are compared."""
    rows: PMap[int, Counted] = pmap({number: Counted(number) for number in range(10_000)})
    other = rows.set(77, Counted(-1))
    Counted.compared.clear()
    assert not is_same_value(rows, other)
    assert len(Counted.compared) < 10


def test_ids_are_not_made_to_compare_entities() -> None:
    """Entities that differ are told apart by their map, so the order need not be known."""
    adapter = EntityAdapter[int, int](key=lambda number: number, sort=lambda number: -number)
    one = adapter.of(range(100))
    other = adapter.add_one(one, 200)
    assert not is_same_value(one, other)
    assert "ids" not in [name for name in ("ids",) if _is_made(other, name)]
    assert is_same_value(one, adapter.of(range(100)))
    assert not is_same_value(one, EntityAdapter[int, int](key=lambda number: number).of(range(100)))


def test_a_value_that_is_no_number_is_the_same_as_another() -> None:
    """A state read from a log has another object for what is not a number."""
    assert is_same_value(Box(pmap(), note=0), Box(pmap(), note=1))
    assert is_same_value(float("nan"), float("nan"))
    assert not is_same_value(float("nan"), 0.0)
    assert not is_same_value(Box(pmap()), pmap())


def _is_made(entities: Any, name: str) -> bool:
    try:
        object.__getattribute__(entities, name)
    except AttributeError:
        return False
    return True
