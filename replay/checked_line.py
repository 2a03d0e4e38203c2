"""Lines of JSON that show when they are not what was written, by a chain of checksums.

What belongs here: sealing and opening one line.  What does not: what a line says.

The checksum is CRC-32 (zlib's): it finds every change of up to 32 bits in a row, at gigabytes a
second.  It covers the line and the checksum before it, so that a missing, repeated or reordered
line is seen as well as a changed one.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable
from typing import Any, Final, cast

import orjson

__all__ = ["FIRST_CHECKSUM", "LineDamageError", "open_line", "seal_line", "seal_texts"]

FIRST_CHECKSUM: Final = 0
"""What stands before the first line of a log."""

_SEAL: Final = b',"crc":"%08x"}'
_SEAL_LENGTH: Final = len(_SEAL % 0)
_SEALED_LINE: Final = b"%b" + _SEAL + b"\n"
_ANY_SEAL: Final = re.compile(rb',"crc":"[0-9a-f]{8}"\}')


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
    return seal_texts((orjson.dumps(value)[:-1],), previous)


def seal_texts(texts: Iterable[bytes], previous: int) -> tuple[bytes, int]:
    """Return the lines for many objects, one after the other, and the last one's checksum.

    Args:
        texts: the JSON of non-empty objects, each without its closing brace.
        previous: the checksum of the line before them.
    """
    crc32, checksum = zlib.crc32, previous
    lines: list[bytes] = []
    for text in texts:
        checksum = crc32(text, checksum)
        lines.append(_SEALED_LINE % (text, checksum))
    return b"".join(lines), checksum


def open_line(line: bytes, previous: int) -> tuple[dict[str, Any], int]:
    """Return what a line says, without its checksum, and the checksum.

    Args:
        line: with or without its newline.
        previous: the checksum of the line before.

    Raises:
        LineDamageError: it is not what was written after that line.
    """
    stripped = line.rstrip(b"\n")
    body = stripped[:-_SEAL_LENGTH]
    checksum = zlib.crc32(body, previous)
    if stripped[-_SEAL_LENGTH:] != _SEAL % checksum:
        raise LineDamageError(_explain_seal(stripped))
    try:
        value = orjson.loads(body + b"}")
    except orjson.JSONDecodeError as error:
        reason = f"the line is no JSON: {error}"
        raise LineDamageError(reason) from error
    if not isinstance(value, dict):
        reason = f"the line is no JSON object but {type(value).__name__}"
        raise LineDamageError(reason)
    return cast("dict[str, Any]", value), checksum


def _explain_seal(stripped: bytes) -> str:
    if _ANY_SEAL.fullmatch(stripped, max(len(stripped) - _SEAL_LENGTH, 0)) is None:
        return "the line does not end with its checksum"
    return "the checksum does not fit: the line was changed, or a line before it is missing"
