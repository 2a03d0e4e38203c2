"""`open_log`: open the log that a person named, or say why it cannot be one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from refold.commands.report_error import CommandError
from refold.replay.log_reader import LogReader
from refold.replay.log_segments import is_one_file, segment_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from refold.replay.log_record import LogRecord
    from refold.replay.packed_record import PackedRecord

__all__ = ["WatchedLogReader", "open_log"]


class WatchedLogReader(LogReader):
    """A log that tells somebody of every commit that is read from it."""

    def __init__(self, path: Path, on_entry: Callable[[], object]) -> None:
        """Open the log at the first record that is still there; see `LogReader`."""
        super().__init__(path, from_seq=None)
        self._on_entry = on_entry

    def entries(self) -> Iterator[tuple[LogRecord, ...]]:
        """Yield the records of each commit; see `LogReader.entries`."""
        for entry in super().entries():
            self._on_entry()
            yield entry

    def packed(self) -> list[PackedRecord]:
        """Return the next records as they are packed; see `LogReader.packed`."""
        found = super().packed()
        for _ in found:
            self._on_entry()
        return found


def open_log(path: Path, on_entry: Callable[[], object] = lambda: None) -> WatchedLogReader:
    """Open a log.

    Args:
        path: the path that ``record`` was given.
        on_entry: called for every commit that is read.

    Raises:
        CommandError: there is no log at the path.
        LogFormatError: it cannot be read, is no log, or a newer refold wrote it.
        LogDamagedError: its header is damaged.
    """
    if not path.exists():
        message = f"there is no {path}; give the path that record(path) was given"
        raise CommandError(message)
    if path.is_dir():
        if not segment_path(path).is_file():
            message = (
                f"the folder {path} holds no log: it has no {segment_path(path).name}; give the"
                f" folder or the .jsonl file that record(path) was given"
            )
            raise CommandError(message)
    elif not is_one_file(path):
        message = (
            f"{path} is no log by its name: a log is a file that ends in .jsonl or .jsonl.gz, or a"
            f" folder of such files"
        )
        raise CommandError(message)
    return WatchedLogReader(path, on_entry)
