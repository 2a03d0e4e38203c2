"""`LogRewrite`: write a log anew in one file, of which nothing is seen before all of it is whole.

What belongs here: the half-made file, and putting it in its place.  What does not: which records
are written, which `log_compaction` decides.

A crash leaves at most a file ``NAME.compacting.jsonl``, which the next rewriting overwrites.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from refold.errors import LogExistsError, LogWriteError
from refold.replay.checked_line import FIRST_CHECKSUM, seal_line
from refold.replay.log_segment_file import make_folder
from refold.replay.log_segments import sync_folder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from refold.replay.log_record import LogHeader, LogRecord

__all__ = ["LogRewrite"]


class LogRewrite:
    """A log that is being written beside the place where it will be."""

    def __init__(self, target: Path, header: LogHeader, *, mode_of: Path) -> None:
        """Write the header to a half-made file.

        Args:
            target: where the log will be.
            header: what it begins with.
            mode_of: the file whose permissions it gets.

        Raises:
            LogWriteError: it cannot be written.
        """
        self._target = target
        self.half_made = target.with_name(f"{target.name}.compacting.jsonl")
        """The file as long as it is not published; a whole log once `finish` returned."""
        self._checksum = FIRST_CHECKSUM
        try:
            make_folder(target.parent)
            self.half_made.unlink(missing_ok=True)  # of a crash
            self._file = self.half_made.open("xb")
            shutil.copymode(mode_of, self.half_made)
        except OSError as error:
            raise self._failure(error) from error
        value = attrs.asdict(header, recurse=False)
        self._write({"refold_log": value.pop("format_version"), **value})

    def append(self, records: Sequence[LogRecord]) -> None:
        """Write the records of one commit."""
        envelopes = [attrs.asdict(record, recurse=False) for record in records]
        self._write(envelopes[0] if len(envelopes) == 1 else {"actions": envelopes})

    def checkpoint(self, seq: int, digest: str) -> None:
        """Write the digest of the state after the last record."""
        self._write({"checkpoint": True, "seq": seq, "digest": digest})

    def finish(self) -> None:
        """Put all that was written on disk; the file is whole then, but not in its place yet.

        Raises:
            LogWriteError: the disk failed.
        """
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        except OSError as error:
            raise self._failure(error) from error

    def publish(self, *, replace: bool) -> None:
        """Put the file in its place, at once.

        Args:
            replace: whether a file that is there makes way.

        Raises:
            LogExistsError: there is a file, and it is not to be replaced.
            LogWriteError: it cannot be put there.
        """
        try:
            if replace:
                self.half_made.replace(self._target)
            else:
                self._target.hardlink_to(self.half_made)  # unlike renaming, it replaces nothing
                self.half_made.unlink()
            sync_folder(self._target.parent)
        except FileExistsError as error:
            message = f"{self._target} is there already; choose another path"
            raise LogExistsError(message) from error
        except OSError as error:
            raise self._failure(error) from error

    def discard(self) -> None:
        """Delete what is not published."""
        self._file.close()
        self.half_made.unlink(missing_ok=True)

    def _write(self, value: dict[str, Any]) -> None:
        line, self._checksum = seal_line(value, self._checksum)
        try:
            self._file.write(line)
        except OSError as error:
            raise self._failure(error) from error

    def _failure(self, error: OSError) -> LogWriteError:
        message = (
            f"cannot write {self._target}: {error.strerror}; the log that is compacted is as it was"
        )
        return LogWriteError(message)
