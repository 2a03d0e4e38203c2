"""Peers with names, and short ways to say what happens to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from pyrsistent import pvector

from refold.actions.peer_records import Presence, TransportKind
from refold.actions.peers import (
    ConnectionAttemptToPeerStarted,
    ConnectionToPeerFailed,
    PeerLinkClosed,
    PeerLinkOpened,
    PeerNodeStarted,
    PresenceDiscovered,
)

if TYPE_CHECKING:
    from refold.actions.action import Action
    from refold.reducers.reducer import Reducer

__all__ = [
    "ALICE",
    "BOB",
    "ME",
    "attempt",
    "closed",
    "discovered",
    "failed",
    "fold",
    "opened",
    "presence",
    "started",
]

ALICE: Final = "12D3KooWAliceAliceAlice"
BOB: Final = "12D3KooWBobBobBob"
ME: Final = "12D3KooWMeMeMe"

S = TypeVar("S")


def fold(reducer: Reducer[S], *actions: Action, state: S | None = None) -> S:
    """Return the state after some actions, the initial one before them unless one is given."""
    after = reducer.initial if state is None else state
    for action in actions:
        after = reducer(after, action)
    return after


def presence(
    peer_id: str = ALICE, created: int = 0, expires: int = 60_000, nickname: str = ""
) -> Presence:
    """Return a presence with one address."""
    return Presence(peer_id, pvector(["/ip4/127.0.0.1/tcp/1/ws"]), created, expires, nickname)


def discovered(
    peer_id: str = ALICE,
    created: int = 0,
    expires: int = 60_000,
    nickname: str = "",
    at_ms: int | None = 0,
) -> Action:
    """Return that a presence arrived."""
    return PresenceDiscovered(presence(peer_id, created, expires, nickname), at_ms=at_ms)


def attempt(number: int = 1, peer_id: str = ALICE, at_ms: int | None = 1) -> Action:
    """Return that an attempt began."""
    return ConnectionAttemptToPeerStarted(peer_id, number, at_ms=at_ms)


def failed(error: str = "refused", peer_id: str = ALICE, at_ms: int | None = 2) -> Action:
    """Return that all attempts are over."""
    return ConnectionToPeerFailed(peer_id, error, 3, at_ms=at_ms)


def opened(
    link_id: str = "1",
    transport: TransportKind = "direct",
    peer_id: str = ALICE,
    at_ms: int | None = 3,
    *,
    is_inbound: bool = False,
) -> Action:
    """Return that a link is live."""
    return PeerLinkOpened(peer_id, link_id, transport, is_inbound, at_ms=at_ms)


def closed(
    link_id: str = "1", reason: str = "gone", peer_id: str = ALICE, at_ms: int | None = 4
) -> Action:
    """Return that a link is gone."""
    return PeerLinkClosed(peer_id, link_id, reason, at_ms=at_ms)


def started(own_peer_id: str = ME, at_ms: int | None = 0) -> Action:
    """Return that this program can be reached."""
    return PeerNodeStarted(own_peer_id, pvector(["/here"]), at_ms=at_ms)
