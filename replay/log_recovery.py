"""`recover_log`: find where a log ends, and make it ready to be written on.

What belongs here: what a dead writer left, and what becomes of it.  What does not: writing records.
The caller holds the log's lock.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

import attrs

from refold.errors import LogWriteError
from refold.replay.log_reader import LogReader
from refold.replay.log_record import LogHeader, TornTail
from refold.replay.log_segment_file import cannot_record
from refold.replay.log_segments import Segment, list_segments, sync_folder

__all__ = ["CutTail", "LogEnd", "recover_log"]

_HEADER_BEGINS: Final = b'{"refold_log":'


@attrs.frozen
class CutTail:
    """What was cut off the end of a log: a line that its writer never finished."""

    torn: TornTail
    """Where it stood."""

    kept_at: Path
    """The file that holds the bytes that were cut off."""


@attrs.frozen
class LogEnd:
    """Where a log that was written before goes on."""

    header: LogHeader | None
    """The first header; None if not even that was finished, so that nothing is in the log."""

    segment: Segment
    """The last file."""

    size_bytes: int
    """How much of it is whole."""

    head: int
    """The number of the last record."""

    checksum: int
    """The checksum of the last line."""

    last_digest: str | None
    """The digest of the state after the last record; None if the log does not say."""

    cut: CutTail | None
    """What was cut off; None if the log ended whole."""


def recover_log(path: Path) -> LogEnd | None:
    """Read a log to its end, keep a torn tail in a file beside it, and say where to go on.

    The tail itself is cut off when the file is opened for writing.

    Returns:
        None if there is no log.

    Raises:
        LogDamagedError: something else than the end is damaged; nothing was changed.
        LogFormatError: it is no refold log.
        LogWriteError: the torn tail cannot be kept.
    """
    segments = [each for each in list_segments(path) if each.path.exists()]
    if not segments:
        return None
    for segment in segments:
        _check_is_file(segment.path)
    if len(segments) == 1 and not segments[0].is_compressed:
        nothing = _unfinished_first_header(segments[0])
        if nothing is not None:
            return nothing
    reader = LogReader(path, from_seq=None)
    for _ in reader.entries():
        pass
    torn, lines = reader.torn_tail, reader.lines
    return LogEnd(
        header=reader.header,
        segment=reader.segment,
        size_bytes=reader.end_offset,
        head=lines.head,
        checksum=lines.checksum,
        last_digest=lines.last_digest,
        cut=None if torn is None else _keep(reader.path, reader.end_offset, torn),
    )


def _check_is_file(path: Path) -> None:
    if not stat.S_ISREG(path.stat().st_mode):
        message = f"cannot record to {path}: it is no regular file; choose another path"
        raise LogWriteError(message)


def _unfinished_first_header(segment: Segment) -> LogEnd | None:
    """Return the end of a log that never began, because its writer died in the first line."""
    with segment.path.open("rb") as file:
        line = file.readline()
    begins = min(len(line), len(_HEADER_BEGINS))
    if line.endswith(b"\n") or line[:begins] != _HEADER_BEGINS[:begins]:
        return None
    torn = TornTail(segment.path.name, 1, 1, len(line)) if line else None
    cut = None if torn is None else _keep(segment.path, 0, torn)
    return LogEnd(None, segment, 0, 0, 0, None, cut)


def _keep(path: Path, offset: int, torn: TornTail) -> CutTail:
    """Copy what is behind the last whole line into a file beside the log."""
    number = 1
    while (kept_at := path.with_name(f"{path.name}.torn-{number}")).exists():
        number += 1
    try:
        with path.open("rb") as file:
            file.seek(offset)
            content = file.read()
        with kept_at.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        sync_folder(path.parent)
    except OSError as error:
        raise cannot_record(kept_at, error) from error
    return CutTail(torn, kept_at)
