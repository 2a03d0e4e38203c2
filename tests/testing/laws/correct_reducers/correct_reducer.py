"""`CorrectReducer`: a reducer that keeps every law."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from refold.actions.action import Action
from refold.reducers.reducer import Reducer

__all__ = ["CorrectReducer"]


@attrs.frozen
class CorrectReducer:
    """A reducer that keeps every law, and what is said of it."""

    name: str
    """What it is like."""

    reducer: Reducer[Any]
    """The reducer."""

    invariants: tuple[Callable[..., bool], ...] = ()
    """What holds of its states."""

    actions: tuple[type[Action], ...] | None = None
    """What it sees, where it cannot tell; None if it has handlers."""
