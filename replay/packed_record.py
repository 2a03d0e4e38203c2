"""`PackedRecord`: a record as it stands in its line, with its payload still as text.

What belongs here: its shape, and making the record of it.  What does not: whether its line is the
one that was written, which `fast_lines` finds out, and making its action, which `packed_actions`
does.
"""

from __future__ import annotations

from collections.abc import Iterable
from sys import intern
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import orjson

from refold.errors import PayloadError
from refold.replay.fast_envelope import build_record

if TYPE_CHECKING:
    from refold.replay.log_record import LogRecord

__all__ = ["PackedRecord", "slim", "unpack"]

_Int = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
"""Not beyond: orjson, which reads all other lines, reads a float there."""


class PackedRecord(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """The fields of a `LogRecord` without ambient values, and the checksum of its line.

    It is made by one call of C and holds less memory than the record, so a timeline keeps this.
    """

    seq: _Int
    id: str
    name: str
    version: _Int
    at_ms: _Int | None
    cause: str | None
    origin: str
    payload: msgspec.Raw
    """The JSON text."""

    inputs: None
    digest: str | None
    crc: str


def slim(records: Iterable[PackedRecord]) -> None:
    """Drop checksums that were compared, and let records share the texts that are few.

    It takes 130 bytes off each of them, a fifth.
    """
    for record in records:
        record.crc = ""
        record.name = intern(record.name)


def unpack(packed: PackedRecord) -> LogRecord:
    """Return the record.

    Raises:
        PayloadError: the payload holds a number beyond all floats, the one thing that is found only
            when it is read.
    """
    try:
        payload: dict[str, Any] = orjson.loads(bytes(packed.payload))
    except orjson.JSONDecodeError as error:
        message = f"seq {packed.seq} ({packed.name}) has a payload that cannot be read: {error}"
        raise PayloadError(message, path=packed.name) from error
    return build_record(
        (
            packed.seq,
            packed.id,
            packed.name,
            packed.version,
            packed.at_ms,
            packed.cause,
            packed.origin,
            payload,
            None,
            packed.digest,
        )
    )
