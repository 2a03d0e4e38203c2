"""`default_middleware`: what most stores want, with checks while developing and none later."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from refold.middleware.action_class_check import ActionClassCheck
from refold.middleware.state_checks import state_checks as make_state_checks
from refold.middleware.timestamps import timestamps as make_timestamps

__all__ = ["default_middleware"]


def default_middleware(
    *,
    timestamps: bool | Callable[[], float] = True,
    action_class_check: bool | Callable[[object], bool] = True,
    state_checks: bool = False,
) -> list[Any]:
    """Return a list of middleware; put others before and after it as lists are joined.

    Args:
        timestamps: False for none; a clock (seconds since the epoch) for another than the
            system's.
        action_class_check: False for none; a predicate for what shall be reported.  Under
            ``python -O`` there is none.
        state_checks: True for `state_checks()`, which looks at the whole state and so is not there
            unasked; for other than its defaults list it yourself.  Under ``python -O`` there is
            none.
    """
    chosen: list[Any] = []
    if timestamps is not False:
        chosen.append(make_timestamps(None if timestamps is True else timestamps))
    if __debug__ and action_class_check is not False:
        chosen.append(
            ActionClassCheck()
            if action_class_check is True
            else ActionClassCheck(action_class_check)
        )
    if __debug__ and state_checks:
        chosen.append(make_state_checks())
    return chosen
