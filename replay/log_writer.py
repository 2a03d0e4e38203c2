"""`LogWriter`: append records to a log file.

What belongs here: files, lines and sequence numbers.  What does not: what is recorded and when,
which the `record` middleware decides.

Each commit is one line, handed to the operating system before dispatch returns: a program that is
killed loses nothing that was dispatched; a machine that loses power may lose the last seconds.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

from refold.errors import LogExistsError, LogWriteError
from refold.replay.canonical_digest import DIGEST_ALGORITHM
from refold.replay.checked_line import FIRST_CHECKSUM, seal_line
from refold.replay.log_record import FORMAT_VERSION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from refold.replay.log_record import LogRecord

__all__ = ["LogWriter", "segment_path"]

_FIRST_SEGMENT: Final = "00000000000000000001.jsonl"


def segment_path(path: Path) -> Path:
    """Return the file of a log: the path itself if it ends in ``.jsonl``, else one in it."""
    return path if path.suffix == ".jsonl" else path / _FIRST_SEGMENT


class LogWriter:
    """One open log file; it only ever appends."""

    def __init__(
        self,
        path: Path,
        *,
        start_state: Any,
        start_digest: str,
        digest_every: int,
    ) -> None:
        """Create the file and write its header.

        Args:
            path: a file ending in ``.jsonl``, or a folder; folders are made as needed.
            start_state: the state before the first record, encoded.
            start_digest: its digest.
            digest_every: how many records may stand between two digests.

        Raises:
            LogExistsError: there is a log already.
            LogWriteError: the file cannot be created.
        """
        self.path = segment_path(path)
        self.log_id = secrets.token_hex(8)
        self.head = 0
        """The number of the last record written; 0 before the first."""
        self._checksum = FIRST_CHECKSUM
        self._descriptor = _create(self.path)
        self._close = weakref.finalize(self, os.close, self._descriptor)
        self._size_bytes = 0
        header = {
            "refold_log": FORMAT_VERSION,
            "log_id": self.log_id,
            "digest_algorithm": DIGEST_ALGORITHM,
            "digest_every": digest_every,
            "start_digest": start_digest,
            "start_state": start_state,
        }
        try:
            self._write(header)
        except LogWriteError:
            self.close()
            self.path.unlink()  # a log without a header is none, and would be in the way
            raise

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

    def close(self) -> None:
        """Close the file; one that is forgotten is closed with its writer."""
        self._close()

    def _write(self, value: dict[str, Any]) -> None:
        try:
            line, checksum = seal_line(value, self._checksum)
            rest = line
            while rest:  # a disk that is nearly full takes a part
                rest = rest[os.write(self._descriptor, rest) :]
        except (OSError, TypeError) as error:
            with contextlib.suppress(OSError):  # what cannot be cut off is a torn tail
                os.ftruncate(self._descriptor, self._size_bytes)
            message = (
                f"cannot write to {self.path} after seq {self.head}: {error}; the records before"
                f" are whole"
            )
            raise LogWriteError(message) from error
        self._checksum = checksum
        self._size_bytes += len(line)


def _create(path: Path) -> int:
    """Create a file that must not exist yet, and return its descriptor."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _cannot_record(path, error) from error
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
    except FileExistsError as error:
        message = (
            f"{path} is there already, and recording would overwrite it; choose another path, or"
            f" move the old log away"
        )
        raise LogExistsError(message) from error
    except OSError as error:
        raise _cannot_record(path, error) from error


def _cannot_record(path: Path, error: OSError) -> LogWriteError:
    message = f"cannot record to {path}: {error.strerror}; choose a path that can be written"
    return LogWriteError(message)


def envelope_of(record: LogRecord) -> dict[str, Any]:
    """Return a record as the JSON object that stands in the log."""
    return attrs.asdict(record, recurse=False)
