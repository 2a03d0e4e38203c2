"""Behaviours 127 to 138: initial states, handlers and their order, identity, falsy results.

What belongs here: what one reducer promises on its own.  What does not: slices of a root, which the
behaviours of `combine_reducers` pin.
"""

from __future__ import annotations

from typing import Any, cast

import attrs
import pytest

from refold.actions.action import Action, action
from refold.errors import (
    ActionDeclarationError,
    ReducerDeclarationError,
    ReducerReturnedNoneError,
    ValueTypeError,
)
from refold.reducers.combine_reducers import combine_reducers
from refold.reducers.reducer import Reducer
from refold.store.store import Store


@attrs.frozen
class Counter:
    """A state with one number."""

    value: int = 0


@attrs.frozen
class Trail:
    """A state that remembers which handlers ran, in order."""

    steps: tuple[str, ...] = ()


@attrs.frozen
class LeftAndRight:
    """A root of two slices that know each other's actions."""

    left: Counter = Counter()
    right: Counter = Counter()


@action("reducer_behaviours/increased")
class Increased(Action):
    """The counter went up."""

    by: int = 1


@action("reducer_behaviours/cleared")
class Cleared(Action):
    """The counter went back to nothing."""


@action("reducer_behaviours/nobody_cares")
class NobodyCares(Action):
    """No reducer of this file handles it."""


@action("reducer_behaviours_elsewhere/day_ended")
class DayEnded(Action):
    """An action of another group."""


@action("reducer_behaviours_left/left_moved")
class LeftMoved(Action):
    """The left one moved."""


@action("reducer_behaviours_right/right_moved")
class RightMoved(Action):
    """The right one moved."""


def any_action(_action: Action) -> bool:
    """Match every action."""
    return True


def no_action(_action: Action) -> bool:
    """Match no action."""
    return False


def add_step(name: str) -> Any:
    """Return a handler that appends its own name to the trail."""

    def handle(state: Trail, _action: Action) -> Trail:
        return Trail((*state.steps, name))

    return handle


def count_up(state: Counter, action: Increased) -> Counter:
    """Add what the action says."""
    return Counter(state.value + action.by)


def test_b127_a_missing_initial_state_is_reported() -> None:
    """A reducer declared without an initial state is refused, and told what is missing."""
    with pytest.raises(ReducerDeclarationError, match="initial"):
        cast("Any", Reducer)()


def test_b127_a_plain_function_that_gives_no_initial_state_is_reported() -> None:
    """A plain function that answers the state None with None has no initial state, and is told."""

    def forgets_its_initial_state(state: Any, _action: Action) -> Any:
        return state

    with pytest.raises((ReducerDeclarationError, ReducerReturnedNoneError), match="initial"):
        Store(Reducer.of(forgets_its_initial_state))


def test_b128_a_factory_is_called_only_when_no_state_is_given_never_at_declaration() -> None:
    """The factory of an initial state waits until somebody asks without giving a state."""
    calls: list[str] = []

    def make_initial() -> Counter:
        calls.append("made")
        return Counter(3)

    reducer = Reducer(factory=make_initial)
    reducer.on(Increased)(count_up)
    assert calls == []
    assert reducer(Counter(1), Increased()) == Counter(2)
    assert calls == []
    assert reducer(None, Increased()) == Counter(4)
    assert calls == ["made"]


def test_b128_a_store_with_a_given_state_never_calls_the_factory() -> None:
    """A store that is given its state does not ask the factory for another one."""
    calls: list[str] = []

    def make_initial() -> Counter:
        calls.append("made")
        return Counter(3)

    store = Store(Reducer(factory=make_initial), state=Counter(8))
    assert store.state == Counter(8)
    assert calls == []


def test_b128_a_store_without_a_given_state_takes_the_factorys() -> None:
    """A store that is given no state begins with what the factory makes."""
    assert Store(Reducer(factory=lambda: Counter(3))).state == Counter(3)


def test_b129_initial_gives_the_initial_state() -> None:
    """`reducer.initial` is the very object that the reducer was declared with."""
    initial = Counter(5)
    assert Reducer(initial).initial is initial
    assert Reducer(factory=lambda: Counter(6)).initial == Counter(6)


