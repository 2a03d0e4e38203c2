"""Errors on the command line: one sentence on stderr and an exit status, never a traceback."""

from __future__ import annotations

import traceback
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.text import Text

from refold.commands.printable import printable
from refold.errors import LogDamagedError, RefoldError, ReplayMismatchError

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = [
    "BAD_INPUT",
    "DID_NOT_HOLD",
    "CommandError",
    "exit_status_of",
    "explain_raised",
    "naming_reducer_errors",
    "report_error",
]

DID_NOT_HOLD: Final = 1
"""The exit status when what was asked for was done, and the answer is bad: damage, a mismatch."""

BAD_INPUT: Final = 2
"""The exit status when it could not be done with what was given."""


class CommandError(RefoldError):
    """What a person asked for cannot be done; the text says why, and what to do instead."""

    def __init__(self, message: str, *, status: int = BAD_INPUT) -> None:
        """Keep the exit status that the command ends with."""
        super().__init__(message)
        self.status = status


def exit_status_of(error: RefoldError) -> int:
    """Return the exit status for an error."""
    if isinstance(error, CommandError):
        return error.status
    is_bad_answer = isinstance(error, LogDamagedError | ReplayMismatchError)
    return DID_NOT_HOLD if is_bad_answer else BAD_INPUT


def report_error(error: object) -> None:
    """Say on stderr what is wrong."""
    lines = [*str(error).splitlines(), *getattr(error, "__notes__", ())]
    text = Text("refold: ", style="bold red")
    text.append("\n".join(printable(line) for line in lines), style="not bold default")
    console = Console(stderr=True, highlight=False)
    console.print(text, soft_wrap=not console.is_terminal)


def explain_raised(error: BaseException) -> str:
    """Return an error's type and text, where in the application it was raised, and its notes."""
    frames = traceback.extract_tb(error.__traceback__)
    is_known = frames and not frames[-1].filename.startswith("<")  # as of the import system
    where = f" ({frames[-1].filename}, line {frames[-1].lineno})" if is_known else ""
    notes = "".join(f"; {note}" for note in getattr(error, "__notes__", ()))
    return f"{type(error).__name__}: {error}{where}{notes}"


@contextmanager
def naming_reducer_errors() -> Generator[None]:
    """Turn what the application's reducer raises inside the block into a CommandError.

    An action in a log was folded without an error when it was recorded, so this is a difference
    between then and now, as a wrong digest is.
    """
    try:
        yield
    except RefoldError:
        raise
    except Exception as error:
        message = f"the reducer raised {explain_raised(error)}; it did not when this was recorded"
        raise CommandError(message, status=DID_NOT_HOLD) from error
