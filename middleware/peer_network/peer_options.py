"""What a peer node can be told, checked before anything is dialled."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, Final, get_args

import attrs

from refold.actions.peer_records import TransportKind
from refold.middleware.check_count import at_least
from refold.reducers.check_positive_number import check_positive_number

__all__ = ["PeerOptions"]

_KINDS: Final[frozenset[str]] = frozenset(get_args(TransportKind))


def _system_time_ms() -> int:
    return int(time.time() * 1000)


def _as_tuple(kinds: Iterable[TransportKind]) -> tuple[TransportKind, ...]:
    return tuple(kinds)


def _check_order(_options: object, field: attrs.Attribute[Any], value: tuple[object, ...]) -> None:
    """Check that each is a kind of transport, and none stands twice."""
    if not _KINDS.issuperset(value) or len(set(value)) != len(value):
        message = (
            f"{field.name} must name each of {', '.join(sorted(_KINDS))} at most once, got"
            f" {value!r}; leave out what is not to be dialled"
        )
        raise ValueError(message)


@attrs.frozen(kw_only=True)
class PeerOptions:
    """Durations in seconds, and bounds.

    Raises:
        TypeError: a value is of the wrong type.
        ValueError: a value is out of its range.
    """

    order: tuple[TransportKind, ...] = attrs.field(
        default=("direct", "webrtc", "relay"), converter=_as_tuple, validator=_check_order
    )
    """Which kinds are dialled, the first first; a link of an earlier kind is preferred, too."""

    direct_timeout: float = attrs.field(default=3.0, validator=check_positive_number)
    """How long a peer's own listener may take to answer at one address."""

    webrtc_timeout: float = attrs.field(default=10.0, validator=check_positive_number)
    """How long a data channel may take to open."""

    relay_timeout: float = attrs.field(default=5.0, validator=check_positive_number)
    """How long a circuit over one relay may take to open."""

    addresses_per_transport: int = attrs.field(default=4, validator=at_least(1))
    """How many addresses of one kind an attempt dials at most: a presence may name a hundred that
    do not answer, and each would take its whole time."""

    attempts: int = attrs.field(default=3, validator=at_least(1))
    """How often all addresses are dialled, in all."""

    retry_base: float = attrs.field(default=1.0, validator=check_positive_number)
    """The wait after the first attempt; each later one is twice the one before."""

    keepalive_interval: float = attrs.field(default=5.0, validator=check_positive_number)
    """A ping is sent each time so much time has passed."""

    keepalive_timeout: float = attrs.field(default=12.5, validator=check_positive_number)
    """A peer that has sent nothing for so long is dead; above the interval."""

    max_links_per_peer: int = attrs.field(default=4, validator=at_least(1))
    """How many links one peer may have; the newest is refused."""

    max_links: int = attrs.field(default=1000, validator=at_least(1))
    """How many links all peers may have together; likewise."""

    concurrency: int = attrs.field(default=3, validator=at_least(1))
    """How many peers are dialled at once by whoever connects to many."""

    max_queue: int = attrs.field(default=100, validator=at_least(1))
    """Messages of one link that may wait to be sent."""

    max_queue_bytes: int = attrs.field(default=4 * 1024 * 1024, validator=at_least(1))
    """Bytes that they may have together."""

    send_timeout: float = attrs.field(default=10.0, validator=check_positive_number)
    """How long a message may wait for room; and how long one may take to leave: then the link is
    lost."""

    close_timeout: float = attrs.field(default=2.0, validator=check_positive_number)
    """How long a link's goodbye may take, with the messages before it; then the link is broken."""

    start_timeout: float = attrs.field(default=5.0, validator=check_positive_number)
    """How long the node waits for its transports to listen before it counts as started; those that
    take longer go on."""

    now_ms: Callable[[], int] = _system_time_ms
    """Milliseconds since the Unix epoch, by which presences expire."""

    def __attrs_post_init__(self) -> None:
        """Check what concerns several fields.

        Raises:
            ValueError: they do not fit together.
        """
        if self.keepalive_timeout <= self.keepalive_interval:
            interval, timeout = self.keepalive_interval, self.keepalive_timeout
            message = (
                f"keepalive_timeout must be above keepalive_interval, got {timeout!r} and"
                f" {interval!r}; a peer needs time to answer a ping"
            )
            raise ValueError(message)

    def address_timeout(self, kind: TransportKind) -> float:
        """Return how many seconds one address of this kind may take."""
        match kind:
            case "direct":
                return self.direct_timeout
            case "webrtc":
                return self.webrtc_timeout
            case "relay":
                return self.relay_timeout
