"""`refold` as its documentation says to use it: one handler per action class, a `Store` around it.

The handlers' bodies are those of `contestant_bare`, with the ordinary attrs constructors.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from contestant import LocalContestant
from heard import Heard
from refold.middleware.recent_actions import RecentActions
from refold.reducers.combine_reducers import combine_reducers
from refold.reducers.reducer import Reducer
from refold.store.middleware import Dispatch, StoreAPI
from refold.store.store import Store
from scenario import Scenario
from shared_actions import (
    AddToCounter,
    SubtractFromCounter,
    UpdateEntity,
    make_actions,
    slice_actions,
)
from shared_states import (
    CounterState,
    EntitiesState,
    Entity,
    SliceState,
    make_root_class,
    new_entities,
    outcome_of,
)
from slice_getters import COUNT_GETTERS
from work import Outcome, Work

__all__ = ["make_refold"]


def make_refold(scenario: Scenario) -> LocalContestant:
    """Return the contestant with everything that the scenario asks for."""
    middleware: list[Any] = [_make_pass_through() for _ in range(scenario.pass_through)]
    if scenario.keep_last:
        middleware.append(RecentActions(limit=scenario.keep_last))
    store: Store[Any] = Store(_make_reducer(scenario.work), middleware=middleware)
    heard = _subscribe(store, scenario)
    actions = make_actions(scenario.work)

    def run_pass() -> None:
        dispatch = store.dispatch
        for action in actions:
            dispatch(action)

    def run_pass_and_read() -> None:
        dispatch = store.dispatch
        for action in actions:
            dispatch(action)
            store.state  # noqa: B018  # pyright: ignore[reportUnusedExpression]  # what is measured

    def outcome() -> Outcome:
        return [*outcome_of(scenario.work, store.state), [heard.calls]]

    return LocalContestant(
        run_pass_and_read if scenario.reads_root else run_pass, len(actions), outcome
    )


def _make_pass_through() -> Callable[[StoreAPI[Any], Dispatch], Dispatch]:
    def set_up(_store: StoreAPI[Any], next: Dispatch) -> Dispatch:  # noqa: A002  # its usual name
        def handle(action: Any) -> Any:  # any action, as it came
            return next(action)

        return handle

    return set_up


def _subscribe(store: Store[Any], scenario: Scenario) -> Heard:
    heard = Heard(counts=scenario.counts_calls)
    for _ in range(scenario.subscribers):
        store.subscribe(heard.listener(0))
    for number in range(scenario.selections):
        select = COUNT_GETTERS[number % scenario.work.size]
        store.subscribe(heard.listener(2), select=select)
    return heard


def _make_reducer(work: Work) -> Reducer[Any]:
    match work.kind:
        case "counter":
            return _make_counter_reducer()
        case "entities":
            return _make_entities_reducer(work.size)
        case "slices":
            slices = {f"s{i}": _make_slice_reducer(*slice_actions(i)) for i in range(work.size)}
            return combine_reducers(make_root_class(work.size), slices)


def _make_slice_reducer(add: type[Any], rename: type[Any]) -> Reducer[SliceState]:
    reducer = Reducer(SliceState())

    @reducer.on(add)
    def add_to_slice(state: SliceState, action: Any) -> SliceState:  # of class add
        return SliceState(state.count + action.amount, state.total + 1, state.label)

    @reducer.on(rename)
    def rename_slice(state: SliceState, action: Any) -> SliceState:  # of rename
        return SliceState(state.count, state.total, action.label)

    return reducer


def _make_counter_reducer() -> Reducer[CounterState]:
    reducer = Reducer(CounterState())

    @reducer.on(AddToCounter)
    def add_to_counter(state: CounterState, action: AddToCounter) -> CounterState:
        return CounterState(state.count + action.amount)

    @reducer.on(SubtractFromCounter)
    def subtract_from_counter(state: CounterState, action: SubtractFromCounter) -> CounterState:
        return CounterState(state.count - action.amount)

    return reducer


def _make_entities_reducer(size: int) -> Reducer[EntitiesState]:
    reducer = Reducer(new_entities(size))

    @reducer.on(UpdateEntity)
    def update_entity(state: EntitiesState, action: UpdateEntity) -> EntitiesState:
        old = state.entities[action.key]
        new = Entity(action.value, old.revision + 1, old.name)
        return EntitiesState(state.entities.set(action.key, new))

    return reducer
