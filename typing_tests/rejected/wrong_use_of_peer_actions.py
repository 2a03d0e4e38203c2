"""A transport or a status is not any text, and a question is asked of its own slice."""

from __future__ import annotations

from pyrsistent import pvector

from refold.actions.peer_records import Presence
from refold.actions.peers import PeerLinkOpened, PresenceDiscovered
from refold.actions.shared_wallets import SpendSession
from refold.reducers.contacts import ContactsState
from refold.reducers.peers import PeersState
from refold.selectors.peers import select_is_peer_connected, select_peer_connection_status

PeerLinkOpened("alice", "1", "tcp", is_inbound=True)  # expect-error
PresenceDiscovered("alice")  # expect-error
Presence("alice", ["/ip4/127.0.0.1/tcp/1/ws"], 0, 1)  # expect-error
SpendSession("s", "w", "bc1q", 1.5, "alice", pvector(["alice"]), 0, 1)  # expect-error
SpendSession("s", "w", "bc1q", 1, "alice", pvector(["alice"]), 0, 1, "open")  # expect-error
select_is_peer_connected(ContactsState(), "alice")  # expect-error
select_is_peer_connected(PeersState())  # expect-error
select_is_peer_connected(PeersState(), 1)  # expect-error
is_odd = select_peer_connection_status(PeersState(), "alice").status == "odd"  # expect-error
PeersState().is_running = True  # expect-error
