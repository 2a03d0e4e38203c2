"""`RecordedLog`: the log of a store of one test, and what it says; the fixture ``refold_log``."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from refold.middleware.record import record
from refold.replay.log_reader import LogReader
from refold.replay.replay import replay

if TYPE_CHECKING:
    from refold.middleware.record import Recorder
    from refold.replay.log_record import LogRecord
    from refold.replay.timeline import Timeline

__all__ = ["RecordedLog"]

S = TypeVar("S")


class RecordedLog:
    """A log that can be read while it is written, because each commit is a whole line."""

    def __init__(self, path: Path) -> None:
        """Know where it is, or will be."""
        self.path = path
        """The file, for `record` with options of its own, and for the ``refold`` commands."""

    def record(self, *, resume: bool = False) -> Recorder:
        """Return the middleware that records a store here.

        Args:
            resume: go on with the log of an earlier store; see `refold.record`.
        """
        return record(self.path, resume=resume)

    @property
    def records(self) -> list[LogRecord]:
        """What was recorded so far.

        Raises:
            LogFormatError: nothing recorded here yet.
        """
        with contextlib.closing(LogReader(self.path)) as reader:
            return [each for entry in reader.entries() for each in entry]

    def timeline(self, reducer: Callable[[Any, Any], S], /) -> Timeline[S]:
        """Return what was recorded so far, folded again; see `refold.replay`."""
        return replay(self.path, reducer)
