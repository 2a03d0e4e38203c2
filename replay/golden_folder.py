"""The files of golden sessions: logs, and beside each what was accepted of it.

What belongs here: names, and their order.  What does not: what stands in the files.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from refold.replay.log_segments import is_one_file, list_segments

__all__ = ["find_sessions", "find_stale", "golden_path"]

_SUFFIX: Final = ".golden.json"


def golden_path(log: Path) -> Path:
    """Return the file that keeps what was accepted of a log, such as ``monday.jsonl.golden.json``.

    It has the log's whole name, so that ``monday.jsonl`` and a folder ``monday`` do not share it.
    """
    return log.with_name(log.name + _SUFFIX)


def find_sessions(folder: Path) -> list[Path]:
    """Return the logs in a folder and below it, in an order that is the same everywhere.

    Args:
        folder: what is a log itself counts as its only one.  Hidden files and folders, and links to
            folders, are left out.

    Raises:
        OSError: a folder cannot be read.
    """
    if _is_log(folder):
        return [folder]
    return sorted((path for path in _walk(folder) if _is_log(path)), key=Path.as_posix)


def find_stale(folder: Path) -> list[Path]:
    """Return the accepted files whose logs are gone, in order.

    Raises:
        OSError: a folder cannot be read.
    """
    if _is_log(folder):
        return []
    found = (path for path in _walk(folder) if path.name.endswith(_SUFFIX))
    return sorted((path for path in found if not _is_log(_log_of(path))), key=Path.as_posix)


def _log_of(accepted: Path) -> Path:
    return accepted.with_name(accepted.name.removesuffix(_SUFFIX))


def _walk(folder: Path) -> list[Path]:
    """Return what is in a folder and below it, but not what is in a log."""
    found: list[Path] = []
    for path in folder.iterdir():
        if path.name.startswith("."):
            continue
        found.append(path)
        if path.is_dir() and not path.is_symlink() and not _is_log(path):
            found += _walk(path)
    return found


def _is_log(path: Path) -> bool:
    """Tell whether a path is that of a log's file, or of a folder of its segments."""
    if is_one_file(path):
        return path.is_file()
    return path.is_dir() and bool(list_segments(path))
