"""One action in a given state: it hits what is there, and its time never runs backwards."""

from __future__ import annotations

import functools
from collections import Counter
from typing import Any

import attrs
import pytest
from attrs import validators
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pyrsistent import PMap, pmap

from examples.todo.state import TodoAdded, TodoDone, TodoEdited, TodoRemoved
from examples.todo.state import root as todo
from refold.actions.action import Action, action
from refold.actions.undo import Jump, Redo, Undo
from refold.errors import StrategyError
from refold.reducers.ledger import ledger_reducer
from refold.reducers.reducer import Reducer
from refold.reducers.undoable import undoable
from refold.replay.action_codec import decode_action, encode_payload
from refold.replay.log_record import LogRecord
from refold.testing.action_strategies import actions_for
from refold.testing.small_values import START_MS
from tests.strategies.sameness import exactly_same
from tests.testing.finding import find
from tests.testing.reducers_of_project import REDUCERS

UNSHRUNK = settings(max_examples=5000, database=None, phases=[Phase.generate])
"""Enough where it is only asked whether something is drawn."""

SOME_TODOS = functools.reduce(
    todo, [TodoAdded(text=text) for text in ("milk", "bread", "tea")], todo.initial
)


@action("action_strategies/paid")
class Paid(Action):
    """Something was paid, but never nothing."""

    cents: int = attrs.field(validator=validators.ge(1))
    when_at_ms: int = 0


@action("action_strategies/named")
class Named(Action):
    """A key that stands in the state."""

    key: tuple[str, int]
    order: tuple[str, ...]


def _as_record(one: Action) -> LogRecord:
    return LogRecord(
        seq=1,
        id="a-1",
        name=one.wire_name,
        version=one.wire_version,
        at_ms=one.at_ms,
        cause=None,
        origin="app",
        payload=encode_payload(one),
    )


@pytest.mark.parametrize("name", REDUCERS)
@settings(suppress_health_check=[])
@given(data=st.data())
def test_every_action_is_handled_timed_and_survives_a_log(name: str, data: st.DataObject) -> None:
    """For each reducer of the project, with Hypothesis' own health checks in force."""
    one = data.draw(actions_for(REDUCERS[name]))
    assert type(one) in REDUCERS[name].handles
    assert one.at_ms is not None
    assert one.at_ms >= START_MS
    assert exactly_same(decode_action(_as_record(one)), one)


def _is_of(cls: type[Action], one: Action) -> bool:
    return type(one) is cls


def _is_at(at_ms: int, one: Action) -> bool:
    return one.at_ms == at_ms


@pytest.mark.parametrize("name", REDUCERS)
def test_every_class_is_drawn(name: str) -> None:
    """Slices, children, entities, operations and undo are all drawn."""
    for cls in REDUCERS[name].handles:
        find(actions_for(REDUCERS[name]), functools.partial(_is_of, cls), settings=UNSHRUNK)


def test_half_of_all_updates_hit() -> None:
    """Of the actions that name a todo, half or more name one that is there."""
    updates: Any = actions_for(todo, state=SOME_TODOS, actions=[TodoEdited, TodoDone, TodoRemoved])
    counts: Counter[bool] = Counter()

    @settings(max_examples=300, database=None, derandomize=True)
    @given(st.lists(updates, min_size=8, max_size=8))
    def count(drawn: list[Any]) -> None:
        counts.update(one.number in {1, 2, 3} for one in drawn)

    count()
    assert counts[True] >= counts[False]


def test_texts_and_neighbours_of_the_state_are_drawn() -> None:
    """A text that stands in the state, and the numbers just beside its ids, are drawn."""
    strategy = actions_for(todo, state=SOME_TODOS, actions=[TodoEdited])
    find(strategy, lambda one: one == TodoEdited(number=4, text="bread"), settings=UNSHRUNK)


@given(st.integers(0, 2**42), st.data())
def test_the_time_begins_where_it_is_said(now_ms: int, data: st.DataObject) -> None:
    """No action is earlier than the time given."""
    one = data.draw(actions_for(todo, now_ms=now_ms))
    assert one.at_ms is not None
    assert one.at_ms >= now_ms


