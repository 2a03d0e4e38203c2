"""`CellFold`: the very state that calling the reducer for each action gives, or none at all."""

from __future__ import annotations

from typing import Any

import attrs
from hypothesis import given
from hypothesis import strategies as st

from refold.actions.action import Action, action
from refold.reducers.combine_reducers import CombinedReducer, combine_reducers
from refold.reducers.reducer import Reducer
from refold.replay.cell_fold import CellFold
from tests.strategies.observatory_reducer import make_observatory
from tests.strategies.observatory_strategies import runs
from tests.strategies.sameness import exactly_same


@attrs.frozen
class Shelf:
    """Two slices."""

    count: int = 0
    text: str = ""


@action("cell_fold/counted")
class Counted(Action):
    """For both slices."""

    by: int


@action("cell_fold/named")
class Named(Action):
    """For one slice."""

    text: str


@action("cell_fold/ignored")
class Ignored(Action):
    """For no slice."""


def make_shelf() -> CombinedReducer[Shelf]:
    """Return a reducer that raises for 3 and forgets to return for 4."""
    count, text = Reducer(0), Reducer("")

    @count.on(Counted)
    def _(state: int, action: Counted) -> Any:
        return {3: None}.get(action.by, state + action.by)

    @text.on(Counted)
    def _(state: str, action: Counted) -> str:
        if action.by == 4:
            raise ZeroDivisionError
        return state + "+" * action.by

    @text.on(Named)
    def _(_state: str, action: Named) -> str:
        return action.text

    return combine_reducers(Shelf, count=count, text=text)


def fold_one_by_one(reducer: Reducer[Any], state: Any, actions: list[Action]) -> Any:
    """Return the state after actions; None if the reducer raised."""
    for each in actions:
        try:
            state = reducer(state, each)
        except Exception:  # noqa: BLE001  # any
            return None
    return state


shelf_actions = st.lists(
    st.builds(Counted, st.sampled_from([0, 0, 1, 2, 3, 4]))
    | st.builds(Named, st.sampled_from(["", "a"]))
    | st.just(Ignored()),
    max_size=8,
)


@given(actions=shelf_actions)
def test_it_gives_what_the_reducer_gives_or_none_if_that_raises(actions: list[Action]) -> None:
    """Slices are folded in cells; what raises, or forgets to return, gives no state."""
    reducer = make_shelf()
    wanted = fold_one_by_one(reducer, reducer.initial, actions)
    found = CellFold(reducer).fold(reducer.initial, actions)
    assert found == wanted
    if wanted is reducer.initial:
        assert found is reducer.initial


@given(actions=runs)
def test_a_whole_application_is_folded_the_same(actions: list[Action]) -> None:
    """Handlers of the root, maps of children and failing parts give what the reducer gives."""
    reducer = make_observatory()
    wanted = fold_one_by_one(reducer, reducer.initial, actions)
    found = CellFold(reducer).fold(reducer.initial, actions)
    assert exactly_same(found, wanted)


@given(actions=shelf_actions)
def test_a_state_of_one_piece_is_folded_the_same(actions: list[Action]) -> None:
    """A reducer without slices is one cell."""
    reducer = make_shelf().slices["text"]
    wanted = fold_one_by_one(reducer, "", actions)
    assert CellFold(reducer).fold("", actions) == wanted


def add_one(state: int, _action: Action) -> int:
    """Return the next number."""
    return state + 1


def test_a_handler_that_is_added_later_is_met() -> None:
    """What was looked up is forgotten when the reducer changes."""
    reducer = Reducer(0)
    cells = CellFold(reducer)
    assert cells.fold(1, [Ignored()]) == 1
    reducer.on(Ignored)(add_one)
    assert cells.fold(1, [Ignored()]) == 2


@attrs.frozen
class LateShelf:
    """A slice that is absent until its reducer is injected."""

    count: int
    text: str


def test_a_state_without_all_slices_is_left_to_the_reducer() -> None:
    """The reducer itself gives an injected slice its initial state."""
    reducer = combine_reducers(LateShelf, count=make_shelf().slices["count"])
    early, cells = reducer.initial, CellFold(reducer)
    assert cells.fold(early, [Counted(1)]) is None
    reducer.inject("text", make_shelf().slices["text"])
    assert cells.fold(early, [Counted(1)]) is None
    late = reducer(early, Counted(1))
    assert cells.fold(late, [Counted(1)]) == LateShelf(2, "++")


def keep(state: Any, _action: Action) -> Any:
    """Return the state as it is."""
    return state


def test_a_plain_function_is_never_asked_for_steps() -> None:
    """A function that is no reducer has no steps; one that was made a reducer has one."""
    assert CellFold(keep).fold(1, [Ignored()]) is None
    assert CellFold(Reducer.of(keep)).fold(1, [Ignored()]) == 1
