"""`peer_activity_reducer`: what happened between this program and its peers, for people to read.

It is a slice of its own, so it keeps what its texts need: by which names peers go, and which links
live, since a peer joins with its first link and leaves with its last.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import attrs
from pyrsistent import PDeque, PMap, PVector, pdeque, pmap, pvector

from refold.actions.peers import (
    ConnectionAttemptToPeerStarted,
    ConnectionToPeerCancelled,
    ConnectionToPeerFailed,
    PeerLinkClosed,
    PeerLinkOpened,
    PeerNodeStarted,
    PeerNodeStopped,
    PresenceDiscovered,
)
from refold.reducers.entities import Entities
from refold.reducers.entity_adapter import EntityAdapter
from refold.reducers.evolve import evolve
from refold.reducers.peers_state import MAX_CONNECTIONS, MAX_LINKS_PER_PEER
from refold.reducers.presence_rules import find_fault_in_presence, is_newer_presence
from refold.reducers.reducer import Reducer
from refold.reducers.shorten_text import shorten_text

if TYPE_CHECKING:
    from refold.actions.peer_records import Presence

__all__ = [
    "MAX_ACTIVITY_EVENTS",
    "MAX_KNOWN_NAMES",
    "MAX_MESSAGE_LENGTH",
    "MAX_NAME_LENGTH",
    "ActivityEvent",
    "ActivityType",
    "KnownName",
    "PeerActivityState",
    "peer_activity_reducer",
]

MAX_ACTIVITY_EVENTS: Final = 200
"""Events that are kept; of more, the oldest go."""

MAX_KNOWN_NAMES: Final = 1_000
"""Peers whose names are kept; of more, those that were met first go."""

MAX_NAME_LENGTH: Final = 64
"""Characters of a peer's name that are kept."""

MAX_MESSAGE_LENGTH: Final = 500
"""Characters of an event's message; what peers say of an error is in it."""

_SHOWN_OF_ID: Final = 12

ActivityType: TypeAlias = Literal["peer_joined", "peer_left", "info", "error"]
"""What an event is about."""


@attrs.frozen
class ActivityEvent:
    """One thing that happened."""

    number: int
    """1 for the first, and one more for each; it stays when earlier ones are dropped."""

    type: ActivityType
    peer_id: str
    """With whom, in full."""

    message: str
    """In words, with the peer's name or the beginning of its id."""

    at_ms: int | None = None
    """When, in milliseconds since the Unix epoch; None where no clock stamps actions."""


@attrs.frozen
class KnownName:
    """By which name a peer goes, and since when."""

    peer_id: str
    nickname: str
    """What the peer calls itself; empty for nothing."""

    created_at_ms: int
    """When the presence that said so was made."""

    expires_at_ms: int
    """From when on that presence does not hold; the name stays until there is another."""


names_by_peer: Final = EntityAdapter[str, KnownName](key=lambda name: name.peer_id)


@attrs.frozen
class PeerActivityState:
    """What happened."""

    events: PDeque[ActivityEvent] = attrs.field(default=pdeque())
    """The latest, oldest first."""

    event_count: int = 0
    """All that ever were, and the number of the last."""

    names: Entities[str, KnownName] = attrs.field(default=names_by_peer.empty())
    """Names, in the order in which their peers were met."""

    links: PMap[str, PVector[str]] = attrs.field(default=pmap())
    """The ids of live links, oldest first, by peer id; a peer without one is not here."""


peer_activity_reducer: Final = Reducer(PeerActivityState())


@peer_activity_reducer.on(PresenceDiscovered)
def _(state: PeerActivityState, action: PresenceDiscovered) -> PeerActivityState:
    presence, now = action.presence, action.at_ms
    if find_fault_in_presence(presence, now_ms=now) is not None:
        return state
    known = state.names.by_id.get(presence.peer_id)
    if known is not None and not _replaces(presence, known, now):
        return state
    return evolve(state, names=_bounded_names(names_by_peer.set_one(state.names, _name(presence))))


@peer_activity_reducer.on(ConnectionAttemptToPeerStarted)
def _(state: PeerActivityState, action: ConnectionAttemptToPeerStarted) -> PeerActivityState:
    if action.attempt != 1:
        return state
    name = _shown(state, action.peer_id)
    return _with_event(state, "info", action.peer_id, f"Connecting to {name}...", action.at_ms)


