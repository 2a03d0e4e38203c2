"""Steps that fold an action into a child state held in a field: one by key, or an optional one.

What belongs here: finding the child, and putting its next state back.  What does not: which actions
reach it, which `Reducer` decides by what the child handles.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from refold.errors import ReducerReturnedNoneError
from refold.reducers.evolve import evolve

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from refold.actions.action import Action
    from refold.reducers.reducer import Step

__all__ = ["make_keyed_child_step", "make_optional_child_step"]


def make_keyed_child_step(
    field: str, child_step: Step, key: Callable[[Any], Hashable | None]
) -> Step:
    """Return a step for the child at ``state.field[key(action)]``; no such child: no change."""

    def step(state: Any, action: Action) -> Any:
        children = getattr(state, field)
        child_key = key(action)
        if child_key not in children:
            return state
        before = children[child_key]
        after = child_step(before, action)
        if after is before:
            return state
        if after is None:
            raise _returned_none(field, child_key, action)
        return evolve(state, **{field: children.set(child_key, after)})

    return step


def make_optional_child_step(field: str, child_step: Step) -> Step:
    """Return a step for the child at ``state.field``; while that is None the child is not run."""

    def step(state: Any, action: Action) -> Any:
        before = getattr(state, field)
        if before is None:
            return state
        after = child_step(before, action)
        return state if after is before else evolve(state, **{field: after})

    return step


def _returned_none(field: str, key: object, action: Action) -> ReducerReturnedNoneError:
    message = (
        f"the reducer for the child {field}[{key!r}] returned None for {type(action).wire_name};"
        f" return the state it was given to ignore an action"
    )
    return ReducerReturnedNoneError(message)
