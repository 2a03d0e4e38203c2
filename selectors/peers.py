"""Questions about peers; each takes the peers' own state, `at` lifts it to a root.

Whether a peer is connected is answered by one rule, so that no two answers can disagree: a live
link counts most, then an attempt in flight, then the last failure.
"""

from __future__ import annotations

import functools
import operator
from typing import TYPE_CHECKING, Final

import attrs
from pyrsistent import PVector, pvector

from refold.actions.peer_records import Presence, TransportKind
from refold.reducers.peers_state import (
    PeerConnection,
    PeerConnectionState,
    PeersState,
    connections_by_peer,
    presences_by_peer,
)
from refold.selectors.lru_memoize import lru_memoize
from refold.selectors.plain_selector import plain_selector
from refold.selectors.selector import selector
from refold.selectors.weak_memoize import weak_memoize

if TYPE_CHECKING:
    from refold.reducers.entities import Entities
    from refold.reducers.peers_state import PeerLink

__all__ = [
    "OnlinePeer",
    "PeerConnectionStatus",
    "select_connected_online_peer_count",
    "select_connected_online_peers",
    "select_connected_peer_ids",
    "select_direct_addresses",
    "select_is_peer_connected",
    "select_is_peer_node_running",
    "select_next_presence_expiry_at_ms",
    "select_online_peer",
    "select_online_peers",
    "select_online_peers_with_status",
    "select_own_addresses",
    "select_own_peer_id",
    "select_peer_connection_status",
    "select_peer_links",
    "select_relay_addresses",
    "select_webrtc_address",
]

_BEST_FIRST: Final[tuple[TransportKind, ...]] = ("direct", "webrtc", "relay")
"""Which of several links to a peer is named."""

_NO_LINKS: Final[PVector[PeerLink]] = pvector()


@attrs.frozen
class PeerConnectionStatus:
    """How a peer is connected."""

    status: PeerConnectionState = "disconnected"
    """Where the connection stands."""

    connection_type: TransportKind | None = None
    """What carries it, of several links the best: direct, then webrtc, then relay; None while there
    is no link."""

    last_attempt_at_ms: int | None = None
    """When the last attempt started, in milliseconds since the Unix epoch; None if there was none,
    as when only the peer dialled."""

    error: str | None = None
    """Why the last attempts failed; None unless the status is ``failed``."""


@attrs.frozen
class OnlinePeer:
    """A peer that is online, and how it is connected."""

    presence: Presence
    """What it says of itself."""

    connection: PeerConnectionStatus
    """How it is connected."""


_NOT_CONNECTED: Final = PeerConnectionStatus()

# --- this program ---------------------------------------------------------------------------------


@plain_selector
def select_own_peer_id(state: PeersState) -> str:
    """Return by what others know this program; empty before it first could be reached."""
    return state.own_peer_id


@plain_selector
def select_own_addresses(state: PeersState) -> PVector[str]:
    """Return where this program can be reached, the preferred address first."""
    return state.addresses


@plain_selector
def select_is_peer_node_running(state: PeersState) -> bool:
    """Tell whether this program can be reached and can reach others."""
    return state.is_running


# --- who is online --------------------------------------------------------------------------------


@plain_selector
def select_online_peers(state: PeersState) -> tuple[Presence, ...]:
    """Return what others say of themselves, in the order in which they were met."""
    return state.presences.all


@plain_selector
def select_online_peer(state: PeersState, peer_id: str) -> Presence | None:
    """Return what a peer says of itself; None if it is not online."""
    return state.presences.by_id.get(peer_id)


@plain_selector
def select_direct_addresses(state: PeersState, peer_id: str) -> tuple[str, ...]:
    """Return the addresses of a peer's own listeners; none if it is not online."""
    return _addresses(state, peer_id, "direct")


@plain_selector
def select_relay_addresses(state: PeersState, peer_id: str) -> tuple[str, ...]:
    """Return the addresses of a peer over relays; none if it is not online."""
    return _addresses(state, peer_id, "relay")


@plain_selector
def select_webrtc_address(state: PeersState, peer_id: str) -> str | None:
    """Return the first address at which a peer takes data channels; None if it has none."""
    return next(iter(_addresses(state, peer_id, "webrtc")), None)


