"""Behaviours 46 to 52: the state that a combined reducer is given, and roots that replace others.

What belongs here: unknown keys, partial and wrong states, `replace_reducer` with other slices.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, cast

import attrs
import pytest

from refold.actions.action import Action, action
from refold.errors import RefoldWarning, StateShapeError
from refold.reducers.combine_reducers import combine_reducers
from refold.reducers.reducer import Reducer
from refold.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable

    from refold.reducers.combine_reducers import CombinedReducer


@attrs.frozen
class Counter:
    """A state with one number."""

    value: int = 0


@attrs.frozen
class Pair:
    """A root of two counters; without defaults, so that a missing slice is absent."""

    first: Counter
    second: Counter


@action("combined_state_behaviours/increased")
class Increased(Action):
    """Every counter went up."""


def make_counter(initial: int = 0) -> Reducer[Counter]:
    """Return a counter with its initial number."""
    counter = Reducer(Counter(initial))

    @counter.on(Increased)
    def _(state: Counter, _action: Increased) -> Counter:
        return Counter(state.value + 1)

    return counter


def make_pair() -> CombinedReducer[Pair]:
    """Return a combined reducer of two slices."""
    return combine_reducers(Pair, first=make_counter(1), second=make_counter(2))


def warnings_of(act: Callable[[], object]) -> list[str]:
    """Return the texts of refold's warnings while the function runs, each of them once per call."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        act()
    assert all(issubclass(warning.category, RefoldWarning) for warning in caught)
    return [str(warning.message) for warning in caught]


def test_b046_unknown_keys_of_a_given_state_are_reported_with_the_expected_ones() -> None:
    """Unknown keys of `state=` are reported in one warning, with the expected ones and origin."""
    given = {"first": Counter(5), "second": Counter(6), "thrid": Counter(), "forth": Counter()}
    stores: list[Store[Pair]] = []
    texts = warnings_of(lambda: stores.append(Store(make_pair(), state=given)))

    assert len(texts) == 1
    for word in ("thrid", "forth", "first", "second", "state="):
        assert word in texts[0]
    assert "previous" not in texts[0]
    assert stores[0].state == Pair(Counter(5), Counter(6))


def test_b046_unknown_keys_of_a_previous_result_are_reported_as_such() -> None:
    """Unknown keys of a state handed to the reducer are said to come from a previous result."""
    combined = make_pair()
    previous = {"first": Counter(5), "second": Counter(6), "thrid": Counter()}
    results: list[Pair] = []
    texts = warnings_of(lambda: results.append(combined(cast("Any", previous), Increased())))

    assert len(texts) == 1
    for word in ("thrid", "first", "second", "previous"):
        assert word in texts[0]
    assert "state=" not in texts[0]
    assert results == [Pair(Counter(6), Counter(7))]


def test_b047_each_unknown_key_is_reported_once_per_combined_reducer() -> None:
    """An unknown key is reported once per combined reducer, and a new one again."""
    combined = make_pair()
    assert len(warnings_of(lambda: Store(combined, state={"one": 1}))) == 1
    assert warnings_of(lambda: Store(combined, state={"one": 1})) == []

    (text,) = warnings_of(lambda: Store(combined, state={"one": 1, "other": 1}))
    assert "other" in text
    assert "'one'" not in text
    assert warnings_of(lambda: Store(combined, state={"one": 1, "other": 1})) == []

    assert len(warnings_of(lambda: Store(make_pair(), state={"one": 1}))) == 1


@pytest.mark.parametrize("given", [42, "state", 1.5, Counter()])
def test_b048_a_state_of_the_wrong_kind_is_reported(given: object) -> None:
    """A state of the wrong kind is refused, naming its type and the expected keys."""
    with pytest.raises(StateShapeError) as caught:
        Store(make_pair(), state=given)
    for word in (type(given).__name__, "first", "second"):
        assert word in str(caught.value)


def test_b049_a_partial_state_is_completed_in_silence() -> None:
    """A partial state gets the missing slices' initial states, without a report."""
    stores: list[Store[Pair]] = []
    given = Counter(50)
    assert warnings_of(lambda: stores.append(Store(make_pair(), state={"first": given}))) == []
    assert stores[0].state == Pair(Counter(50), Counter(2))
    assert stores[0].state.first is given


def test_b049_an_empty_mapping_is_completed_to_the_initial_state() -> None:
    """An empty mapping as state gives the initial state."""
    assert Store(make_pair(), state={}).state == Pair(Counter(1), Counter(2))


def test_b050_after_a_slice_was_added_the_next_state_has_it_and_is_new() -> None:
    """After `replace_reducer` with one more slice the root is new and has that slice."""
    first = make_counter(1)
    store = Store(combine_reducers(Pair, first=first))
    before = store.state
    store.replace_reducer(combine_reducers(Pair, first=first, second=make_counter(2)))
    store.dispatch(Increased())
    assert store.state is not before
    assert store.state == Pair(Counter(2), Counter(3))
    assert not hasattr(before, "second")


def test_b051_after_a_different_set_of_slices_the_root_is_new() -> None:
    """After `replace_reducer` with another set of slices the root is a new object."""
    store = Store(combine_reducers(Pair, first=make_counter(1)))
    before = store.state
    store.replace_reducer(combine_reducers(Pair, second=make_counter(2)))
    assert store.state is not before
    assert not hasattr(store.state, "first")
    assert store.state.second == Counter(2)


def test_b051_after_an_equal_set_of_slices_the_root_is_the_identical_one() -> None:
    """After `replace_reducer` with the same slices under the same names the root is identical."""
    first, second = make_counter(1), make_counter(2)
    store = Store(combine_reducers(Pair, first=first, second=second))
    before = store.dispatch(Increased()) and store.state
    store.replace_reducer(combine_reducers(Pair, second=second, first=first))
    assert store.state is before


def test_b051_other_reducers_under_the_same_names_keep_the_root_too() -> None:
    """Only the set of names counts: new reducers under the same names keep the identical root."""
    store = Store(make_pair())
    store.dispatch(Increased())
    before = store.state
    store.replace_reducer(make_pair())
    assert store.state is before


def test_b052_after_a_slice_was_removed_the_root_is_new_at_once() -> None:
    """After `replace_reducer` with one slice fewer the root is new before any dispatch."""
    first = make_counter(1)
    store = Store(combine_reducers(Pair, first=first, second=make_counter(2)))
    before = store.state
    store.replace_reducer(combine_reducers(Pair, first=first))
    assert store.state is not before
    assert not hasattr(store.state, "second")
    assert store.state.first is before.first
