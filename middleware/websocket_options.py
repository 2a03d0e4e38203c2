"""What a WebSocket connection can be told, checked before anything is opened."""

from __future__ import annotations

from typing import Any

import attrs

from refold.middleware.application_ping import ApplicationPing
from refold.middleware.check_count import at_least
from refold.middleware.outbound_overflow import OverflowPolicy, check_overflow_policy
from refold.reducers.backoff_delay import Backoff
from refold.reducers.check_positive_number import check_positive_number
from refold.reducers.classify_failure import DEFAULT_POLICY, FailurePolicy

__all__ = ["WebSocketOptions"]


def _check_unless_none(options: object, field: attrs.Attribute[Any], value: object) -> None:
    """Take None, or check a number."""
    if value is not None:
        check_positive_number(options, field, value)


@attrs.frozen(kw_only=True)
class WebSocketOptions:
    """Durations in seconds, and bounds.

    Raises:
        TypeError: a value is of the wrong type.
        ValueError: a value is out of its range.
    """

    connect_timeout: float = attrs.field(default=10.0, validator=check_positive_number)
    """For a whole attempt: the factories, the name look-up, TCP, TLS and HTTP."""

    stable_after: float = attrs.field(default=5.0, validator=check_positive_number)
    """A link that was open for so long, and finished ``on_open``, ends a row of failures."""

    send_timeout: float = attrs.field(default=10.0, validator=check_positive_number)
    """How long one message may take to leave; then the link is lost and the message kept."""

    heartbeat_interval: float | None = attrs.field(default=20.0, validator=_check_unless_none)
    """A ping is sent each time so much time has passed, also while the peer sends; None for no
    heartbeat."""

    heartbeat_timeout: float = attrs.field(default=10.0, validator=check_positive_number)
    """A peer that sends nothing for so long after a ping is dead."""

    application_ping: ApplicationPing | None = attrs.field(
        default=None,
        validator=attrs.validators.optional(attrs.validators.instance_of(ApplicationPing)),
    )
    """A message to send in place of each ping frame; None for ping frames."""

    close_timeout: float = attrs.field(default=5.0, validator=check_positive_number)
    """How long to wait for the peer's part of the closing handshake; and, apart from that, for
    handlers of messages: at an end, and before a new link follows an old one."""

    max_queue: int = attrs.field(default=1000, validator=at_least(0))
    """Messages that may wait to be sent; with 0, only what can leave at once is taken."""

    max_queue_bytes: int = attrs.field(default=4 * 1024 * 1024, validator=at_least(0))
    """Bytes that they may have together."""

    max_send_bytes: int = attrs.field(default=4 * 1024 * 1024, validator=at_least(1))
    """The largest message that is sent, because most peers take none that is larger; a larger one
    is refused as `InvalidPayloadError`."""

    overflow: OverflowPolicy = attrs.field(default="raise", converter=check_overflow_policy)
    """What a full queue does: ``raise``, ``drop_oldest``, ``drop_newest``, or ``block``, with which
    `WebSocketConnection.send_when_room` waits."""

    max_message_bytes: int = attrs.field(default=4 * 1024 * 1024, validator=at_least(1))
    """The largest message that is accepted from the peer; there is no way to accept any."""

    backoff: Backoff = attrs.field(factory=Backoff, validator=attrs.validators.instance_of(Backoff))
    """How attempts are spaced."""

    max_attempts: int | None = attrs.field(
        default=None, validator=attrs.validators.optional(at_least(1))
    )
    """Failures in a row before the connection gives up; None for never."""

    max_elapsed: float | None = attrs.field(default=None, validator=_check_unless_none)
    """How long after the first failure in a row another attempt may begin; None for ever."""

    retry_after_max: float = attrs.field(default=300.0, validator=check_positive_number)
    """The longest wait that a busy server may ask for by ``Retry-After``."""

    failure_policy: FailurePolicy = attrs.field(
        default=DEFAULT_POLICY, validator=attrs.validators.instance_of(FailurePolicy)
    )
    """What HTTP statuses and close codes mean; presets are in `refold.reducers.failure_presets`."""

    follows_redirects: bool = attrs.field(
        default=False, validator=attrs.validators.instance_of(bool)
    )
    """Whether a redirected handshake goes on elsewhere, with all its headers; else it is fatal.
    A session of the caller's follows them always."""
