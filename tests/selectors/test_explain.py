"""`explain()` tells which input made a selector run again, and how often it did.

What belongs here: the text of `explain()`.  What does not: when a selector runs again.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import attrs
import pytest

from refold.selectors.development_checks import set_development_checks
from refold.selectors.selector import selector
from refold.selectors.structured_selector import structured_selector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@attrs.frozen
class Trip:
    """A state with three fields."""

    distance: int = 100
    hours: int = 2
    note: str = ""


@attrs.frozen
class TripView:
    """What the structured selector answers with."""

    distance: int
    hours: int


@pytest.fixture(autouse=True)
def _no_checks() -> Iterator[None]:
    """Let every input run once only."""
    set_development_checks(inputs="never", identity="never")
    yield
    set_development_checks(inputs="once", identity="once")


def select_distance(trip: Trip, *_extra: object) -> int:
    """Read the distance."""
    return trip.distance


def select_hours(trip: Trip, *_extra: object) -> int:
    """Read the hours."""
    return trip.hours


def read_trip(root: tuple[Trip]) -> Trip:
    """Read the trip out of a root."""
    return root[0]


def changed_inputs(text: str) -> set[str]:
    """Return the inputs that the text gives as the reason of the last recomputation."""
    reason = re.search(r"because of ([^;]*)", text)
    return set(re.findall(r"select_\w+", reason[1])) if reason else set()


def recompute(select: Callable[[Trip], object], *trips: Trip) -> None:
    """Ask about each of the trips in turn."""
    for trip in trips:
        select(trip)


def test_explain_names_every_input_in_order() -> None:
    """The text has the name of each input, in the order of the declaration."""
    select = selector(select_hours, select_distance)(lambda hours, distance: distance / hours)
    recompute(select, Trip())
    text = select.explain()
    assert "select_hours" in text
    assert "select_distance" in text
    assert text.index("select_hours") < text.rindex("select_distance")


def test_explain_says_so_before_the_first_call() -> None:
    """Before any call there is nothing to explain, and asking is harmless."""
    select = selector(select_distance, select_hours)(lambda distance, hours: distance / hours)
    assert changed_inputs(select.explain()) == set()
    assert select.recomputations == 0


def test_explain_computes_nothing() -> None:
    """Asking for an explanation runs neither inputs nor result function."""
    select = selector(select_distance, select_hours)(lambda distance, hours: distance / hours)
    recompute(select, Trip(), Trip(distance=1))
    first = select.explain()
    assert select.explain() == first
    assert (select.recomputations, select.dependency_recomputations) == (2, 2)


def test_explain_names_the_input_that_changed() -> None:
    """After a recomputation exactly the input that made it run is called changed."""
    select = selector(select_distance, select_hours)(lambda distance, hours: distance / hours)
    recompute(select, Trip(), Trip(distance=200))
    assert changed_inputs(select.explain()) == {"select_distance"}
    recompute(select, Trip(distance=200, hours=3))
    assert changed_inputs(select.explain()) == {"select_hours"}


def test_explain_names_both_inputs_when_both_changed() -> None:
    """When two inputs changed at once both are called changed."""
    select = selector(select_distance, select_hours)(lambda distance, hours: distance / hours)
    recompute(select, Trip(), Trip(distance=200, hours=3))
    assert changed_inputs(select.explain()) == {"select_distance", "select_hours"}


def test_explain_counts_how_often_each_input_missed() -> None:
    """The text tells for each input how often it was another value than before."""
    select = selector(select_distance, select_hours)(lambda distance, hours: distance / hours)
    recompute(select, Trip())
    recompute(select, *(Trip(distance=number) for number in range(37)))
    recompute(select, *(Trip(distance=36, hours=number) for number in range(10, 21)))
    text = select.explain()
    assert re.search(r"select_distance 37\b", text), text
    assert re.search(r"select_hours 11\b", text), text
    assert re.search(r"\b49 recomputations\b", text), text


def test_explain_counts_no_miss_for_a_hit() -> None:
    """A call that was answered from memory changes no number in the text."""
    select = selector(select_distance, select_hours)(lambda distance, hours: distance / hours)
    recompute(select, Trip(), Trip(distance=200))
    misses = re.findall(r"select_\w+ \d+", select.explain())
    assert misses == ["select_distance 1", "select_hours 0"]
    same = Trip(distance=200)
    recompute(select, same, same, Trip(distance=200, note="other"))
    assert re.findall(r"select_\w+ \d+", select.explain()) == misses


def test_explain_names_extra_arguments_readers_too() -> None:
    """An input that changed because an extra argument did is called changed."""

    def select_hours_with_pause(trip: Trip, pause: int) -> int:
        return trip.hours + pause

    select = selector(select_distance, select_hours_with_pause)(
        lambda first, second: first / second
    )
    trip = Trip()
    select(trip, 1)
    select(trip, 2)
    assert changed_inputs(select.explain()) == {"select_hours_with_pause"}


def test_explain_of_a_structured_selector_names_its_inputs() -> None:
    """A structured selector explains itself like one made by hand."""
    select = structured_selector(TripView, distance=select_distance, hours=select_hours)
    recompute(select, Trip(), Trip(hours=9))
    assert changed_inputs(select.explain()) == {"select_hours"}


def test_explain_of_a_lifted_selector_names_the_inputs_of_the_original() -> None:
    """A selector lifted to a root explains which input of the original changed."""
    original = selector(select_distance, select_hours)(lambda distance, hours: distance / hours)
    select = original.at(read_trip)
    for trip in (Trip(), Trip(distance=9)):
        select((trip,))
    assert changed_inputs(select.explain()) == {"select_distance"}
    assert changed_inputs(original.explain()) == set()
