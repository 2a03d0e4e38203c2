"""`recover_log`: find where a log ends, and make it ready to be written on.

What belongs here: what a dead writer left, and what becomes of it.  What does not: writing records.
The caller holds the log's lock.

Only the last segment is read, and the last bytes of the one before it, so that a log of any length
opens in the time of one segment.  What was damaged in earlier ones is found by who reads them.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import stat
import zlib
from pathlib import Path
from typing import BinaryIO, Final

import attrs

from refold.errors import LogDamagedError, LogFormatError, LogWriteError
from refold.replay.canonical_digest import DIGEST_ALGORITHM
from refold.replay.log_reader import LogReader
from refold.replay.log_record import LogHeader, TornTail
from refold.replay.log_segment_file import cannot_record
from refold.replay.log_segments import (
    Segment,
    first_line,
    has_whole_header,
    list_segments,
    open_segment,
    sync_folder,
)
from refold.replay.stated_checksum import STATED_BYTES, stated_checksum

__all__ = ["CutTail", "LogEnd", "recover_log"]

_HEADER_BEGINS: Final = b'{"refold_log":'
_AT_A_TIME_BYTES: Final = 1 << 20


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
    """The last whole header; None if not even one was finished, so that nothing is in the log."""

    segment: Segment
    """The last file."""

    size_bytes: int
    """How much of it is whole."""

    header_bytes: int
    """How much of that is its header."""

    head: int
    """The number of the last record."""

    checksum: int
    """The checksum of the last line."""

    last_digest: str | None
    """The digest of the state after the last record; None if the log does not say."""

    cut: CutTail | None
    """What was cut off; None if the log ended whole."""


def recover_log(path: Path) -> LogEnd | None:
    """Read a log's last segment, keep a torn tail in a file beside it, and say where to go on.

    The tail itself is cut off when the file is opened for writing.

    Returns:
        None if there is no log.

    Raises:
        LogDamagedError: the last segment is damaged elsewhere than at its end, or does not follow
            the one before it; nothing was changed.
        LogFormatError: it is no refold log, or has digests that cannot be gone on with.
        LogWriteError: the torn tail cannot be kept.
    """
    segments = [each for each in list_segments(path) if each.path.exists()]
    if not segments:
        return None
    for segment in segments[-2:]:
        _check_is_file(segment.path)
    if len(segments) == 1 and not segments[0].is_compressed:
        nothing = _unfinished_first_header(segments[0])
        if nothing is not None:
            return nothing
    reader = _read_to_the_end(path, segments)
    _check_digests(reader.header)
    torn, lines = reader.torn_tail, reader.lines
    return LogEnd(
        header=reader.header,
        segment=reader.segment,
        size_bytes=reader.end_offset,
        header_bytes=len(first_line(reader.segment)),
        head=lines.head,
        checksum=lines.checksum,
        last_digest=lines.last_digest,
        cut=None if torn is None else _keep(reader.path, reader.end_offset, torn),
    )


def _read_to_the_end(path: Path, segments: list[Segment]) -> LogReader:
    """Read the last segment, and the one before it too if the last has no whole header."""
    place = len(segments) - 1
    if place > 0 and not has_whole_header(segments[place]):
        place -= 1
    reader = LogReader(path, from_seq=segments[place].first_seq)
    if place > 0:
        _check_follows(segments[place - 1], segments[place], reader.header)
    for _ in reader.entries():
        pass
    return reader


def _check_follows(before: Segment, segment: Segment, header: LogHeader) -> None:
    """Check that a segment goes on where the one before it ends.

    Raises:
        LogDamagedError: it does not.
    """
    found = None
    with contextlib.suppress(OSError, EOFError, zlib.error), open_segment(before) as file:
        found = stated_checksum(_last_bytes(file))
    if found is None or f"{found:08x}" != header.previous_crc:
        raise LogDamagedError(
            segment=segment.path.name,
            line=1,
            seq=None,
            reason=f"the segment does not follow {before.path.name} as it is now: lines at the end"
            f" of that one, or whole segments between, are missing or were changed",
        )


def _last_bytes(file: BinaryIO) -> bytes:
    """Return the end of a file; only what is compressed has to be read for that."""
    if not isinstance(file, gzip.GzipFile):
        file.seek(-min(STATED_BYTES, file.seek(0, os.SEEK_END)), os.SEEK_END)
        return file.read()
    last = b""
    while part := file.read(_AT_A_TIME_BYTES):
        last = (last + part)[-STATED_BYTES:]
    return last


def _check_digests(header: LogHeader) -> None:
    if header.digest_algorithm != DIGEST_ALGORITHM:
        message = (
            f"the log's digests are {header.digest_algorithm}, this refold makes"
            f" {DIGEST_ALGORITHM}; go on with it by the refold that wrote it, or record anew"
        )
        raise LogFormatError(message)


def _check_is_file(path: Path) -> None:
    if not stat.S_ISREG(path.stat().st_mode):
        message = f"cannot record to {path}: it is no regular file; choose another path"
        raise LogWriteError(message)


def _unfinished_first_header(segment: Segment) -> LogEnd | None:
    """Return the end of a log that never began, because its writer died in the first line."""
    line = first_line(segment)
    begins = min(len(line), len(_HEADER_BEGINS))
    if line.endswith(b"\n") or line[:begins] != _HEADER_BEGINS[:begins]:
        return None
    torn = TornTail(segment.path.name, 1, 1, len(line)) if line else None
    cut = None if torn is None else _keep(segment.path, 0, torn)
    return LogEnd(None, segment, 0, 0, 0, 0, None, cut)


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
