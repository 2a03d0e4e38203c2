"""Child reducers: one for each entry of a map, one for an optional field, and the catch-alls.

What belongs here: `for_each`, `optional`, and how they stand beside `on`, `on_any` and `otherwise`.
What does not: slices of a root.
"""

from __future__ import annotations

from typing import Any, cast

import attrs
import pytest
from pyrsistent import PMap, pmap

from refold.actions.action import Action, action
from refold.errors import ReducerReturnedNoneError
from refold.reducers.combine_reducers import combine_reducers
from refold.reducers.evolve import evolve
from refold.reducers.reducer import Reducer
from refold.store.store import Store


@attrs.frozen
class Lamp:
    """One lamp of a house."""

    is_on: bool = False
    switched: int = 0


@attrs.frozen
class Visitor:
    """Somebody who may be there or not."""

    name: str
    rings: int = 0


NO_LAMPS: PMap[str, Lamp] = pmap()


@attrs.frozen
class House:
    """Lamps by their rooms, a visitor or none, and what the house noticed."""

    lamps: PMap[str, Lamp] = NO_LAMPS
    visitor: Visitor | None = None
    noticed: tuple[str, ...] = ()


@attrs.frozen
class Street:
    """A root with one house."""

    house: House


@attrs.frozen
class RootOfHouses:
    """Houses by their numbers."""

    houses: PMap[str, House]


@action("child_reducers/lamp_switched")
class LampSwitched(Action):
    """The lamp of a room was switched."""

    room: str | None


@action("child_reducers/lamp_touched")
class LampTouched(Action):
    """The lamp of a room was touched, which changes nothing."""

    room: str


@action("child_reducers/bell_rung")
class BellRung(Action):
    """Somebody rang the bell."""


@action("child_reducers/visitor_came")
class VisitorCame(Action):
    """A visitor came in."""

    name: str


@action("child_reducers/visitor_went")
class VisitorWent(Action):
    """The visitor went away."""


@action("child_reducers/night_fell")
class NightFell(Action):
    """Nobody handles it by its type."""


HOUSE = House(lamps=pmap({"hall": Lamp(), "attic": Lamp(is_on=True)}))


def room_of(found: Action) -> str | None:
    """Return the room that an action is about."""
    assert isinstance(found, LampSwitched | LampTouched)
    return found.room


def notice(text: str) -> Any:
    """Return a handler that lets the house notice something."""

    def handle(state: House, _action: Action) -> House:
        return evolve(state, noticed=(*state.noticed, text))

    return handle


def make_lamp() -> Reducer[Lamp]:
    """Return the reducer of one lamp."""
    lamp = Reducer(Lamp())

    @lamp.on(LampSwitched)
    def _(state: Lamp, _action: LampSwitched) -> Lamp:
        return Lamp(not state.is_on, state.switched + 1)

    @lamp.on(LampTouched)
    def _(state: Lamp, _action: LampTouched) -> Lamp:
        return state

    return lamp


def make_visitor() -> Reducer[Visitor]:
    """Return the reducer of a visitor who is there."""
    visitor = Reducer(Visitor("nobody"))

    @visitor.on(BellRung)
    def _(state: Visitor, _action: BellRung) -> Visitor:
        return evolve(state, rings=state.rings + 1)

    return visitor


def make_house(initial: House = HOUSE) -> Reducer[House]:
    """Return the reducer of a house with lamps and a visitor."""
    house = Reducer(initial)
    house.for_each("lamps", make_lamp(), key=room_of)
    house.optional("visitor", make_visitor())

    @house.on(VisitorCame)
    def _(state: House, action: VisitorCame) -> House:
        return evolve(state, visitor=Visitor(action.name))

    @house.on(VisitorWent)
    def _(state: House, _action: VisitorWent) -> House:
        return evolve(state, visitor=None)

    return house


