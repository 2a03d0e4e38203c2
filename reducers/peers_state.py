"""`PeersState`: all that is known of peers, and its parts.

What belongs here: fields, what they mean, and how many are kept.  What does not: how they change,
which `refold.reducers.peers` says.  Whether a peer is connected is no field: it follows from its
links.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import attrs
from pyrsistent import PVector, pvector

from refold.actions.peer_records import Presence, TransportKind
from refold.reducers.entities import Entities
from refold.reducers.entity_adapter import EntityAdapter

__all__ = [
    "MAX_CONNECTIONS",
    "MAX_ERROR_LENGTH",
    "MAX_LINKS_PER_PEER",
    "MAX_PRESENCES",
    "ConnectionFailure",
    "PeerConnection",
    "PeerConnectionState",
    "PeerLink",
    "PeersState",
    "connections_by_peer",
    "presences_by_peer",
]

MAX_PRESENCES: Final = 1_000
"""Presences that are kept, about 8 MB of the longest.  Of more, those of peers without a link or an
attempt go, the next to expire first: anybody can make up peers, but not links to them."""

MAX_CONNECTIONS: Final = 4_096
"""Peers whose links, attempts or failures are kept, more than most systems let a program have
sockets.  Of more, the oldest go that have neither link nor attempt, those without a failure first;
if all have, the newest is not kept."""

MAX_LINKS_PER_PEER: Final = 16
"""Links to one peer that are kept; of more, the oldest go.  A node allows 4 if not told
otherwise."""

MAX_ERROR_LENGTH: Final = 500
"""Characters of an error that are kept."""


PeerConnectionState: TypeAlias = Literal["connected", "connecting", "failed", "disconnected"]
"""How a peer is connected, in words."""


@attrs.frozen
class PeerLink:
    """A live link."""

    link_id: str
    transport: TransportKind
    """What carries it."""

    is_inbound: bool
    """Whether the peer dialled."""

    opened_at_ms: int | None = None
    """When it opened, in milliseconds since the Unix epoch; None where no clock stamps actions."""


@attrs.frozen
class ConnectionFailure:
    """That a peer could not be reached."""

    error: str
    """Why, in words."""

    attempts: int
    """How many were made."""

    at_ms: int | None = None
    """When it was given up, like ``opened_at_ms`` of a link."""


@attrs.frozen
class PeerConnection:
    """What this program knows of its connection to one peer, whatever the peer says of itself."""

    peer_id: str
    links: PVector[PeerLink] = attrs.field(default=pvector())
    """Live ones, oldest first."""

    attempt: int | None = None
    """The number of the attempt in flight; None if there is none."""

    last_attempt_at_ms: int | None = None
    """When the last attempt started; None if there was none, or no clock."""

    failure: ConnectionFailure | None = None
    """How the last attempts ended; None once there is a link, or a new attempt."""

    @property
    def status(self) -> PeerConnectionState:
        """How the peer is connected: a link counts most, then an attempt, then the last failure."""
        if self.links:
            return "connected"
        if self.attempt is not None:
            return "connecting"
        return "disconnected" if self.failure is None else "failed"


presences_by_peer: Final = EntityAdapter[str, Presence](
    key=lambda presence: presence.peer_id,
    orders={
        "by_expiry": lambda presence: (
            presence.expires_at_ms,
            presence.created_at_ms,
            presence.peer_id,
        )
    },
)

connections_by_peer: Final = EntityAdapter[str, PeerConnection](
    key=lambda connection: connection.peer_id,
    indexes={"status": lambda connection: connection.status},
)


@attrs.frozen
class PeersState:
    """All that is known of peers."""

    own_peer_id: str = ""
    """By which others know this program; empty before it first could be reached."""

    is_running: bool = False
    """Whether this program can be reached."""

    addresses: PVector[str] = attrs.field(default=pvector())
    """Where, as multiaddr texts; empty while it cannot."""

    presences: Entities[str, Presence] = attrs.field(default=presences_by_peer.empty())
    """What others say of themselves, each peer's newest, in the order in which they were met."""

    connections: Entities[str, PeerConnection] = attrs.field(default=connections_by_peer.empty())
    """Peers with a link, an attempt or a past attempt; one with none of them is not here."""
