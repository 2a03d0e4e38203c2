"""`LogLock`: one writer per log, seen by every process of the machine.

What belongs here: taking the lock, and telling who has it.  What does not: writing.

The operating system locks the log's own folder (or its one file), and lets go when the process
ends in whatever way, so that a lock never outlives its holder.  Who holds it stands in a note
beside the log, ``NAME.lock``, for whoever is refused.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import socket
import sys
import weakref
from pathlib import Path
from typing import Any, cast

from refold.errors import LogLockedError, LogWriteError

if sys.platform != "win32":
    import fcntl

__all__ = ["LogLock"]


class LogLock:
    """A lock that is held from making to releasing, or to the end of the process."""

    def __init__(self, log: Path) -> None:
        """Take the lock.

        Args:
            log: the log's folder or its file; it is there already.

        Raises:
            LogLockedError: another writer has it; the error says which.
            LogWriteError: the log cannot be locked.
        """
        self._note = note_path(log)
        descriptor = _lock(log, self._note)
        self._release = weakref.finalize(self, _release, descriptor, self._note)
        with contextlib.suppress(OSError):  # a note that cannot be written is missed by nobody
            self._note.write_text(json.dumps({"pid": os.getpid(), "host": socket.gethostname()}))

    def release(self) -> None:
        """Let others write; twice is harmless."""
        self._release()


def note_path(log: Path) -> Path:
    """Return where it stands who writes a log."""
    return log.with_name(log.name + ".lock")


def _lock(log: Path, note: Path) -> int | None:
    """Return the descriptor that holds the lock; None where there are no such locks."""
    if sys.platform == "win32":
        return None
    descriptor = None
    try:
        descriptor = os.open(log, os.O_RDONLY | os.O_NONBLOCK)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not os.path.samestat(os.fstat(descriptor), log.stat()):  # compaction replaced the file
            os.close(descriptor)
            return _lock(log, note)
    except OSError as error:
        if descriptor is not None:
            os.close(descriptor)
        if error.errno in {errno.EWOULDBLOCK, errno.EACCES} and descriptor is not None:
            raise _refusal(log, note) from error
        message = (
            f"cannot lock {log} for writing: {error.strerror}; choose a path that can be written,"
            f" on a file system that knows locks"
        )
        raise LogWriteError(message) from error
    return descriptor


def _release(descriptor: int | None, note: Path) -> None:
    with contextlib.suppress(OSError):
        note.unlink()
    if descriptor is not None:
        os.close(descriptor)


def _refusal(log: Path, note: Path) -> LogLockedError:
    holder: Any = None
    with contextlib.suppress(OSError, ValueError):
        holder = json.loads(note.read_text())
    values = cast("dict[str, Any]", holder) if isinstance(holder, dict) else {}
    pid, host = values.get("pid"), values.get("host")
    pid = pid if isinstance(pid, int) else None
    host = host if isinstance(host, str) else None
    who = "another writer" if pid is None else f"process {pid} on {host}"
    message = (
        f"{log} is being written by {who}, and a log has one writer at a time; close that one, or"
        f" choose another path"
    )
    return LogLockedError(message, pid=pid, host=host)
