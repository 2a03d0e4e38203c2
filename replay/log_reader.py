"""`LogReader`: read a log file line by line, and say exactly where it is damaged.

What belongs here: files, lines, sequence numbers.  What does not: decoding actions.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from refold.errors import LogDamagedError, LogFormatError
from refold.replay.checked_line import FIRST_CHECKSUM, LineDamageError, open_line
from refold.replay.log_record import FORMAT_VERSION, LogHeader, LogRecord, TornTail
from refold.replay.log_writer import segment_path

__all__ = ["LogReader"]


_OBJECT: Final[Any] = dict

_TYPES: Final[dict[str, Any]] = {
    "seq": int,
    "id": str,
    "name": str,
    "version": int,
    "at_ms": int | None,
    "cause": str | None,
    "origin": str,
    "payload": _OBJECT,
    "inputs": _OBJECT | None,
    "digest": str | None,
}
"""What each field of an envelope holds."""

_HEADER_TYPES: Final[dict[str, type]] = {
    "log_id": str,
    "start_digest": str,
    "digest_algorithm": str,
    "digest_every": int,
    "format_version": int,
}
"""What each field of a header holds; the start state may be anything."""


class LogReader:
    """A log that is read as far as it is needed; what was read before damage stays usable."""

    def __init__(self, path: Path) -> None:
        """Open the log and read its header.

        Raises:
            LogFormatError: there is no such file, it is no refold log, or a newer refold wrote it.
            LogDamagedError: the header is not what was written.
        """
        self.path = segment_path(path)
        self.torn_tail: TornTail | None = None
        """What is left of an unfinished last line; known once the end was reached."""
        self.final_digest: str | None = None
        """The digest of the checkpoint that was read last; None if there is none yet."""
        self._lines = self._read_lines()
        self._checksum = FIRST_CHECKSUM
        self._line_number = 0
        self._head = 0
        self.header = self._read_header()

    def entries(self) -> Iterator[tuple[LogRecord, ...]]:
        """Yield the records of each commit, once, in order.

        Raises:
            LogDamagedError: the next line is not what was written.
        """
        for line in self._lines:
            if not line.endswith(b"\n"):
                self.torn_tail = TornTail(
                    self.path.name, self._line_number + 1, self._head + 1, len(line)
                )
                return
            value = self._open(line)
            if value.get("checkpoint") is True:
                self._check(value.get("seq") == self._head, "a checkpoint of another record")
                digest = value.get("digest")
                self._check(isinstance(digest, str), "a checkpoint without a digest")
                self.final_digest = digest
                continue
            self.final_digest = None
            actions = value.get("actions", [value])
            self._check(isinstance(actions, list), "the actions of a commit are no list")
            yield tuple(self._record(envelope) for envelope in actions)

    def close(self) -> None:
        """Close the file."""
        self._lines.close()

    def _read_lines(self) -> Any:  # a generator, which can be closed
        try:
            file = self.path.open("rb")
        except OSError as error:
            message = f"cannot read a log at {self.path}: {error.strerror}; give the path of a log"
            raise LogFormatError(message) from error
        with file:
            yield from file

    def _read_header(self) -> LogHeader:
        line = next(self._lines, b"")
        if not line.lstrip().startswith(b'{"refold_log":'):
            message = (
                f"{self.path} is no refold log: its first line is no header; give the path that"
                f" record(path) was given"
            )
            raise LogFormatError(message)
        version = line.partition(b":")[2].partition(b",")[0]
        if version.isdigit() and int(version) > FORMAT_VERSION:
            message = (
                f"{self.path} has the log format {int(version)}, this refold reads up to"
                f" {FORMAT_VERSION}; update refold to read it"
            )
            raise LogFormatError(message)
        value = self._open(line)
        try:
            header = LogHeader(
                log_id=value["log_id"],
                start_state=value["start_state"],
                start_digest=value["start_digest"],
                digest_algorithm=value["digest_algorithm"],
                digest_every=value["digest_every"],
                format_version=value["refold_log"],
            )
        except KeyError as error:
            reason = f"the header has no {error}"
            raise self._damage(reason) from error
        for name, wanted in _HEADER_TYPES.items():
            is_right = type(getattr(header, name)) is wanted
            self._check(is_right, f"the header's {name} is no {wanted.__name__}")
        return header

    def _open(self, line: bytes) -> dict[str, Any]:
        try:
            value, self._checksum = open_line(line, self._checksum)
        except LineDamageError as error:
            raise self._damage(str(error)) from error
        self._line_number += 1
        return value

    def _record(self, envelope: Any) -> LogRecord:
        try:
            record = LogRecord(**envelope)
        except TypeError as error:
            reason = f"the record is no envelope: {error}"
            raise self._damage(reason) from error
        wrong = [name for name, tp in _TYPES.items() if not isinstance(getattr(record, name), tp)]
        self._check(not wrong, f"the record has values of a wrong type in {', '.join(wrong)}")
        self._check(record.seq == self._head + 1, f"the record has the seq {record.seq}")
        self._head = record.seq
        return record

    def _check(self, holds: bool, reason: str) -> None:  # noqa: FBT001  # an assertion
        if not holds:
            self._line_number -= 1
            raise self._damage(reason)

    def _damage(self, reason: str) -> LogDamagedError:
        is_header = self._line_number == 0
        return LogDamagedError(
            segment=self.path.name,
            line=self._line_number + 1,
            seq=None if is_header else self._head + 1,
            reason=reason,
        )
