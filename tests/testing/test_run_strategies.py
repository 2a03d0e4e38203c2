"""Runs and reachable states: folded while drawn, the same in every process, shrunk to the least."""

from __future__ import annotations

import functools
import itertools
import os
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from pyrsistent import PMap, pmap

from examples.todo.state import Root, TodoAdded, TodoDone, TodoRemoved
from examples.todo.state import root as todo
from refold.actions.action import Action, action
from refold.reducers.reducer import Reducer
from refold.replay.canonical_digest import canonical_digest
from refold.testing.run_strategies import folded_runs, runs_for
from refold.testing.state_strategies import states_for
from tests.house.checkout import CHECKOUT
from tests.strategies.observatory_actions import PartFailed
from tests.testing.finding import find
from tests.testing.reducers_of_project import REDUCERS

PATIENT = settings(max_examples=5000, database=None)
UNSHRUNK = settings(PATIENT, phases=[Phase.generate])
"""Enough where it is only asked whether something is drawn."""


@action("run_strategies/stock_changed")
class StockChanged(Action):
    """There is more or less of something."""

    name: str
    by: int


@action("run_strategies/item_forgotten")
class ItemForgotten(Action):
    """It is sold no more."""

    name: str


NO_STOCK: PMap[str, int] = pmap()
stock = Reducer(NO_STOCK)


@stock.on(StockChanged)
def _(state: PMap[str, int], action: StockChanged) -> PMap[str, int]:
    return state.set(action.name, state.get(action.name, 0) + action.by)


@stock.on(ItemForgotten)
def _(state: PMap[str, int], action: ItemForgotten) -> PMap[str, int]:
    return state.remove(action.name)  # raises if it is not there


PROGRAM = """
from hypothesis import given, seed, settings
from refold.replay.canonical_digest import canonical_digest
from refold.testing.run_strategies import runs_for
from tests.testing.reducers_of_project import REDUCERS

for name, reducer in REDUCERS.items():
    drawn = []

    @seed(7)
    @settings(max_examples=25, database=None, deadline=None)
    @given(runs_for(reducer))
    def draw(run):
        drawn.append(canonical_digest(run))

    draw()
    print(name, canonical_digest(tuple(drawn)))
"""


@pytest.mark.parametrize("name", REDUCERS)
@settings(suppress_health_check=[])
@given(data=st.data())
def test_times_of_a_run_never_decrease(name: str, data: st.DataObject) -> None:
    """Every action has a time, no earlier than the one before, in runs of at most 50 actions."""
    run = data.draw(runs_for(REDUCERS[name]))
    times = [one.at_ms for one in run if one.at_ms is not None]
    assert len(times) == len(run) <= 50
    assert times == sorted(times)


def test_the_time_is_set_back_if_asked() -> None:
    """With ``backwards`` a later action may have an earlier time."""

    def goes_back(run: tuple[Action, ...]) -> bool:
        times = [one.at_ms or 0 for one in run]
        return times != sorted(times)

    run = find(runs_for(todo, backwards=True), goes_back, settings=PATIENT)
    assert len(run) == 2


@given(runs_for(todo, max_size=3, actions=[TodoAdded, TodoRemoved]))
def test_size_and_classes_are_kept(run: tuple[Action, ...]) -> None:
    """A run has no more actions than asked for, and none of another class."""
    assert len(run) <= 3
    assert {type(one) for one in run} <= {TodoAdded, TodoRemoved}


@given(runs_for(stock))
def test_a_run_ends_with_the_action_that_raised(run: tuple[Action, ...]) -> None:
    """All but the last action fold; the exception stays inside the strategy."""
    functools.reduce(stock, run[:-1], stock.initial)


def test_a_raising_action_is_kept() -> None:
    """The shortest run that raises is the action that raises."""

    def raises(run: tuple[Action, ...]) -> bool:
        try:
            functools.reduce(stock, run, stock.initial)
        except KeyError:
            return True
        return False

    assert find(runs_for(stock), raises) == (ItemForgotten(name="a"),)


