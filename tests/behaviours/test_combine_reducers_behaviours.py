"""Behaviours 37 to 45 and 53: what a combined reducer computes, and which slices it refuses.

What belongs here: combining, identity and the probing of slices.  What does not: the state that is
given to it (`test_combined_state_behaviours`), slices injected later
(`test_slice_injection_behaviours`).
"""

from __future__ import annotations

from typing import Any, cast

import attrs
import pytest

from refold.actions.action import Action, action
from refold.errors import (
    ReducerDeclarationError,
    ReducerProtocolError,
    ReducerReturnedNoneError,
    RefoldError,
)
from refold.reducers.combine_reducers import combine_reducers
from refold.reducers.reducer import Reducer
from refold.store.store import Store


@attrs.frozen
class Counter:
    """A state with one number."""

    value: int = 0


@attrs.frozen
class Pair:
    """A root of two counters."""

    first: Counter
    second: Counter


@attrs.frozen
class Lonely:
    """A root of one counter."""

    only: Counter


@attrs.frozen
class NoFields:
    """A root without a field."""


@action("combine_reducers_behaviours/first_increased")
class FirstIncreased(Action):
    """The first counter went up."""


@action("combine_reducers_behaviours/both_increased")
class BothIncreased(Action):
    """Both counters went up."""

    by: int = 1


@action("combine_reducers_behaviours/none_returned")
class NoneReturned(Action):
    """A reducer of this file forgets to return for it."""


@action("combine_reducers_behaviours/nobody_cares")
class NobodyCares(Action):
    """No reducer of this file handles it."""


def make_first() -> Reducer[Counter]:
    """Return the counter of the first slice."""
    first = Reducer(Counter(1))

    @first.on(FirstIncreased)
    def _(state: Counter, _action: FirstIncreased) -> Counter:
        return Counter(state.value + 1)

    @first.on(BothIncreased)
    def _(state: Counter, action: BothIncreased) -> Counter:
        return Counter(state.value + action.by)

    @first.on(NoneReturned)
    def _(_state: Counter, _action: NoneReturned) -> Counter:
        return cast("Counter", None)

    return first


def make_second() -> Reducer[Counter]:
    """Return the counter of the second slice."""
    second = Reducer(Counter(2))

    @second.on(BothIncreased)
    def _(state: Counter, action: BothIncreased) -> Counter:
        return Counter(state.value + action.by)

    return second


def keep_counter(state: Counter | None, _action: Action) -> Counter:
    """Keep the state, whatever happens."""
    return Counter() if state is None else state


def forget_to_return_for_one_action(state: Counter | None, action: Action) -> Counter:
    """Keep the state, except for one action, for which nothing is returned."""
    if isinstance(action, NoneReturned):
        return cast("Counter", None)
    return Counter() if state is None else state


def find_private_init_action_class() -> type[Action]:
    """Return the class of the first action that a plain slice is ever called with."""
    seen: list[type[Action]] = []

    def watch(state: Counter | None, action: Action) -> Counter:
        seen.append(type(action))
        return Counter() if state is None else state

    Store(combine_reducers(Lonely, only=watch))
    return seen[0]


def test_b037_every_key_gets_its_reducers_result_for_its_own_slice_and_the_same_action() -> None:
    """The combined reducer gives each field what its reducer makes of that field and the action."""
    combined = combine_reducers(Pair, first=make_first(), second=make_second())
    both = BothIncreased(10)
    assert combined(Pair(Counter(5), Counter(7)), both) == Pair(Counter(15), Counter(17))
    assert combined(Pair(Counter(5), Counter(7)), FirstIncreased()) == Pair(Counter(6), Counter(7))


def test_b037_every_slice_reducer_gets_the_action_object_itself() -> None:
    """Each slice's reducer is called with the identical action object."""
    seen: list[tuple[str, Action]] = []

    def watch_as(name: str) -> Reducer[Counter]:
        reducer = Reducer(Counter())

        @reducer.on(BothIncreased)
        def _(state: Counter, action: BothIncreased) -> Counter:
            seen.append((name, action))
            return state

        return reducer

    store = Store(combine_reducers(Pair, first=watch_as("first"), second=watch_as("second")))
    both = store.dispatch(BothIncreased())
    assert [name for name, _ in seen] == ["first", "second"]
    assert all(action is both for _, action in seen)


def test_b037_the_initial_state_of_the_root_is_made_of_the_slices_initial_states() -> None:
    """The root starts with the very initial states of its slices."""
    first, second = make_first(), make_second()
    combined = combine_reducers(Pair, first=first, second=second)
    assert combined.initial == Pair(Counter(1), Counter(2))
    assert combined.initial.first is first.initial
    assert combined.initial.second is second.initial


@pytest.mark.parametrize("forgetful", [make_first(), forget_to_return_for_one_action])
def test_b038_a_slice_that_returns_none_is_named_with_the_action(forgetful: object) -> None:
    """A slice's reducer that returns None raises an error naming the action and the slice."""
    combined = combine_reducers(Pair, first=cast("Any", forgetful), second=make_second())
    store = Store(combined)
    before = store.state
    with pytest.raises(ReducerReturnedNoneError) as caught:
        store.dispatch(NoneReturned())
    assert "first" in str(caught.value)
    assert NoneReturned.wire_name in str(caught.value) or "NoneReturned" in str(caught.value)
    assert store.state is before