def test_b129_handlers_are_reachable_by_name_and_callable_alone() -> None:
    """`reducer.handlers` finds a handler by the wire name, and it runs without the reducer."""
    reducer = Reducer(Counter())
    declared = reducer.on(Increased, Cleared)(lambda state, _action: Counter(state.value + 10))
    assert set(reducer.handlers) == {
        "reducer_behaviours/increased",
        "reducer_behaviours/cleared",
    }
    assert reducer.handlers["reducer_behaviours/increased"](Counter(1), Increased()) == Counter(11)
    assert declared(Counter(2), Cleared()) == Counter(12)
    assert reducer.handles == frozenset({Increased, Cleared})


def test_b129_the_mapping_of_handlers_cannot_be_changed_from_outside() -> None:
    """Writing into `reducer.handlers` does not add a handler to the reducer."""
    reducer = Reducer(Counter())
    reducer.on(Increased)(count_up)
    handlers = cast("Any", reducer.handlers)
    with pytest.raises((TypeError, AttributeError)):
        handlers["reducer_behaviours/cleared"] = count_up


def test_b130_a_handler_for_an_action_of_another_group_is_called_for_it() -> None:
    """A reducer may handle an action whose wire name belongs to another group."""
    reducer = Reducer(Counter(7))
    reducer.on(DayEnded)(lambda _state, _action: Counter())
    assert reducer(Counter(7), DayEnded()) == Counter(0)


def test_b131_two_handlers_for_one_action_type_raise_naming_it() -> None:
    """A second handler for an action that has one is refused, and the action is named."""
    reducer = Reducer(Counter())
    reducer.on(Increased)(count_up)
    with pytest.raises(ReducerDeclarationError, match=r"reducer_behaviours/increased|Increased"):
        reducer.on(Increased)(count_up)
    assert reducer(Counter(1), Increased()) == Counter(2)


def test_b131_one_action_type_given_twice_to_on_raises_naming_it() -> None:
    """Naming the same action twice in one declaration is two handlers too."""
    reducer = Reducer(Counter())
    with pytest.raises(ReducerDeclarationError, match=r"reducer_behaviours/increased|Increased"):
        reducer.on(Increased, Increased)(count_up)


def test_b131_an_action_with_an_empty_name_raises() -> None:
    """An action whose wire name is empty is refused when it is declared."""
    with pytest.raises(ActionDeclarationError):

        @action("")
        class Nameless(Action):  # pyright: ignore[reportUnusedClass]  # declaring it is the test
            """Never declared."""


def test_b132_the_exact_handler_runs_first_then_every_matching_matcher_in_order() -> None:
    """The exact handler runs first, then all matching matchers as declared, each on the last."""
    reducer = Reducer(Trail())
    reducer.on(Increased)(add_step("exact"))
    reducer.on_any(any_action)(add_step("first matcher"))
    reducer.on_any(no_action)(add_step("never"))
    reducer.on_any(Increased)(add_step("second matcher"))
    reducer.on_any(lambda found: isinstance(found, Increased))(add_step("third matcher"))
    assert reducer(Trail(("start",)), Increased()).steps == (
        "start",
        "exact",
        "first matcher",
        "second matcher",
        "third matcher",
    )
    assert reducer(Trail(), Cleared()).steps == ("first matcher",)


def test_b133_the_default_handler_runs_only_if_nothing_matched() -> None:
    """The default handler sees exactly the actions that no exact handler and no matcher took."""
    reducer = Reducer(Trail())
    reducer.on(Increased)(add_step("exact"))
    reducer.on_any(lambda found: isinstance(found, Cleared))(add_step("matcher"))
    reducer.otherwise(add_step("default"))
    assert reducer(Trail(), Increased()).steps == ("exact",)
    assert reducer(Trail(), Cleared()).steps == ("matcher",)
    assert reducer(Trail(), NobodyCares()).steps == ("default",)


def test_b134_an_exact_handler_after_matchers_raises() -> None:
    """An exact handler may not be declared after a matcher, as it would not run after it."""
    reducer = Reducer(Trail())
    reducer.on_any(any_action)(add_step("matcher"))
    with pytest.raises(ReducerDeclarationError):
        reducer.on(Increased)(add_step("exact"))


def test_b134_an_exact_handler_after_the_default_raises() -> None:
    """An exact handler may not be declared after the default one."""
    reducer = Reducer(Trail())
    reducer.otherwise(add_step("default"))
    with pytest.raises(ReducerDeclarationError):
        reducer.on(Increased)(add_step("exact"))


