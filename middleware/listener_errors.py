"""What listeners raise, and who is told of it.

What belongs here: the function that is told, and what happens when it raises too.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final, Literal, TypeAlias

__all__ = ["OnError", "RaisedBy", "log_listener_error", "tell_of_error"]

RaisedBy: TypeAlias = Literal["effect", "predicate"]
"""Which part of a listener raised."""

OnError: TypeAlias = Callable[[Exception, RaisedBy, str], object]
"""``(error, raised_by, name of the listener)``."""

_logger: Final = logging.getLogger("refold.listeners")


def log_listener_error(error: Exception, raised_by: RaisedBy, name: str) -> None:
    """Write a listener's error to the program's log."""
    _logger.error("the %s of listener %s raised", raised_by, name, exc_info=error)


def tell_of_error(on_error: OnError, error: Exception, raised_by: RaisedBy, name: str) -> None:
    """Tell of an error; if the telling raises, both errors go to the program's log."""
    try:
        on_error(error, raised_by, name)
    except Exception:
        log_listener_error(error, raised_by, name)
        _logger.exception("on_error, which was told of it, raised")
