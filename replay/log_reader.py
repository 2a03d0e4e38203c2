"""`LogReader`: read a log line by line across its segments, and say exactly where it is damaged.

What belongs here: files, in order.  What does not: what a line says (`log_lines`).
"""

from __future__ import annotations

import contextlib
import os
import weakref
import zlib
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from refold.errors import LogFormatError, LogRegressedError, LogTruncatedError
from refold.replay.log_lines import LogLines
from refold.replay.log_record import LogHeader, LogRecord, TornTail
from refold.replay.log_segments import (
    Segment,
    has_whole_header,
    list_segments,
    open_segment,
    segment_name,
)

if TYPE_CHECKING:
    from io import BufferedReader

    from refold.replay.packed_record import PackedRecord

__all__ = ["LogReader"]

_AHEAD_BYTES: Final = 64 * 1024
"""How much is read at once; more costs more, because its memory is got from the system anew."""

_FEWEST_LINES: Final = 16
"""How many lines are taken at once after one that is not ordinary, so that those behind it, which
are looked at again, are not looked at often."""

_MOST_LINES: Final = 256
"""How many lines are taken at once at most."""


class LogReader:
    """A log that is read as far as it is needed; what was read before damage stays usable."""

    def __init__(self, path: Path, *, from_seq: int | None = 1) -> None:
        """Open the log and read the header of the segment to begin with.

        Args:
            path: a file, or a folder of segments.
            from_seq: the first record that is wanted; segments before it are not read.  None for
                the first that is still there.

        Raises:
            LogFormatError: there is no such file, it is no refold log, or a newer refold wrote it.
            LogDamagedError: the header is not what was written.
            LogTruncatedError: the first record that is wanted was trimmed.
        """
        self.log_path = path
        """The path of the whole log."""
        self.lines = LogLines()
        """Where the reading stands."""
        self.torn_tail: TornTail | None = None
        """What is left of an unfinished last line; known once the end was reached."""
        self.digest_before: str | None = None
        """The digest of the state before the commit that was read last, by a checkpoint or by a
        segment's header; None if neither stands there."""
        self.end_offset = 0
        """How many bytes of the present segment were read as whole lines."""
        self._run_length = _FEWEST_LINES
        segments = list_segments(path) or [Segment(path / segment_name(1), None)]
        wanted = 1 if from_seq is None else from_seq
        reached = [each for each in segments if (each.first_seq or 1) <= wanted]
        with contextlib.suppress(OSError):
            if len(reached) > 1 and not has_whole_header(reached[-1]):
                reached.pop()  # its writer is about to begin it; reading on comes to it
        self.segment = reached[-1] if reached else segments[0]
        """The segment that is being read."""
        self._use(self._open(self.segment))
        self.from_seq = 0 if from_seq is None else from_seq
        """The first record that is wanted; 0 for the first that is there."""
        try:
            self.header = self._read_first_header()
        except BaseException:
            self._close_file()
            raise
        self._generator = self._read_entries()

    @property
    def path(self) -> Path:
        """The file that is being read."""
        return self.segment.path

    @property
    def final_digest(self) -> str | None:
        """The digest of the checkpoint that ends what was read; None if there is none."""
        return self.lines.final_digest

    def entries(self) -> Iterator[tuple[LogRecord, ...]]:
        """Yield the records of each commit, once, in order.

        Raises:
            LogDamagedError: the next line is not what was written.
            LogTruncatedError: the next segment was trimmed while this one was read.
        """
        return self._generator

    def packed(self) -> list[PackedRecord]:
        """Return the records that come next, as far as the lines are ordinary ones.

        `entries` goes on behind them.

        Returns:
            An empty list if `entries` has to look at the next line, or if none comes.
        """
        if self.lines.head + 1 < self.from_seq:
            return []
        if self._next == len(self._ahead):
            self._read_ahead()
        lines = self._ahead[self._next : self._next + self._run_length]
        digest_before = self.lines.final_digest
        found = self.lines.take_packed(lines)
        if found:
            self.digest_before = digest_before
            self._next += len(found)
            self.end_offset += sum(map(len, lines[: len(found)])) + len(found)
        is_whole = len(found) == len(lines)
        self._run_length = min(self._run_length * 2, _MOST_LINES) if is_whole else _FEWEST_LINES
        return found

    def read_on(self) -> Iterator[tuple[LogRecord, ...]]:
        """Yield the commits that were written since `entries` came to the end.

        Raises:
            LogDamagedError: the next line is not what was written.
            LogTruncatedError: what comes next was trimmed.
            LogRegressedError: the log is shorter than what was read of it.
        """
        self.torn_tail = None
        if self._is_there_more():
            self._generator = self._read_entries()
            return self._generator
        return iter(())

    def close(self) -> None:
        """Close the file."""
        self._generator.close()
        self._close_file()

    def _read_entries(self) -> Generator[tuple[LogRecord, ...]]:
        try:
            while True:
                line = self._read_line()
                if not line.endswith(b"\n"):
                    following = self._following_segment()
                    if following is None:
                        self._report_torn_tail(line)
                        return
                    line += self._read_line()  # the writer may have gone on before it rotated
                    if not line:
                        if not self._enter(following):
                            return
                        continue
                    if not line.endswith(b"\n"):
                        reason = "the line is unfinished although a segment follows"
                        raise self.lines.damage(reason)
                digest_before = self.lines.final_digest
                records = self.lines.take(line)
                self.end_offset += len(line)
                if records and records[-1].seq >= self.from_seq:
                    self.digest_before = digest_before
                    yield records
        finally:
            self._close_file()

    def _use(self, file: BinaryIO) -> None:
        """Read from this file from now on; one that is forgotten is closed with its reader."""
        self._file = file
        self._ahead: list[bytes] = []
        self._next = 0
        self._torn = b""
        self._close_file = weakref.finalize(self, file.close)

    def _is_there_more(self) -> bool:
        """Open again, behind what was read, whatever comes next."""
        following = self._following_segment()
        if self.segment.first_seq is not None and not _is_there(self.log_path, self.segment):
            if following is None:
                raise self._regressed()
            return self._enter(following)
        if self.end_offset == 0:  # its header was not whole yet
            return self._enter(self.segment)
        if self.segment.is_compressed:
            return following is not None and self._enter(following)
        file = self._open(self.segment)
        self._use(file)
        size_bytes = file.seek(0, os.SEEK_END)
        if size_bytes < self.end_offset:
            raise self._regressed()
        file.seek(self.end_offset)
        if size_bytes == self.end_offset and following is None:
            self._close_file()
            return False
        return True

    def _regressed(self) -> LogRegressedError:
        head = self.lines.head
        message = (
            f"{self.log_path} no longer has seq {head}, which was read before; read it anew from"
            f" the start, because what was folded is not what the log says"
        )
        return LogRegressedError(message, seq=head, expected=self.lines.last_id, found=None)

    def _read_ahead(self) -> None:
        """Read many lines at once; what cannot be read is reported when its line is asked for."""
        file = cast("BufferedReader", self._file)  # or one of gzip, which has the same method
        try:
            text = self._torn + file.read1(_AHEAD_BYTES)  # an error in it loses nothing
        except (OSError, EOFError, zlib.error, ValueError):  # the last of a closed file
            return
        self._ahead = text.split(b"\n")
        self._torn = self._ahead.pop()
        self._next = 0

    def _read_line(self) -> bytes:
        if self._next < len(self._ahead):
            self._next += 1
            return self._ahead[self._next - 1] + b"\n"
        begun, self._torn = self._torn, b""
        try:
            return begun + self._file.readline()
        except (OSError, EOFError, zlib.error) as error:
            reason = f"the file cannot be read on: {error}"
            raise self.lines.damage(reason) from error

    def _report_torn_tail(self, line: bytes) -> None:
        if line:
            lines = self.lines
            self.torn_tail = TornTail(
                self.path.name, lines.line_number + 1, lines.head + 1, len(line)
            )

    def _following_segment(self) -> Segment | None:
        """Return the segment after the present one, as the folder is now."""
        present = self.segment.first_seq
        if present is None:
            return None
        later = (each for each in list_segments(self.log_path) if (each.first_seq or 0) > present)
        return next(later, None)

    def _enter(self, segment: Segment) -> bool:
        """Go on with the next segment; tell whether it has its header yet."""
        lines = self.lines
        before = self.segment
        file = self._open(segment)
        self._close_file()
        self._use(file)
        self.segment, self.end_offset = segment, 0
        line = self._read_line()
        if not line.endswith(b"\n"):
            lines.segment, lines.line_number = segment.path.name, 0
            if self._following_segment() is not None:
                reason = "the header is unfinished although a segment follows"
                raise lines.damage(reason)
            self._report_torn_tail(line)
            return False
        if (segment.first_seq or 0) > lines.head + 1 and not _is_there(self.log_path, before):
            raise self._truncated(lines.head + 1, segment.first_seq or 0)
        header = lines.take_header(line, str(segment.path), segment.path.name)
        self._check_name(header)
        self.end_offset = len(line)
        return True

    def _open(self, segment: Segment) -> BinaryIO:
        try:
            return open_segment(segment)
        except OSError as error:
            message = (
                f"cannot read a log at {segment.path}: {error.strerror}; give the path of a log"
            )
            raise LogFormatError(message) from error

    def _read_first_header(self) -> LogHeader:
        name = self.segment.path.name
        self.lines.segment = name
        line = self._read_line()
        header = self.lines.take_header(line, str(self.segment.path), name)
        self._check_name(header)
        self.end_offset = len(line)
        if 0 < self.from_seq < header.first_seq:
            raise self._truncated(self.from_seq, header.first_seq)
        return header

    def _check_name(self, header: LogHeader) -> None:
        if self.segment.first_seq not in {None, header.first_seq}:
            self.lines.line_number = 0
            reason = f"the file is named for another record than its first, {header.first_seq}"
            raise self.lines.damage(reason)

    def _truncated(self, asked_seq: int, first_seq: int) -> LogTruncatedError:
        message = (
            f"{self.log_path} no longer has seq {asked_seq}: it was trimmed and now begins with seq"
            f" {first_seq}; start from a state after seq {first_seq - 1} or later"
        )
        return LogTruncatedError(message, asked_seq=asked_seq, first_seq=first_seq)


def _is_there(log: Path, segment: Segment) -> bool:
    return any(each.first_seq == segment.first_seq for each in list_segments(log))
