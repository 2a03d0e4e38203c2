"""`take_packed`: many ordinary lines of a log at once, in a few calls of C.

What belongs here: the lines that hold one record each, as nearly all do.  What does not: any other
line, and saying what is wrong with one; `log_lines` does both, one line after the other, and is the
reference.
"""

from __future__ import annotations

import contextlib
import itertools
import sys
import zlib
from array import array
from collections.abc import Sequence
from typing import Final

import msgspec

from refold.replay.packed_record import PackedRecord

__all__ = ["take_packed"]

_SEAL_BEGINS: Final = b',"crc":"'
_SEAL_ENDS: Final = b'"}'
_SEAL_LENGTH: Final = len(_SEAL_BEGINS) + 8 + len(_SEAL_ENDS)
_PAYLOAD_BEGINS: Final = b',"payload":{'

_decode: Final = msgspec.json.Decoder(PackedRecord).decode


def take_packed(lines: Sequence[bytes], checksum: int, head: int) -> list[PackedRecord]:
    """Return the records of the first lines, up to the first one that is not ordinary.

    Args:
        lines: without their newlines.
        checksum: that of the line before.
        head: the number of the last record before.
    """
    found = _decode_while_ordinary(lines)
    count = min(_count_numbered(found, head), _count_sealed(lines[: len(found)], checksum))
    return found[:count]


def _decode_while_ordinary(lines: Sequence[bytes]) -> list[PackedRecord]:
    decode = _decode
    found: list[PackedRecord] = []
    try:
        found = [decode(line) for line in lines]
    except (ValueError, RecursionError):  # of msgspec, or bytes that are no UTF-8
        with contextlib.suppress(ValueError, RecursionError):
            found.extend(map(decode, lines))  # those before are kept
    text = b"".join(lines[: len(found)])
    if text.isascii() and text.count(_PAYLOAD_BEGINS) == len(found):
        return found
    return list(itertools.compress(found, itertools.takewhile(bool, map(_is_ordinary, lines))))


def _is_ordinary(line: bytes) -> bool:
    """Tell what msgspec does not: it takes any value for a payload, and does not look into it."""
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return line.count(_PAYLOAD_BEGINS) == 1


def _count_numbered(found: list[PackedRecord], head: int) -> int:
    """Return how many records from the first on have the number that comes next."""
    numbers = [packed.seq for packed in found]
    return _count_equal(numbers, list(range(head + 1, head + 1 + len(found))))


def _count_sealed(lines: Sequence[bytes], checksum: int) -> int:
    """Return how many lines from the first on end with their checksum."""
    stated = _stated_checksums(lines)
    bodies = [line[:-_SEAL_LENGTH] for line in lines]
    found = list(map(zlib.crc32, bodies, itertools.chain((checksum,), stated)))
    return _count_equal(found[: len(stated)], stated)


def _stated_checksums(lines: Sequence[bytes]) -> list[int]:
    """Return the checksums that lines end with; none at all if one does not end with any."""
    seals = b"".join([line[-_SEAL_LENGTH:] for line in lines])
    digits = seals[len(_SEAL_BEGINS) : -len(_SEAL_ENDS)].replace(_SEAL_ENDS + _SEAL_BEGINS, b"")
    begins, ends = seals.startswith(_SEAL_BEGINS), seals.endswith(_SEAL_ENDS)
    if not (begins and ends and len(digits) == 8 * len(lines)):
        return []
    try:
        numbers = bytes.fromhex(digits.decode())
    except ValueError:
        return []
    if numbers.hex().encode() != digits:  # it reads capital letters and spaces, too
        return []
    stated = array("I", numbers)
    if sys.byteorder == "little":
        stated.byteswap()
    return stated.tolist()


def _count_equal(found: list[int], wanted: list[int]) -> int:
    """Return how many numbers are equal from the first on."""
    if found == wanted:
        return len(found)
    return next(index for index, (a, b) in enumerate(zip(found, wanted, strict=True)) if a != b)
