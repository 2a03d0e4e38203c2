"""The files of a log: their names, their order, and how they are opened.

What belongs here: paths.  What does not: what stands in a file.

A log is one file ending in ``.jsonl``, or a folder of segments, each named by the number of its
first record (``00000000000000000001.jsonl``).  A closed segment may be compressed (``.jsonl.gz``).
"""

from __future__ import annotations

import contextlib
import errno
import gzip
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, cast

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "Segment",
    "first_line",
    "has_whole_header",
    "is_one_file",
    "list_segments",
    "open_segment",
    "segment_name",
    "segment_path",
    "sync_folder",
]

_NAME: Final = re.compile(r"(\d{20})\.jsonl(\.gz)?")


@attrs.frozen
class Segment:
    """One file of a log."""

    path: Path
    """Where it is."""

    first_seq: int | None
    """The number of its first record, by its name; None if the name says nothing."""

    @property
    def is_compressed(self) -> bool:
        """Whether it was closed and compressed."""
        return self.path.suffix == ".gz"


def is_one_file(path: Path) -> bool:
    """Tell whether a log's path is that of one file, not of a folder."""
    return path.name.endswith((".jsonl", ".jsonl.gz"))


def segment_name(first_seq: int) -> str:
    """Return the name of the segment that begins with a record."""
    return f"{first_seq:020}.jsonl"


def segment_path(path: Path) -> Path:
    """Return a log's first file: the path itself if it ends in ``.jsonl``, else one in it."""
    segments = list_segments(path)
    return segments[0].path if segments else path / segment_name(1)


def list_segments(path: Path) -> list[Segment]:
    """Return a log's files in order; a folder that is not there has none."""
    if is_one_file(path):
        return [Segment(path, None)]
    names: Iterable[str] = ()
    with contextlib.suppress(OSError):
        names = os.listdir(path)  # noqa: PTH208  # ten thousand paths are not needed
    found: dict[int, str] = {}
    for name in sorted(names, reverse=True):  # .jsonl comes last and wins over a half-made .gz
        match = _NAME.fullmatch(name)
        if match is not None:
            found[int(match[1])] = name
    return [Segment(path / found[first_seq], first_seq) for first_seq in sorted(found)]


def open_segment(segment: Segment) -> BinaryIO:
    """Open a segment for reading, also if it is or has meanwhile been compressed.

    Raises:
        OSError: it cannot be opened.
    """
    if segment.is_compressed:
        return cast("BinaryIO", gzip.open(segment.path, "rb"))
    try:
        return segment.path.open("rb")
    except FileNotFoundError:
        compressed = segment.path.with_name(segment.path.name + ".gz")
        if segment.first_seq is None or not compressed.exists():
            raise
        return cast("BinaryIO", gzip.open(compressed, "rb"))


def first_line(segment: Segment) -> bytes:
    """Return the header of a segment, or what there is of it.

    Raises:
        OSError: it cannot be read.
    """
    with open_segment(segment) as file:
        return file.readline()


def has_whole_header(segment: Segment) -> bool:
    """Tell whether a segment has begun: its writer makes the file, then writes the header.

    Raises:
        OSError: it cannot be read.
    """
    return segment.is_compressed or first_line(segment).endswith(b"\n")


def sync_folder(folder: Path) -> None:
    """Put the names in a folder on disk, so that a new file is found after a loss of power.

    Raises:
        OSError: the disk failed; a system that cannot do it at all is no error.
    """
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.ENOTSUP}:
            raise
    finally:
        os.close(descriptor)
