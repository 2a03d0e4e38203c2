"""What a peer node reports, in the order in which it happens.

What belongs here: plain records.  What does not: what a store makes of them.

For one peer, attempts begin with ``AttemptStarted`` number 1 and end by exactly one of ``LinkUp``,
``AttemptsFailed`` and ``AttemptsCancelled``.  For one link, there is one ``LinkUp`` and then one
``LinkDown``; ``MessageReceived`` only in between.
"""

from __future__ import annotations

from typing import TypeAlias

import attrs

from refold.actions.peer_records import TransportKind

__all__ = [
    "AttemptStarted",
    "AttemptsCancelled",
    "AttemptsFailed",
    "LinkDown",
    "LinkUp",
    "MessageReceived",
    "NodeEvent",
    "NodeStarted",
]


@attrs.frozen
class NodeStarted:
    """The node can be dialled."""

    addresses: tuple[str, ...]
    """Where, as multiaddr texts; what to advertise."""


@attrs.frozen
class AttemptStarted:
    """All addresses of a peer are dialled, one after the other."""

    peer_id: str
    """Whose."""

    attempt: int
    """1 for the first."""


@attrs.frozen
class AttemptsFailed:
    """No address of a peer answered, and there will be no other attempt."""

    peer_id: str
    """Whose."""

    error: str
    """Why not, for people."""

    attempts: int
    """How many attempts there were."""


@attrs.frozen
class AttemptsCancelled:
    """Nobody waits for the peer any more."""

    peer_id: str
    """Which."""


@attrs.frozen
class LinkUp:
    """There is a link that both ends know of."""

    peer_id: str
    """With whom."""

    link_id: str
    """Of this node's links, never the same twice."""

    transport: TransportKind
    """Of the transport that it came over."""

    is_inbound: bool
    """Whether the peer dialled."""


@attrs.frozen
class LinkDown:
    """A link is over."""

    peer_id: str
    """With whom it was."""

    link_id: str
    """Which."""

    reason: str
    """Why, for people; what the peer said last, if it said goodbye."""


@attrs.frozen
class MessageReceived:
    """A peer sent a message."""

    peer_id: str
    """Who."""

    kind: str
    """What it is about; ASCII."""

    payload: bytes
    """What it says, as it came."""


NodeEvent: TypeAlias = (
    NodeStarted
    | AttemptStarted
    | AttemptsFailed
    | AttemptsCancelled
    | LinkUp
    | LinkDown
    | MessageReceived
)
"""Anything that a node reports."""
