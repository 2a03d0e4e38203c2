"""`RelayBounds`: how much of a relay others may use."""

from __future__ import annotations

from typing import Any

import attrs

from refold.middleware.peer_network.websocket_listener import ListenerBounds

__all__ = ["RelayBounds"]


def _check_above_zero(_bounds: object, field: attrs.Attribute[Any], value: float) -> None:
    if not value > 0:
        message = f"{field.name} must be above 0, got {value!r}"
        raise ValueError(message)


@attrs.frozen(kw_only=True)
class RelayBounds:
    """Counts, bytes and seconds; one more than a bound is refused, with the reason."""

    sockets: ListenerBounds = attrs.field(factory=ListenerBounds)
    """What one connection may do, and how many there may be."""

    max_listeners: int = attrs.field(default=1024, validator=_check_above_zero)
    """Registered peers."""

    max_circuits: int = attrs.field(default=4096, validator=_check_above_zero)
    """Circuits in all, those included that wait for an answer."""

    max_circuits_per_peer: int = attrs.field(default=64, validator=_check_above_zero)
    """Circuits to one registered peer, likewise."""

    answer_seconds: float = attrs.field(default=5.0, validator=_check_above_zero)
    """How long a dialled peer may take to answer."""

    registration_seconds: float = attrs.field(default=5.0, validator=_check_above_zero)
    """How long a peer may take to prove who it is."""

    max_queue: int = attrs.field(default=1024, validator=_check_above_zero)
    """Frames that may wait for a registered peer to read them; a slower reader is dropped."""

    presences_per_second: float = attrs.field(default=2.0, validator=_check_above_zero)
    """Presences that one peer may publish, once those of ten seconds are used up."""

    ping_interval: float = attrs.field(default=5.0, validator=_check_above_zero)
    """How many seconds are between two pings to a registered peer."""

    ping_timeout: float = attrs.field(default=7.5, validator=_check_above_zero)
    """After how many seconds of silence after a ping a registered peer is gone."""
