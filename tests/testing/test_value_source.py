"""What a test would write for a value and for a change, and that it means what it says."""

from __future__ import annotations

import datetime
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyrsistent import PMap, PVector, pmap, pvector

from refold import evolve
from refold.actions.operation_actions import operation_actions
from refold.testing.exact_difference import first_difference
from refold.testing.value_source import change_source, class_source, short_source, value_source


@attrs.frozen
class Leaf:
    """A record."""

    text: str = ""
    """A text of any length."""

    numbers: PVector[int] = pvector()  # noqa: RUF009  # it is immutable
    """A vector."""


@attrs.frozen
class Branch:
    """A record of others."""

    leaf: Leaf = Leaf()
    """One of them."""

    leaves: PMap[str, Leaf] = pmap()  # noqa: RUF009  # as above
    """Others by name."""

    rows: PVector[Leaf] = pvector()  # noqa: RUF009  # as above
    """Others in order."""

    _hidden: int = 0
    """A field whose parameter has another name."""


texts = st.text("ab'\\", max_size=40)
vectors = st.lists(st.integers(-9, 999), max_size=20).map(pvector)
leaves = st.builds(Leaf, texts, vectors)
branches = st.builds(
    Branch,
    leaf=leaves,
    leaves=st.dictionaries(st.sampled_from("abc"), leaves, max_size=3).map(pmap),
    rows=st.lists(leaves, max_size=3).map(pvector),
    hidden=st.integers(0, 3),
)
states = branches | leaves | vectors | texts

SCOPE: dict[str, Any] = {
    "Branch": Branch,
    "Leaf": Leaf,
    "evolve": evolve,
    "pmap": pmap,
    "pvector": pvector,
}


def meant_by(source: str) -> Any:
    """Return what an expression gives."""
    return eval(source, dict(SCOPE))  # noqa: S307  # what is tested


@given(value=states)
def test_the_source_of_a_value_makes_it_again(value: object) -> None:
    """Pasted, it is equal in every part."""
    assert first_difference(value, meant_by(value_source(value))) is None


@given(pair=st.tuples(branches, branches) | st.tuples(leaves, leaves) | st.tuples(states, states))
def test_the_source_of_a_change_makes_the_change(pair: tuple[Any, Any]) -> None:
    """Pasted, it is the new value, or leads there from the old one."""
    old, new = pair
    stated = meant_by(change_source(old, new))
    found = stated(old) if callable(stated) else stated
    assert first_difference(new, found) is None


@pytest.mark.parametrize(
    ("old", "new", "source"),
    [  # pyright: ignore[reportUnknownArgumentType]  # a list of any kinds
        (1, 2, "2"),
        (pvector(), pvector([1]), "pvector([1])"),
        (pvector(range(20)), pvector(range(21)), "lambda old: old.append(20)"),
        (pvector(range(20)), pvector(range(22)), "lambda old: old.extend([20, 21])"),
        (pvector(range(20)), pvector(range(20)).set(3, 0), "lambda old: old.set(3, 0)"),
        (
            pmap({name: Leaf("x" * 20) for name in "abc"}),
            pmap({name: Leaf("x" * 20) for name in "ab"}).set("d", Leaf("y")),
            "lambda old: old.set('d', Leaf(text='y', numbers=pvector([]))).remove('c')",
        ),
        (
            Branch(Leaf("x" * 50, pvector(range(20)))),
            Branch(Leaf("x" * 50, pvector(range(21)))),
            "lambda old: evolve(old, leaf=evolve(old.leaf, numbers=old.leaf.numbers.append(20)))",
        ),
    ],
)
def test_a_change_is_written_as_short_as_it_can_be(old: object, new: object, source: str) -> None:
    """A large value of which little changed is stated by a function of the old one."""
    assert change_source(old, new) == source


def test_a_class_is_written_by_its_own_name() -> None:
    """A test that declares it inside a function names it so; an operation's actions by it."""

    @attrs.frozen
    class Inside:
        """A record."""

    @attrs.frozen
    class Computed:
        """A record with a field that nobody gives."""

        text: str
        size: int = attrs.field(init=False, default=0)

    assert value_source(Inside()) == "Inside()"
    assert change_source(Computed("x" * 50), Computed("y" * 50)) == f"Computed(text='{'y' * 50}')"
    made = operation_actions("value_source/made", argument=int, value=int)
    assert class_source(made.fulfilled) == "value_source/made.MadeFulfilled"


def test_what_has_no_source_is_shown_as_it_is() -> None:
    """A value of another kind is shown by its repr, a long one by its beginning."""
    assert value_source({1: 2}) == "{1: 2}"
    assert value_source(datetime.date(2026, 1, 2)) == "datetime.date(2026, 1, 2)"
    assert short_source("x" * 500) == f"'{'x' * 199}…"
