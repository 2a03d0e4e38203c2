"""`UndoHistory`: a state with the ones before it and the ones that were undone."""

from __future__ import annotations

from typing import Any, Final, Generic, TypeVar

import attrs
from pyrsistent import PDeque, pdeque

__all__ = ["UndoHistory"]

S = TypeVar("S")

_NO_STATES: Final[PDeque[Any]] = pdeque()


@attrs.frozen
class UndoHistory(Generic[S]):
    """The state of an undoable reducer.

    Steps share all that did not change between them.
    """

    present: S
    """The state itself."""

    past: PDeque[S] = _NO_STATES
    """The states before it, the oldest first."""

    future: PDeque[S] = _NO_STATES
    """The states that were undone, the next one first."""

    group: str | None = None
    """What the last step was grouped by; a change of the same group joins it.  None for nothing."""

    is_grouping: bool = False
    """Whether a group was begun and not ended."""

    @property
    def can_undo(self) -> bool:
        """Whether there is a state to come back to."""
        return len(self.past) > 0

    @property
    def can_redo(self) -> bool:
        """Whether there is an undone state."""
        return len(self.future) > 0
