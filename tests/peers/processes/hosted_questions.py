"""What a `HostedPeer` answers when it is asked about its own state.

What belongs here: answers by the selectors of its store, and by its node where the two could
differ.  What does not: what the answer ought to be.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import attrs

from refold.selectors.contacts import select_contacts
from refold.selectors.peer_activity import select_activity_events
from refold.selectors.peers import (
    select_connected_online_peer_count,
    select_connected_online_peers,
    select_connected_peer_ids,
    select_direct_addresses,
    select_is_peer_connected,
    select_is_peer_node_running,
    select_online_peer,
    select_online_peers_with_status,
    select_own_addresses,
    select_own_peer_id,
    select_peer_connection_status,
    select_relay_addresses,
    select_webrtc_address,
)
from refold.selectors.shared_wallets import (
    select_last_dropped_proposal,
    select_last_spend_refusal,
    select_spend_session,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from refold.middleware.peers import Peers
    from refold.reducers.peer_network import PeerNetworkState
    from refold.reducers.peers import PeersState

__all__ = ["answer"]


def answer(question: Mapping[str, Any], state: PeerNetworkState, peers: Peers) -> dict[str, Any]:
    """Return what is so now.

    Raises:
        ValueError: nothing is known about that.
    """
    match question:
        case {"about": "itself"}:
            found = _itself(state.peers, peers)
        case {"about": "connection", "peer_id": str(peer_id)}:
            found = _connection(state.peers, peers, peer_id)
        case {"about": "presence", "peer_id": str(peer_id)}:
            found = _presence(state.peers, peer_id)
        case {"about": "online peers"}:
            found = _online_peers(state.peers)
        case {"about": "activity"}:
            found = {"events": tuple(select_activity_events(state.activity))}
        case {"about": "contacts"}:
            found = {"contacts": {one.peer_id: one for one in select_contacts(state.contacts)}}
        case {"about": "session", "session_id": str(session_id)}:
            found = {"session": select_spend_session(state.shared_wallets, session_id)}
        case {"about": "refusals"}:
            found = {
                "own": select_last_spend_refusal(state.shared_wallets),
                "dropped": select_last_dropped_proposal(state.shared_wallets),
            }
        case {"about": "modules", "names": names}:
            found = {"imported": [name for name in names if name in sys.modules]}
        case _:
            message = f"expected a question that `answer` knows, got {question!r}"
            raise ValueError(message)
    return found


def _itself(state: PeersState, peers: Peers) -> dict[str, Any]:
    options = attrs.asdict(peers.options)
    del options["now_ms"]  # a function
    return {
        "peer_id": select_own_peer_id(state),
        "addresses": select_own_addresses(state),
        "is_running": select_is_peer_node_running(state),
        "options": options,
    }


def _connection(state: PeersState, peers: Peers, peer_id: str) -> dict[str, Any]:
    """Return all answers about one connection, which must agree."""
    return {
        **attrs.asdict(select_peer_connection_status(state, peer_id)),
        "is_connected": select_is_peer_connected(state, peer_id),
        "is_among_connected": peer_id in select_connected_peer_ids(state),
        "node_says": peers.is_connected(peer_id),
        "node_says_type": peers.connection_type(peer_id),
    }


def _presence(state: PeersState, peer_id: str) -> dict[str, Any]:
    """Return what a peer says of itself, and how it is connected; None for both if not online."""
    presence = select_online_peer(state, peer_id)
    connections = [
        one.connection
        for one in select_online_peers_with_status(state)
        if one.presence.peer_id == peer_id
    ]
    return {
        "presence": presence,
        "connection": connections[0] if connections else None,
        "direct_addresses": select_direct_addresses(state, peer_id),
        "relay_addresses": select_relay_addresses(state, peer_id),
        "webrtc_address": select_webrtc_address(state, peer_id),
    }


def _online_peers(state: PeersState) -> dict[str, Any]:
    return {
        "online": [one.presence.peer_id for one in select_online_peers_with_status(state)],
        "connected": [one.peer_id for one in select_connected_online_peers(state)],
        "connected_count": select_connected_online_peer_count(state),
        "connected_or_not_online": select_connected_peer_ids(state),
    }
