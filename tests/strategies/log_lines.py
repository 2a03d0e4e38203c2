"""Reading and rewriting the lines of a log by hand, as a test that breaks them needs it.

What belongs here: bytes and JSON of one log file.  It relies on one thing only: that a line's
checksum is made by `refold.replay.checked_line`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from refold.replay.checked_line import FIRST_CHECKSUM, seal_line

__all__ = ["file_of", "json_lines", "raw_lines", "reseal"]


def file_of(log: Path) -> Path:
    """Return the one file of a log that is a file or a folder."""
    if log.is_file():
        return log
    (segment,) = log.iterdir()
    return segment


def raw_lines(log: Path) -> list[bytes]:
    """Return the lines of a log, each with its newline."""
    return file_of(log).read_bytes().splitlines(keepends=True)


def json_lines(log: Path) -> list[dict[str, Any]]:
    """Return what the lines of a log say, the header first."""
    return [json.loads(line) for line in raw_lines(log)]


def reseal(log: Path, change: Callable[[list[dict[str, Any]]], object]) -> None:
    """Change what the lines say and give them checksums that fit again."""
    values = json_lines(log)
    change(values)
    checksum, lines = FIRST_CHECKSUM, bytearray()
    for value in values:
        line, checksum = seal_line({k: v for k, v in value.items() if k != "crc"}, checksum)
        lines += line
    file_of(log).write_bytes(lines)