@pytest.mark.parametrize("step_ms", [0, 1, 1000, 3_600_000, 86_400_000])
def test_sensible_steps_of_time_are_drawn(step_ms: int) -> None:
    """No time at all, a moment, an hour and a day are drawn."""
    find(actions_for(todo, now_ms=5), lambda one: one.at_ms == 5 + step_ms, settings=UNSHRUNK)


def test_a_timeout_of_the_code_is_met() -> None:
    """A number in the code leads to the time that much later, and to both neighbours."""
    reducer = Reducer(0)

    @reducer.on(Paid)
    def _(state: int, action: Paid) -> int:
        return 1 if action.at_ms and action.at_ms - state > 77_777 else 0

    for step_ms in (77_776, 77_777, 77_778):
        is_then = functools.partial(_is_at, 10 + step_ms)
        find(actions_for(reducer, now_ms=10), is_then, settings=UNSHRUNK)


@settings(suppress_health_check=[])
@given(st.data())
def test_validators_of_actions_are_obeyed(data: st.DataObject) -> None:
    """Also when the state is full of values that are refused."""
    reducer: Reducer[tuple[int, ...]] = Reducer((0, -1, -2, -3))
    reducer.on(Paid)(lambda state, _action: state)
    paid: Any = data.draw(actions_for(reducer))
    assert paid.cents >= 1


def test_a_time_as_a_field_is_near() -> None:
    """A field that is named like a time is drawn at the present time."""
    reducer = Reducer(0)
    reducer.on(Paid)(lambda state, _action: state)
    strategy: Any = actions_for(reducer, now_ms=123_456)
    find(strategy, lambda paid: paid.when_at_ms == 123_456, settings=UNSHRUNK)


def test_keys_that_are_rows_and_whole_collections_are_drawn() -> None:
    """Keys of a map are drawn together, as somebody who sorts them would."""
    start: PMap[str, int] = pmap({"x1": 1, "x2": 2, "x3": 3})
    reducer = Reducer(start)
    reducer.on(Named)(lambda state, _action: state)
    strategy: Any = actions_for(reducer)
    find(strategy, lambda one: one.order == ("x3", "x2", "x1"), settings=UNSHRUNK)
    find(strategy, lambda one: one.key == ("x2", 3), settings=UNSHRUNK)


def test_undo_reaches_its_scope() -> None:
    """Actions of an undoable state mostly have its scope."""
    reducer = undoable(Reducer(0), scope="text")
    for cls in (Undo, Redo, Jump):
        strategy: Any = actions_for(reducer, actions=[cls])
        assert find(strategy, lambda _: True).scope == "text"
        find(strategy, lambda one: one.scope != "text", settings=UNSHRUNK)


def test_a_reducer_without_known_actions_is_refused() -> None:
    """The error says how to name the classes."""
    with pytest.raises(StrategyError, match=r"actions=\[TodoAdded"):
        actions_for(Reducer.of(lambda state, _action: state, 0))


def test_classes_may_be_named() -> None:
    """A plain function is drawn actions for if they are named."""
    strategy = actions_for(lambda state, _action: state or 0, actions=[TodoRemoved])
    assert isinstance(find(strategy, lambda _: True), TodoRemoved)


def test_what_is_no_action_class_is_refused() -> None:
    """The error shows what came."""
    with pytest.raises(StrategyError, match=r"expects declared action classes, got 3"):
        actions_for(todo, actions=[3])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]  # users without a type checker


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_the_same_actions_are_equal(data: st.DataObject) -> None:
    """What is drawn has a hash and equals itself, so that a state may be compared."""
    one = data.draw(actions_for(ledger_reducer))
    assert attrs.evolve(one) == one  # type: ignore[misc]  # an action is an attrs class
    assert hash(one) == hash(attrs.evolve(one))  # type: ignore[misc]  # an action is an attrs class