@peer_activity_reducer.on(ConnectionToPeerFailed)
def _(state: PeerActivityState, action: ConnectionToPeerFailed) -> PeerActivityState:
    message = f"Failed to connect to {_shown(state, action.peer_id)}...: {action.error}"
    return _with_event(state, "error", action.peer_id, message, action.at_ms)


@peer_activity_reducer.on(ConnectionToPeerCancelled)
def _(state: PeerActivityState, action: ConnectionToPeerCancelled) -> PeerActivityState:
    message = f"Stopped connecting to {_shown(state, action.peer_id)}..."
    return _with_event(state, "info", action.peer_id, message, action.at_ms)


@peer_activity_reducer.on(PeerLinkOpened)
def _(state: PeerActivityState, action: PeerLinkOpened) -> PeerActivityState:
    live = state.links.get(action.peer_id, pvector())
    if action.link_id in live or (not live and len(state.links) >= MAX_CONNECTIONS):
        return state
    newest = live.append(action.link_id)[-MAX_LINKS_PER_PEER:]
    joined = evolve(state, links=state.links.set(action.peer_id, newest))
    if live:
        return joined
    message = f"Connected to {_shown(state, action.peer_id)}... via {action.transport}"
    return _with_event(joined, "peer_joined", action.peer_id, message, action.at_ms)


@peer_activity_reducer.on(PeerLinkClosed)
def _(state: PeerActivityState, action: PeerLinkClosed) -> PeerActivityState:
    live = state.links.get(action.peer_id, pvector())
    if action.link_id not in live:
        return state
    left = live.remove(action.link_id)
    if left:
        return evolve(state, links=state.links.set(action.peer_id, left))
    return _leave(state, action.peer_id, action.reason, action.at_ms)


@peer_activity_reducer.on(PeerNodeStarted, PeerNodeStopped)
def _(state: PeerActivityState, action: PeerNodeStarted | PeerNodeStopped) -> PeerActivityState:
    is_start = isinstance(action, PeerNodeStarted)
    reason = "this program started again" if is_start else "this program stopped"
    return _leave_all(state, sorted(state.links), reason, action.at_ms)


# --- what several actions have in common ----------------------------------------------------------


def _leave_all(
    state: PeerActivityState, peer_ids: Iterable[str], reason: str, at_ms: int | None
) -> PeerActivityState:
    for peer_id in peer_ids:
        state = _leave(state, peer_id, reason, at_ms)
    return state


def _leave(
    state: PeerActivityState, peer_id: str, reason: str, at_ms: int | None
) -> PeerActivityState:
    """Return the state when the last link to a peer is gone."""
    told = f": {reason}" if reason else ""
    message = f"Disconnected from {_shown(state, peer_id)}...{told}"
    left = evolve(state, links=state.links.remove(peer_id))
    return _with_event(left, "peer_left", peer_id, message, at_ms)


def _with_event(
    state: PeerActivityState, type_: ActivityType, peer_id: str, message: str, at_ms: int | None
) -> PeerActivityState:
    number = state.event_count + 1
    text = shorten_text(message, MAX_MESSAGE_LENGTH)
    events = state.events.append(ActivityEvent(number, type_, peer_id, text, at_ms))
    if len(events) > MAX_ACTIVITY_EVENTS:
        events = events.popleft()
    return evolve(state, events=events, event_count=number)


def _shown(state: PeerActivityState, peer_id: str) -> str:
    """Return how a text names a peer: by its nickname, or by the beginning of its id."""
    known = state.names.by_id.get(peer_id)
    return (known.nickname if known is not None else "") or peer_id[:_SHOWN_OF_ID]


def _name(presence: Presence) -> KnownName:
    nickname = shorten_text(presence.nickname, MAX_NAME_LENGTH)
    return KnownName(presence.peer_id, nickname, presence.created_at_ms, presence.expires_at_ms)


def _replaces(presence: Presence, known: KnownName, now_ms: int | None) -> bool:
    """Tell whether a presence's name counts: it is newer, or the known one no longer holds."""
    if now_ms is not None and known.expires_at_ms <= now_ms:
        return True
    return is_newer_presence(presence, known)


def _bounded_names(names: Entities[str, KnownName]) -> Entities[str, KnownName]:
    if len(names.ids) <= MAX_KNOWN_NAMES:
        return names
    return names_by_peer.remove_one(names, names.ids[0])
