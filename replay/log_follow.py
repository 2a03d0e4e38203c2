"""`follow_log`: read a log while it is being written, without locking it.

What belongs here: waiting for what comes next.  What does not: reading it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from refold.errors import LogRegressedError, LogTruncatedError
from refold.replay.log_reader import LogReader

if TYPE_CHECKING:
    from refold.replay.log_record import LogRecord

__all__ = ["follow_log"]

_ENTRIES_AT_A_TIME: Final = 256
"""Commits after which the event loop gets its turn: about a millisecond."""


async def follow_log(
    path: Path, after_seq: int = 0, *, anchor: str | None = None, poll_ms: int = 50
) -> AsyncGenerator[tuple[LogRecord, ...]]:
    """Yield the records of each commit after one, also those that are still to come, for ever.

    A line that is being written is waited for.  The log may go on to its next segment, or be gone
    on with by another writer.

    Args:
        path: the log, which is there already.
        after_seq: the last record that is known; 0 for none.
        anchor: the id of that record; None not to compare it.
        poll_ms: milliseconds between two looks at a log in which nothing new was found.

    Raises:
        LogFormatError: there is no log.
        LogDamagedError: a line is not what was written.
        LogTruncatedError: the records after `after_seq` were trimmed.
        LogRegressedError: the log has not got that record, or another one at its place.
    """
    reader, has_anchor = _open(path, after_seq, anchor)
    try:
        entries, count = reader.entries(), 0
        while True:
            for entry in entries:
                if has_anchor:
                    _check_anchor(path, entry, after_seq, anchor)
                new = tuple(record for record in entry if record.seq > after_seq)
                if new:
                    yield new
                count += 1
                if count % _ENTRIES_AT_A_TIME == 0:
                    await asyncio.sleep(0)
            if reader.lines.head < after_seq:
                raise _no_longer(path, after_seq, anchor, None)
            await asyncio.sleep(poll_ms / 1000)
            entries = reader.read_on()
    finally:
        reader.close()


def _open(path: Path, after_seq: int, anchor: str | None) -> tuple[LogReader, bool]:
    """Open the log where its reading begins; tell whether the anchor can be compared."""
    if anchor is None or after_seq < 1:
        return LogReader(path, from_seq=after_seq + 1), False
    try:
        return LogReader(path, from_seq=after_seq), True
    except LogTruncatedError as error:
        if error.first_seq > after_seq + 1:
            raise
        return LogReader(path, from_seq=after_seq + 1), False


def _check_anchor(
    path: Path, entry: tuple[LogRecord, ...], after_seq: int, anchor: str | None
) -> None:
    for record in entry:
        if record.seq == after_seq and record.id != anchor:
            raise _no_longer(path, after_seq, anchor, record.id)


def _no_longer(path: Path, seq: int, anchor: str | None, found: str | None) -> LogRegressedError:
    instead = "ends before it" if found is None else f"has {found} there"
    message = (
        f"{path} has not got the record {anchor or ''} at seq {seq} that was read before: it"
        f" {instead}; read it anew from the start, because what was folded is not what it says"
    )
    return LogRegressedError(message, seq=seq, expected=anchor or "", found=found)
