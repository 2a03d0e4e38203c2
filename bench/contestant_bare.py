"""`bare`: what a careful person writes without a framework.

``state = reducer(state, action)`` over frozen attrs slices: each slice's reducer is an isinstance
chain over its own actions, each slice sees every action, the combine is written out by hand, and
the root is built again only if a slice changed.  No middleware, no store, no checks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from contestant import LocalContestant
from heard import Heard
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
    EightSlices,
    EntitiesState,
    Entity,
    SliceState,
    new_entities,
    outcome_of,
)
from work import Outcome, Work

__all__ = ["make_bare"]

Fold = Callable[[Any, Any], Any]

_EIGHT: Final = 8


def make_bare(scenario: Scenario) -> LocalContestant:
    """Return the contestant; of what stands around a store it only calls plain subscribers."""
    reduce, state = _reducer_and_state(scenario.work)
    actions, heard = make_actions(scenario.work), Heard(counts=scenario.counts_calls)
    subscribers = tuple(heard.listener(0) for _ in range(scenario.subscribers))

    def run_pass() -> None:
        nonlocal state
        present = state  # a plain local, as in a hand-written loop
        for action in actions:
            present = reduce(present, action)
        state = present

    def run_pass_with_subscribers() -> None:
        nonlocal state
        present = state
        for action in actions:
            present = reduce(present, action)
            for subscriber in subscribers:
                subscriber()
        state = present

    def outcome() -> Outcome:
        return [*outcome_of(scenario.work, state), [heard.calls]]

    chosen = run_pass_with_subscribers if subscribers else run_pass
    return LocalContestant(chosen, len(actions), outcome)


def _reducer_and_state(work: Work) -> tuple[Fold, Any]:
    match work.kind:
        case "counter":
            return _reduce_counter, CounterState()
        case "entities":
            return _reduce_entities, new_entities(work.size)
        case "slices":
            if work.size != _EIGHT:
                message = f"bare is written out for {_EIGHT} slices, not for {work.size}"
                raise ValueError(message)
            reducers = [_make_slice_reducer(*slice_actions(number)) for number in range(_EIGHT)]
            return _combine_eight(*reducers), EightSlices()


def _make_slice_reducer(add: type[Any], rename: type[Any]) -> Fold:
    def reduce_slice(state: SliceState, action: Any) -> SliceState:
        if isinstance(action, add):
            return SliceState(state.count + action.amount, state.total + 1, state.label)
        if isinstance(action, rename):
            return SliceState(state.count, state.total, action.label)
        return state

    return reduce_slice


def _combine_eight(  # noqa: PLR0913, PLR0917  # written out by hand, as a careful person would
    r0: Fold, r1: Fold, r2: Fold, r3: Fold, r4: Fold, r5: Fold, r6: Fold, r7: Fold
) -> Fold:
    def reduce_root(state: EightSlices, action: object) -> EightSlices:
        s0 = r0(state.s0, action)
        s1 = r1(state.s1, action)
        s2 = r2(state.s2, action)
        s3 = r3(state.s3, action)
        s4 = r4(state.s4, action)
        s5 = r5(state.s5, action)
        s6 = r6(state.s6, action)
        s7 = r7(state.s7, action)
        if (
            s0 is state.s0
            and s1 is state.s1
            and s2 is state.s2
            and s3 is state.s3
            and s4 is state.s4
            and s5 is state.s5
            and s6 is state.s6
            and s7 is state.s7
        ):
            return state
        return EightSlices(s0, s1, s2, s3, s4, s5, s6, s7)

    return reduce_root


def _reduce_counter(state: CounterState, action: object) -> CounterState:
    if isinstance(action, AddToCounter):
        return CounterState(state.count + action.amount)
    if isinstance(action, SubtractFromCounter):
        return CounterState(state.count - action.amount)
    return state


def _reduce_entities(state: EntitiesState, action: object) -> EntitiesState:
    if isinstance(action, UpdateEntity):
        old = state.entities[action.key]
        new = Entity(action.value, old.revision + 1, old.name)
        return EntitiesState(state.entities.set(action.key, new))
    return state
