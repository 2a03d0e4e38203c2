"""`ActionLog`: what any engine that keeps a log offers, and the shapes that go in and out.

What belongs here: the protocol.  What does not: an engine; `log_file` is the one for files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import attrs

from refold.replay.log_record import LogRecord

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

__all__ = ["ActionLog", "Keyframe", "LogEntry"]


@attrs.frozen
class LogEntry:
    """One commit: one action, or all actions of a transaction."""

    records: tuple[LogRecord, ...] = attrs.field(validator=attrs.validators.min_len(1))
    """Its records in order, at least one."""

    @property
    def seq(self) -> int:
        """The number of its last record: where a reader stands after it."""
        return self.records[-1].seq

    @property
    def id(self) -> str:
        """The id of its last record: the anchor of a reader after it."""
        return self.records[-1].id


@attrs.frozen
class Keyframe:
    """A state that was kept, so that not all of the log must be folded."""

    seq: int
    """The record after which it is the state; 0 for the start."""

    state: Any
    """The state, encoded; see `action_codec`."""

    digest: str
    """Its digest."""


class ActionLog(Protocol):
    """A log of entries, each of which is wholly there or not at all."""

    async def append(self, entry: LogEntry, *, expected_seq: int | None = None) -> int:
        """Write an entry, and return when it is as safe as the log promises.

        Args:
            entry: its records get the next numbers, whatever theirs are; all else is kept.
            expected_seq: the number that the log must end with before; None for any.

        Returns:
            The number of its last record.

        Raises:
            LogConflictError: the log ends with another number; nothing was written.
            LogWriteError: it could not be written.  After an unknown outcome the same entry, with
                the same ids, may be tried again, never under new ids.
        """
        ...

    def read(self, from_seq: int = 1, to_seq: int | None = None) -> AsyncIterator[LogEntry]:
        """Yield the entries that have a record in a range, up to the end as it is now.

        Raises:
            LogTruncatedError: the first of them was trimmed.
            LogDamagedError: an entry is not what was written.
        """
        ...

    def follow(self, after_seq: int, *, anchor: str | None = None) -> AsyncIterator[LogEntry]:
        """Yield the entries after a record, also those to come.

        Args:
            after_seq: the last record that is known; 0 for none.
            anchor: its id; None not to compare it.

        Raises:
            LogTruncatedError: entries after it were trimmed.
            LogRegressedError: the log has not got that record.
        """
        ...

    async def head(self) -> int:
        """Return the number of the last record; 0 if there is none."""
        ...

    async def latest_keyframe(self, at_or_before: int | None = None) -> Keyframe | None:
        """Return the last keyframe up to a record, or up to the end; None if there is none."""
        ...

    async def save_keyframe(self, keyframe: Keyframe) -> None:
        """Keep a keyframe.

        Raises:
            LogConflictError: the log ends before it.
            LogWriteError: it could not be written.
        """
        ...

    async def trim(self, before_seq: int) -> None:
        """Allow everything before a record to be deleted; some of it may stay.

        Whoever asks for what is gone gets a LogTruncatedError, never a gap.
        """
        ...

    async def close(self) -> None:
        """Let go of what is held open; twice is harmless."""
        ...
