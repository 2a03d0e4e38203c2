"""`StateLayout`: the cells in which a store keeps its state, and how the root is built of them.

What belongs here: the difference between a root made of slices and a state of one piece.  What does
not: folding actions into the cells, which `commit_core` does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import attrs

from refold.actions.action import Action
from refold.reducers.combine_reducers import CombinedReducer
from refold.reducers.root_shape import ABSENT

if TYPE_CHECKING:
    from refold.reducers.reducer import Reducer, Step

__all__ = ["Route", "StateLayout", "layout_of"]


class Route(NamedTuple):
    """Where actions of one class go."""

    cells: tuple[tuple[int, Step], ...]
    """The cells that change, each with its step."""

    whole: Step | None
    """What runs after them over the whole state; None if nothing does."""


@attrs.frozen
class StateLayout:
    """Where each part of a state is kept, and which steps an action takes to them."""

    names: tuple[str, ...]
    """The fields of the root in cell order; one empty name for a state of one piece."""

    root_type: type[Any] | None
    """The root class; None for a state of one piece."""

    build: Callable[[Sequence[Any]], Any]
    """Makes the state from the cells."""

    route: Callable[[type[Action]], Route]
    """Finds where actions of a class go."""

    may_be_none: tuple[bool, ...]
    """Whether None is a value of each cell, and not a forgotten return."""

    def split(self, state: Any) -> list[Any]:
        """Return the cells of a state."""
        return [state] if self.root_type is None else [getattr(state, n) for n in self.names]


def layout_of(reducer: Reducer[Any], state: Any) -> StateLayout:
    """Return the layout for a state that this reducer folds."""
    if isinstance(reducer, CombinedReducer) and isinstance(state, reducer.shape.cls):
        return _layout_of_root(reducer, state)

    def route(action_type: type[Action]) -> Route:
        step = reducer.step_for(action_type)
        return Route(() if step is None else ((0, step),), None)

    return StateLayout(
        names=("",),
        root_type=None,
        build=lambda cells: cells[0],
        route=route,
        may_be_none=(reducer.may_start_as_none or state is None,),
    )


def _layout_of_root(reducer: CombinedReducer[Any], state: object) -> StateLayout:
    shape = reducer.shape
    names = tuple(name for name in shape.names if shape.read(state, name) is not ABSENT)
    cell_of = {name: index for index, name in enumerate(names)}

    def route(action_type: type[Action]) -> Route:
        plan = reducer.plan_for(action_type)
        return Route(tuple((cell_of[name], step) for name, step in plan.slices), plan.root)

    return StateLayout(
        names=names,
        root_type=shape.cls,
        build=shape.builder(names),
        route=route,
        may_be_none=tuple(
            reducer.may_be_none(name) if name in reducer.slices else True for name in names
        ),
    )