def _presences(state: PeersState) -> Entities[str, Presence]:
    return state.presences


def _connections(state: PeersState) -> Entities[str, PeerConnection]:
    return state.connections


@selector(_presences)
def select_next_presence_expiry_at_ms(presences: Entities[str, Presence]) -> int | None:
    """Return when the next presence expires, in ms since the Unix epoch; None if none is known."""
    by_expiry = presences_by_peer.ids_in_order(presences, "by_expiry")
    return presences.by_id[by_expiry[0]].expires_at_ms if by_expiry else None


# --- how peers are connected ----------------------------------------------------------------------


@plain_selector
def select_peer_connection_status(state: PeersState, peer_id: str) -> PeerConnectionStatus:
    """Return how a peer is connected, online or not; a stranger is disconnected."""
    return _status_of(state.connections.by_id.get(peer_id))


@plain_selector
def select_is_peer_connected(state: PeersState, peer_id: str) -> bool:
    """Tell whether a link to a peer lives."""
    connection = state.connections.by_id.get(peer_id)
    return connection is not None and connection.status == "connected"


@plain_selector
def select_peer_links(state: PeersState, peer_id: str) -> PVector[PeerLink]:
    """Return the live links to a peer, oldest first."""
    connection = state.connections.by_id.get(peer_id)
    return _NO_LINKS if connection is None else connection.links


@selector(_connections, memoize=functools.partial(lru_memoize, result_equal=operator.eq))
def select_connected_peer_ids(connections: Entities[str, PeerConnection]) -> PVector[str]:
    """Return all peers with a live link, those that say nothing of themselves too."""
    return connections_by_peer.find_ids(connections, "status", "connected")


@selector(_presences, select_connected_peer_ids)
def select_connected_online_peers(
    presences: Entities[str, Presence], connected: PVector[str]
) -> tuple[Presence, ...]:
    """Return those online peers to which a link lives, in the order in which they were met."""
    linked = frozenset(connected)
    return tuple(presence for presence in presences.all if presence.peer_id in linked)


@selector(select_connected_online_peers)
def select_connected_online_peer_count(peers: tuple[Presence, ...]) -> int:
    """Return to how many online peers a link lives."""
    return len(peers)


@selector(_presences, _connections)
def select_online_peers_with_status(
    presences: Entities[str, Presence], connections: Entities[str, PeerConnection]
) -> tuple[OnlinePeer, ...]:
    """Return all online peers, each with how it is connected."""
    known = connections.by_id
    return tuple(
        OnlinePeer(presence, _status_of(known.get(presence.peer_id))) for presence in presences.all
    )


def _status_of(connection: PeerConnection | None) -> PeerConnectionStatus:
    return _NOT_CONNECTED if connection is None else _describe(connection)


@weak_memoize
def _describe(connection: PeerConnection) -> PeerConnectionStatus:
    """Return the status of a connection, the identical one until the connection changes."""
    failure = connection.failure
    return PeerConnectionStatus(
        status=connection.status,
        connection_type=_best_kind(connection),
        last_attempt_at_ms=connection.last_attempt_at_ms,
        error=failure.error if failure is not None and connection.status == "failed" else None,
    )


def _best_kind(connection: PeerConnection) -> TransportKind | None:
    kinds = {link.transport for link in connection.links}
    return next((kind for kind in _BEST_FIRST if kind in kinds), None)


def _addresses(state: PeersState, peer_id: str, kind: TransportKind) -> tuple[str, ...]:
    presence = state.presences.by_id.get(peer_id)
    return () if presence is None else _addresses_of_kind(presence, kind)


@weak_memoize
def _addresses_of_kind(presence: Presence, kind: TransportKind) -> tuple[str, ...]:
    return tuple(address for address in presence.addresses if _kind_of(address) == kind)


def _kind_of(address: str) -> TransportKind:
    """Return how a multiaddr is meant to be dialled; an address is not proof of how a link is."""
    parts = address.split("/")
    if "webrtc" in parts:
        return "webrtc"
    return "relay" if "p2p-circuit" in parts else "direct"
