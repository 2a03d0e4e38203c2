"""`tidy_segments`: compress closed segments, and trim those that need not be kept.

What belongs here: what happens to files that nobody writes any more.  What does not: deciding when.

A crash in the middle leaves a half-made ``.tmp`` file, which is made anew, or a segment both plain
and compressed, of which the plain one is read.  What fails here is left for the next time: the log
is whole without it.
"""

from __future__ import annotations

import contextlib
import gzip
import itertools
import os
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

from refold.replay.log_segments import Segment, list_segments, sync_folder

if TYPE_CHECKING:
    from refold.replay.log_options import LogOptions

__all__ = ["tidy_segments", "trim_segments"]


def tidy_segments(log: Path, options: LogOptions, now_s: float | None = None) -> None:
    """Do for all closed segments what the options say.

    Args:
        log: the folder.
        options: of which `keep_bytes`, `keep_age_s` and `compress` matter.
        now_s: seconds since the Unix epoch; None for the present.
    """
    now_s = time.time() if now_s is None else now_s
    _trim_by_rule(list_segments(log)[:-1], options, now_s)
    if options.compress:
        for segment in list_segments(log)[:-1]:
            if not segment.is_compressed:
                with contextlib.suppress(OSError):
                    _compress(segment.path)
    with contextlib.suppress(OSError):
        sync_folder(log)


def trim_segments(log: Path, before_seq: int) -> None:
    """Delete the segments that hold only records before one, but never the last segment.

    Raises:
        OSError: one could not be deleted; those after it are still there.
    """
    segments = list_segments(log)
    for segment, following in itertools.pairwise(segments):
        if (following.first_seq or 1) > before_seq:
            break
        _delete(segment)
    sync_folder(log)


def _trim_by_rule(closed: list[Segment], options: LogOptions, now_s: float) -> None:
    """Delete from the oldest on, so that what is left has no gap."""
    with contextlib.suppress(OSError):
        stats = [segment.path.stat() for segment in closed]
        total = sum(each.st_size for each in stats)
        for segment, each in zip(closed, stats, strict=True):
            is_too_much = options.keep_bytes is not None and total > options.keep_bytes
            age_s = now_s - each.st_mtime
            is_too_old = options.keep_age_s is not None and age_s > options.keep_age_s
            if not is_too_much and not is_too_old:
                return
            _delete(segment)
            total -= each.st_size


def _delete(segment: Segment) -> None:
    if not segment.is_compressed:  # the compressed one would come to light
        segment.path.with_name(segment.path.name + ".gz").unlink(missing_ok=True)
    segment.path.unlink(missing_ok=True)


def _compress(path: Path) -> None:
    compressed = path.with_name(path.name + ".gz")
    half_made = path.with_name(path.name + ".gz.tmp")
    times = path.stat()
    with path.open("rb") as source, half_made.open("wb") as target:
        with gzip.GzipFile("", "wb", fileobj=target, mtime=0) as packed:
            shutil.copyfileobj(source, packed, 1 << 20)
        target.flush()
        os.fsync(target.fileno())
    os.utime(half_made, ns=(times.st_atime_ns, times.st_mtime_ns))
    half_made.replace(compressed)
    sync_folder(path.parent)
    path.unlink()