def test_for_each_folds_the_action_into_the_entry_of_its_key() -> None:
    """The child folds exactly the entry that the key names; the others stay the same objects."""
    before = HOUSE
    after = make_house()(before, LampSwitched("hall"))
    assert after.lamps["hall"] == Lamp(is_on=True, switched=1)
    assert after.lamps["attic"] is before.lamps["attic"]
    assert before.lamps["hall"] == Lamp()
    assert set(after.lamps) == {"hall", "attic"}


@pytest.mark.parametrize("room", ["cellar", None])
def test_for_each_changes_nothing_for_a_key_that_is_absent_or_none(room: str | None) -> None:
    """An action for no entry leaves the identical state, and adds no entry."""
    assert make_house()(HOUSE, LampSwitched(room)) is HOUSE


def test_for_each_keeps_identity_when_the_entry_did_not_change() -> None:
    """A child that returns its state unchanged leaves map and state the identical objects."""
    assert make_house()(HOUSE, LampTouched("hall")) is HOUSE


def test_for_each_asks_for_the_key_only_for_actions_the_child_handles() -> None:
    """An action that the child does not handle never reaches the key function."""
    asked: list[Action] = []

    def remember(found: Action) -> str | None:
        asked.append(found)
        return room_of(found)

    house = Reducer(HOUSE)
    house.for_each("lamps", make_lamp(), key=remember)
    assert house(HOUSE, BellRung()) is HOUSE
    assert asked == []
    house(HOUSE, LampSwitched("hall"))
    assert asked == [LampSwitched("hall")]


def test_for_each_may_be_declared_before_the_childs_handlers() -> None:
    """A child that learns its handlers later still folds their actions."""
    lamp = Reducer(Lamp())
    house = Reducer(HOUSE)
    house.for_each("lamps", lamp, key=room_of)
    assert house(HOUSE, LampSwitched("hall")) is HOUSE
    lamp.on(LampSwitched)(lambda state, _action: Lamp(is_on=True, switched=state.switched))
    assert house(HOUSE, LampSwitched("hall")).lamps["hall"].is_on is True


def test_optional_runs_the_child_while_the_field_is_there() -> None:
    """The child folds the field as long as it is not None."""
    house = make_house()
    there = evolve(HOUSE, visitor=Visitor("ada"))
    assert house(there, BellRung()).visitor == Visitor("ada", rings=1)


def test_optional_does_not_run_the_child_while_the_field_is_none() -> None:
    """While the field is None the child is not run, and the state stays the identical object."""
    assert HOUSE.visitor is None
    assert make_house()(HOUSE, BellRung()) is HOUSE


def test_optional_child_starts_and_stops_with_the_field() -> None:
    """Own handlers put the child's state there and take it away; the child folds in between."""
    store = Store(make_house())
    store.dispatch(BellRung())
    store.dispatch(VisitorCame("ada"))
    store.dispatch(BellRung())
    store.dispatch(BellRung())
    assert store.state.visitor == Visitor("ada", rings=2)
    store.dispatch(VisitorWent())
    store.dispatch(BellRung())
    assert store.state.visitor is None


def test_children_run_before_own_handlers() -> None:
    """A reducer's own handler of a child's action sees what the child made of it."""
    house = make_house()
    seen: list[tuple[bool, int]] = []

    @house.on(LampSwitched, BellRung)
    def _(state: House, _action: LampSwitched | BellRung) -> House:
        seen.append((state.lamps["hall"].is_on, state.visitor.rings if state.visitor else 0))
        return evolve(state, noticed=(*state.noticed, "own"))

    after = house(evolve(HOUSE, visitor=Visitor("ada")), LampSwitched("hall"))
    after = house(after, BellRung())
    assert seen == [(True, 0), (True, 1)]
    assert after.noticed == ("own", "own")


def test_children_see_what_an_earlier_child_left() -> None:
    """Two children of one reducer both fold an action that both handle."""
    house = Reducer(evolve(HOUSE, visitor=Visitor("ada")))
    visitor = Reducer(Visitor("nobody"))
    visitor.on(LampSwitched)(lambda state, _action: evolve(state, rings=state.rings + 10))
    house.for_each("lamps", make_lamp(), key=room_of)
    house.optional("visitor", visitor)
    after = house(house.initial, LampSwitched("hall"))
    assert after.lamps["hall"].is_on is True
    assert after.visitor == Visitor("ada", rings=10)


