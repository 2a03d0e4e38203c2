"""`CellFold`: fold many actions without building the root in between.

What belongs here: the straight way, by each slice's own step.  What does not: anything unusual,
such as an exception; whoever folds asks the reducer itself then, which is the reference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import is_
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from refold.reducers.combine_reducers import CombinedReducer
from refold.reducers.reducer import Reducer
from refold.store.state_layout import Route, StateLayout, layout_of

if TYPE_CHECKING:
    from refold.actions.action import Action

__all__ = ["CellFold"]

S = TypeVar("S")


class CellFold(Generic[S]):
    """A reducer's steps for the cells of its state, each looked up once."""

    def __init__(self, reducer: Callable[[S, Action], S]) -> None:
        """Look nothing up yet; of a plain function nothing can be."""
        self._reducer: Reducer[Any] | None = None
        self._width = 1  # slices of a whole state; fewer are there before one is injected
        self._layout: StateLayout | None = None
        self._table: dict[type[Action], Route] = {}
        if isinstance(reducer, Reducer):
            self._use(cast("Reducer[S]", reducer))

    def forget_compiled(self) -> None:
        """Look everything up again: a handler, child or slice was added."""
        self._layout = None
        self._table.clear()

    def fold(self, state: S, actions: Iterable[Action]) -> S | None:
        """Return the state that calling the reducer for one action after the other would give.

        Returns:
            None if something is unusual: a step raised or returned None, or a state has not all
            slices.  Nothing has changed, so the reducer itself can be asked.
        """
        try:
            return self._fold_in_cells(state, actions)  # type: ignore[no-any-return]  # of type S
        except Exception:  # noqa: BLE001  # whatever it is, it is met again when the reducer is asked
            return None

    def _use(self, reducer: Reducer[S]) -> None:
        reducer.watch(self)
        self._reducer = reducer
        if isinstance(reducer, CombinedReducer):
            self._width = len(reducer.shape.names)

    def _fold_in_cells(self, state: Any, actions: Iterable[Action]) -> Any:
        layout = self._layout_for(state)
        if layout is None:
            return None
        before, table = layout.split(state), self._table
        cells = list(before)
        for action in actions:
            try:
                steps, whole = table[action.__class__]
            except KeyError:
                steps, whole = table[action.__class__] = layout.route(action.__class__)
            for cell, step in steps:
                cells[cell] = following = step(cells[cell], action)
                if following is None:
                    return None
            if whole is not None:
                root = whole(layout.build(cells), action)
                if self._layout_for(root) is not layout:
                    return None
                cells = layout.split(root)
        return state if all(map(is_, cells, before)) else layout.build(cells)

    def _layout_for(self, state: Any) -> StateLayout | None:
        """Return where each part of a state is; None if the reducer does more than its steps."""
        reducer = self._reducer
        if reducer is None or state is None:
            return None
        if isinstance(reducer, CombinedReducer):
            shape = reducer.shape
            is_whole = type(state) is shape.cls and reducer.complete(state) is state
            if not (is_whole and shape.is_plain):
                return None
        layout = self._layout
        if layout is None:
            layout = self._layout = layout_of(reducer, state)
        return layout if layout.root_type is None or len(layout.names) == self._width else None
