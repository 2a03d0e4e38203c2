"""`salvage_log`: find what is whole of a damaged log, and say exactly what is not.

What belongs here: reading, and writing the whole beginning to a new place.  What does not: changing
the log itself, which nothing here does.

Only the longest beginning can be folded; what is whole behind damage is told, but never joined to
it, because the records between are missing.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs

from refold.errors import LogDamagedError, LogError, LogFormatError
from refold.replay.log_damage_survey import DamageSurvey, LostLines
from refold.replay.log_reader import LogReader
from refold.replay.log_segment_file import SegmentFile
from refold.replay.log_segments import (
    Segment,
    is_one_file,
    list_segments,
    open_segment,
    segment_name,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Salvage", "SecondLog", "salvage_log", "write_salvaged"]

_AT_A_TIME_BYTES: Final = 1 << 20


@attrs.frozen
class SecondLog:
    """Segments behind the damage that could be a log of their own."""

    files: tuple[str, ...]
    """Their names; copied to an empty folder, they are a log whose beginning was trimmed."""

    first_seq: int
    """The number of their first record."""

    last_seq: int
    """The number of their last whole record."""


@attrs.frozen(kw_only=True)
class Salvage:
    """What is whole of a log, and what is not."""

    whole: tuple[tuple[Segment, int], ...] = ()
    """The files of the longest whole beginning, each with how many of its bytes are in it; none if
    not even the first header is whole."""

    first_seq: int = 1
    """The number of the first record in them, if there is one."""

    last_seq: int = 0
    """The number of the last record in them; the one before `first_seq` if there is none."""

    lost: tuple[LostLines, ...] = ()
    """What else is there, or should be."""

    second_logs: tuple[SecondLog, ...] = ()
    """What of it has a state to begin with."""


def salvage_log(path: Path) -> Salvage:
    """Read a log to its end, over any damage.

    Raises:
        LogFormatError: there is no log, or a newer refold wrote it.
    """
    segments = list_segments(path) or [Segment(path / segment_name(1), None)]
    try:
        reader = LogReader(path, from_seq=segments[0].first_seq)
    except LogDamagedError as error:
        return _without_beginning(path, segments, error)
    except LogFormatError:
        if len(segments) == 1:
            raise
        return _without_beginning(path, segments, None)
    damage = _read_on(reader)
    place = next(i for i, each in enumerate(segments) if each.first_seq == reader.segment.first_seq)
    whole = [(each, _size_bytes(each)) for each in segments[:place]]
    if reader.end_offset:
        whole.append((reader.segment, reader.end_offset))
    survey = DamageSurvey(reader.lines.head)
    survey.read(reader.segment, reader.end_offset, reader.lines.line_number, damage)
    for segment in segments[place + 1 :]:
        survey.read(segment)
    return Salvage(
        whole=tuple(whole),
        first_seq=reader.header.first_seq,
        last_seq=reader.lines.head,
        lost=survey.finish(),
        second_logs=_second_logs(path, segments[place + (reader.end_offset > 0) :]),
    )


def write_salvaged(salvage: Salvage, new: Path) -> None:
    """Write the whole beginning of a log to a new place, byte by byte as it was, and on disk.

    Args:
        salvage: what was found, with a beginning.
        new: a folder if the log is one, a file ending in ``.jsonl`` if it is a file.

    Raises:
        LogExistsError: there is something already.
        LogWriteError: it cannot be written.
    """
    for segment, size_bytes in salvage.whole:
        name = segment_name(segment.first_seq or 1)
        file = SegmentFile.create(new if is_one_file(new) else new / name)
        with contextlib.closing(file), open_segment(segment) as source:
            left = size_bytes
            while left and (part := source.read(min(left, _AT_A_TIME_BYTES))):
                file.write(part)
                left -= len(part)
            file.sync()


def _without_beginning(
    path: Path, segments: Sequence[Segment], damage: LogDamagedError | None
) -> Salvage:
    survey = DamageSurvey((segments[0].first_seq or 1) - 1)
    survey.read(segments[0], damage=damage)
    for segment in segments[1:]:
        survey.read(segment)
    return Salvage(lost=survey.finish(), second_logs=_second_logs(path, segments[1:]))


def _read_on(reader: LogReader) -> LogDamagedError | None:
    """Read as far as all is whole; return what ends it before the end."""
    try:
        for _ in reader.entries():
            pass
    except LogDamagedError as error:
        return error
    return None


def _second_logs(path: Path, segments: Sequence[Segment]) -> tuple[SecondLog, ...]:
    found: list[SecondLog] = []
    covered = 0
    for segment in segments:
        if (segment.first_seq or 0) <= covered:
            continue
        with contextlib.suppress(LogError):  # its header is damaged too
            reader = LogReader(path, from_seq=segment.first_seq)
            if reader.segment.first_seq != segment.first_seq:  # it was never begun
                continue
            _read_on(reader)
            head = covered = reader.lines.head
            has_state = reader.header.start_state is not None
            if has_state and head >= reader.header.first_seq:
                files = [
                    each.path.name
                    for each in segments
                    if reader.header.first_seq <= (each.first_seq or 0) <= head
                ]
                found.append(SecondLog(tuple(files), reader.header.first_seq, head))
    return tuple(found)


def _size_bytes(segment: Segment) -> int:
    if not segment.is_compressed:
        return segment.path.stat().st_size
    with open_segment(segment) as file:
        return sum(len(part) for part in iter(lambda: file.read(_AT_A_TIME_BYTES), b""))
