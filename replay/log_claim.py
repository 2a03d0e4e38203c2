"""`claim_log`: be the one who writes a log, before a byte of it is written.

What belongs here: the lock, and that no log is overwritten.  What does not: what a dead writer left
(`log_recovery`), and writing.
"""

from __future__ import annotations

from pathlib import Path

from refold.replay.log_lock import LogLock
from refold.replay.log_segment_file import SegmentFile, cannot_record, log_exists, make_folder
from refold.replay.log_segments import is_one_file, list_segments

__all__ = ["claim_log"]


def claim_log(path: Path, *, resume: bool) -> tuple[LogLock, SegmentFile | None]:
    """Lock a log, which is one file or a folder; create what has to be there for that.

    Args:
        path: the log.
        resume: whether there may be a log already.

    Returns:
        The lock, and the file if one had to be created for a new log.

    Raises:
        LogExistsError: there is a log already, and `resume` is false.
        LogLockedError: another writer has it.
        LogWriteError: it cannot be created or locked.
    """
    if is_one_file(path):
        file = SegmentFile.create(path, may_be_empty=resume)
        if resume:
            file.close()
        return LogLock(path), None if resume else file
    if not resume:
        _check_is_new(path)
    try:
        make_folder(path)
    except OSError as error:
        raise cannot_record(path, error) from error
    lock = LogLock(path)
    if not resume:
        try:
            _check_is_new(path)
        except BaseException:
            lock.release()
            raise
    return lock, None


def _check_is_new(folder: Path) -> None:
    segments = list_segments(folder)
    if segments:
        raise log_exists(segments[0].path)
