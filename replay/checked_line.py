"""Lines of JSON that show when they are not what was written, by a chain of checksums.

What belongs here: sealing and opening one line.  What does not: what a line says.

The checksum is CRC-32 (zlib's): it finds every change of up to 32 bits in a row, at gigabytes a
second.  It covers the line and the checksum before it, so that a missing, repeated or reordered
line is seen as well as a changed one.
"""

from __future__ import annotations

import re
import zlib
from typing import Any, Final, cast

import orjson

__all__ = ["FIRST_CHECKSUM", "LineDamageError", "open_line", "seal_line"]

FIRST_CHECKSUM: Final = 0
"""What stands before the first line of a log."""

_SEAL: Final = re.compile(rb',"crc":"([0-9a-f]{8})"\}')
_SEAL_LENGTH: Final = len(b',"crc":"00000000"}')


class LineDamageError(Exception):
    """A line is not what was written; the text says in which way."""


def seal_line(value: dict[str, Any], previous: int) -> tuple[bytes, int]:
    """Return the line for a JSON object, ending in a newline, and its checksum.

    Args:
        value: a non-empty object that JSON can carry.
        previous: the checksum of the line before.

    Raises:
        TypeError: JSON cannot carry it.
    """
    body = orjson.dumps(value)[:-1]
    checksum = zlib.crc32(body, previous)
    return b'%b,"crc":"%08x"}\n' % (body, checksum), checksum


def open_line(line: bytes, previous: int) -> tuple[dict[str, Any], int]:
    """Return what a line says, without its checksum, and the checksum.

    Args:
        line: with or without its newline.
        previous: the checksum of the line before.

    Raises:
        LineDamageError: it is not what was written after that line.
    """
    stripped = line.rstrip(b"\n")
    seal = _SEAL.fullmatch(stripped, max(len(stripped) - _SEAL_LENGTH, 0))
    if seal is None:
        reason = "the line does not end with its checksum"
        raise LineDamageError(reason)
    body, checksum = stripped[: seal.start()], int(seal[1], 16)
    if zlib.crc32(body, previous) != checksum:
        reason = "the checksum does not fit: the line was changed, or a line before it is missing"
        raise LineDamageError(reason)
    try:
        value = orjson.loads(body + b"}")
    except orjson.JSONDecodeError as error:
        reason = f"the line is no JSON: {error}"
        raise LineDamageError(reason) from error
    if not isinstance(value, dict):
        reason = f"the line is no JSON object but {type(value).__name__}"
        raise LineDamageError(reason)
    return cast("dict[str, Any]", value), checksum
