"""`SegmentFile`: the file that a log is being written to.

What belongs here: bytes of one file that only ever grows.  What does not: which file, and what.
"""

from __future__ import annotations

import contextlib
import os
import weakref
from pathlib import Path
from typing import Final

from refold.errors import LogExistsError, LogWriteError
from refold.replay.log_segments import sync_folder

__all__ = ["SegmentFile"]

_CLOSED: Final = -1
"""A descriptor with which every call fails."""


class SegmentFile:
    """One open file; one that is forgotten is closed with this object."""

    def __init__(self, path: Path, descriptor: int, size_bytes: int) -> None:
        """Take an open file; see `create` and `reopen`."""
        self.path = path
        self.size_bytes = size_bytes
        """How much of it is whole lines."""
        self._descriptor = descriptor
        self._close = weakref.finalize(self, os.close, descriptor)
        self._close.atexit = False  # the system does it, after whoever still has lines to write

    @classmethod
    def create(cls, path: Path, *, may_be_empty: bool = False) -> SegmentFile:
        """Create a file that must not exist yet, and put its name on disk.

        Args:
            path: where; folders are made as needed.
            may_be_empty: take a file that is there and holds nothing.

        Raises:
            LogExistsError: there is a file already.
            LogWriteError: it cannot be created.
        """
        exclusive = 0 if may_be_empty else os.O_EXCL
        try:
            make_folder(path.parent)
        except OSError as error:
            raise cannot_record(path, error) from error
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | exclusive | os.O_APPEND, 0o644)
            file = cls(path, descriptor, 0)
            sync_folder(path.parent)
        except FileExistsError as error:
            raise log_exists(path) from error
        except OSError as error:
            raise cannot_record(path, error) from error
        return file

    @classmethod
    def reopen(cls, path: Path, size_bytes: int) -> SegmentFile:
        """Open a file to go on at its end, and cut off what is behind so many bytes.

        Raises:
            LogWriteError: it cannot be written.
        """
        try:
            file = cls(path, os.open(path, os.O_WRONLY | os.O_APPEND), size_bytes)
            if path.stat().st_size != size_bytes:
                os.ftruncate(file._descriptor, size_bytes)
                os.fsync(file._descriptor)
        except OSError as error:
            raise cannot_record(path, error) from error
        return file

    def write(self, lines: bytes) -> None:
        """Write whole lines.

        Raises:
            OSError: they could not be written; a part of them may have been: see `cut_back`.
        """
        written = os.write(self._descriptor, lines)
        while written < len(lines):  # a disk that is nearly full takes a part
            written += os.write(self._descriptor, lines[written:])
        self.size_bytes += written

    def cut_back(self, size_bytes: int) -> None:
        """Cut off what is behind so many bytes."""
        self.size_bytes = size_bytes
        with contextlib.suppress(OSError):  # what cannot be cut off is a torn tail
            os.ftruncate(self._descriptor, size_bytes)

    def sync(self) -> None:
        """Wait until all of it is on disk.

        Raises:
            OSError: the disk failed.
        """
        os.fsync(self._descriptor)

    def duplicate(self) -> int:
        """Return another descriptor of the file, which the caller closes."""
        return os.dup(self._descriptor)

    def close(self) -> None:
        """Close the file; twice is harmless."""
        self._descriptor = _CLOSED  # the number may soon be another file's
        with contextlib.suppress(OSError):  # somebody else has closed it
            self._close()


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, and put their names on disk.

    Raises:
        OSError: it cannot be made.
    """
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for each in reversed(missing):
        sync_folder(each.parent)


def log_exists(path: Path) -> LogExistsError:
    """Return the error for a recording that would overwrite another."""
    message = (
        f"{path} is there already, and recording would overwrite it; choose another path, move the"
        f" old log away, or go on with it by record(path, resume=True)"
    )
    return LogExistsError(message)


def cannot_record(path: Path, error: OSError) -> LogWriteError:
    """Return the error for a path that cannot be written."""
    message = f"cannot record to {path}: {error.strerror}; choose a path that can be written"
    return LogWriteError(message)
