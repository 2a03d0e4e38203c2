"""`peers_reducer`: what is known of peers, and how it follows from what happened.

Times come from ``action.at_ms``, which is None where no clock stamps actions: then nothing expires.
"""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING, Any, Final

from pyrsistent import pvector

from refold.actions.peers import (
    ConnectionAttemptToPeerStarted,
    ConnectionToPeerCancelled,
    ConnectionToPeerFailed,
    ExpiredPresencesSwept,
    PeerLinkClosed,
    PeerLinkOpened,
    PeerNodeStarted,
    PeerNodeStopped,
    PresenceDiscovered,
    PresenceWithdrawn,
)
from refold.reducers.evolve import evolve
from refold.reducers.peers_state import (
    MAX_CONNECTIONS,
    MAX_ERROR_LENGTH,
    MAX_LINKS_PER_PEER,
    MAX_PRESENCES,
    ConnectionFailure,
    PeerConnection,
    PeerLink,
    PeersState,
    connections_by_peer,
    presences_by_peer,
)
from refold.reducers.presence_rules import find_fault_in_presence, is_newer_presence
from refold.reducers.reducer import Reducer
from refold.reducers.shorten_text import shorten_text

if TYPE_CHECKING:
    from refold.actions.peer_records import Presence
    from refold.reducers.entities import Entities

__all__ = [
    "MAX_CONNECTIONS",
    "MAX_ERROR_LENGTH",
    "MAX_LINKS_PER_PEER",
    "MAX_PRESENCES",
    "ConnectionFailure",
    "PeerConnection",
    "PeerLink",
    "PeersState",
    "peers_reducer",
]

peers_reducer: Final = Reducer(PeersState())


@peers_reducer.on(PeerNodeStarted)
def _(state: PeersState, action: PeerNodeStarted) -> PeersState:
    started = evolve(
        state,
        own_peer_id=action.own_peer_id,
        is_running=True,
        addresses=action.addresses,
        presences=presences_by_peer.remove_one(state.presences, action.own_peer_id),
        connections=_without_live_ones(state.connections),
    )
    return _if_changed(state, started)


@peers_reducer.on(PeerNodeStopped)
def _(state: PeersState, _action: PeerNodeStopped) -> PeersState:
    stopped = evolve(
        state,
        is_running=False,
        addresses=pvector(),
        connections=_without_live_ones(state.connections),
    )
    return _if_changed(state, stopped)


# --- what peers say of themselves -----------------------------------------------------------------


@peers_reducer.on(PresenceDiscovered)
def _(state: PeersState, action: PresenceDiscovered) -> PeersState:
    presence = action.presence
    if presence.peer_id == state.own_peer_id:
        return state
    if find_fault_in_presence(presence, now_ms=action.at_ms) is not None:
        return state
    known = state.presences.by_id.get(presence.peer_id)
    if known is not None and not is_newer_presence(presence, known):
        return state
    kept = _with_room(state, presences_by_peer.set_one(state.presences, presence))
    return _with(state, presences=kept)


@peers_reducer.on(PresenceWithdrawn)
def _(state: PeersState, action: PresenceWithdrawn) -> PeersState:
    return _with(state, presences=presences_by_peer.remove_one(state.presences, action.peer_id))


@peers_reducer.on(ExpiredPresencesSwept)
def _(state: PeersState, action: ExpiredPresencesSwept) -> PeersState:
    now = action.at_ms
    if now is None:
        return state
    by_id = state.presences.by_id
    by_expiry = presences_by_peer.ids_in_order(state.presences, "by_expiry")
    over = [*takewhile(lambda one: by_id[one].expires_at_ms <= now, by_expiry)]
    return _with(state, presences=presences_by_peer.remove_many(state.presences, over))


def _with_room(state: PeersState, presences: Entities[str, Presence]) -> Entities[str, Presence]:
    """Return the presences without the least needed, if there are too many."""
    if len(presences.ids) <= MAX_PRESENCES:
        return presences
    by_expiry = presences_by_peer.ids_in_order(presences, "by_expiry")
    least = next((one for one in by_expiry if not _is_live(state, one)), by_expiry[0])
    if least not in state.presences.by_id:
        return state.presences  # it is the one that just came
    return presences_by_peer.remove_one(presences, least)


