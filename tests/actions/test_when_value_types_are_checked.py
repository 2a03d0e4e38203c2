"""When the types of fields are checked: actions at `Reducer.on`, the state at `Store`.

What belongs here: the moment of each check, and types that cannot be resolved yet.  What does not:
which types are allowed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import attrs
import pytest
from pyrsistent import PMap, PVector  # the check reads them at run time

from refold.actions.action import Action, action
from refold.errors import RefoldError, ValueTypeError
from refold.reducers.combine_reducers import combine_reducers
from refold.reducers.reducer import Reducer
from refold.store.store import Store

if TYPE_CHECKING:
    from fractions import Fraction as NeverImported  # noqa: TC004  # never there at run time


@attrs.frozen
class Tree:
    """A record that contains itself."""

    text: str
    children: PVector[Tree]


@attrs.frozen
class Todo:
    """A record with a list."""

    text: str
    tags: list[str]


@attrs.frozen
class SickRoot:
    """A state with a list deep inside."""

    count: int
    todos: PMap[str, Todo]


@attrs.frozen
class SickSlice:
    """A slice's state with a dictionary."""

    by_name: dict[str, int] = attrs.field(factory=dict[str, int])


@attrs.frozen
class RootOfSickSlice:
    """A root with that slice."""

    healthy: int
    sick: SickSlice


@action("when_types_are_checked/healthy")
class Healthy(Action):
    """An action with allowed fields only."""

    name: str
    tree: Tree
    points: tuple[int, ...] = ()


@action("when_types_are_checked/sick")
class Sick(Action):
    """An action with a list."""

    name: str
    tags: list[str]


@action("when_types_are_checked/sick_deep_inside")
class SickDeepInside(Action):
    """An action that carries a record with a list."""

    todos: PMap[str, Todo]


@action("when_types_are_checked/refers_forward")
class RefersForward(Action):
    """An action whose field type does not exist yet when a reducer takes it."""

    later: DeclaredLater


@action("when_types_are_checked/refers_forward_to_sick")
class RefersForwardToSick(Action):
    """An action whose field type will turn out to be one that can change."""

    later: SickDeclaredLater


@action("when_types_are_checked/refers_to_nothing")
class RefersToNothing(Action):
    """An action whose field type exists for the type checkers only."""

    never: NeverImported


forward = Reducer(0)


@forward.on(RefersForward)
def _(_state: int, action: RefersForward) -> int:
    return action.later.number


forward_to_sick = Reducer(0)


@forward_to_sick.on(RefersForwardToSick)
def _(_state: int, action: RefersForwardToSick) -> int:
    return action.later.number


@attrs.frozen
class DeclaredLater:
    """A record that is declared after its first mention."""

    number: int


@attrs.define
class SickDeclaredLater:
    """A record that is declared after its first mention, and can change."""

    number: int


def test_declaring_an_action_checks_nothing_yet() -> None:
    """A class with a field that can change may be declared; only its use is refused."""
    assert Sick("a", ["b"]).tags == ["b"]


def test_actions_are_checked_when_a_reducer_first_takes_them() -> None:
    """`Reducer.on` refuses an action with a field that can change, and names class and field."""
    reducer = Reducer(0)
    with pytest.raises(ValueTypeError) as raised:
        reducer.on(Sick)(lambda state, _action: state)
    assert raised.value.path == "Sick.tags"
    for word in ("Sick.tags", "list", "tuple", "PVector"):
        assert word in str(raised.value)
    assert isinstance(raised.value, TypeError)


def test_actions_are_checked_deeply() -> None:
    """The check of an action goes through the records that it carries."""
    with pytest.raises(ValueTypeError) as raised:
        Reducer(0).on(SickDeepInside)(lambda state, _action: state)
    assert raised.value.path == "SickDeepInside.todos[value].tags"


def test_refused_action_is_refused_by_the_next_reducer_too() -> None:
    """The check is not forgotten because it failed before."""
    for _ in range(2):
        with pytest.raises(ValueTypeError):
            Reducer(0).on(Sick)(lambda state, _action: state)


def test_one_of_several_actions_is_checked_too() -> None:
    """Each of the actions given to one `on` is checked."""
    with pytest.raises(ValueTypeError, match=r"Sick\.tags"):
        Reducer(0).on(Healthy, Sick)(lambda state, _action: state)


def test_healthy_actions_pass() -> None:
    """An action with allowed fields is taken."""
    reducer = Reducer(0)
    reducer.on(Healthy)(lambda state, action: state + len(action.points))
    assert reducer.handles == frozenset({Healthy})


def test_state_is_checked_when_the_store_is_made() -> None:
    """`Store` refuses a state type with a field that can change, and names the path to it."""
    reducer = Reducer(SickRoot(0, cast("Any", None)))
    with pytest.raises(ValueTypeError) as raised:
        Store(reducer)
    assert raised.value.path == "SickRoot.todos[value].tags"
    assert "PVector" in str(raised.value)


def test_root_of_combined_slices_is_checked_when_the_store_is_made() -> None:
    """`Store` checks the whole root, slices included."""
    combined = combine_reducers(RootOfSickSlice, healthy=Reducer(0), sick=Reducer(SickSlice()))
    with pytest.raises(ValueTypeError) as raised:
        Store(combined)
    assert raised.value.path == "RootOfSickSlice.sick.by_name"
    assert "PMap" in str(raised.value)


def test_type_that_cannot_be_resolved_yet_is_checked_when_the_store_is_made() -> None:
    """A handler may be declared before a field's type exists; the store checks it then."""
    store = Store(forward)
    store.dispatch(RefersForward(DeclaredLater(5)))
    assert store.state == 5


def test_type_that_turns_out_to_be_refused_is_refused_by_the_store() -> None:
    """A type that could not be resolved at `on` is refused at the store, with its path."""
    with pytest.raises(ValueTypeError) as raised:
        Store(forward_to_sick)
    assert raised.value.path.startswith("RefersForwardToSick.later")
    assert "frozen" in str(raised.value)


def test_type_that_never_can_be_resolved_is_refused_by_the_store() -> None:
    """A type that only the type checkers import is refused at the store, by its name."""
    reducer = Reducer(0)
    reducer.on(RefersToNothing)(lambda state, _action: state)
    with pytest.raises(RefoldError, match="NeverImported") as raised:
        Store(reducer)
    assert "RefersToNothing" in str(raised.value)
