"""Behaviours 54 to 60: slices that come at run time, and the functions that read them.

What belongs here: `inject` and `slice` of a combined reducer, in a store and alone.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import attrs
import pytest

from refold.actions.action import Action, action
from refold.errors import RefoldWarning
from refold.reducers.combine_reducers import combine_reducers
from refold.reducers.reducer import Reducer
from refold.store.store import Store

if TYPE_CHECKING:
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


@attrs.frozen
class Outer:
    """A root that holds another root."""

    pair: Pair


@action("slice_injection_behaviours/increased")
class Increased(Action):
    """Every counter went up."""


@action("slice_injection_behaviours/nobody_cares")
class NobodyCares(Action):
    """No reducer of this file handles it."""


def make_counter(initial: int = 0) -> Reducer[Counter]:
    """Return a counter with its initial number."""
    counter = Reducer(Counter(initial))

    @counter.on(Increased)
    def _(state: Counter, _action: Increased) -> Counter:
        return Counter(state.value + 1)

    return counter


def read_second(combined: CombinedReducer[Pair], root: Pair) -> object:
    """Return the second slice of a root, as the combined reducer's own function reads it."""
    return combined.slice("second")(root)


def test_b054_combining_nothing_and_injecting_later_is_allowed() -> None:
    """A root combined of nothing is empty and keeps its identity until a slice is injected."""
    combined = combine_reducers(Pair)
    store = Store(combined)
    before = store.state
    store.dispatch(Increased())
    assert store.state is before
    assert not hasattr(before, "first")
    assert not hasattr(before, "second")

    combined.inject("first", make_counter(4))
    combined.inject("second", make_counter(8))
    store.dispatch(NobodyCares())
    assert store.state == Pair(Counter(4), Counter(8))


def test_b055_an_injected_slice_has_its_initial_state_after_the_next_action() -> None:
    """Before injection the slice is absent; the next action gives it its initial state."""
    combined = combine_reducers(Pair, first=make_counter(1))
    store = Store(combined)
    store.dispatch(NobodyCares())
    with pytest.raises(AttributeError):
        _ = store.state.second

    second = make_counter(7)
    combined.inject("second", second)
    store.dispatch(NobodyCares())
    assert store.state.second is second.initial
    assert store.state.first == Counter(1)


def test_b055_the_next_action_is_folded_over_the_initial_state_of_the_injected_slice() -> None:
    """The first action after injection is already handled by the injected slice."""
    combined = combine_reducers(Pair, first=make_counter(1))
    store = Store(combined)
    combined.inject("second", make_counter(7))
    store.dispatch(Increased())
    assert store.state == Pair(Counter(2), Counter(8))


def test_b056_injecting_the_same_reducer_again_does_nothing() -> None:
    """The same reducer under the same name again: no report, and the root stays identical."""
    second = make_counter(7)
    combined = combine_reducers(Pair, first=make_counter(1))
    combined.inject("second", second)
    store = Store(combined)
    store.dispatch(Increased())
    before = store.state
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        combined.inject("second", second)
    store.dispatch(NobodyCares())
    assert store.state is before


def test_b057_injecting_another_reducer_under_a_taken_name_is_reported_and_ignored() -> None:
    """Another reducer under a taken name is reported by that name and ignored."""
    combined = combine_reducers(Pair, first=make_counter(1), second=make_counter(2))
    store = Store(combined)
    frozen = Reducer(Counter(100))
    with pytest.warns(RefoldWarning, match="second"):
        combined.inject("second", frozen)
    store.dispatch(Increased())
    assert store.state == Pair(Counter(2), Counter(3))


def test_b057_override_replaces_the_reducer_and_keeps_the_slice() -> None:
    """With `override=True` the other reducer takes the name, silently; the slice's state stays."""
    combined = combine_reducers(Pair, first=make_counter(1), second=make_counter(2))
    store = Store(combined)
    by_hundred = Reducer(Counter())

    @by_hundred.on(Increased)
    def _(state: Counter, _action: Increased) -> Counter:
        return Counter(state.value + 100)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        combined.inject("second", by_hundred, override=True)
    store.dispatch(Increased())
    assert store.state == Pair(Counter(2), Counter(102))


def test_b058_the_function_of_an_injected_slice_sees_its_initial_state_before_any_action() -> None:
    """A slice's function, used before any action, gives the identical initial state every time."""
    combined = combine_reducers(Pair, first=make_counter(1))
    store = Store(combined)
    second = make_counter(7)
    combined.inject("second", second)
    assert not hasattr(store.state, "second")
    assert read_second(combined, store.state) is second.initial
    assert read_second(combined, store.state) is second.initial

    store.dispatch(Increased())
    assert read_second(combined, store.state) is store.state.second
    assert store.state.second == Counter(8)


def test_b058_a_factory_is_called_once_for_the_slice_that_is_not_there_yet() -> None:
    """The initial state of an injected slice made by a factory is the identical one each time."""
    combined = combine_reducers(Pair, first=make_counter(1))
    store = Store(combined)
    combined.inject("second", Reducer(factory=lambda: Counter(9)))
    seen = read_second(combined, store.state)
    assert seen == Counter(9)
    assert read_second(combined, store.state) is seen
    store.dispatch(NobodyCares())
    assert store.state.second is seen


def test_b058_a_subscriber_to_an_injected_slice_is_told_of_its_first_change() -> None:
    """A subscriber that selects an injected slice before any action is told when it changes."""
    combined = combine_reducers(Pair, first=make_counter(1))
    store = Store(combined)
    combined.inject("second", make_counter(7))
    seen: list[tuple[object, object]] = []
    store.subscribe(lambda new, old: seen.append((new, old)), select=combined.slice("second"))
    store.dispatch(NobodyCares())
    assert seen == []
    store.dispatch(Increased())
    assert seen == [(Counter(8), Counter(7))]


def test_b059_it_works_for_a_combined_reducer_nested_in_another() -> None:
    """Told how to find the inner root, a slice's function reads it from the outer one."""
    inner = combine_reducers(Pair, first=make_counter(1))
    store = Store(combine_reducers(Outer, pair=inner))
    second = make_counter(7)
    inner.inject("second", second)

    def get_pair(outer: Outer) -> Pair:
        return outer.pair

    select_second = inner.slice("second", at=get_pair)
    assert select_second(store.state) is second.initial
    assert select_second(store.state) is second.initial
    store.dispatch(Increased())
    assert store.state.pair == Pair(Counter(2), Counter(8))
    assert select_second(store.state) is store.state.pair.second


def test_b060_two_combined_reducers_share_no_injected_slice() -> None:
    """A slice injected into one combined reducer is unknown to another over the same root class."""
    one = combine_reducers(Pair, first=make_counter(1))
    other = combine_reducers(Pair, first=make_counter(1))
    one_store, other_store = Store(one), Store(other)
    one.inject("second", make_counter(7))
    one_store.dispatch(Increased())
    other_store.dispatch(Increased())
    assert one_store.state == Pair(Counter(2), Counter(8))
    assert not hasattr(other_store.state, "second")


def test_b060_two_combined_reducers_share_no_cached_initial_state() -> None:
    """Functions of two combined reducers over one root each give their own initial state."""
    one, other = combine_reducers(Pair), combine_reducers(Pair)
    root = Store(one).state
    one_second, other_second = make_counter(7), make_counter(8)
    one.inject("second", one_second)
    other.inject("second", other_second)
    assert read_second(one, root) is one_second.initial
    assert read_second(other, root) is other_second.initial
    assert read_second(one, root) is one_second.initial
