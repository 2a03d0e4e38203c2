"""The heart of a store: folding one action into the state, atomically.

What belongs here: the cells of the state, the table of steps by action class, and the guards that
keep reducers pure.  What does not: middleware, subscribers, recording.

The state lives in cells, one per slice; the root is built only when somebody reads it.  An action
is looked up in a table by its exact class, so a dispatch costs the same whatever the number of
slices, and an action that nobody handles costs one failed look-up.
"""

from __future__ import annotations

from operator import is_ as _is
from threading import get_ident
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from refold.actions.registry import is_declared_action_class
from refold.errors import (
    InsideReducerError,
    ReducerReturnedNoneError,
    StoreClosedError,
    WrongThreadError,
)
from refold.reducers.combine_reducers import CombinedReducer
from refold.reducers.reducer import explain_returned_none
from refold.reducers.root_shape import ABSENT
from refold.store.refuse_non_action import refuse_non_action
from refold.store.state_layout import StateLayout, layout_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from refold.actions.action import Action
    from refold.reducers.reducer import Reducer
    from refold.store.middleware import Dispatch
    from refold.store.state_layout import Route

__all__ = ["CommitCore", "Snapshot"]

STALE: Final[Any] = object()
"""Stands for a root that must be built again, because a cell changed."""

_NO_CELL: Final = -1
_SEVERAL_CELLS: Final = -2

Steps: TypeAlias = tuple[int, Any]
"""A cell and its step; or `_NO_CELL` and None; or `_SEVERAL_CELLS` and a `Route`."""


class Snapshot(NamedTuple):
    """What a transaction needs to put back."""

    cells: tuple[Any, ...]
    root: Any
    changed_cells: int
    layout: StateLayout


class CommitCore:
    """The state of one store, and the functions that change it."""

    __slots__ = (
        "__weakref__",
        "_cells",
        "_closed",
        "_known_slices",
        "_out_of_date",
        "_reducer",
        "_table",
        "after_commit",
        "changed_cells",
        "commit",
        "layout",
        "owner",
        "reducing",
        "root",
    )

    def __init__(self, reducer: Reducer[Any], state: Any) -> None:  # noqa: ANN401  # any state
        """Keep the state in the cells that the reducer's layout says."""
        self._reducer = reducer
        self._known_slices = _slice_names(reducer)
        self._table: dict[type, Steps] = {}
        self._cells: list[Any] = []
        self._out_of_date = False
        self._closed = False
        self.owner = get_ident()
        """The thread that may dispatch."""
        self.reducing = False
        """Whether a reducer is running."""
        self.changed_cells = 0
        """The cells that changed since a subscriber last asked, one bit each."""
        self.after_commit: Callable[[Action], None] | None = None
        """Called after each commit; None if nobody wants to know."""
        self._put_state(state)
        self.changed_cells = 0
        self.commit: Dispatch = _make_commit(self, self._cells, self._table)
        """Fold one action into the state, then call ``after_commit``."""

    def read_state(self) -> Any:  # noqa: ANN401  # a state of any type
        """Return the present state, building the root if a cell changed since."""
        if self.reducing:
            raise _inside_reducer("read the state")
        if self.root is STALE:
            self.root = self.layout.build(self._cells)
        return self.root

    def copy_state(self) -> Any:  # noqa: ANN401  # a state of any type
        """Return a new root over the same slices, equal to the present one."""
        return self.layout.build(self._cells)

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
        return Snapshot(tuple(self._cells), self.root, self.changed_cells, self.layout)

    def restore(self, kept: Snapshot) -> None:
        """Come back to the state of a snapshot; a slice injected since keeps its state."""
        if kept.layout is self.layout:
            self._cells[:] = kept.cells
            self.root, self.changed_cells = kept.root, kept.changed_cells
        else:
            values = dict(zip(self.layout.names, self._cells, strict=True))
            values |= dict(zip(kept.layout.names, kept.cells, strict=True))
            self._put_state(self.layout.build([values[name] for name in self.layout.names]))

    def take_changed_cells(self) -> int:
        """Return the cells that changed since the last call, one bit each."""
        taken, self.changed_cells = self.changed_cells, 0
        return taken

    def check_outside_reducer(self, what: str) -> None:
        """Raise if a reducer is running.

        Raises:
            InsideReducerError: it is; the message says that reducers may not do this.
        """
        if self.reducing:
            raise _inside_reducer(what)

    def check_thread(self, action: Action) -> None:
        """Raise if the running thread may not dispatch.

        Raises:
            WrongThreadError: it may not; the message names what may be used instead.
        """
        if get_ident() != self.owner:
            raise _wrong_thread(action)

    def close(self) -> None:
        """Refuse every dispatch from now on."""
        self._closed = True
        self._table.clear()

    def find_steps(self, action: Action) -> Steps:
        """Look up the steps for a class that the table does not have, and enter them."""
        if self._closed:
            raise _store_closed(action)
        if not is_declared_action_class(action.__class__):
            refuse_non_action(action)
        self.check_outside_reducer("dispatch an action")
        if self._out_of_date:
            self._lay_out_again()
        route = self.layout.route(action.__class__)
        if route.whole is not None or len(route.cells) > 1:
            steps: Steps = _SEVERAL_CELLS, route
        else:
            steps = route.cells[0] if route.cells else (_NO_CELL, None)
        self._table[action.__class__] = steps
        return steps

    def commit_several(self, route: Route, action: Action) -> None:
        """Run the steps of several cells, then the root's own, and keep all results or none."""
        following, candidate, where = list(self._cells), STALE, ""
        self.reducing = True
        try:
            for cell, step in route.cells:
                where = self.layout.names[cell]
                following[cell] = step(self._cells[cell], action)
                if following[cell] is None:
                    self.check_none(cell, action)
            where = "the root"
            if route.whole is not None:
                candidate = route.whole(self._root_of(following), action)
                if candidate is None:
                    raise ReducerReturnedNoneError(
                        explain_returned_none("the root's reducer", action)
                    )
                following = self.layout.split(candidate)
        except Exception as error:
            _note_where(error, where, action)
            raise
        finally:
            self.reducing = False
        changed = [i for i, value in enumerate(following) if value is not self._cells[i]]
        for cell in changed:
            self._cells[cell] = following[cell]
            self.changed_cells |= 1 << cell
        if changed:
            self.root = candidate

    def check_none(self, cell: int, action: Action) -> None:
        """Raise if None is no value of the cell.

        Raises:
            ReducerReturnedNoneError: it is none; a return was forgotten.
        """
        if not self.layout.may_be_none[cell]:
            name = self.layout.names[cell]
            who = f"the reducer for slice {name!r}" if name else "the reducer"
            raise ReducerReturnedNoneError(explain_returned_none(who, action))

    def _root_of(self, following: list[Any]) -> Any:  # noqa: ANN401  # a state of any type
        if self.root is not STALE and all(map(_is, following, self._cells)):
            return self.root
        return self.layout.build(following)

    def _put_state(self, state: Any) -> None:  # noqa: ANN401  # a state of any type
        self.layout = layout_of(self._reducer, state)
        self._cells[:] = self.layout.split(state)
        self.root = state
        self.changed_cells = -1  # every bit: anything may have changed
        self._table.clear()

    def _lay_out_again(self) -> None:
        """Give slices injected since their initial states, and find the cells anew."""
        self._out_of_date = False
        reducer = self._reducer
        if not isinstance(reducer, CombinedReducer) or self.layout.root_type is None:
            return
        values = dict(zip(self.layout.names, self._cells, strict=True))
        for name in _slice_names(reducer) - self._known_slices:
            if values.get(name, ABSENT) is reducer.shape.default(name):
                values[name] = reducer.slices[name].initial
        self._known_slices = _slice_names(reducer)
        if not all(map(_is, values.values(), self._cells)) or len(values) != len(self._cells):
            self._put_state(reducer.shape.build(values))


