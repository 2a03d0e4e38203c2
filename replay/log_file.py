"""`FileActionLog`: the engine that keeps a log in files.

What belongs here: joining writer, reader and follower to the protocol.  What does not: any of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs

from refold.errors import LogConflictError, LogWriteError
from refold.replay.action_log import Keyframe, LogEntry
from refold.replay.log_follow import follow_log
from refold.replay.log_group_sync import GroupSync
from refold.replay.log_housekeeping import trim_segments
from refold.replay.log_keyframes import latest_keyframe, save_keyframe, trim_keyframes
from refold.replay.log_options import LogOptions
from refold.replay.log_reader import LogReader
from refold.replay.log_writer import LogWriter

if TYPE_CHECKING:
    from refold.replay.log_record import LogRecord

__all__ = ["FileActionLog"]

_ENTRIES_AT_A_TIME: Final = 256
"""Commits after which the event loop gets its turn: about a millisecond."""


class FileActionLog:
    """A folder of segments, open for writing; it is created if it is not there.

    `refold.replay.log_follow.follow_log` and `LogReader` read it in other processes.
    """

    def __init__(self, path: Path, options: LogOptions | None = None) -> None:
        """Lock the folder and find the log's end.

        Raises:
            LogLockedError: another writer has it open.
            LogWriteError: it cannot be created or written.
            LogDamagedError: it is damaged elsewhere than at its end.
        """
        self._path = path
        chosen = options or LogOptions()
        self._writer = LogWriter(
            path, start_state=None, start_digest="", digest_every=0, options=chosen, resume=True
        )
        self._failure: Exception | None = None
        self._group = None
        if chosen.sync == "group":
            self._group = GroupSync(
                self._writer,
                group_records=chosen.group_records,
                group_ms=chosen.group_ms,
                on_failure=self._fail,
            )

    async def append(self, entry: LogEntry, *, expected_seq: int | None = None) -> int:
        """Write an entry; see `ActionLog.append`."""
        if self._failure is not None:
            message = f"{self._path} is closed, because of: {self._failure}; open it anew"
            raise LogWriteError(message) from self._failure
        writer = self._writer
        if expected_seq is not None and expected_seq != writer.head:
            message = (
                f"{self._path} ends with seq {writer.head}, not with the expected {expected_seq};"
                f" read what was written since, and decide anew"
            )
            raise LogConflictError(message, expected_seq=expected_seq, head=writer.head)
        try:
            if writer.is_segment_full():
                writer.begin_segment(None, "")
            writer.append(_numbered(entry, writer.head))
        except LogWriteError as error:
            self._fail(error)
            raise
        seq = writer.head
        if self._group is not None:
            self._group.note()
            await self._group.flushed()
        return seq

    async def read(self, from_seq: int = 1, to_seq: int | None = None) -> AsyncGenerator[LogEntry]:
        """Yield entries; see `ActionLog.read`."""
        reader = LogReader(self._path, from_seq=max(from_seq, 1))
        try:
            for count, records in enumerate(reader.entries(), start=1):
                if to_seq is not None and records[0].seq > to_seq:
                    return
                yield LogEntry(records)
                if count % _ENTRIES_AT_A_TIME == 0:
                    await asyncio.sleep(0)
        finally:
            reader.close()

    async def follow(
        self, after_seq: int, *, anchor: str | None = None
    ) -> AsyncGenerator[LogEntry]:
        """Yield entries, also those to come; see `ActionLog.follow`."""
        following = follow_log(self._path, after_seq, anchor=anchor)
        try:
            async for records in following:
                yield LogEntry(records)
        finally:
            await following.aclose()

    async def head(self) -> int:
        """Return the number of the last record; 0 if there is none."""
        return self._writer.head

    async def latest_keyframe(self, at_or_before: int | None = None) -> Keyframe | None:
        """Return the last keyframe up to a record; None if there is none."""
        head = self._writer.head
        return latest_keyframe(self._path, head if at_or_before is None else at_or_before)

    async def save_keyframe(self, keyframe: Keyframe) -> None:
        """Keep a keyframe; see `ActionLog.save_keyframe`."""
        head = self._writer.head
        if keyframe.seq > head:
            message = f"{self._path} ends with seq {head}, before the keyframe at {keyframe.seq}"
            raise LogConflictError(message, expected_seq=keyframe.seq, head=head)
        save_keyframe(self._path, keyframe)

    async def trim(self, before_seq: int) -> None:
        """Delete the segments that lie wholly before a record; see `ActionLog.trim`."""
        try:
            trim_segments(self._path, before_seq)
            trim_keyframes(self._path, before_seq)
        except OSError as error:
            message = f"cannot trim {self._path}: {error}; what is still there has no gap"
            raise LogWriteError(message) from error

    async def close(self) -> None:
        """Put the rest on disk and let others write; twice is harmless."""
        try:
            if self._group is not None and self._failure is None:
                self._group.close()
        finally:
            self._writer.close()
            self._failure = self._failure or LogWriteError("it was closed")

    def _fail(self, error: Exception) -> None:
        self._failure = error
        self._writer.close()


def _numbered(entry: LogEntry, head: int) -> list[LogRecord]:
    """Return the records of an entry with the numbers after the log's last one."""
    return [
        attrs.evolve(record, seq=seq) for seq, record in enumerate(entry.records, start=head + 1)
    ]
