"""What can happen between this program and its peers: presences, attempts, links, messages.

What belongs here: the facts.  What does not: what follows from them, which `refold.reducers.peers`
and `refold.reducers.peer_activity` say, and how they come about, which `refold.middleware.peers`
does.
"""

from __future__ import annotations

from pyrsistent import PVector

from refold.actions.action import Action, action
from refold.actions.peer_records import Presence, TransportKind

__all__ = [
    "ConnectionAttemptToPeerStarted",
    "ConnectionToPeerCancelled",
    "ConnectionToPeerFailed",
    "ExpiredPresencesSwept",
    "PeerLinkClosed",
    "PeerLinkOpened",
    "PeerMessageReceived",
    "PeerNodeStarted",
    "PeerNodeStopped",
    "PresenceDiscovered",
    "PresenceWithdrawn",
]


@action("peers/peer_node_started")
class PeerNodeStarted(Action):
    """This program can be reached and can reach others; no link of an earlier run lives."""

    own_peer_id: str
    """By which others know it."""

    addresses: PVector[str]
    """Where it can be reached, as multiaddr texts, the preferred first."""


@action("peers/peer_node_stopped")
class PeerNodeStopped(Action):
    """This program can no longer be reached; every link and attempt ended."""


@action("peers/presence_discovered")
class PresenceDiscovered(Action):
    """A presence arrived, its signature checked, or the application itself gave one."""

    presence: Presence


@action("peers/presence_withdrawn")
class PresenceWithdrawn(Action):
    """What a peer said of itself no longer holds."""

    peer_id: str


@action("peers/expired_presences_swept")
class ExpiredPresencesSwept(Action):
    """Presences that expire at the action's time, or before it, are forgotten."""


@action("peers/connection_attempt_to_peer_started")
class ConnectionAttemptToPeerStarted(Action):
    """The addresses of a peer began to be dialled, one after the other."""

    peer_id: str
    attempt: int
    """1 for the first attempt of a call."""


@action("peers/connection_to_peer_failed")
class ConnectionToPeerFailed(Action):
    """A peer could not be reached, and no attempt follows."""

    peer_id: str
    error: str
    """Why, in words."""

    attempts: int
    """How many were made; 0 if there was nothing to try."""


@action("peers/connection_to_peer_cancelled")
class ConnectionToPeerCancelled(Action):
    """Nobody waits for a peer any more, so that the attempt was given up."""

    peer_id: str


@action("peers/peer_link_opened")
class PeerLinkOpened(Action):
    """A link to a peer is live: authenticated and encrypted."""

    peer_id: str
    link_id: str
    """By which this program knows it; no other link ever has the same."""

    transport: TransportKind
    """What carried it; never guessed from an address."""

    is_inbound: bool
    """Whether the peer dialled."""


@action("peers/peer_link_closed")
class PeerLinkClosed(Action):
    """A link to a peer is gone."""

    peer_id: str
    link_id: str
    reason: str
    """Why, in words; empty if that is not known."""


@action("peers/peer_message_received")
class PeerMessageReceived(Action):
    """A message arrived; what it says is not kept."""

    peer_id: str
    kind: str
    """What it is about, in the words of the program."""

    size_bytes: int
