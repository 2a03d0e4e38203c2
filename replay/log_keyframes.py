"""Keyframes beside the segments of a log: states that were kept, each in a file of its own.

What belongs here: their files.  What does not: when one is made.  A keyframe can be made again from
the log, so one that is damaged is passed over in favour of an earlier one.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Final

from refold.errors import LogWriteError
from refold.replay.action_log import Keyframe
from refold.replay.checked_line import FIRST_CHECKSUM, LineDamageError, open_line, seal_line
from refold.replay.log_segments import is_one_file, sync_folder

__all__ = ["drop_keyframes_after", "latest_keyframe", "save_keyframe", "trim_keyframes"]

_NAME: Final = re.compile(r"(\d{20})\.keyframe\.json")
_HALF_MADE: Final = "*.keyframe.tmp"


def save_keyframe(folder: Path, keyframe: Keyframe) -> None:
    """Write a keyframe; one of the same record is replaced.

    Raises:
        LogWriteError: it cannot be written.
    """
    if is_one_file(folder):
        message = f"{folder} is one file and has no place for keyframes; record to a folder"
        raise LogWriteError(message)
    path = _path(folder, keyframe.seq)
    half_made = path.with_suffix(".tmp")
    value = {"seq": keyframe.seq, "digest": keyframe.digest, "state": keyframe.state}
    try:
        line, _ = seal_line(value, FIRST_CHECKSUM)
        with half_made.open("wb") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        half_made.replace(path)
        sync_folder(folder)
    except (OSError, TypeError) as error:
        message = f"cannot write the keyframe {path}: {error}; the log is whole without it"
        raise LogWriteError(message) from error


def latest_keyframe(folder: Path, at_or_before: int) -> Keyframe | None:
    """Return the last whole keyframe up to a record; None if there is none."""
    for seq in sorted(_keyframes(folder), reverse=True):
        if seq <= at_or_before:
            keyframe = _read(_path(folder, seq), seq)
            if keyframe is not None:
                return keyframe
    return None


def trim_keyframes(folder: Path, before_seq: int) -> None:
    """Delete the keyframes from which a trimmed log cannot be folded on.

    Raises:
        OSError: one cannot be deleted.
    """
    for seq in _keyframes(folder):
        if seq < before_seq - 1:
            _path(folder, seq).unlink(missing_ok=True)


def drop_keyframes_after(folder: Path, seq: int) -> None:
    """Delete the keyframes of records that the log has not got, and half-made ones.

    A keyframe may be on disk before its record is; after a loss of power the log then ends before
    it and goes on in another way.

    Args:
        folder: the log; its lock is held.
        seq: the last record; -1 to delete all, because the log is new.

    Raises:
        LogWriteError: one cannot be deleted.
    """
    try:
        stale = [_path(folder, each) for each in _keyframes(folder) if each > seq]
        for path in [*stale, *folder.glob(_HALF_MADE)]:
            path.unlink(missing_ok=True)
        if stale:
            sync_folder(folder)
    except OSError as error:
        message = (
            f"cannot delete a keyframe in {folder} that is not of this log: {error}; delete the"
            f" keyframes after seq {max(seq, 0)} by hand"
        )
        raise LogWriteError(message) from error


def _path(folder: Path, seq: int) -> Path:
    return folder / f"{seq:020}.keyframe.json"


def _keyframes(folder: Path) -> list[int]:
    try:
        names = os.listdir(folder)  # noqa: PTH208  # paths are not needed
    except OSError:
        return []
    return [int(match[1]) for match in map(_NAME.fullmatch, names) if match is not None]


def _read(path: Path, seq: int) -> Keyframe | None:
    try:
        value: dict[str, Any] = open_line(path.read_bytes(), FIRST_CHECKSUM)[0]
    except (OSError, LineDamageError):
        return None
    digest = value.get("digest")
    if value.get("seq") != seq or not isinstance(digest, str):
        return None
    return Keyframe(seq, value.get("state"), digest)
