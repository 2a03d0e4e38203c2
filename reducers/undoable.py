"""`undoable`: a reducer whose changes can be undone.

What belongs here: which changes are steps, and moving between them.  What does not: the actions,
and the state that holds the steps.

Source: the behaviours of redux-undo that its tests pin, in words of our own (202 and 203).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

import attrs
from pyrsistent import pdeque

from refold.actions.undo import (
    ClearUndoHistory,
    Jump,
    Redo,
    Undo,
    UndoGroupBegan,
    UndoGroupEnded,
)
from refold.errors import ReducerDeclarationError
from refold.reducers.reducer import Reducer, Step, as_reducer
from refold.reducers.same_value import is_same_value
from refold.reducers.undo_history import UndoHistory

if TYPE_CHECKING:
    from refold.actions.action import Action

__all__ = ["GroupBy", "UndoableReducer", "undoable"]

S = TypeVar("S")

GroupBy: TypeAlias = "Callable[[Action, Any], str | None]"
"""``(action, state before it)``: changes one after another with the same text are one step; None
for a step of its own."""

Move: TypeAlias = Callable[[UndoHistory[Any], Any], UndoHistory[Any]]

_BEGUN_GROUP: Final = "a begun group"


def undoable(
    reducer: Callable[[Any, Any], S],
    /,
    *,
    limit: int | None = 100,
    include: Callable[[Action], bool] | None = None,
    group_by: GroupBy | None = None,
    scope: str = "",
) -> UndoableReducer[S]:
    """Return a reducer that folds as the given one does, and understands `Undo`, `Redo`, `Jump`.

    Its state is an `UndoHistory`.  A change makes a step if the state is not equal to the one
    before: equal and not identical is no step, because a replay reads equal values that are other
    objects.  To undo several slices together, combine them first:
    ``undoable(combine_reducers(Document, text=text, marks=marks))``.

    Args:
        reducer: a Reducer, or a plain ``(state, action) -> state`` function.
        limit: how many steps back are kept, 1 or more; None for all.
        include: which actions make a step; others change the present state without one.
        group_by: which changes one after another are one step.
        scope: which of these actions it reacts to: those with the same scope.

    Raises:
        ReducerDeclarationError: the limit is below 1.
    """
    if limit is not None and limit < 1:
        message = f"undoable expects a limit of 1 step or more, or None for all, got {limit}"
        raise ReducerDeclarationError(message)
    return UndoableReducer(
        as_reducer(reducer), limit=limit, include=include, group_by=group_by, scope=scope
    )


class UndoableReducer(Reducer[UndoHistory[S]]):
    """Folds by another reducer and keeps its states."""

    def __init__(
        self,
        inner: Reducer[S],
        *,
        limit: int | None,
        include: Callable[[Action], bool] | None,
        group_by: GroupBy | None,
        scope: str,
    ) -> None:
        """Keep the choices; see `undoable`."""
        super().__init__(factory=lambda: UndoHistory(inner.initial))
        self.inner = inner
        self._limit = limit
        self._include = include
        self._group_by = group_by
        self._scope = scope
        inner.watch(self)
        for action_class, move in _MOVES.items():
            self.on(action_class)(self._in_scope(move))

    @property
    def handles(self) -> frozenset[type[Action]]:
        """The action classes of the inner reducer, and those that move between its states."""
        return super().handles | self.inner.handles

    def take_given_state(self, given: Any, source: str) -> UndoHistory[S]:
        """Return a history as it is; of a state that the inner reducer takes, one without steps."""
        if isinstance(given, UndoHistory):
            return given  # pyright: ignore[reportUnknownVariableType]  # of S, as the caller says
        return UndoHistory(self.inner.take_given_state(given, source))

    def check_state_type(self, state: UndoHistory[S], path: str) -> None:
        """Check the present state's type, which is that of all others.

        Raises:
            ValueTypeError: a field type, or a value where no type is declared, is mutable.
        """
        self.inner.check_state_type(state.present, f"{path}.present")

    def check_action_types(self) -> None:
        """Check the action classes of both.

        Raises:
            ValueTypeError: a field of one is mutable or cannot be serialised.
        """
        super().check_action_types()
        self.inner.check_action_types()

    def forget_compiled(self) -> None:
        """Drop what was compiled, and a first state that the inner reducer no longer has."""
        if hasattr(self, "inner"):
            self._initial = UndoHistory(self.inner.initial)
        super().forget_compiled()

    def _compile(self, action_type: type[Action]) -> Step | None:
        move, fold = super()._compile(action_type), self.inner.step_for(action_type)
        if fold is None:
            return move

        def step(history: Any, action: Action) -> Any:
            present = fold(history.present, action)
            if not is_same_value(present, history.present):
                history = self._follow(history, present, action)
            elif present is not history.present:
                history = attrs.evolve(history, present=present)
            return history if move is None else move(history, action)

        return step

    def _follow(self, history: UndoHistory[S], present: S, action: Action) -> UndoHistory[S]:
        """Return the history after a change of the present state."""
        if self._include is not None and not self._include(action):
            return attrs.evolve(history, present=present)
        if history.is_grouping:
            group: str | None = _BEGUN_GROUP
        else:
            group = None if self._group_by is None else self._group_by(action, history.present)
        if group is not None and group == history.group:
            return attrs.evolve(history, present=present, future=pdeque())
        past = history.past.append(history.present)
        if self._limit is not None and len(past) > self._limit:
            past = past.popleft()
        return attrs.evolve(history, present=present, past=past, future=pdeque(), group=group)

    def _in_scope(self, move: Move) -> Step:
        def step(history: Any, action: Any) -> Any:
            return move(history, action) if action.scope == self._scope else history

        return step


def _jump(history: UndoHistory[Any], action: Jump) -> UndoHistory[Any]:
    return _moved(history, action.steps)


def _moved(history: UndoHistory[Any], steps: int) -> UndoHistory[Any]:
    """Return the history some steps on or back, or the same if there are not so many."""
    past, present, future = history.past, history.present, history.future
    if steps == 0 or not -len(past) <= steps <= len(future):
        return history
    for _ in range(-steps):
        past, present, future = past.pop(), past.right, future.appendleft(present)
    for _ in range(steps):
        past, present, future = past.append(present), future.left, future.popleft()
    return attrs.evolve(history, present=present, past=past, future=future, group=None)


def _cleared(history: UndoHistory[Any], _action: ClearUndoHistory) -> UndoHistory[Any]:
    if not history.past and not history.future and history.group is None:
        return history
    return attrs.evolve(history, past=pdeque(), future=pdeque(), group=None)


def _began(history: UndoHistory[Any], _action: UndoGroupBegan) -> UndoHistory[Any]:
    return attrs.evolve(history, is_grouping=True, group=None)


def _ended(history: UndoHistory[Any], _action: UndoGroupEnded) -> UndoHistory[Any]:
    if not history.is_grouping:
        return history
    return attrs.evolve(history, is_grouping=False, group=None)


_MOVES: Final[dict[type[Action], Move]] = {
    Undo: lambda history, _action: _moved(history, -1),
    Redo: lambda history, _action: _moved(history, 1),
    Jump: _jump,
    ClearUndoHistory: _cleared,
    UndoGroupBegan: _began,
    UndoGroupEnded: _ended,
}
