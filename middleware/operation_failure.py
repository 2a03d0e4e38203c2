"""What an exception says, as the plain data of a rejected action."""

from __future__ import annotations

import traceback
from typing import Final

from refold.actions.operation_actions import OperationError

__all__ = ["ABORTED", "REFUSED", "ROLLED_BACK", "aborted", "failure_of", "refused", "rolled_back"]

ABORTED: Final = "aborted"
"""The code of the error of a run that was aborted; its message is the reason."""

REFUSED: Final = "refused"
"""The code of the error of a run that its condition refused."""

ROLLED_BACK: Final = "rolled_back"
"""The code of the error of a run whose pending did not stay: its function never ran."""


def failure_of(error: BaseException) -> OperationError:
    """Return an exception as what a log can carry.

    Its code is its ``status``, which HTTP clients set, or its ``code``, if that is a text or a
    whole number.
    """
    return OperationError(
        name=type(error).__name__,
        message=_text_of(error),
        code=_code_of(error, "status") or _code_of(error, "code"),
        stack="".join(traceback.format_exception(error)),
    )


def aborted(reason: object) -> OperationError:
    """Return the error of an aborted run."""
    return OperationError(name="OperationAborted", message=str(reason), code=ABORTED)


def refused() -> OperationError:
    """Return the error of a run that its condition refused."""
    message = "its condition returned False"
    return OperationError(name="OperationRefused", message=message, code=REFUSED)


def rolled_back() -> OperationError:
    """Return the error of a run that was asked for in a transaction and lost with it."""
    message = (
        "its pending action was not committed: the transaction in which it was asked for was rolled"
        " back, or awaited before its end; ask for it after the block"
    )
    return OperationError(name="OperationRolledBack", message=message, code=ROLLED_BACK)


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001  # the text of somebody else's exception
        return f"<{type(error).__name__} has no text>"


def _code_of(error: BaseException, name: str) -> str | None:
    try:
        code = getattr(error, name, None)
    except Exception:  # noqa: BLE001  # a property, such as one that warns that it is deprecated
        return None
    return str(code) if isinstance(code, str | int) else None
