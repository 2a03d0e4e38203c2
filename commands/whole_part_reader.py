"""`WholePartReader`: a log that is read up to its first damage, as if it ended there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from refold.commands.open_log import WatchedLogReader, open_log
from refold.commands.report_error import CommandError
from refold.errors import LogDamagedError, RefoldError
from refold.replay.timeline import torn_tail_error

if TYPE_CHECKING:
    from refold.replay.log_record import LogRecord

__all__ = ["WholePartReader"]


class WholePartReader(WatchedLogReader):
    """What is whole of a log; `problem` says why the rest cannot be read."""

    def __init__(self, path: Path, on_entry: Callable[[], object] = lambda: None) -> None:
        """Open the log.

        Raises:
            CommandError: there is no log at the path.
            LogFormatError: it cannot be read, is no log, or a newer refold wrote it.
            LogDamagedError: its header is damaged.
        """
        open_log(path).close()  # says why a path cannot be one of a log
        super().__init__(path, on_entry)
        self._damage: LogDamagedError | None = None

    @property
    def problem(self) -> LogDamagedError | None:
        """Damage, or a torn last line; None if all that was read so far is whole."""
        if self._damage is None and self.torn_tail is not None:
            return torn_tail_error(self.torn_tail)
        return self._damage

    def entries(self) -> Iterator[tuple[LogRecord, ...]]:
        """Yield the records of each commit before the first damage."""
        try:
            yield from super().entries()
        except LogDamagedError as error:
            self._damage = error

    def explain_missing(self, seq: int) -> RefoldError:
        """Return why there is no record of this number; the rest of the log is read for it."""
        for _ in self.entries():
            pass
        first, last = self.header.first_seq, self.lines.head
        if seq >= first and self.problem is not None:
            return self.problem
        there = f"its records are {first} to {last}" if last >= first else "it has no records"
        return CommandError(f"{self.log_path} has no record {seq}: {there}")
