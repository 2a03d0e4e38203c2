"""The shapes of a log: its header, its records, and what is told of a torn end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import attrs

__all__ = ["FORMAT_VERSION", "LogHeader", "LogRecord", "TornTail"]

FORMAT_VERSION: Final = 1
"""The version of the lines' form; a reader refuses a higher one."""


@attrs.frozen
class LogHeader:
    """The first line of a log."""

    log_id: str
    """Unique to this log: 16 hexadecimal digits."""

    start_state: Any
    """The state before the first record, encoded; see `action_codec`."""

    start_digest: str
    """Its digest."""

    digest_algorithm: str
    """How digests were made; others cannot be compared."""

    digest_every: int
    """At most so many records stand between two digests."""

    format_version: int = FORMAT_VERSION
    """The version of the lines' form."""

    first_seq: int = 1
    """The number of the first record after this header; the start state is the one before it."""

    previous_crc: str | None = None
    """The checksum that the segment before ends with; None in a log's first segment."""

    schema_fingerprint: str | None = None
    """The fingerprint of the application that recorded what follows, as `refold.replay.schema`
    makes it: 32 hexadecimal digits.  None if the log does not say, as one of an older refold."""


@attrs.frozen
class LogRecord:
    """One action that reached the reducer, in its envelope."""

    seq: int
    """Its place in the log, from 1."""

    id: str
    """Unique across processes: the writer's name and a number."""

    name: str
    """The action's wire name."""

    version: int
    """The version of the action's fields."""

    at_ms: int | None
    """When it was dispatched, in milliseconds since the Unix epoch; None if nobody said."""

    cause: str | None
    """The id of the record during whose handling it was dispatched; None if there was none."""

    origin: str
    """Who dispatched it: ``app``, ``listener:NAME``, ``service:NAME``."""

    payload: Mapping[str, Any]
    """The action's other fields, encoded."""

    inputs: Mapping[str, Any] | None = None
    """Ambient values that were drawn while it was made; None if none were."""

    digest: str | None = None
    """The digest of the state after it; None on most records."""


@attrs.frozen
class TornTail:
    """An unfinished last line: what was being written when the writer died."""

    segment: str
    """The file's name."""

    line: int
    """The number of the unfinished line."""

    seq: int
    """The number that its record would have had."""

    size_bytes: int
    """How much of it is there."""