def _make_commit(core: CommitCore, cells: list[Any], table: dict[type, Steps]) -> Dispatch:
    """Return the function that every dispatch runs through.

    A closure, because a look-up of a closed-over list or dict costs a third of an attribute's.
    """

    def commit(action: Action, /) -> Action:
        if get_ident() != core.owner:
            raise _wrong_thread(action)
        try:
            cell, step = table[action.__class__]
        except KeyError:
            cell, step = core.find_steps(action)
        if core.reducing:
            raise _inside_reducer("dispatch an action")
        if cell >= 0:
            before = cells[cell]
            core.reducing = True
            try:
                following = step(before, action)
            except Exception as error:
                _note_where(error, core.layout.names[cell], action)
                raise
            finally:
                core.reducing = False
            if following is not before:
                if following is None:
                    core.check_none(cell, action)
                cells[cell] = following
                core.changed_cells |= 1 << cell
                core.root = STALE
        elif cell == _SEVERAL_CELLS:
            core.commit_several(step, action)
        if core.after_commit is not None:
            core.after_commit(action)
        return action

    return commit


def _slice_names(reducer: Reducer[Any]) -> frozenset[str]:
    return frozenset(reducer.slices) if isinstance(reducer, CombinedReducer) else frozenset()


def _wrong_thread(action: object) -> WrongThreadError:
    return WrongThreadError(
        f"{type(action).__name__} was dispatched from another thread than the store's own; use"
        f" store.dispatch_threadsafe(action), which runs it on the store's event loop"
    )


def _inside_reducer(what: str) -> InsideReducerError:
    return InsideReducerError(
        f"reducers may not {what}: a reducer gets all it needs as arguments and returns the next"
        f" state; do this in middleware, in a subscriber, or after dispatch"
    )


def _store_closed(action: object) -> StoreClosedError:
    return StoreClosedError(
        f"{type(action).__name__} was dispatched to a closed store; dispatch inside 'async with"
        f" Store(...)' or before aclose(); the last state can still be read"
    )


def _note_where(error: Exception, slice_name: str, action: Action) -> None:
    who = f"the reducer for slice {slice_name!r}" if slice_name else "the reducer"
    name = type(action).wire_name
    error.add_note(f"raised by {who} for {name}; the state is the one before this action")
