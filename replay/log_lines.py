"""`LogLines`: what the lines of a log say, one after the other, and where exactly one is damaged.

What belongs here: lines, checksums and sequence numbers, without any file.  What does not: where
the lines come from, which a reader or a follower knows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from refold.errors import LogDamagedError, LogFormatError
from refold.replay.checked_line import FIRST_CHECKSUM, LineDamageError, open_line
from refold.replay.fast_envelope import read_envelope
from refold.replay.fast_lines import take_packed
from refold.replay.log_record import FORMAT_VERSION, LogHeader, LogRecord
from refold.replay.packed_record import slim

if TYPE_CHECKING:
    from refold.replay.packed_record import PackedRecord

__all__ = ["LogLines"]

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

_HEADER_BEGINS: Final = b'{"refold_log":'

_HEADER_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "log_id": (str,),
    "start_digest": (str,),
    "digest_algorithm": (str,),
    "digest_every": (int,),
    "format_version": (int,),
    "first_seq": (int,),
    "previous_crc": (str, type(None)),
    "schema_fingerprint": (str, type(None)),
}
"""What each field of a header holds; the start state may be anything."""


class LogLines:
    """Where a reading stands: what the next line must fit."""

    def __init__(self) -> None:
        """Begin before the first header."""
        self.segment = ""
        """The name of the file that is being read."""
        self.line_number = 0
        """How many lines of it were taken."""
        self.checksum = FIRST_CHECKSUM
        """The checksum of the last line."""
        self.head = 0
        """The number of the last record."""
        self.last_id = ""
        """The id of the last record; empty before the first that was read."""
        self.header: LogHeader | None = None
        """The header that the reading began with."""
        self.last_digest: str | None = None
        """The digest of the state after the last record, by it or by a checkpoint; None if
        neither has one."""
        self.final_digest: str | None = None
        """The digest of the checkpoint that was read last; None if records came after it."""

    def take_header(self, line: bytes, where: str, segment: str) -> LogHeader:
        """Take the first line of a file; the second and later files must follow the one before.

        Args:
            line: the line.
            where: the path of the file, for errors.
            segment: its name.

        Raises:
            LogFormatError: it is no header, or that of a newer format.
            LogDamagedError: it is not what was written, or something before it is missing.
        """
        reached = self.segment
        self.segment, self.line_number = segment, 0
        if self.header is not None:
            self._check(line.startswith(_HEADER_BEGINS), "the segment does not begin with a header")
        _check_is_header(line, where)
        value, checksum = self._open(line, FIRST_CHECKSUM)
        header = self._header_of(value)
        if self.header is None:
            self.header, self.head = header, header.first_seq - 1
            self.last_digest = header.start_digest or None
        else:
            self._check_follows(header, reached)
            if header.start_digest:  # the state after the last record of the segment before
                self.final_digest = self.last_digest = header.start_digest
        self.line_number, self.checksum = 1, checksum
        return header

    def take(self, line: bytes) -> tuple[LogRecord, ...]:
        """Return the records of a commit; none for a checkpoint.

        Raises:
            LogDamagedError: the line is not what was written after those taken before.
        """
        value, checksum = self._open(line, self.checksum)
        if value.get("checkpoint") is True:
            self._check(value.get("seq") == self.head, "a checkpoint of another record")
            digest = value.get("digest")
            self._check(isinstance(digest, str), "a checkpoint without a digest")
            self.final_digest = self.last_digest = digest
            records: tuple[LogRecord, ...] = ()
        else:
            actions = value.get("actions", [value])
            self._check(isinstance(actions, list), "the actions of a commit are no list")
            records = tuple(self._record(envelope) for envelope in actions)
            self.final_digest = None
            self.last_digest = records[-1].digest if records else self.last_digest
        if records:
            self.last_id = records[-1].id
        self.line_number += 1
        self.checksum = checksum
        return records

    def take_packed(self, lines: Sequence[bytes]) -> list[PackedRecord]:
        """Return the records of the first lines as far as they are ordinary and fit; see there.

        Args:
            lines: without their newlines.
        """
        found = take_packed(lines, self.checksum, self.head)
        if found:
            last = found[-1]
            self.head, self.last_id, self.last_digest = last.seq, last.id, last.digest
            self.final_digest = None
            self.line_number += len(found)
            self.checksum = int(last.crc, 16)
            slim(found)
        return found

    def damage(self, reason: str) -> LogDamagedError:
        """Return the error for the line that comes next."""
        is_header = self.line_number == 0
        return LogDamagedError(
            segment=self.segment,
            line=self.line_number + 1,
            seq=None if is_header else self.head + 1,
            reason=reason,
        )

    def _open(self, line: bytes, previous: int) -> tuple[dict[str, Any], int]:
        try:
            return open_line(line, previous)
        except LineDamageError as error:
            raise self.damage(str(error)) from error

    def _header_of(self, value: dict[str, Any]) -> LogHeader:
        try:
            header = LogHeader(
                log_id=value["log_id"],
                start_state=value["start_state"],
                start_digest=value["start_digest"],
                digest_algorithm=value["digest_algorithm"],
                digest_every=value["digest_every"],
                format_version=value["refold_log"],
                first_seq=value.get("first_seq", 1),
                previous_crc=value.get("previous_crc"),
                schema_fingerprint=value.get("schema_fingerprint"),
            )
        except KeyError as error:
            reason = f"the header has no {error}"
            raise self.damage(reason) from error
        for name, wanted in _HEADER_TYPES.items():
            is_right = type(getattr(header, name)) in wanted
            self._check(is_right, f"the header's {name} is no {wanted[0].__name__}")
        self._check(header.first_seq >= 1, "the header's first_seq is not 1 or more")
        return header

    def _check_follows(self, header: LogHeader, reached: str) -> None:
        """Check that a header continues what was read before it."""
        known = self.header
        same_log = known is not None and header.log_id == known.log_id
        self._check(same_log, f"the segment belongs to another log, {header.log_id}")
        self._check(
            header.first_seq == self.head + 1,
            f"the segment begins with seq {header.first_seq}, but {reached} before it ends with"
            f" seq {self.head}: records or whole segments between are missing or repeated",
        )
        self._check(
            header.previous_crc == f"{self.checksum:08x}",
            f"the segment does not follow {reached} as it is now: lines at the end of that one"
            f" are missing or were written after this one was begun",
        )

    def _record(self, envelope: Any) -> LogRecord:
        known = read_envelope(envelope)
        if known is not None and known.seq == self.head + 1:
            self.head = known.seq
            return known
        try:
            record = LogRecord(**envelope)
        except TypeError as error:
            reason = f"the record is no envelope: {error}"
            raise self.damage(reason) from error
        wrong = [name for name, tp in _TYPES.items() if not isinstance(getattr(record, name), tp)]
        self._check(not wrong, f"the record has values of a wrong type in {', '.join(wrong)}")
        self._check(record.seq == self.head + 1, f"the record has the seq {record.seq}")
        self.head = record.seq
        return record

    def _check(self, holds: bool, reason: str) -> None:  # noqa: FBT001  # an assertion
        if not holds:
            raise self.damage(reason)


def _check_is_header(line: bytes, where: str) -> None:
    """Refuse what is no header of a format that can be read."""
    if not line.lstrip().startswith(_HEADER_BEGINS):
        message = (
            f"{where} is no refold log: its first line is no header; give the path that"
            f" record(path) was given"
        )
        raise LogFormatError(message)
    version = line.partition(b":")[2].partition(b",")[0]
    if version.isdigit() and int(version) > FORMAT_VERSION:
        message = (
            f"{where} has the log format {int(version)}, this refold reads up to"
            f" {FORMAT_VERSION}; update refold to read it"
        )
        raise LogFormatError(message)
