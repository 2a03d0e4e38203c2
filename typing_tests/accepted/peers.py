"""What questions about peers give, over their own slice and over a root."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, assert_type

from refold.actions.contacts import Contact
from refold.actions.peer_records import Presence, TransportKind
from refold.actions.shared_wallets import SharedWallet, SpendSession
from refold.reducers.peer_network import PeerNetworkState, peer_network_reducer
from refold.selectors.contacts import select_contact
from refold.selectors.peers import (
    select_connected_online_peer_count,
    select_connected_online_peers,
    select_is_peer_connected,
    select_online_peer,
    select_peer_connection_status,
)
from refold.selectors.shared_wallets import select_shared_wallet, select_spend_sessions
from refold.store.store import Store

if TYPE_CHECKING:
    from refold.reducers.peers import PeersState

__all__ = ["ask"]


def get_peers(state: PeerNetworkState) -> PeersState:
    """Return the peers' slice."""
    return state.peers


def ask(store: Store[PeerNetworkState]) -> None:
    """Ask all of them."""
    state = store.state
    status = select_peer_connection_status(state.peers, "alice")
    assert_type(status.status, Literal["connected", "connecting", "failed", "disconnected"])
    assert_type(status.connection_type, TransportKind | None)
    assert_type(select_is_peer_connected.at(get_peers)(state, "alice"), bool)
    assert_type(select_online_peer(state.peers, "alice"), Presence | None)
    assert_type(select_connected_online_peers.at(get_peers)(state), tuple[Presence, ...])
    assert_type(select_connected_online_peer_count(state.peers), int)
    assert_type(select_contact(state.contacts, "alice"), Contact | None)
    assert_type(select_shared_wallet(state.shared_wallets, "w"), SharedWallet | None)
    assert_type(select_spend_sessions(state.shared_wallets), tuple[SpendSession, ...])


ask(Store(peer_network_reducer))
