"""`RecordSequence`: the records of a log as a sequence that is read as far as somebody asks.

What belongs here: reading on, and keeping what was read.  What does not: lines and files, which
`log_reader` knows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, overload

import attrs

from refold.errors import LogError
from refold.replay.log_record import LogRecord
from refold.replay.packed_actions import make_actions
from refold.replay.packed_record import PackedRecord, unpack

if TYPE_CHECKING:
    from refold.actions.action import Action
    from refold.replay.log_reader import LogReader

__all__ = ["RecordSequence"]


class RecordSequence(Sequence[LogRecord]):
    """The records of a log, read as far as they are asked for; the first has the index 0."""

    def __init__(self, reader: LogReader) -> None:
        """Read from this log."""
        self._reader = reader
        self._entries = reader.entries()
        self._read: list[PackedRecord | LogRecord] = []
        self._damage: LogError | None = None

    @overload
    def __getitem__(self, index: int) -> LogRecord: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[LogRecord]: ...
    def __getitem__(self, index: int | slice) -> LogRecord | Sequence[LogRecord]:
        """Return a record, or several; damage before the last of them is raised."""
        last = index.stop if isinstance(index, slice) else index + 1
        counts_from_end = isinstance(index, int) and index < 0
        self._read_to(None if last is None or last < 0 or counts_from_end else last)
        found = self._read[index]
        return [_unpacked(each) for each in found] if isinstance(found, list) else _unpacked(found)

    def actions(self, indices: Sequence[int]) -> list[Action]:
        """Return the actions of records; damage before the last of them is raised.

        Raises:
            IndexError: there is no such record.
            LogError: an action cannot be decoded.
        """
        if not isinstance(indices, range):
            self._read_to(max(indices, default=-1) + 1)
            return make_actions([self._read[index] for index in indices])
        if not self._read_to(indices.stop):
            raise IndexError(indices.stop)
        return make_actions(self._read[indices.start : indices.stop])

    def __len__(self) -> int:
        """Return how many records there are; damage anywhere is raised."""
        self._read_to(None)
        return len(self._read)

    def __iter__(self) -> Iterator[LogRecord]:
        """Yield the records in order, up to damage, which is then raised."""
        index = 0
        while self._read_to(index + 1):
            yield _unpacked(self._read[index])
            index += 1

    def _read_to(self, count: int | None) -> bool:
        """Read until so many records are there, or all; tell whether they are."""
        while count is None or len(self._read) < count:
            if self._damage is not None:
                raise self._damage
            ended_with = self._reader.final_digest
            packed = self._reader.packed()
            if packed:
                self._add_digest(ended_with)
                self._read += packed
                continue
            try:
                entry = next(self._entries, None)
            except LogError as error:
                self._damage = error
                raise
            if entry is None:
                self._add_digest(self._reader.final_digest)
                return False
            self._add_digest(self._reader.digest_before)
            self._read.extend(entry)
        return True

    def _add_digest(self, digest: str | None) -> None:
        """Give the last record the digest that was written after it.

        One is, when a log is closed and when the next segment begins.
        """
        if digest is not None and self._read and self._read[-1].digest is None:
            self._read[-1] = attrs.evolve(_unpacked(self._read[-1]), digest=digest)


def _unpacked(record: PackedRecord | LogRecord) -> LogRecord:
    return unpack(record) if isinstance(record, PackedRecord) else record
