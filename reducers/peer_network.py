"""`peer_network_reducer`: peers, their activity, contacts and shared wallets as one state.

It is for programs that have no state of their own; others put the slices that they need beside
theirs, each is complete alone.
"""

from __future__ import annotations

from typing import Final

import attrs

from refold.reducers.combine_reducers import combine_reducers
from refold.reducers.contacts import ContactsState, contacts_reducer
from refold.reducers.peer_activity import PeerActivityState, peer_activity_reducer
from refold.reducers.peers import PeersState, peers_reducer
from refold.reducers.shared_wallets import SharedWalletsState, shared_wallets_reducer

__all__ = ["PeerNetworkState", "peer_network_reducer"]


@attrs.frozen
class PeerNetworkState:
    """All that a program knows of others."""

    peers: PeersState = attrs.field(default=PeersState())
    """Who is online, and how each is connected."""

    activity: PeerActivityState = attrs.field(default=PeerActivityState())
    """What happened, for people."""

    contacts: ContactsState = attrs.field(default=ContactsState())
    """Whom the user knows."""

    shared_wallets: SharedWalletsState = attrs.field(default=SharedWalletsState())
    """What the user holds with others."""


peer_network_reducer: Final = combine_reducers(
    PeerNetworkState,
    peers=peers_reducer,
    activity=peer_activity_reducer,
    contacts=contacts_reducer,
    shared_wallets=shared_wallets_reducer,
)
