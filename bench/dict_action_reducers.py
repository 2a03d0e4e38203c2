"""Reducers over dictionary actions, ``{"type": …}``, which pydux and aioredux share.

What belongs here: reducers as their documentation writes them, and the actions.  What does not:
the libraries themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from shared_states import CounterState, EntitiesState, Entity, SliceState, entity_key, new_entities
from work import Step, Work

__all__ = ["DictAction", "Fold", "make_dict_actions", "make_reducer"]

DictAction = dict[str, Any]
"""An action."""

Fold = Callable[[Any, Any], Any]
"""A reducer; the state None asks for the initial one."""


def make_dict_actions(work: Work) -> list[DictAction]:
    """Return the actions of one pass."""
    return [_make_action(work, step) for step in work.steps]


def make_reducer(work: Work, combine_reducers: Callable[[dict[str, Fold]], Fold]) -> Fold:
    """Return the root reducer, slices joined by the library's own combine_reducers."""
    match work.kind:
        case "counter":
            return _reduce_counter
        case "entities":
            return _make_entities_reducer(work.size)
        case "slices":
            slices = {f"s{i}": _make_slice_reducer(i) for i in range(work.size)}
            return combine_reducers(slices)


def _make_action(work: Work, step: Step) -> DictAction:
    match work.kind, step.verb:
        case _, "ignore":
            return {"type": "ignored/by_all"}
        case "counter", verb:
            return {"type": f"counter/{verb}", "amount": step.amount}
        case "entities", _:
            return {"type": "entity/update", "key": entity_key(step.target), "value": step.amount}
        case _, "add":
            return {"type": f"slice_{step.target}/add", "amount": step.amount}
        case _:
            return {"type": f"slice_{step.target}/rename", "label": step.label}


def _make_slice_reducer(number: int) -> Fold:
    add, rename = f"slice_{number}/add", f"slice_{number}/rename"

    def reduce_slice(state: SliceState | None, action: DictAction) -> SliceState:
        if state is None:
            return SliceState()
        kind = action["type"]
        if kind == add:
            return SliceState(state.count + action["amount"], state.total + 1, state.label)
        if kind == rename:
            return SliceState(state.count, state.total, action["label"])
        return state

    return reduce_slice


def _reduce_counter(state: CounterState | None, action: DictAction) -> CounterState:
    if state is None:
        return CounterState()
    kind = action["type"]
    if kind == "counter/add":
        return CounterState(state.count + action["amount"])
    if kind == "counter/subtract":
        return CounterState(state.count - action["amount"])
    return state


def _make_entities_reducer(size: int) -> Fold:
    def reduce_entities(state: EntitiesState | None, action: DictAction) -> EntitiesState:
        if state is None:
            return new_entities(size)
        if action["type"] == "entity/update":
            old = state.entities[action["key"]]
            new = Entity(action["value"], old.revision + 1, old.name)
            return EntitiesState(state.entities.set(action["key"], new))
        return state

    return reduce_entities
