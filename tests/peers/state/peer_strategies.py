"""Random presences, links, wallets and sessions of a few peers, so that they meet often."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hypothesis import strategies as st
from pyrsistent import pvector

from refold.actions.contacts import Contact, ContactAdded, ContactRemoved, ContactRenamed
from refold.actions.peer_records import Presence
from refold.actions.peers import (
    ConnectionAttemptToPeerStarted,
    ConnectionToPeerCancelled,
    ConnectionToPeerFailed,
    ExpiredPresencesSwept,
    PeerLinkClosed,
    PeerLinkOpened,
    PeerMessageReceived,
    PeerNodeStarted,
    PeerNodeStopped,
    PresenceDiscovered,
    PresenceWithdrawn,
)
from refold.actions.shared_wallets import (
    Participant,
    SharedWallet,
    SharedWalletAdded,
    SharedWalletRemoved,
    SpendProposalDropped,
    SpendProposalRefused,
    SpendProposed,
    SpendResponseReceived,
    SpendSession,
    SpendSessionsExpired,
)

if TYPE_CHECKING:
    from refold.actions.action import Action

__all__ = ["PEER_IDS", "contact_runs", "peer_runs", "presences", "wallet_runs"]

PEER_IDS: Final = ("alice-0123456789", "bob-0123456789", "carol-0123456789", "me-0123456789")
"""Four peers, one of which may be this program."""

_DAY: Final = 24 * 3600 * 1000

_peer_ids = st.sampled_from(PEER_IDS)
_times = st.none() | st.integers(0, 50)
_names = st.sampled_from(["", "Alice", "Bob"])


def _presence(peer_id: str, created: int, lifetime: int, nickname: str) -> Presence:
    addresses = pvector(["/ip4/127.0.0.1/tcp/1/ws"])
    return Presence(peer_id, addresses, created, created + lifetime, nickname)


presences = st.builds(
    _presence,
    _peer_ids,
    st.integers(0, 40),
    st.integers(-1, 20) | st.sampled_from([_DAY, _DAY + 1]),
    _names,
)
"""Presences close in time, some never valid."""

_peer_actions: st.SearchStrategy[Action] = st.one_of(
    st.builds(PeerNodeStarted, _peer_ids, st.just(pvector(["/here"])), at_ms=_times),
    st.builds(PeerNodeStopped, at_ms=_times),
    st.builds(PresenceDiscovered, presences, at_ms=_times),
    st.builds(PresenceWithdrawn, _peer_ids, at_ms=_times),
    st.builds(ExpiredPresencesSwept, at_ms=_times),
    st.builds(ConnectionAttemptToPeerStarted, _peer_ids, st.integers(1, 3), at_ms=_times),
    st.builds(
        ConnectionToPeerFailed,
        _peer_ids,
        st.sampled_from(["refused", ""]),
        st.integers(0, 3),
        at_ms=_times,
    ),
    st.builds(ConnectionToPeerCancelled, _peer_ids, at_ms=_times),
    st.builds(
        PeerLinkOpened,
        _peer_ids,
        st.sampled_from(["1", "2", "3"]),
        st.sampled_from(["direct", "relay", "webrtc"]),
        st.booleans(),
        at_ms=_times,
    ),
    st.builds(
        PeerLinkClosed, _peer_ids, st.sampled_from(["1", "2", "3"]), st.just("gone"), at_ms=_times
    ),
    st.builds(PeerMessageReceived, _peer_ids, st.just("chat"), st.integers(0, 9), at_ms=_times),
)

_contact_actions: st.SearchStrategy[Action] = st.one_of(
    st.builds(
        ContactAdded, st.builds(Contact, _peer_ids, _names, st.integers(0, 50), st.none() | _times)
    ),
    st.builds(ContactRenamed, _peer_ids, _names),
    st.builds(ContactRemoved, _peer_ids),
)

_wallet_ids = st.sampled_from(["w1", "w2"])
_session_ids = st.sampled_from(["s1", "s2", "s3"])
_groups = st.lists(_peer_ids, min_size=1, max_size=3, unique=True)


def _session(
    id_: str, wallet_id: str, group: list[str], created: int, lifetime: int
) -> SpendSession:
    expires = created + lifetime
    return SpendSession(id_, wallet_id, "bc1q", 100, group[0], pvector(group), created, expires)


def _wallet(id_: str, group: list[str]) -> SharedWallet:
    return SharedWallet(id_, "ours", pvector([Participant(one, one) for one in group]))


_sessions = st.builds(
    _session, _session_ids, _wallet_ids, _groups, st.integers(0, 30), st.integers(1, 30)
)

_wallets = st.builds(_wallet, _wallet_ids, _groups)

_wallet_actions: st.SearchStrategy[Action] = st.one_of(
    st.builds(SharedWalletAdded, _wallets),
    st.builds(SpendProposed, _sessions, at_ms=_times),
    st.builds(SpendProposed, _sessions, at_ms=_times),
    st.builds(
        SpendResponseReceived,
        _session_ids,
        _peer_ids,
        st.sampled_from([True, True, False]),
        st.sampled_from(["", "too much"]),
        at_ms=_times,
    ),
    st.builds(SpendResponseReceived, _session_ids, _peer_ids, st.just(value=True), at_ms=_times),
    st.builds(SpendSessionsExpired, at_ms=_times),
    st.builds(SharedWalletRemoved, _wallet_ids),
    st.builds(SpendProposalRefused, _wallet_ids, st.just("Shared wallet not found"), at_ms=_times),
    st.builds(SpendProposalDropped, _peer_ids, _session_ids, st.just("stranger"), at_ms=_times),
)


def peer_runs() -> st.SearchStrategy[list[Action]]:
    """Return runs of up to forty actions about peers."""
    return st.lists(_peer_actions, max_size=40)


def contact_runs() -> st.SearchStrategy[list[Action]]:
    """Return runs of up to forty actions about contacts and peers."""
    return st.lists(_contact_actions | _peer_actions, max_size=40)


@st.composite
def wallet_runs(draw: st.DrawFn) -> list[Action]:
    """Draw up to forty actions about wallets, of which both are held at first."""
    held: list[Action] = [
        SharedWalletAdded(SharedWallet(id_, "ours", pvector())) for id_ in ("w1", "w2")
    ]
    return [*held, *draw(st.lists(_wallet_actions, max_size=40))]
