"""A folder for logs that are measured, and what it costs there to wait for the disk.

What belongs here: making and removing it.  What does not: what is written into it.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Final

from node_packages import default_cache_folder

__all__ = ["measure_fsync_us", "new_log_folder"]

_LINE: Final = b"x" * 200


def new_log_folder() -> tempfile.TemporaryDirectory[str]:
    """Return a new folder beside the bench's cache, because the usual one may be in memory."""
    parent = default_cache_folder().parent
    parent.mkdir(parents=True, exist_ok=True)
    return tempfile.TemporaryDirectory(prefix="refold-bench-", dir=parent)


def measure_fsync_us() -> float:
    """Return what one line that is on disk when it returns takes, in microseconds of wall time."""
    with new_log_folder() as folder:
        descriptor = os.open(Path(folder) / "probe", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            return statistics.median(_time_one(descriptor) for _ in range(100)) * 1e6
        finally:
            os.close(descriptor)


def _time_one(descriptor: int) -> float:
    begin = time.perf_counter()
    os.write(descriptor, _LINE)
    os.fsync(descriptor)
    return time.perf_counter() - begin