def _is_live(state: PeersState, peer_id: str) -> bool:
    return _connection(state, peer_id).status in {"connected", "connecting"}


# --- attempts and links ---------------------------------------------------------------------------


@peers_reducer.on(ConnectionAttemptToPeerStarted)
def _(state: PeersState, action: ConnectionAttemptToPeerStarted) -> PeersState:
    return _with_connection(
        state,
        action.peer_id,
        attempt=action.attempt,
        last_attempt_at_ms=action.at_ms,
        failure=None,
    )


@peers_reducer.on(ConnectionToPeerFailed)
def _(state: PeersState, action: ConnectionToPeerFailed) -> PeersState:
    error = shorten_text(action.error, MAX_ERROR_LENGTH)
    failure = ConnectionFailure(error, action.attempts, action.at_ms)
    return _with_connection(state, action.peer_id, attempt=None, failure=failure)


@peers_reducer.on(ConnectionToPeerCancelled)
def _(state: PeersState, action: ConnectionToPeerCancelled) -> PeersState:
    return _with_connection(state, action.peer_id, attempt=None)


@peers_reducer.on(PeerLinkOpened)
def _(state: PeersState, action: PeerLinkOpened) -> PeersState:
    links = _connection(state, action.peer_id).links
    if any(link.link_id == action.link_id for link in links):
        return state
    link = PeerLink(action.link_id, action.transport, action.is_inbound, action.at_ms)
    newest = links.append(link)[-MAX_LINKS_PER_PEER:]
    return _with_connection(state, action.peer_id, links=newest, attempt=None, failure=None)


@peers_reducer.on(PeerLinkClosed)
def _(state: PeersState, action: PeerLinkClosed) -> PeersState:
    links = _connection(state, action.peer_id).links
    left = pvector(link for link in links if link.link_id != action.link_id)
    return _with_connection(state, action.peer_id, links=left)


def _connection(state: PeersState, peer_id: str) -> PeerConnection:
    return state.connections.by_id.get(peer_id, PeerConnection(peer_id))


def _with_connection(state: PeersState, peer_id: str, **changes: Any) -> PeersState:
    """Return the state with another connection to a peer; one that says nothing is not kept."""
    before = _connection(state, peer_id)
    after = evolve(before, **changes)
    if after == before:
        return state
    if after == PeerConnection(peer_id):
        return _with(state, connections=connections_by_peer.remove_one(state.connections, peer_id))
    connections = state.connections
    if peer_id not in connections.by_id and len(connections.ids) >= MAX_CONNECTIONS:
        oldest = _oldest_idle(connections)
        if oldest is None:
            return state
        connections = connections_by_peer.remove_one(connections, oldest)
    return _with(state, connections=connections_by_peer.set_one(connections, after))


def _oldest_idle(connections: Entities[str, PeerConnection]) -> str | None:
    """Return the peer whose connection is needed least; None if all are live."""
    for status in ("disconnected", "failed"):
        for peer_id in connections_by_peer.find_ids(connections, "status", status):
            return peer_id
    return None


def _without_live_ones(
    connections: Entities[str, PeerConnection],
) -> Entities[str, PeerConnection]:
    """Return what is left of the connections when no link and no attempt lives."""
    live = (
        *connections_by_peer.find(connections, "status", "connected"),
        *connections_by_peer.find(connections, "status", "connecting"),
    )
    ended = [evolve(one, links=pvector(), attempt=None) for one in live]
    forgotten = [one.peer_id for one in ended if one == PeerConnection(one.peer_id)]
    return connections_by_peer.remove_many(
        connections_by_peer.set_many(connections, ended), forgotten
    )


def _with(state: PeersState, **changes: Any) -> PeersState:
    """Return the state with other entities; the identical one if they are the same objects."""
    if all(getattr(state, name) is value for name, value in changes.items()):
        return state
    return evolve(state, **changes)


def _if_changed(state: PeersState, after: PeersState) -> PeersState:
    return state if after == state else after