def test_b134_a_matcher_after_the_default_raises() -> None:
    """A matcher may not be declared after the default handler."""
    reducer = Reducer(Trail())
    reducer.otherwise(add_step("default"))
    with pytest.raises(ReducerDeclarationError):
        reducer.on_any(any_action)(add_step("matcher"))


def test_b134_two_defaults_raise() -> None:
    """A reducer has at most one default handler."""
    reducer = Reducer(Trail())
    reducer.otherwise(add_step("default"))
    with pytest.raises(ReducerDeclarationError):
        reducer.otherwise(add_step("second default"))
    assert reducer(Trail(), NobodyCares()).steps == ("default",)


@pytest.mark.parametrize(
    ("before", "falsy"), [(5, 0), ("text", ""), (True, False), ((1, 2), ()), (2.5, 0.0)]
)
def test_b135_a_handler_may_return_a_falsy_value(before: object, falsy: object) -> None:
    """A falsy state is a state: it is kept, and the initial one does not come back."""
    reducer = Reducer(before)
    reducer.on(Cleared)(lambda _state, _action: falsy)
    assert reducer(before, Cleared()) is falsy
    assert reducer(falsy, NobodyCares()) is falsy
    store = Store(reducer)
    store.dispatch(Cleared())
    store.dispatch(NobodyCares())
    assert store.state is falsy


def test_b135_returning_none_for_a_state_type_that_excludes_it_raises() -> None:
    """A handler that forgets its return is reported with the action's name; the state stays."""

    def forget_to_return(_state: Counter, _action: Cleared) -> None:
        pass

    reducer = Reducer(Counter(5))
    reducer.on(Cleared)(cast("Any", forget_to_return))
    store = Store(reducer)
    before = store.state
    with pytest.raises(ReducerReturnedNoneError, match=r"reducer_behaviours/cleared|Cleared"):
        store.dispatch(Cleared())
    assert store.state is before


def test_b135_returning_none_for_a_state_type_that_allows_it_is_fine() -> None:
    """A reducer whose state may be None may return None."""
    reducer = Reducer[Counter | None](None)
    reducer.on(Increased)(lambda state, action: Counter((state.value if state else 0) + action.by))
    reducer.on(Cleared)(lambda _state, _action: None)
    store = Store(reducer)
    store.dispatch(Increased(2))
    assert store.state == Counter(2)
    store.dispatch(Cleared())
    assert store.state is None


def test_b136_a_handler_that_returns_the_state_unchanged_keeps_identity() -> None:
    """A handler that returns what it was given leaves the identical object, in the store too."""
    reducer = Reducer(Counter(9))
    reducer.on(Cleared)(lambda state, _action: state)
    state = Counter(9)
    assert reducer(state, Cleared()) is state
    store = Store(reducer)
    before = store.state
    store.dispatch(Cleared())
    assert store.state is before


def test_b137_state_that_leaves_the_reducer_cannot_be_changed_from_outside() -> None:
    """Neither the initial state nor a result can be written to."""
    reducer = Reducer(Counter(1))
    reducer.on(Increased)(count_up)
    result = reducer(None, Increased())
    for record in (reducer.initial, result):
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            cast("Any", record).value = 99
    assert reducer.initial == Counter(1)
    assert result == Counter(2)


@pytest.mark.parametrize(
    "mutable", [[1], {"a": 1}, {1}, bytearray(b"a")], ids=lambda v: type(v).__name__
)
def test_b137_an_initial_state_that_could_be_changed_is_refused(mutable: object) -> None:
    """A mutable initial state never gets into a store."""
    with pytest.raises(ValueTypeError, match=type(mutable).__name__):
        Store(Reducer(mutable))


def test_b138_two_reducers_may_refer_to_each_others_actions() -> None:
    """Reducers may handle each other's actions, whichever of the two was declared first."""
    left = Reducer(Counter())
    right = Reducer(Counter())
    left.on(RightMoved)(lambda state, _action: Counter(state.value + 1))
    right.on(LeftMoved)(lambda state, _action: Counter(state.value + 10))
    left.on(LeftMoved)(lambda state, _action: Counter(state.value + 100))
    right.on(RightMoved)(lambda state, _action: Counter(state.value + 1000))
    store = Store(combine_reducers(LeftAndRight, left=left, right=right))
    store.dispatch(LeftMoved())
    assert store.state == LeftAndRight(Counter(100), Counter(10))
    store.dispatch(RightMoved())
    assert store.state == LeftAndRight(Counter(101), Counter(1010))
