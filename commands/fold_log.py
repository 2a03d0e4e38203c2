"""`fold_log`: a log together with the application that a person named for it.

What belongs here: opening both, and reaching a state or saying why there is none.  What does not:
what is asked of the states.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from refold.commands.application import Application
from refold.commands.demo_log import find_application_for
from refold.commands.fold_progress import fold_progress
from refold.commands.report_error import DID_NOT_HOLD, naming_reducer_errors, report_error
from refold.commands.whole_part_reader import WholePartReader
from refold.replay.replay import replay
from refold.replay.timeline import Timeline

if TYPE_CHECKING:
    from refold.errors import LogDamagedError

__all__ = ["FoldedLog", "fold_log"]


@attrs.frozen
class FoldedLog:
    """The whole part of a log, folded as far as somebody asks."""

    timeline: Timeline[Any]
    """The states; it ends before any damage."""

    application: Application
    """What folds."""

    reader: WholePartReader
    """Where the records come from."""

    @property
    def problem(self) -> LogDamagedError | None:
        """Why the log cannot be read further; None if nothing was met so far."""
        return self.reader.problem

    def report_problem(self) -> int:
        """Say on stderr why the log cannot be read further; return the exit status."""
        if self.problem is None:
            return 0
        report_error(self.problem)
        return DID_NOT_HOLD

    def state_at(self, seq: int) -> Any:
        """Return the state after a record, 0 for the start.

        Raises:
            LogDamagedError: the log is damaged before it, or torn at it.
            CommandError: there is no such record.
        """
        first = self.timeline.header.first_seq
        index = seq - first  # reads no further than it must
        if index < -1 or (index >= 0 and not self.timeline.records[index : index + 1]):
            raise self.reader.explain_missing(seq)
        return self.timeline.at(seq)


@contextmanager
def fold_log(log: Path, app: str | None) -> Generator[FoldedLog]:
    """Give the log inside a block, in which progress is shown and a reducer's errors are explained.

    Args:
        log: the path that ``record`` was given.
        app: what ``--app`` was given; None if it was not.

    Raises:
        CommandError: there is no log or no application by the name, or its reducer raised.
        LogError: the log does not fit the application.
    """
    application = find_application_for(log, app)
    with fold_progress(log) as count_entry, naming_reducer_errors():
        reader = WholePartReader(log, count_entry)
        yield FoldedLog(replay(reader, application.reducer), application, reader)