@settings(suppress_health_check=[])
@given(folded_runs(REDUCERS["observatory"]))
def test_the_state_is_the_one_before_what_raised(run: Any) -> None:
    """A reachable state is the fold of a run without the action that raised."""
    is_raised = bool(run.actions) and isinstance(run.actions[-1], PartFailed)
    folded = run.actions[:-1] if is_raised else run.actions
    state = functools.reduce(REDUCERS["observatory"], folded, REDUCERS["observatory"].initial)
    assert canonical_digest(state) == canonical_digest(run.state)


@given(states_for(todo))
def test_only_reachable_states_are_drawn(state: Root) -> None:
    """No todo has a number that was not given out."""
    present = state.todos.present
    assert all(number < present.next_number for number in present.items.ids)


def test_deep_states_are_drawn() -> None:
    """Eight todos at once, of which one is done, are drawn."""

    def is_deep(state: Root) -> bool:
        entities = state.todos.present.items.all
        return len(entities) >= 8 and any(one.is_done for one in entities)

    find(states_for(todo), is_deep, settings=UNSHRUNK)


def test_a_run_shrinks_to_the_least() -> None:
    """Two additions and a removal of the second one are found as exactly these, all simple."""

    def removes_the_second(run: tuple[Action, ...]) -> bool:
        state = functools.reduce(todo, run, todo.initial).todos.present
        return state.next_number >= 3 and 1 in state.items.ids and 2 not in state.items.ids

    run = find(runs_for(todo), removes_the_second, settings=PATIENT)
    assert run == (TodoAdded(text="a"), TodoAdded(text="a"), TodoRemoved(number=2))
    assert len({one.at_ms for one in run}) == 1


def _ends_with(wanted: StockChanged, run: tuple[Action, ...]) -> bool:
    return any(isinstance(one, StockChanged) and one.by == wanted.by for one in run[-1:])


def test_a_bound_is_found() -> None:
    """A change of mind at a number of the code is met from both sides, in one step each."""
    reducer = Reducer(NO_STOCK)

    @reducer.on(StockChanged)
    def _(state: PMap[str, int], action: StockChanged) -> PMap[str, int]:
        return state.set(action.name, action.by) if action.by > 4711 else state

    for wanted in (StockChanged(name="a", by=4711), StockChanged(name="a", by=4712)):
        run = find(runs_for(reducer), functools.partial(_ends_with, wanted), settings=PATIENT)
        assert run == (wanted,)


def test_an_action_is_repeated() -> None:
    """The same action twice in a row is drawn, with texts that nothing else would repeat."""
    find(
        runs_for(stock),
        lambda run: any(
            one == other and isinstance(one, StockChanged) and abs(one.by) > 1000
            for one, other in itertools.pairwise(run)
        ),
        settings=UNSHRUNK,
    )


def test_some_runs_leave_classes_out() -> None:
    """A run of one class alone is drawn, although there are ten."""

    def is_of_one_class(run: tuple[Action, ...]) -> bool:
        return len(run) >= 5 and len({one.wire_name for one in run}) == 1

    find(runs_for(todo), is_of_one_class, settings=UNSHRUNK)


def test_a_state_of_plain_values_is_enough() -> None:
    """The state of a plain function is folded as any other."""

    def count(state: int | None, action: Action) -> int:
        return (state or 0) + isinstance(action, TodoAdded)

    run = find(runs_for(count), lambda run: len(run) == 2)
    assert run == (TodoAdded(text="a"), TodoAdded(text="a"))


def test_the_same_seed_gives_the_same_runs_everywhere() -> None:
    """Processes that hash differently draw the same runs of every reducer."""
    printed = {_run_program(str(hash_seed)) for hash_seed in (0, 1)}
    assert len(printed) == 1
    assert len(printed.pop().splitlines()) == len(REDUCERS)


def _run_program(hash_seed: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        text=True,
        check=False,
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(CHECKOUT)},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_changing_reducer_is_read_again() -> None:
    """A handler that is declared later is drawn, too."""
    reducer = Reducer(0)
    reducer.on(TodoAdded)(lambda state, _action: state + 1)
    assert find(runs_for(reducer), bool) == (TodoAdded(text="a"),)
    reducer.on(TodoDone)(lambda state, _action: state)
    find(runs_for(reducer), lambda run: any(isinstance(one, TodoDone) for one in run))
