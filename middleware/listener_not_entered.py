"""The warning that a store with listeners was used without being entered."""

from __future__ import annotations

import inspect
import warnings
from typing import TYPE_CHECKING

from refold.errors import RefoldWarning

if TYPE_CHECKING:
    from refold.actions.action import Action

__all__ = ["warn_not_entered"]


def warn_not_entered(action: Action) -> None:
    """Warn, at the line of the program that dispatched it, that nobody heard an action."""
    message = (
        f"{action.wire_name} was dispatched, for which there is a listener, but listeners"
        f" run only while their store is entered: async with Store(...) as store"
    )
    warnings.warn(message, RefoldWarning, stacklevel=_frames_of_refold())


def _frames_of_refold() -> int:
    """Return how many calls up the program is; middleware of any number stands in between."""
    frame, count = inspect.currentframe(), 0
    while frame is not None and frame.f_globals.get("__name__", "").startswith("refold."):
        frame, count = frame.f_back, count + 1
    return count
