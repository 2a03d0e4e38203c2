"""`LogWriter`: append records to a log, and begin its segments.

What belongs here: lines, sequence numbers, and which file they go to.  What does not: what is
recorded and when, which the `record` middleware decides.

Each commit is one line, handed to the operating system before dispatch returns: a program that is
killed loses nothing that was dispatched.  What a loss of power takes is said at `LogOptions.sync`.
"""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from refold.errors import LogFormatError, LogWriteError
from refold.replay.canonical_digest import DIGEST_ALGORITHM
from refold.replay.checked_line import FIRST_CHECKSUM, seal_line
from refold.replay.log_housekeeping import tidy_segments
from refold.replay.log_lock import LogLock
from refold.replay.log_options import LogOptions
from refold.replay.log_record import FORMAT_VERSION
from refold.replay.log_recovery import CutTail, LogEnd, recover_log
from refold.replay.log_segment_file import SegmentFile, cannot_record, log_exists, make_folder
from refold.replay.log_segments import is_one_file, list_segments, segment_name, segment_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from refold.replay.log_record import LogHeader, LogRecord

__all__ = ["LogWriter", "segment_path"]


class LogWriter:
    """The one writer of a log; it only ever appends."""

    def __init__(  # noqa: PLR0913  # all but the path by keyword
        self,
        path: Path,
        *,
        start_state: Any,
        start_digest: str,
        digest_every: int,
        options: LogOptions | None = None,
        resume: bool = False,
    ) -> None:
        """Lock the log, and create it or go on where it ends.

        Args:
            path: a file ending in ``.jsonl``, or a folder; folders are made as needed.
            start_state: the state at present, encoded: before the first record of a new segment.
            start_digest: its digest; empty if nobody knows the state.
            digest_every: how many records may stand between two digests.
            options: None for the defaults.
            resume: go on with a log that is there, after cutting a torn tail off; a log that is
                not there is created all the same.

        Raises:
            LogExistsError: there is a log already, and `resume` is false.
            LogLockedError: another writer has it open.
            LogWriteError: it cannot be created or written.
            LogDamagedError: it is damaged elsewhere than at its end; nothing was changed.
        """
        self._log = path
        self._options = options or LogOptions()
        self._options.check_path(path)
        self._digest_every = digest_every
        self.log_id = secrets.token_hex(8)
        self.head = 0
        """The number of the last record written; 0 before the first."""
        self.last_digest: str | None = None
        """The digest of the state after the last record, as the log had it when it was opened."""
        self.cut_tail: CutTail | None = None
        """What was cut off when the log was opened; None if it ended whole."""
        self._checksum = FIRST_CHECKSUM
        self._tidying: threading.Thread | None = None
        self._lock, new_file = _prepare(path, resume=resume)
        try:
            end = recover_log(path) if resume else None
            self._file = self._open(end, new_file, start_state, start_digest)
        except BaseException:
            self._lock.release()
            raise
        self._segment_began()

    @property
    def path(self) -> Path:
        """The file that is being written."""
        return self._file.path

    def append(self, records: Sequence[LogRecord]) -> None:
        """Write the records of one commit as one line.

        Raises:
            LogWriteError: it could not be written; the log ends with the line before.
        """
        envelopes = [envelope_of(record) for record in records]
        self._write(envelopes[0] if len(envelopes) == 1 else {"actions": envelopes})
        self.head = records[-1].seq

    def checkpoint(self, digest: str) -> None:
        """Write the digest of the state after the last record."""
        self._write({"checkpoint": True, "seq": self.head, "digest": digest})

    @property
    def is_segment_full(self) -> bool:
        """Whether the options want the next record in a segment of its own."""
        options = self._options
        if options.segment_bytes is None and options.segment_age_s is None:
            return False
        size_bytes = self._file.size_bytes - self._empty_bytes
        if size_bytes <= 0:
            return False
        if options.segment_bytes is not None and size_bytes >= options.segment_bytes:
            return True
        age_s = time.monotonic() - self._began_s
        return options.segment_age_s is not None and age_s >= options.segment_age_s

    def begin_segment(self, start_state: Any, start_digest: str) -> None:
        """Close the present segment and begin the next.

        Args:
            start_state: the state after the last record, encoded.
            start_digest: its digest; empty if nobody knows the state.

        Raises:
            LogWriteError: it cannot be begun; the log ends with the last record.
        """
        before = self._file
        if self._options.sync != "never":
            self.sync()
        self._file = self._new_segment(start_state, start_digest)
        before.close()
        self._segment_began()
        self._tidy()

    def sync(self) -> None:
        """Wait until all that was written is on disk.

        Raises:
            LogWriteError: the disk failed.
        """
        try:
            self._file.sync()
        except OSError as error:
            raise self._failure(error) from error

    def duplicate_descriptor(self) -> int:
        """Return another descriptor of the file being written, which the caller closes.

        Raises:
            OSError: there is none.
        """
        return self._file.duplicate()

    def close(self) -> None:
        """Close the file and let others write; twice is harmless."""
        self._file.close()
        if self._tidying is not None:
            self._tidying.join()
        self._lock.release()

    def _open(
        self, end: LogEnd | None, new_file: SegmentFile | None, start_state: Any, start_digest: str
    ) -> SegmentFile:
        """Return the file to write to, which has its header."""
        if end is not None and end.header is not None:
            _check_digests(end.header)
            self.log_id, self.head = end.header.log_id, end.head
            self._digest_every = end.header.digest_every
            self._checksum, self.last_digest = end.checksum, end.last_digest
            self.cut_tail = end.cut
            if end.segment.is_compressed:
                return self._new_segment(start_state, start_digest)
            file = SegmentFile.reopen(end.segment.path, end.size_bytes)
            if end.size_bytes == 0:
                self._write_header(file, start_state, start_digest)
            return file
        if end is not None:
            self.cut_tail = end.cut
            file = SegmentFile.reopen(end.segment.path, 0)
        else:
            folder_file = self._log / segment_name(1)
            file = new_file or SegmentFile.create(folder_file)
        self._write_new_header(file, start_state, start_digest)
        return file

    def _new_segment(self, start_state: Any, start_digest: str) -> SegmentFile:
        if is_one_file(self._log):
            message = f"cannot record to {self._log}: it is compressed; unpack it first"
            raise LogWriteError(message)
        file = SegmentFile.create(self._log / segment_name(self.head + 1))
        self._write_new_header(file, start_state, start_digest)
        return file

    def _write_new_header(self, file: SegmentFile, start_state: Any, start_digest: str) -> None:
        try:
            self._write_header(file, start_state, start_digest)
        except LogWriteError:
            file.close()
            with contextlib.suppress(OSError):
                file.path.unlink()  # a file without a header is no log, and would be in the way
            raise

    def _write_header(self, file: SegmentFile, start_state: Any, start_digest: str) -> None:
        header = {
            "refold_log": FORMAT_VERSION,
            "log_id": self.log_id,
            "digest_algorithm": DIGEST_ALGORITHM,
            "digest_every": self._digest_every,
            "start_digest": start_digest,
            "start_state": start_state,
        }
        if self.head > 0:
            header |= {"first_seq": self.head + 1, "previous_crc": f"{self._checksum:08x}"}
        self._write_to(file, header, FIRST_CHECKSUM)

    def _segment_began(self) -> None:
        self._empty_bytes = self._file.size_bytes
        self._began_s = time.monotonic()

    def _tidy(self) -> None:
        """Compress and trim beside the running program."""
        options = self._options
        if not options.compress and options.keep_bytes is None and options.keep_age_s is None:
            return
        if self._tidying is not None:
            self._tidying.join()
        self._tidying = threading.Thread(
            target=tidy_segments, args=(self._log, options), name="refold-log", daemon=True
        )
        self._tidying.start()

    def _write(self, value: dict[str, Any]) -> None:
        self._write_to(self._file, value, self._checksum)

    def _write_to(self, file: SegmentFile, value: dict[str, Any], previous: int) -> None:
        size_bytes = file.size_bytes
        try:
            line, checksum = seal_line(value, previous)
            file.write(line)
            if self._options.sync == "always":
                file.sync()
        except (OSError, TypeError) as error:
            if file.size_bytes != size_bytes:
                file.size_bytes = size_bytes
                file.cut_back()
            raise self._failure(error, file.path) from error
        self._checksum = checksum

    def _failure(self, error: Exception, path: Path | None = None) -> LogWriteError:
        message = (
            f"cannot write to {path or self.path} after seq {self.head}: {error}; the records"
            f" before are whole"
        )
        return LogWriteError(message)


def _prepare(path: Path, *, resume: bool) -> tuple[LogLock, SegmentFile | None]:
    """Lock a log, which is one file or a folder; return a file that had to be created for that."""
    if is_one_file(path):
        file = SegmentFile.create(path, may_be_empty=resume)
        if resume:
            file.close()
        return LogLock(path), None if resume else file
    if not resume:
        _check_is_new(path)
    try:
        make_folder(path)
    except OSError as error:
        raise cannot_record(path, error) from error
    lock = LogLock(path)
    if not resume:
        try:
            _check_is_new(path)
        except BaseException:
            lock.release()
            raise
    return lock, None


def _check_digests(header: LogHeader) -> None:
    if header.digest_algorithm != DIGEST_ALGORITHM:
        message = (
            f"the log's digests are {header.digest_algorithm}, this refold makes"
            f" {DIGEST_ALGORITHM}; go on with it by the refold that wrote it, or record anew"
        )
        raise LogFormatError(message)


def _check_is_new(folder: Path) -> None:
    segments = list_segments(folder)
    if segments:
        raise log_exists(segments[0].path)


def envelope_of(record: LogRecord) -> dict[str, Any]:
    """Return a record as the JSON object that stands in the log."""
    return attrs.asdict(record, recurse=False)
