"""`ForkableActions`: the records of a log, and actions added after them, by seq.

What belongs here: finding the record and the action of a seq.  What does not: folding them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from refold.errors import LogError
from refold.replay.action_codec import decode_action, encode_payload
from refold.replay.log_record import LogRecord

if TYPE_CHECKING:
    from refold.actions.action import Action
    from refold.replay.forkable_records import RecordSequence

__all__ = ["ForkableActions"]


class ForkableActions:
    """What a timeline folds: records that are shared with its forks, and its own actions."""

    def __init__(
        self, records: RecordSequence, base_seq: int, added: Iterable[Action] = ()
    ) -> None:
        """Keep the records.

        Args:
            records: read as far as somebody asks.
            base_seq: the seq before the first record.
            added: actions after the last record.
        """
        self._records = records
        self._base_seq = base_seq
        self._added = list(added)
        self._forgotten_count = 0

    def copy(self) -> ForkableActions:
        """Return the same actions, to which others can be added."""
        twin = ForkableActions(self._records, self._base_seq, self._added)
        twin._forgotten_count = self._forgotten_count
        return twin

    def append(self, action: Action) -> int:
        """Add an action after all others and return its seq."""
        self._added.append(action)
        return self.last_seq()

    def forget_before(self, seq: int) -> None:
        """Drop the added actions before a seq, so that a line of bounded length needs no more."""
        count = seq - 1 - self._base_seq - len(self._records) - self._forgotten_count
        if count > 0:
            self._forgotten_count += min(count, len(self._added))
            del self._added[:count]

    def last_seq(self) -> int:
        """Return the seq of the last action; the whole log is read."""
        added_count = self._forgotten_count + len(self._added)
        return self._base_seq + len(self._records) + added_count

    def has(self, seq: int) -> bool:
        """Tell whether there is an action of this seq; the log is read up to it."""
        try:
            self._find(seq)
        except IndexError:
            return False
        return True

    def action(self, seq: int) -> Action:
        """Return the action of a seq.

        Raises:
            IndexError: there is none.
            LogError: its record is damaged or cannot be decoded.
        """
        found = self._find(seq)
        return decode_action(found) if isinstance(found, LogRecord) else found

    def actions(self, seqs: Sequence[int]) -> list[Action]:
        """Return the actions of several seqs, in that order, faster than one by one.

        Raises:
            IndexError: there is none of one of them, or one was added behind the log.
            LogError: a record is damaged or cannot be decoded.
        """
        first = self._base_seq + 1
        if isinstance(seqs, range):
            return self._records.actions(range(seqs.start - first, seqs.stop - first))
        if min(seqs, default=first) < first:
            raise IndexError(min(seqs))
        return self._records.actions([seq - first for seq in seqs])

    def record(self, seq: int) -> LogRecord:
        """Return the record of a seq; an action that was added gets one.

        Raises:
            LogError: there is none.
        """
        try:
            found = self._find(seq)
        except IndexError:
            message = f"there is no record with the seq {seq}; the last one is {self.last_seq()}"
            raise LogError(message) from None
        return found if isinstance(found, LogRecord) else _record_of(found, seq)

    def _find(self, seq: int) -> LogRecord | Action:
        index = seq - self._base_seq - 1
        if index < 0:
            raise IndexError(seq)
        try:
            return self._records[index]
        except IndexError:
            index -= len(self._records) + self._forgotten_count
            if index < 0:
                raise
            return self._added[index]


def _record_of(action: Action, seq: int) -> LogRecord:
    return LogRecord(
        seq=seq,
        id=f"added-{seq}",
        name=action.wire_name,
        version=action.wire_version,
        at_ms=action.at_ms,
        cause=None,
        origin="app",
        payload=encode_payload(action),
    )
