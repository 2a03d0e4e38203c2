"""`LogWriter`: append records to a log, and begin its segments.

What belongs here: lines, sequence numbers, and which file they go to.  What does not: what is
recorded and when, which the `record` middleware decides.

Each commit is one line.  What a killed program or a loss of power takes is said at
`LogOptions.sync`.
"""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from refold.errors import LogWriteError
from refold.replay.canonical_digest import DIGEST_ALGORITHM
from refold.replay.fast_envelope import envelope_of
from refold.replay.line_chain import CommitText, LineChain
from refold.replay.log_claim import claim_log
from refold.replay.log_housekeeping import tidy_segments
from refold.replay.log_keyframes import drop_keyframes_after, trim_keyframes
from refold.replay.log_options import LogOptions
from refold.replay.log_record import FORMAT_VERSION
from refold.replay.log_recovery import CutTail, LogEnd, recover_log
from refold.replay.log_segment_file import SegmentFile
from refold.replay.log_segment_start import SegmentStart
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
        schema_fingerprint: str | None = None,
        resume: bool = False,
    ) -> None:
        """Lock the log, and create it or go on where it ends.

        A log that was recorded by another schema goes on in a segment of its own.

        Args:
            path: a file ending in ``.jsonl``, or a folder; folders are made as needed.
            start_state: the state at present, encoded: before the first record of a new segment.
            start_digest: its digest; empty if nobody knows the state.
            digest_every: how many records may stand between two digests.
            options: None for the defaults.
            schema_fingerprint: of the application that records; None if nobody knows it.
            resume: go on with a log that is there, after cutting a torn tail off; a log that is
                not there is created all the same.

        Raises:
            LogExistsError: there is a log already, and `resume` is false.
            LogLockedError: another writer has it open.
            LogWriteError: it cannot be created or written.
            LogDamagedError: its last segment is damaged elsewhere than at its end; nothing was
                changed.
        """
        self._log = path
        self._options = options or LogOptions()
        self._options.check_path(path)
        self._digest_every = digest_every
        self.log_id = secrets.token_hex(8)
        self._chain = LineChain(is_synced_by_line=self._options.sync == "always")
        self.last_digest: str | None = None
        """The digest of the state after the last record, as the log had it when it was opened."""
        self.cut_tail: CutTail | None = None
        """What was cut off when the log was opened; None if it ended whole."""
        self.goes_on_from_other_schema = False
        """Whether another schema than the present one recorded what was there when it was opened,
        so that its digests may be of other shapes."""
        self._empty_bytes, self._began_s = 0, time.monotonic()
        """How much of the present file is its header, and when it was begun or opened."""
        self._tidying: threading.Thread | None = None
        start = SegmentStart(start_state, start_digest, schema_fingerprint)
        self._lock, new_file = claim_log(path, resume=resume)
        try:
            end = recover_log(path) if resume else None
            if not is_one_file(path):
                drop_keyframes_after(path, -1 if end is None or end.header is None else end.head)
            self._open(end, new_file, start)
        except BaseException:
            self._lock.release()
            raise

    @property
    def path(self) -> Path:
        """The file that is being written."""
        return self._chain.file.path

    @property
    def head(self) -> int:
        """The number of the last record written; 0 before the first."""
        return self._chain.head

    def append(self, records: Sequence[LogRecord]) -> None:
        """Write the records of one commit as one line.

        Raises:
            LogWriteError: it could not be written; the log ends with the line before.
        """
        envelopes = [envelope_of(record) for record in records]
        commit = envelopes[0] if len(envelopes) == 1 else {"actions": envelopes}
        self.append_commit((records[-1].seq, self._chain.text_of(commit)))

    def append_commit(self, commit: CommitText) -> None:
        """Write one commit, whose line is made already.

        Raises:
            LogWriteError: it could not be written; the log ends with the line before.
        """
        self._chain.append_commit(commit)

    def append_commits(self, commits: list[CommitText]) -> None:
        """Write several commits in one go, and take them off the list.

        Raises:
            LogWriteError: not all could be written; the log ends with the last one that could, and
                the others are still on the list.
        """
        self._chain.append_commits(commits)

    def checkpoint(self, digest: str) -> None:
        """Write the digest of the state after the last record."""
        checkpoint = {"checkpoint": True, "seq": self.head, "digest": digest}
        self._chain.append(checkpoint)

    def is_segment_full(self, held_bytes: int = 0) -> bool:
        """Tell whether the options want the next record in a segment of its own.

        Args:
            held_bytes: what else will be written to this one.
        """
        options = self._options
        if options.segment_bytes is None and options.segment_age_s is None:
            return False
        size_bytes = self._chain.file.size_bytes - self._empty_bytes + held_bytes
        if size_bytes <= 0:
            return False
        if options.segment_bytes is not None and size_bytes >= options.segment_bytes:
            return True
        age_s = time.monotonic() - self._began_s
        return options.segment_age_s is not None and age_s >= options.segment_age_s

    def begin_segment(
        self, start_state: Any, start_digest: str, schema_fingerprint: str | None = None
    ) -> None:
        """Close the present segment and begin the next.

        Args:
            start_state: the state after the last record, encoded.
            start_digest: its digest; empty if nobody knows the state.
            schema_fingerprint: of the application that records; None if nobody knows it.

        Raises:
            LogWriteError: it cannot be begun; the log ends with the last record.
        """
        before = self._chain.file
        if self._options.sync != "never":
            self.sync()
        self._begin_segment(SegmentStart(start_state, start_digest, schema_fingerprint))
        before.close()
        self._tidy()

    def sync(self) -> None:
        """Wait until all that was written is on disk.

        Raises:
            LogWriteError: the disk failed.
        """
        try:
            self._chain.file.sync()
        except OSError as error:
            raise self._chain.failure(error) from error

    def duplicate_descriptor(self) -> int:
        """Return another descriptor of the file being written, which the caller closes.

        Raises:
            OSError: there is none.
        """
        return self._chain.file.duplicate()

    def close(self) -> None:
        """Close the file as it stands and let others write; twice is harmless."""
        self._chain.file.close()
        if self._tidying is not None:
            self._tidying.join()
        self._lock.release()

    def _open(self, end: LogEnd | None, new_file: SegmentFile | None, start: SegmentStart) -> None:
        """Find the file to write to, and give it a header if it has none."""
        if end is not None and end.header is not None:
            self._go_on(end, end.header, start)
            return
        if end is not None:
            self.cut_tail = end.cut
            file = SegmentFile.reopen(end.segment.path, 0)
        else:
            file = new_file or SegmentFile.create(self._log / segment_name(1))
        self._begin_new_file(file, start)

    def _go_on(self, end: LogEnd, header: LogHeader, start: SegmentStart) -> None:
        self.log_id, self._digest_every = header.log_id, header.digest_every
        self.last_digest, self.cut_tail = end.last_digest, end.cut
        if end.segment.is_compressed:
            self._chain.checksum, self._chain.head = end.checksum, end.head
            self._begin_segment(start)
            return
        checksum = end.checksum
        is_without_header = end.size_bytes == 0
        is_other = self.goes_on_from_other_schema = start.is_of_other_schema(header)
        if is_other and not is_without_header and end.head < header.first_seq:
            is_without_header = True  # no record is of the schema that it names
            checksum = int(header.previous_crc or "0", 16)
        file = SegmentFile.reopen(end.segment.path, 0 if is_without_header else end.size_bytes)
        self._empty_bytes = end.header_bytes
        self._chain.file = file
        self._chain.checksum, self._chain.head = checksum, end.head
        if is_without_header:
            self._begin_file(file, start)
        elif is_other and not is_one_file(self._log):
            file.close()
            self._begin_segment(start)

    def _begin_segment(self, start: SegmentStart) -> None:
        if is_one_file(self._log):
            message = f"cannot record to {self._log}: it is compressed; unpack it first"
            raise LogWriteError(message)
        file = SegmentFile.create(self._log / segment_name(self.head + 1))
        self._begin_new_file(file, start)

    def _begin_new_file(self, file: SegmentFile, start: SegmentStart) -> None:
        try:
            self._begin_file(file, start)
        except LogWriteError:
            file.close()
            with contextlib.suppress(OSError):
                file.path.unlink()  # a file without a header is no log, and would be in the way
            raise

    def _begin_file(self, file: SegmentFile, start: SegmentStart) -> None:
        header = {
            "refold_log": FORMAT_VERSION,
            "log_id": self.log_id,
            "digest_algorithm": DIGEST_ALGORITHM,
            "digest_every": self._digest_every,
            "start_digest": start.digest,
            "start_state": start.state,
        }
        if self.head > 0:
            previous_crc = f"{self._chain.checksum:08x}"
            header |= {"first_seq": self.head + 1, "previous_crc": previous_crc}
        if start.schema_fingerprint is not None:
            header["schema_fingerprint"] = start.schema_fingerprint
        self._chain.begin_file(file, header)
        self._empty_bytes, self._began_s = file.size_bytes, time.monotonic()

    def _tidy(self) -> None:
        """Compress and trim beside the running program."""
        options = self._options
        if not options.compress and options.keep_bytes is None and options.keep_age_s is None:
            return
        if self._tidying is not None:
            self._tidying.join()
        self._tidying = threading.Thread(
            target=_tidy_files, args=(self._log, options), name="refold-log", daemon=True
        )
        self._tidying.start()


def _tidy_files(log: Path, options: LogOptions) -> None:
    tidy_segments(log, options)
    with contextlib.suppress(OSError):  # the log is whole without it; the next time it is tried
        trim_keyframes(log, list_segments(log)[0].first_seq or 1)
