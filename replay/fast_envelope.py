"""Envelopes of records without the cost of their constructor.

What belongs here: a record to its envelope and back.  What does not: saying what is wrong with an
envelope, which `log_lines` does for whatever is refused here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from refold.reducers.record_builder import make_record_builder
from refold.replay.log_record import LogRecord

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["build_record", "envelope_of", "read_envelope"]

_NAMES: Final = tuple(field.name for field in attrs.fields(LogRecord))

build_record: Final[Callable[[tuple[Any, ...]], LogRecord]] = make_record_builder(LogRecord, _NAMES)
"""Takes the values of all fields in their order."""


def envelope_of(record: LogRecord) -> dict[str, Any]:
    """Return a record as the JSON object that stands in a line."""
    return {
        "seq": record.seq,
        "id": record.id,
        "name": record.name,
        "version": record.version,
        "at_ms": record.at_ms,
        "cause": record.cause,
        "origin": record.origin,
        "payload": record.payload,
        "inputs": record.inputs,
        "digest": record.digest,
    }


def read_envelope(envelope: Any) -> LogRecord | None:
    """Return the record of an envelope that is as `envelope_of` writes it; None for any other."""
    if envelope.__class__ is not dict or tuple(envelope) != _NAMES:
        return None
    values: tuple[Any, ...] = tuple(envelope.values())
    seq, id_, name, version, at_ms, cause, origin, payload, inputs, digest = values
    if (
        type(seq) is int
        and type(id_) is str
        and type(name) is str
        and type(version) is int
        and (at_ms is None or type(at_ms) is int)
        and (cause is None or type(cause) is str)
        and type(origin) is str
        and type(payload) is dict
        and (inputs is None or type(inputs) is dict)
        and (digest is None or type(digest) is str)
    ):
        return build_record(values)
    return None
