"""The state of a store: cells, the steps that change them, and the way back from a failure.

What belongs here: what runs once per action class, reducer or transaction.  What does not: the
dispatch itself, which `hot_path` does; middleware, subscribers, recording.

The state lives in cells, one per slice; the root is built only when somebody reads it.  An action
is looked up in a table by its exact class, so a dispatch costs the same whatever the number of
slices.
"""

from __future__ import annotations

from operator import is_ as _is
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from refold.actions.registry import is_declared_action_class
from refold.errors import ReducerReturnedNoneError
from refold.reducers.combine_reducers import CombinedReducer
from refold.reducers.reducer import explain_returned_none
from refold.reducers.root_shape import ABSENT
from refold.store.hot_path import make_hot_path
from refold.store.refusals import inside_reducer, others_transaction, store_closed, wrong_thread
from refold.store.refuse_non_action import refuse_non_action
from refold.store.state_layout import layout_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from refold.actions.action import Action
    from refold.reducers.reducer import Reducer
    from refold.store.hot_path import Steps
    from refold.store.state_layout import Route, StateLayout

__all__ = ["CommitCore", "Snapshot"]

_ALL_CELLS: Final = -1
"""Every bit: anything may have changed."""


class Snapshot(NamedTuple):
    """What a transaction needs to come back."""

    state: Any
    cells: tuple[Any, ...]
    layout: StateLayout
    reducer: Reducer[Any]
    known_slices: frozenset[str]


