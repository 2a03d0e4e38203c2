"""What a WebSocket connection can be told, checked before anything is opened."""

from __future__ import annotations

import math

import attrs

from refold.reducers.backoff_delay import Backoff

__all__ = ["WebSocketOptions"]


def _seconds(_options: object, field: attrs.Attribute[float], value: object) -> None:
    """Check a duration.

    Raises:
        TypeError: it is no number.
        ValueError: it is not finite or not above 0.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        message = f"{field.name} must be a number of seconds, got {value!r}"
        raise TypeError(message)
    if not (math.isfinite(value) and value > 0):
        message = f"{field.name} must be finite and above 0 seconds, got {value!r}"
        raise ValueError(message)


def _count(_options: object, field: attrs.Attribute[int], value: object) -> None:
    """Check a bound.

    Raises:
        TypeError: it is no int.
        ValueError: it is negative.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        message = f"{field.name} must be an int, got {value!r}"
        raise TypeError(message)
    if value < 0:
        message = f"{field.name} must be 0 (nothing waits) or more, got {value!r}"
        raise ValueError(message)


@attrs.frozen(kw_only=True)
class WebSocketOptions:
    """Durations in seconds, and bounds.

    Raises:
        TypeError: a value is of the wrong type.
        ValueError: a value is out of its range.
    """

    connect_timeout: float = attrs.field(default=10.0, validator=_seconds)
    """For a whole attempt: the factories, the name look-up, TCP, TLS and HTTP."""

    stable_after: float = attrs.field(default=5.0, validator=_seconds)
    """A link that was open for so long, and finished ``on_open``, ends a row of failures."""

    heartbeat_interval: float | None = attrs.field(
        default=20.0, validator=attrs.validators.optional(_seconds)
    )
    """A ping is sent after so much silence; None for no heartbeat."""

    heartbeat_timeout: float = attrs.field(default=10.0, validator=_seconds)
    """A peer that sends nothing for so long after a ping is dead."""

    close_timeout: float = attrs.field(default=5.0, validator=_seconds)
    """How long to wait for the peer's part of the closing handshake."""

    max_queue: int = attrs.field(default=1000, validator=_count)
    """Messages that may wait to be sent."""

    max_queue_bytes: int = attrs.field(default=4 * 1024 * 1024, validator=_count)
    """Bytes that they may have together."""

    max_message_bytes: int = attrs.field(default=4 * 1024 * 1024, validator=_count)
    """The largest message that is accepted from the peer."""

    backoff: Backoff = attrs.field(
        factory=Backoff, validator=attrs.validators.instance_of(Backoff)
    )
    """How attempts are spaced."""
