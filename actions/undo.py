"""What a person does with an undoable state: undo, redo, jump, clear, and group.

What belongs here: the actions.  What does not: what follows from them, which `undoable` says.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager

from refold.actions.action import Action, action

__all__ = [
    "ClearUndoHistory",
    "Jump",
    "Redo",
    "Undo",
    "UndoGroupBegan",
    "UndoGroupEnded",
    "undo_group",
]


@action("undo/undo")
class Undo(Action):
    """One step back; nothing at the first one."""

    scope: str = ""
    """Which undoable states it is for: those made with the same scope."""


@action("undo/redo")
class Redo(Action):
    """One step on; nothing at the last one."""

    scope: str = ""
    """See `Undo.scope`."""


@action("undo/jump")
class Jump(Action):
    """Some steps at once; nothing if there are not so many."""

    steps: int
    """Below 0 for steps back, above 0 for steps on."""

    scope: str = ""
    """See `Undo.scope`."""


@action("undo/clear_undo_history")
class ClearUndoHistory(Action):
    """Forget all steps and keep the present state."""

    scope: str = ""
    """See `Undo.scope`."""


@action("undo/undo_group_began")
class UndoGroupBegan(Action):
    """All changes from here to the end of the group are one step."""

    scope: str = ""
    """See `Undo.scope`."""


@action("undo/undo_group_ended")
class UndoGroupEnded(Action):
    """The next change is a step of its own again."""

    scope: str = ""
    """See `Undo.scope`."""


@contextmanager
def undo_group(dispatch: Callable[[Action], object], scope: str = "") -> Generator[None]:
    """Let all that is dispatched in a ``with`` block be one step, also across ``await``.

    What others dispatch meanwhile becomes part of the step too.

    Args:
        dispatch: ``store.dispatch`` or ``fx.dispatch``.
        scope: see `Undo.scope`.
    """
    dispatch(UndoGroupBegan(scope))
    try:
        yield
    finally:
        dispatch(UndoGroupEnded(scope))