def test_handles_names_the_actions_of_the_children_too() -> None:
    """`handles` has the reducer's own actions and those of its children."""
    assert make_house().handles == frozenset(
        {LampSwitched, LampTouched, BellRung, VisitorCame, VisitorWent}
    )


def test_actions_of_children_are_routed_through_combined_slices() -> None:
    """A combined reducer routes to a slice what only a child of it handles."""
    store = Store(combine_reducers(Street, house=make_house()))
    before = store.state
    store.dispatch(NightFell())
    assert store.state is before
    store.dispatch(LampSwitched("attic"))
    assert store.state.house.lamps["attic"] == Lamp(is_on=False, switched=1)


def test_children_nest() -> None:
    """The reducer of an entry may have children of its own."""
    root = Reducer(RootOfHouses(pmap({"1": HOUSE})))
    root.for_each("houses", make_house(), key=lambda _found: "1")
    after = root(None, LampSwitched("hall"))
    assert after.houses["1"].lamps["hall"].is_on is True
    assert root(None, LampSwitched("cellar")) is root.initial


def test_child_that_returns_none_is_reported() -> None:
    """A child that forgets its return is reported with the action, and the state stays."""

    def forget_to_return(_state: Lamp, _action: LampSwitched) -> None:
        pass

    lamp = Reducer(Lamp())
    lamp.on(LampSwitched)(cast("Any", forget_to_return))
    house = Reducer(HOUSE)
    house.for_each("lamps", lamp, key=room_of)
    store = Store(house)
    with pytest.raises(
        ReducerReturnedNoneError, match=r"child_reducers/lamp_switched|LampSwitched"
    ):
        store.dispatch(LampSwitched("hall"))
    assert store.state is HOUSE


def test_on_any_runs_for_the_actions_of_children_after_them() -> None:
    """A matcher's handler sees what the child left."""
    house = make_house()
    house.on_any(lambda found: isinstance(found, LampSwitched))(
        lambda state, _action: evolve(state, noticed=(str(state.lamps["hall"].is_on),))
    )
    assert house(HOUSE, LampSwitched("hall")).noticed == ("True",)


def test_on_any_handlers_run_in_order_each_on_the_last() -> None:
    """Several matchers that match run as declared."""
    house = make_house()
    house.on_any(lambda _found: True)(notice("first"))
    house.on_any(VisitorCame)(notice("second"))
    after = house(HOUSE, VisitorCame("ada"))
    assert after.visitor == Visitor("ada")
    assert after.noticed == ("first", "second")
    assert house(HOUSE, NightFell()).noticed == ("first",)


def test_otherwise_runs_for_actions_that_nobody_handles() -> None:
    """The default handler gets what neither own handlers nor matchers want."""
    house = make_house()
    house.otherwise(notice("something"))
    assert house(HOUSE, NightFell()).noticed == ("something",)
    assert house(HOUSE, VisitorCame("ada")).noticed == ()


def test_otherwise_as_a_decorator_gives_the_function_back() -> None:
    """`@reducer.otherwise` stands without parentheses and leaves the function what it was."""
    house = Reducer(HOUSE)
    handler = notice("something")
    given_back: list[object] = [house.on(NightFell)(handler)]
    given_back.extend((house.on_any(NightFell)(handler), house.otherwise(handler)))
    assert all(each is handler for each in given_back)


def test_otherwise_of_a_slice_is_reached_through_combined_slices() -> None:
    """A slice with a default handler gets the actions that nobody handles by type."""
    house = make_house()
    house.otherwise(notice("something"))
    store = Store(combine_reducers(Street, house=house))
    store.dispatch(NightFell())
    assert store.state.house.noticed == ("something",)