class CommitCore:
    """The state of one store, and the functions that change it."""

    layout: StateLayout
    """Where each part of the state is kept."""

    def __init__(self, reducer: Reducer[Any], state: Any) -> None:
        """Keep the state in the cells that the reducer's layout says."""
        self._reducer = reducer
        self._known_slices = _slice_names(reducer)
        self._table: dict[type, Steps | None] = {}
        self.cells: list[Any] = []
        """The layout's cells, filled in place, and one more that never changes.

        That one serves actions that change no cell or several.
        """
        self._out_of_date = False
        self._closed = False
        self.when_laid_out: Callable[[], None] = _do_nothing
        """Called when cells have got other numbers or values that no action gave them."""
        hot = make_hot_path(self, self.cells, self._table)
        self.commit = hot.commit
        self.read_state = hot.read_state
        self.call_after_commit = hot.call_after_commit
        self.adopt_thread = hot.adopt_thread
        self.admit_only = hot.admit_only
        self._is_own_thread = hot.is_own_thread
        self._is_reducing = hot.is_reducing
        self._put_root = hot.put_root
        self._put_state(state)

    def build(self, cells: Sequence[Any]) -> Any:
        """Return the root for the cells."""
        return self.layout.build(cells[:-1])

    def read_reducer(self) -> Reducer[Any]:
        """Return the reducer that folds at present."""
        return self._reducer

    def replace_reducer(self, other: Reducer[Any]) -> None:
        """Let another reducer fold from now on, over the state adopted by it."""
        adopted = other.adopt_state(self.read_state(), self._reducer)
        self._reducer = other
        self._known_slices = _slice_names(other)
        self._put_state(adopted)

    def forget_compiled(self) -> None:
        """Look every action class up again: a handler or slice was added."""
        self._out_of_date = True
        self._table.clear()

    def snapshot(self) -> Snapshot:
        """Return what `restore` needs to come back to the present state."""
        return Snapshot(
            self.read_state(), tuple(self.cells), self.layout, self._reducer, self._known_slices
        )

    def restore(self, kept: Snapshot) -> None:
        """Come back to the state of a snapshot; slices that came since start anew."""
        if kept.layout is self.layout:
            self.cells[:] = kept.cells
            self._put_root(kept.state)
        elif kept.reducer is self._reducer:
            self._known_slices = kept.known_slices
            self._put_state(kept.state)
            self.forget_compiled()
        else:
            self._put_state(self._reducer.adopt_state(kept.state, kept.reducer))

    def check_outside_reducer(self, what: str) -> None:
        """Raise if a reducer is running.

        Raises:
            InsideReducerError: it is; the message says that reducers may not do this.
        """
        if self._is_reducing():
            raise inside_reducer(what)

    def check_own_thread(self, what: str) -> None:
        """Raise if another thread than the store's own is running.

        Raises:
            WrongThreadError: it is; the message says what was done.
        """
        if not self._is_own_thread():
            raise wrong_thread(what)

    def close(self) -> None:
        """Refuse every dispatch from now on."""
        self._closed = True
        self._table.clear()

    def find_steps(self, action: Action) -> Steps | None:
        """Look up the steps for a class that the table does not have, and enter them."""
        if self._closed:
            raise store_closed(action)
        if not is_declared_action_class(action.__class__):
            refuse_non_action(action)
        if self._out_of_date:
            self._lay_out_again()
        route = self.layout.route(action.__class__)
        if route.whole is not None or len(route.cells) > 1:
            bits = sum(1 << cell for cell, _ in route.cells) if route.whole is None else _ALL_CELLS
            steps: Steps | None = (-1, bits, lambda _, action: self._fold_several(route, action))
        elif route.cells:
            cell, step = route.cells[0]
            steps = (cell, 1 << cell, step)
        else:
            steps = None
        self._table[action.__class__] = steps
        return steps

    def refuse(self, action: Action) -> Exception:
        """Return the error for a dispatch at the wrong time or from the wrong place."""
        if not self._is_own_thread():
            return wrong_thread(f"{type(action).__name__} was dispatched")
        if self._is_reducing():
            return inside_reducer("dispatch an action")
        return others_transaction(f"{type(action).__name__} was dispatched")

    def refuse_reading(self) -> Exception:
        """Return the error for reading the state inside a reducer."""
        return inside_reducer("read the state")

    def note_where(self, error: Exception, cell: int, action: Action) -> None:
        """Say in the error's notes which reducer raised it; several cells have said it already."""
        if cell >= 0:
            _note_where(error, self.layout.names[cell], action)

    def check_none(self, cell: int, action: Action) -> None:
        """Raise if None is no value of the cell.

        Raises:
            ReducerReturnedNoneError: it is none; a return was forgotten.
        """
        if not self.layout.may_be_none[cell]:
            name = self.layout.names[cell]
            who = f"the reducer for slice {name!r}" if name else "the reducer"
            raise ReducerReturnedNoneError(explain_returned_none(who, action))

    def _fold_several(self, route: Route, action: Action) -> None:
        """Run the steps of several cells, then the root's own, and keep all results or none."""
        before, following, root, where = self.cells[:-1], self.cells[:-1], None, ""
        try:
            for cell, step in route.cells:
                where = self.layout.names[cell]
                following[cell] = step(before[cell], action)
                if following[cell] is None:
                    self.check_none(cell, action)
            where = "the root"
            if route.whole is not None:
                root = route.whole(self.layout.build(following), action)
                _check_root(root, action)
                following = self.layout.split(root)
        except Exception as error:
            _note_where(error, where, action)
            raise
        if not all(map(_is, following, before)):
            self.cells[:-1] = following
            self._put_root(root)

    def _put_state(self, state: Any) -> None:
        self.layout = layout_of(self._reducer, state)
        self.cells[:] = [*self.layout.split(state), None]
        self._put_root(state)
        self._table.clear()
        self.when_laid_out()

    def _lay_out_again(self) -> None:
        """Give slices injected since their initial states, and find the cells anew."""
        self._out_of_date = False
        reducer = self._reducer
        if not isinstance(reducer, CombinedReducer) or self.layout.root_type is None:
            return
        present = self.cells[:-1]
        values = dict(zip(self.layout.names, present, strict=True))
        for name in _slice_names(reducer) - self._known_slices:
            if values.get(name, ABSENT) is reducer.shape.default(name):
                values[name] = reducer.slices[name].initial
        self._known_slices = _slice_names(reducer)
        if len(values) != len(present) or not all(map(_is, values.values(), present)):
            self._put_state(reducer.shape.build(values))


def _do_nothing() -> None:
    return None


def _check_root(candidate: object, action: Action) -> None:
    if candidate is None:
        raise ReducerReturnedNoneError(explain_returned_none("the root's reducer", action))


def _slice_names(reducer: Reducer[Any]) -> frozenset[str]:
    return frozenset(reducer.slices) if isinstance(reducer, CombinedReducer) else frozenset()


def _note_where(error: Exception, slice_name: str, action: Action) -> None:
    who = f"the reducer for slice {slice_name!r}" if slice_name else "the reducer"
    name = type(action).wire_name
    error.add_note(f"raised by {who} for {name}; the state is the one before this action")