def test_b039_a_slice_that_returns_none_while_initialising_is_named() -> None:
    """A slice without an initial state is an error naming it and saying "during initialisation"."""

    def keep_whatever_came(state: Counter | None, _action: Action) -> Counter | None:
        return state

    with pytest.raises(RefoldError, match="during initialisation") as caught:
        Store(combine_reducers(Pair, first=make_first(), second=keep_whatever_came))
    assert "second" in str(caught.value)
    assert "'first'" not in str(caught.value)


def test_b040_an_exception_of_a_slice_while_initialising_passes_through() -> None:
    """An exception that a slice raises while initialising comes out unchanged."""
    error = ZeroDivisionError("no initial state")

    def fail(_state: Counter | None, _action: Action) -> Counter:
        raise error

    with pytest.raises(ZeroDivisionError) as caught:
        Store(combine_reducers(Pair, first=make_first(), second=fail))
    assert caught.value is error


def test_b041_if_no_slice_changed_the_identical_root_comes_back() -> None:
    """The root is the identical object when no slice changed, handled action or not."""
    combined = combine_reducers(Pair, first=make_first(), second=keep_counter)
    root = combined.initial
    assert combined(root, NobodyCares()) is root

    def keep_for_both(state: Counter, _action: BothIncreased) -> Counter:
        return state

    keeping = Reducer(Counter())
    keeping.on(BothIncreased)(keep_for_both)
    handled = combine_reducers(Pair, first=keeping, second=keep_counter)
    assert handled(root, BothIncreased()) is root


def test_b042_if_one_slice_changed_the_root_is_new_and_the_others_identical() -> None:
    """One changed slice makes a new root, in which the other slices are the identical objects."""
    combined = combine_reducers(Pair, first=make_first(), second=make_second())
    before = combined.initial
    after = combined(before, FirstIncreased())
    assert after is not before
    assert after.first == Counter(2)
    assert after.second is before.second
    assert before == Pair(Counter(1), Counter(2))


def test_b043_a_slice_that_reacts_to_the_private_init_action_is_refused() -> None:
    """A slice that answers the private init action unlike any other is refused and named."""
    private = find_private_init_action_class()

    def react(state: Counter | None, action: Action) -> Counter:
        if isinstance(action, private):
            return Counter(99)
        return Counter() if state is None else state

    with pytest.raises(ReducerProtocolError, match="second"):
        Store(combine_reducers(Pair, first=make_first(), second=react))


def test_b043_a_slice_that_answers_only_the_private_init_action_is_refused() -> None:
    """A slice that returns None for an unknown action is refused and named."""
    private = find_private_init_action_class()

    def react(state: Counter | None, action: Action) -> Counter | None:
        return Counter() if isinstance(action, private) else state

    with pytest.raises((ReducerProtocolError, ReducerReturnedNoneError), match="second"):
        Store(combine_reducers(Pair, first=make_first(), second=react))


def test_b043_a_slice_that_answers_any_action_with_its_initial_state_is_accepted() -> None:
    """A plain slice that gives its initial state for the probe is taken."""
    store = Store(
        combine_reducers(Pair, first=keep_counter, second=forget_to_return_for_one_action)
    )
    assert store.state == Pair(Counter(), Counter())


def test_b044_a_slice_whose_reducer_is_none_is_reported_by_name() -> None:
    """A slice whose reducer is None is refused by its name."""
    with pytest.raises(TypeError, match="second") as caught:
        combine_reducers(Pair, first=make_first(), second=cast("Any", None))
    assert isinstance(caught.value, ReducerDeclarationError)
    assert "None" in str(caught.value)


@pytest.mark.parametrize("candidate", [42, "reducer", (), Counter()])
def test_b044_a_slice_that_cannot_be_called_is_a_type_error(candidate: object) -> None:
    """D: a slice that is no function raises TypeError too, naming the slice and what came."""
    with pytest.raises(ReducerDeclarationError, match="second") as caught:
        combine_reducers(Pair, first=make_first(), second=cast("Any", candidate))
    assert type(candidate).__name__ in str(caught.value)


def test_b045_combining_nothing_is_reported() -> None:
    """Combining nothing into a root without fields raises an error saying "no valid reducer"."""
    with pytest.raises(ReducerDeclarationError, match="no valid reducer"):
        combine_reducers(NoFields)


def test_b045_a_slice_that_is_no_field_of_the_root_is_refused() -> None:
    """D: with a typed root, a slice under a name that is no field is refused by its name."""
    with pytest.raises(ReducerDeclarationError, match="third") as caught:
        combine_reducers(Pair, first=make_first(), second=make_second(), third=make_second())
    assert "first" in str(caught.value)
    assert "second" in str(caught.value)


def test_b053_a_mapping_and_names_can_be_mixed_in_one_call() -> None:
    """Slices of a mapping and slices by name may stand in one call."""
    combined = combine_reducers(Pair, {"first": make_first()}, second=make_second())
    assert combined.initial == Pair(Counter(1), Counter(2))
    assert combined(combined.initial, BothIncreased()) == Pair(Counter(2), Counter(3))


def test_b053_a_mapping_alone_will_do() -> None:
    """All slices may come in a mapping."""
    combined = combine_reducers(Pair, {"first": make_first(), "second": make_second()})
    assert combined.initial == Pair(Counter(1), Counter(2))
