"""`Peers`: finding, dialling, talking and leaving, over real sockets, as a store's actions tell it.

What belongs here: what a program with a store sees.  What does not: fallback, retry and keepalive
to the last detail, see `tests/peers/node`; what actions do to a state, see `tests/peers/state`; and
spends, see `test_shared_wallet_sessions`.
"""

from __future__ import annotations

import asyncio
import base64
import functools
import json
import logging
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from pyrsistent import pvector

from refold import Store, timestamps
from refold.actions.contacts import Contact, ContactAdded
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
from refold.errors import NotConnectedToPeerError, WrongThreadError
from refold.middleware.own_presence import OwnPresence
from refold.middleware.peer_network.connect_result import ConnectResult
from refold.middleware.peer_network.direct_transport import DirectTransport
from refold.middleware.peer_network.peer_identity import PeerIdentity
from refold.middleware.peer_network.peer_options import PeerOptions
from refold.middleware.peers import Peers
from refold.middleware.usual_peers import usual_peers
from refold.reducers.peer_network import peer_network_reducer
from refold.reducers.peers import PeersState, peers_reducer
from refold.selectors.contacts import select_contact
from refold.selectors.peer_activity import select_activity_events, select_activity_of_peer
from refold.selectors.peers import (
    select_connected_online_peer_count,
    select_connected_online_peers,
    select_is_peer_connected,
    select_online_peer,
    select_online_peers,
    select_own_addresses,
    select_own_peer_id,
    select_peer_connection_status,
    select_peer_links,
)
from tests.peers.peer_scene import (
    HASTY,
    SECONDS,
    Program,
    eventually,
    peers_of,
    presence_at,
    silent_listener,
    town,
    unused_port,
)
from tests.peers.transport_scene import leaving_nothing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from refold.actions.peer_records import Presence, TransportKind
    from refold.middleware.peer_network.secure_channel import SecureChannel

NOT_ONLINE = ConnectResult(
    success=False, connection_type="none", error="Peer not found in online peers", attempts=0
)
SEED = bytes(range(100, 132))
"""The secret of an identity, which must be nowhere."""


def messages_of(program: Program, peer_id: str | None = None) -> list[tuple[str, str]]:
    """Return what the activity feed says, with one peer or with all."""
    activity = program.state.activity
    events = (
        select_activity_events(activity)
        if peer_id is None
        else select_activity_of_peer(activity, peer_id)
    )
    return [(event.type, event.message) for event in events]


def status_of(program: Program, peer_id: str) -> str:
    """Return how a program says that a peer is connected."""
    return select_peer_connection_status(program.state.peers, peer_id).status


def strangers(count: int) -> list[str]:
    """Return ids of peers that are nowhere."""
    return [PeerIdentity.generate().peer_id for _ in range(count)]


def discover(program: Program, presence: Presence) -> None:
    """Let a program know a presence, as an application may."""
    program.store.dispatch(PresenceDiscovered(presence))


# --- being there ----------------------------------------------------------------------------------


async def test_a_program_that_is_entered_can_be_reached(tmp_path: Path) -> None:
    """Entering the store tells who this peer is and where it is reached, directly or by relay."""
    async with town(tmp_path) as here:
        ann = await here.program("ann")
        (started,) = ann.trace.of(PeerNodeStarted)
        assert started.own_peer_id == ann.peer_id == select_own_peer_id(ann.state.peers)
        assert list(started.addresses) == list(ann.peers.addresses())
        assert list(select_own_addresses(ann.state.peers)) == list(ann.peers.addresses())
        direct, relayed = ann.peers.addresses()
        assert direct.startswith("/ip4/127.0.0.1/tcp/")
        assert "p2p-circuit" in relayed
        assert all(one.endswith(f"/p2p/{ann.peer_id}") for one in (direct, relayed))


async def test_a_program_that_left_says_so_and_frees_everything(tmp_path: Path) -> None:
    """Leaving the store tells that the node stopped; no task and no descriptor is left."""
    async with leaving_nothing(), town(tmp_path) as here:
        ann, bob = await here.program("ann"), await here.program("bob")
        await ann.connect(bob)
        await here.leave(ann)
        assert isinstance(ann.trace.actions[-1], PeerNodeStopped)
        assert not ann.state.peers.is_running
        assert status_of(ann, bob.peer_id) == "disconnected"


@pytest.mark.parametrize("relays", [[], ["ws://127.0.0.1:4001"]])
def test_nobody_has_an_address_before_it_runs(relays: list[str]) -> None:
    """Before the store is entered there is no address, and nobody is connected."""
    peers = usual_peers(PeerIdentity.generate(), relays=relays)
    assert list(peers.addresses()) == []
    assert not peers.is_connected("somebody")


async def test_who_left_has_no_address(tmp_path: Path) -> None:
    """After the store was left there is no address again, in the state and out of it."""
    async with town(tmp_path) as here:
        ann = await here.program("ann")
        await here.leave(ann)
        assert list(select_own_addresses(ann.state.peers)) == []
        assert list(ann.peers.addresses()) == []


async def test_the_whole_state_may_be_that_of_peers() -> None:
    """Without `select` the root state is the peers' own."""
    peers = usual_peers(PeerIdentity.generate())
    store: Store[PeersState] = Store(peers_reducer, middleware=[timestamps(), peers])
    async with store:
        state = await eventually(store, lambda state: state.is_running)
        assert list(state.addresses) == list(peers.addresses())


async def test_connecting_before_or_after_the_run_says_that_nothing_runs(tmp_path: Path) -> None:
    """Outside `async with store` nothing is dialled; the result says why, and nothing is open."""
    async with town(tmp_path) as here:
        ann, bob = await here.program("ann"), await here.program("bob")
        await ann.until_it_knows(bob)
        bobs = select_online_peer(ann.state.peers, bob.peer_id)
        assert bobs is not None
        early = usual_peers(PeerIdentity.generate(), select=peers_of)
        Store(peer_network_reducer, middleware=[timestamps(), early])
        await here.leave(ann)
        for peers in (early, ann.peers):
            result = await peers.connect_to_presence(bobs)
            assert (result.success, result.attempts) == (False, 0)
            assert result.error == "The node is not running"
            assert not peers.is_connected(bob.peer_id)
        assert bob.trace.of(PeerLinkOpened) == []


async def test_the_own_presence_is_published_again_and_again(tmp_path: Path) -> None:
    """A program that has nothing wrong to say of itself goes on for many lifetimes."""
    async with town(tmp_path) as here:
        bob = await here.program("bob", about=OwnPresence(nickname="bob", lifetime_seconds=0.3))
        ann = await here.program("ann")
        await ann.until(lambda _: len(ann.trace.of(PresenceDiscovered)) >= 8)
        assert bob.state.peers.is_running
        assert ann.trace.of(PresenceWithdrawn) == []


class _ManyAddresses(DirectTransport):
    """A listener that is known under more addresses than a presence can have."""

    def addresses(self) -> Sequence[str]:
        return [f"/ip4/127.0.0.1/tcp/{port}/ws/p2p/{'x' * 52}" for port in range(1, 101)]


class _Board:
    """Shows what it is given to nobody."""

    def __init__(self) -> None:
        self.shown: list[bytes] = []

    def publish_presence(self, presence: bytes, /) -> None:
        self.shown.append(presence)

    def on_presence(self, on_presence: object, on_withdrawn: object, /) -> None:
        """Never call anybody."""


async def test_a_presence_that_is_too_large_ends_nothing() -> None:
    """It is told in the log each time, and the peer goes on without being shown."""
    identity, board, told_twice = PeerIdentity.generate(), _Board(), asyncio.Event()
    told: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if "cannot be shown" in record.getMessage():
                told.append(record.getMessage())
            if len(told) > 1:
                told_twice.set()

    log, listener = logging.getLogger("refold.peers"), Listener()
    peers = Peers(
        identity,
        [_ManyAddresses(identity)],
        rendezvous=[board],
        about=OwnPresence(lifetime_seconds=0.1),
    )
    log.addHandler(listener)
    try:
        async with Store(peers_reducer, middleware=[timestamps(), peers]) as store:
            async with asyncio.timeout(SECONDS):
                await told_twice.wait()
            assert store.state.is_running
    finally:
        log.removeHandler(listener)
    assert board.shown == []


def test_webrtc_needs_a_relay_to_signal_over() -> None:
    """Data channels without a relay are refused before anything begins."""
    with pytest.raises(ValueError, match="relay"):
        usual_peers(PeerIdentity.generate(), uses_webrtc=True)


# --- presences ------------------------------------------------------------------------------------


async def test_two_programs_on_a_relay_find_each_other(tmp_path: Path) -> None:
    """Each is told of the other's presence with its name and addresses, and never of its own."""
    async with town(tmp_path) as here:
        ann = await here.program(
            "ann", about=OwnPresence(nickname="ann", wallet_address="lotus_ann", avatar="cat")
        )
        bob = await here.program("bob")
        await ann.until_it_knows(bob)
        await bob.until_it_knows(ann)
        seen = select_online_peer(bob.state.peers, ann.peer_id)
        assert seen is not None
        assert (seen.nickname, seen.wallet_address, seen.avatar) == ("ann", "lotus_ann", "cat")
        assert list(seen.addresses) == list(ann.peers.addresses())
        for one, other in ((ann, bob), (bob, ann)):
            assert [known.peer_id for known in select_online_peers(one.state.peers)] == [
                other.peer_id
            ]
            assert all(
                action.presence.peer_id != one.peer_id
                for action in one.trace.of(PresenceDiscovered)
            )


async def test_who_leaves_is_no_longer_online(tmp_path: Path) -> None:
    """A program that ends withdraws its presence."""
    async with town(tmp_path) as here:
        ann, bob = await here.program("ann"), await here.program("bob")
        await ann.until_it_knows(bob)
        await here.leave(bob)
        await ann.until(lambda state: not select_online_peers(state.peers))
        assert [one.peer_id for one in ann.trace.of(PresenceWithdrawn)] == [bob.peer_id]


async def test_an_expired_presence_is_swept_when_its_time_has_come(tmp_path: Path) -> None:
    """Identity and safety: a presence that expires is swept, and no sooner."""
    async with town(tmp_path) as here:
        ann = await here.program("ann")
        (stranger,) = strangers(1)
        now = ann.peers.now()
        over = int(now * 1000) + 400
        discover(ann, presence_at(stranger, 1, now=now, expires_at_ms=over))
        assert select_online_peer(ann.state.peers, stranger) is not None
        await ann.until(lambda state: select_online_peer(state.peers, stranger) is None)
        (swept,) = ann.trace.of(ExpiredPresencesSwept)
        assert swept.at_ms is not None
        assert swept.at_ms >= over


async def test_a_refreshed_presence_keeps_the_connection_status(tmp_path: Path) -> None:
    """The original's bug: a newer presence must not wipe how its peer is connected.

    A presence is published anew well before it expires, so that its peer stays online.
    """
    async with town(tmp_path) as here:
        bob = await here.program("bob", about=OwnPresence(nickname="bob", lifetime_seconds=1.5))
        ann = await here.program("ann")
        await ann.connect(bob)
        first = select_online_peer(ann.state.peers, bob.peer_id)
        assert first is not None
        earlier = len(ann.trace.actions)

        def is_refreshed(state: Any) -> bool:
            newer = select_online_peer(state.peers, bob.peer_id)
            return newer is not None and newer.created_at_ms > first.created_at_ms

        await ann.until(is_refreshed)
        refreshed = [
            action
            for action in ann.trace.actions[earlier:]
            if isinstance(action, PresenceDiscovered)
        ]
        assert refreshed
        assert not ann.trace.of(PresenceWithdrawn)
        assert not ann.trace.of(ExpiredPresencesSwept)
        assert status_of(ann, bob.peer_id) == "connected"
        assert select_connected_online_peer_count(ann.state.peers) == 1


# --- task 3.1 and 3.2: connecting to one ----------------------------------------------------------


async def test_an_online_peer_is_connected_to_and_both_ends_say_so(tmp_path: Path) -> None:
    """Tasks 3.1 and 3.2: a result, the status, the connected online peers and their count."""
    async with town(tmp_path) as here:
        ann, bob, carol = [await here.program(name) for name in ("ann", "bob", "carol")]
        await ann.until_it_knows(bob, carol)
        assert status_of(ann, bob.peer_id) == "disconnected"
        result = await ann.peers.connect_to_online_peer(bob.peer_id)
        assert result == ConnectResult(
            success=True, connection_type="direct", error=None, attempts=1
        )
        await bob.until(lambda state: select_is_peer_connected(state.peers, ann.peer_id))
        await bob.until_it_knows(ann)
        for one, other in ((ann, bob), (bob, ann)):
            peers = one.state.peers
            status = select_peer_connection_status(peers, other.peer_id)
            assert (status.status, status.connection_type, status.error) == (
                "connected",
                "direct",
                None,
            )
            assert one.peers.is_connected(other.peer_id)
            assert [p.peer_id for p in select_connected_online_peers(peers)] == [other.peer_id]
            assert select_connected_online_peer_count(peers) == 1
        (outbound,) = select_peer_links(ann.state.peers, bob.peer_id)
        (inbound,) = select_peer_links(bob.state.peers, ann.peer_id)
        assert (outbound.is_inbound, inbound.is_inbound) == (False, True)
        assert status_of(ann, carol.peer_id) == "disconnected"


async def test_a_peer_that_is_not_online_is_not_found(tmp_path: Path) -> None:
    """Task 3.1: an unknown id gives 'Peer not found in online peers', and nothing is dialled."""
    async with town(tmp_path) as here:
        ann = await here.program("ann")
        (stranger,) = strangers(1)
        assert await ann.peers.connect_to_online_peer(stranger) == NOT_ONLINE
        assert ann.trace.of(ConnectionAttemptToPeerStarted) == []


async def test_a_link_that_only_the_state_has_is_not_believed(tmp_path: Path) -> None:
    """The seed's cached status hid what was so; whether a peer is connected the node is asked."""
    async with town(tmp_path) as here:
        ann = await here.program("ann")
        (stranger,) = strangers(1)
        ann.store.dispatch(PeerLinkOpened(stranger, "made up", "direct", is_inbound=False))
        assert select_is_peer_connected(ann.state.peers, stranger)
        assert await ann.peers.connect_to_online_peer(stranger) == NOT_ONLINE


async def test_connecting_to_a_connected_peer_returns_at_once(tmp_path: Path) -> None:
    """Behaviour, single flight: a live link is a success without an attempt, from either end."""
    async with town(tmp_path) as here:
        ann, bob = await here.program("ann"), await here.program("bob")
        await ann.connect(bob)
        await bob.until_it_knows(ann)
        for one, other in ((ann, bob), (bob, ann)):
            before = one.state.peers.connections
            result = await one.peers.connect_to_online_peer(other.peer_id)
            assert result == ConnectResult(
                success=True, connection_type="direct", error=None, attempts=0
            )
            assert one.state.peers.connections is before
        assert len(ann.trace.of(ConnectionAttemptToPeerStarted)) == 1
        assert bob.trace.of(ConnectionAttemptToPeerStarted) == []


async def test_a_connected_peer_need_not_be_online(tmp_path: Path) -> None:
    """Behaviour, single flight: a live link is a success at once, whatever is known of presences.

    Bob dialled ann; ann has never heard of his presence, or it is over.
    """
    async with town(tmp_path) as here:
        ann = await here.program("ann", uses_relay=False)
        bob = await here.program("bob", uses_relay=False)
        about_ann = OwnPresence().presence(
            ann.peer_id, ann.peers.addresses(), int(bob.peers.now() * 1000)
        )
        assert (await bob.peers.connect_to_presence(about_ann)).success
        await ann.until(lambda state: select_is_peer_connected(state.peers, bob.peer_id))
        result = await ann.peers.connect_to_online_peer(bob.peer_id)
        assert (result.success, result.connection_type) == (True, "direct")
        assert ann.trace.of(ConnectionToPeerFailed) == []


async def test_a_presence_of_the_applications_own_can_be_connected_to(tmp_path: Path) -> None:
    """Task 3.1: `connect_to_presence` dials a presence that is not in the state."""
    async with town(tmp_path) as here:
        ann = await here.program("ann", uses_relay=False)
        bob = await here.program("bob", uses_relay=False)
        about_bob = OwnPresence().presence(
            bob.peer_id, bob.peers.addresses(), int(ann.peers.now() * 1000)
        )
        result = await ann.peers.connect_to_presence(about_bob)
        assert (result.success, result.connection_type, result.attempts) == (True, "direct", 1)
        assert select_online_peers(ann.state.peers) == ()
        assert select_is_peer_connected(ann.state.peers, bob.peer_id)
        assert select_connected_online_peers(ann.state.peers) == ()


async def test_a_relayed_link_is_never_called_direct(tmp_path: Path) -> None:
    """Behaviour, order: a dead listener, then the relay; both ends call the link relayed."""
    async with town(tmp_path) as here:
        ann, bob = await here.program("ann"), await here.program("bob")
        await ann.until_it_knows(bob)
        relayed = bob.peers.addresses()[1]
        dead = f"/ip4/127.0.0.1/tcp/{unused_port()}/ws/p2p/{bob.peer_id}"
        presence = presence_at(bob.peer_id, now=ann.peers.now(), addresses=pvector([relayed, dead]))
        result = await ann.peers.connect_to_presence(presence)
        assert (result.success, result.connection_type) == (True, "relay")
        await bob.until(lambda state: select_is_peer_connected(state.peers, ann.peer_id))
        for one, other in ((ann, bob), (bob, ann)):
            status = select_peer_connection_status(one.state.peers, other.peer_id)
            assert status.connection_type == "relay"
        assert ("peer_joined", "Connected to bob... via relay") in messages_of(ann)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"addresses": pvector(())}, "No dialable address"),
        ({"addresses": pvector(["/dns/nonsense", "", "p2p"])}, "No dialable address"),
        ({"expires_at_ms": 1_000, "created_at_ms": 0}, "The presence has expired"),
    ],
)
async def test_what_cannot_succeed_fails_at_once(
    tmp_path: Path, changes: dict[str, Any], error: str
) -> None:
    """Behaviour, retry: final errors are not retried; each is told once, as an action."""
    async with town(tmp_path) as here:
        ann = await here.program("ann")
        (stranger,) = strangers(1)
        presence = presence_at(stranger, 1, now=ann.peers.now(), **changes)
        result = await ann.peers.connect_to_presence(presence)
        assert (result.success, result.connection_type, result.error) == (False, "none", error)
        (failed,) = ann.trace.of(ConnectionToPeerFailed)
        assert (failed.peer_id, failed.error, failed.attempts) == (
            stranger,
            error,
            result.attempts,
        )
        assert status_of(ann, stranger) == "failed"


async def test_nobody_connects_to_oneself(tmp_path: Path) -> None:
    """The original's bug: the own id is never dialled."""
    async with town(tmp_path) as here:
        ann = await here.program("ann")
        own = OwnPresence().presence(
            ann.peer_id, ann.peers.addresses(), int(ann.peers.now() * 1000)
        )
        result = await ann.peers.connect_to_presence(own)
        assert not result.success
        assert result.error == "A peer cannot connect to itself"
        assert await ann.peers.connect_to_online_peer(ann.peer_id) == NOT_ONLINE
        assert not ann.peers.is_connected(ann.peer_id)
        assert ann.trace.of(PeerLinkOpened) == []


async def test_three_attempts_in_all_and_the_status_has_the_last_ones_start(
    tmp_path: Path,
) -> None:
    """Behaviour, retry: three attempts, then a failure; `last_attempt` is the last one's start."""
    async with town(tmp_path) as here:
        ann = await here.program("ann", options=PeerOptions(retry_base=0.02))
        (stranger,) = strangers(1)
        discover(ann, presence_at(stranger, unused_port(), now=ann.peers.now(), nickname="dan"))
        result = await ann.peers.connect_to_online_peer(stranger)
        assert (result.success, result.connection_type, result.attempts) == (False, "none", 3)
        attempts = ann.trace.of(ConnectionAttemptToPeerStarted)
        assert [one.attempt for one in attempts] == [1, 2, 3]
        (failed,) = ann.trace.of(ConnectionToPeerFailed)
        assert (failed.error, failed.attempts) == (result.error, 3)
        status = select_peer_connection_status(ann.state.peers, stranger)
        assert (status.status, status.error, status.connection_type) == (
            "failed",
            result.error,
            None,
        )
        assert status.last_attempt_at_ms == attempts[-1].at_ms
        assert messages_of(ann, stranger) == [
            ("info", "Connecting to dan..."),
            ("error", f"Failed to connect to dan...: {result.error}"),
        ]


async def test_another_key_at_every_address_is_not_tried_again(tmp_path: Path) -> None:
    """Behaviour, retry: where somebody else answers at every address, no attempt follows."""
    async with town(tmp_path) as here:
        ann, bob = await here.program("ann"), await here.program("bob")
        (stranger,) = strangers(1)
        bobs_port = int(bob.peers.addresses()[0].split("/")[4])
        result = await ann.peers.connect_to_presence(
            presence_at(stranger, bobs_port, now=ann.peers.now())
        )
        assert (result.success, result.attempts) == (False, 1)
        assert not ann.peers.is_connected(stranger)
        assert not ann.peers.is_connected(bob.peer_id)
        assert ann.trace.of(PeerLinkOpened) == bob.trace.of(PeerLinkOpened) == []


async def test_an_inbound_link_ends_the_wait(tmp_path: Path) -> None:
    """Behaviour, retry: who is dialled by the peer that it waits for is connected at once."""
    async with town(tmp_path) as here:
        ann = await here.program("ann", options=PeerOptions(retry_base=3600.0))
        bob = await here.program("bob")
        await bob.until_it_knows(ann)
        unreachable = presence_at(bob.peer_id, unused_port(), now=ann.peers.now())
        waiting = asyncio.create_task(ann.peers.connect_to_presence(unreachable))
        await ann.until(lambda _: ann.trace.of(ConnectionAttemptToPeerStarted))
        assert (await bob.peers.connect_to_online_peer(ann.peer_id)).success
        async with asyncio.timeout(SECONDS):
            result = await waiting
        assert (result.success, result.connection_type) == (True, "direct")
        assert status_of(ann, bob.peer_id) == "connected"
        assert ann.trace.of(ConnectionToPeerFailed) == []


# --- single flight --------------------------------------------------------------------------------


async def test_callers_share_one_dial(tmp_path: Path) -> None:
    """Behaviour, single flight: ten callers, one attempt, one link, the same result for each."""
    async with town(tmp_path) as here:
        ann, bob = await here.program("ann"), await here.program("bob")
        await ann.until_it_knows(bob)
        results = await asyncio.gather(
            *(ann.peers.connect_to_online_peer(bob.peer_id) for _ in range(10))
        )
        assert {(one.success, one.connection_type) for one in results} == {(True, "direct")}
        assert len(ann.trace.of(ConnectionAttemptToPeerStarted)) == 1
        assert len(ann.trace.of(PeerLinkOpened)) == 1


async def test_cancelling_one_caller_leaves_the_dial_and_the_last_one_stops_it(
    tmp_path: Path,
) -> None:
    """Behaviour, single flight: after the last caller the status is ``disconnected`` again."""
    async with town(tmp_path) as here, silent_listener() as silent:
        ann = await here.program("ann")
        (stranger,) = strangers(1)
        discover(ann, presence_at(stranger, silent.port, now=ann.peers.now()))
        first, second = [
            asyncio.create_task(ann.peers.connect_to_online_peer(stranger)) for _ in range(2)
        ]
        await ann.until(lambda _: status_of(ann, stranger) == "connecting")
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        assert status_of(ann, stranger) == "connecting"
        assert not second.done()
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        await ann.until(lambda _: status_of(ann, stranger) == "disconnected")
        assert [one.peer_id for one in ann.trace.of(ConnectionToPeerCancelled)] == [stranger]
        assert ann.trace.of(ConnectionToPeerFailed) == []
        assert messages_of(ann, stranger)[-1] == (
            "info",
            f"Stopped connecting to {stranger[:12]}...",
        )


async def test_leaving_during_a_dial_ends_it(tmp_path: Path) -> None:
    """A program that ends while it dials leaves nobody waiting and nothing open."""
    async with leaving_nothing(), town(tmp_path) as here, silent_listener() as silent:
        ann = await here.program("ann")
        (stranger,) = strangers(1)
        discover(ann, presence_at(stranger, silent.port, now=ann.peers.now()))
        waiting = asyncio.create_task(ann.peers.connect_to_online_peer(stranger))
        await ann.until(lambda _: status_of(ann, stranger) == "connecting")
        await here.leave(ann)
        async with asyncio.timeout(SECONDS):
            (outcome,) = await asyncio.gather(waiting, return_exceptions=True)
        assert isinstance(outcome, asyncio.CancelledError) or not getattr(outcome, "success", 1)
        assert status_of(ann, stranger) != "connecting"


# --- connecting to many ---------------------------------------------------------------------------


async def test_many_peers_each_have_a_result_in_the_order_given(tmp_path: Path) -> None:
    """Task 3.1 and behaviour: a result for each, ids de-duplicated in order."""
    async with town(tmp_path) as here:
        ann, bob, carol = [await here.program(name) for name in ("ann", "bob", "carol")]
        await ann.until_it_knows(bob, carol)
        (stranger,) = strangers(1)
        wanted = [carol.peer_id, stranger, bob.peer_id, carol.peer_id, stranger, bob.peer_id]
        results = await ann.peers.connect_to_multiple_peers(iter(wanted))
        assert list(results) == wanted[:3]
        assert results[stranger] == NOT_ONLINE
        assert results[bob.peer_id].success
        assert results[carol.peer_id].success
        counted = Counter(one.peer_id for one in ann.trace.of(ConnectionAttemptToPeerStarted))
        assert counted == {bob.peer_id: 1, carol.peer_id: 1}
        assert await ann.peers.connect_to_multiple_peers([]) == {}


async def test_three_are_dialled_at_once_and_no_more(tmp_path: Path) -> None:
    """Task 3.1: the concurrency is 3; each of eight silent peers has its own result."""
    async with town(tmp_path) as here, silent_listener() as silent:
        ann = await here.program("ann", options=attrs.evolve(HASTY, direct_timeout=0.1))
        ids = strangers(8)
        for one in ids:
            discover(ann, presence_at(one, silent.port, now=ann.peers.now()))
        results = await ann.peers.connect_to_multiple_peers(ids)
        assert list(results) == ids
        assert not any(one.success for one in results.values())
        at_once = [
            sum(one.status == "connecting" for one in state.peers.connections.all)
            for state in ann.trace.states
        ]
        assert max(at_once) == 3


async def test_the_window_slides_and_does_not_wait_for_the_slowest(tmp_path: Path) -> None:
    """Behaviour: a sliding window, not batches: six are done while the first still hangs."""
    async with town(tmp_path) as here, silent_listener() as silent:
        ann = await here.program("ann", options=PeerOptions(direct_timeout=3600.0, attempts=1))
        first, *others = strangers(7)
        discover(ann, presence_at(first, silent.port, now=ann.peers.now()))
        for one in others:
            discover(ann, presence_at(one, unused_port(), now=ann.peers.now()))
        calling = asyncio.create_task(ann.peers.connect_to_multiple_peers([first, *others]))
        await ann.until(
            lambda _: (
                all(status_of(ann, one) == "failed" for one in others)
                and status_of(ann, first) == "connecting"
            )
        )
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
        await ann.until(lambda _: status_of(ann, first) == "disconnected")


class BuggyTransport:
    """A transport with a bug that only some peers meet."""

    def __init__(self, identity: PeerIdentity, unlucky: str) -> None:
        self._direct = DirectTransport(identity)
        self._unlucky = unlucky
        self.is_buggy_in_dialable = False

    @property
    def kind(self) -> TransportKind:
        """The usual one."""
        return self._direct.kind

    def dialable(self, presence: Presence) -> Sequence[str]:
        """Say what the usual one says, or break."""
        if self.is_buggy_in_dialable and presence.peer_id == self._unlucky:
            message = "a bug of the transport"
            raise RuntimeError(message)
        return self._direct.dialable(presence)

    async def dial(self, address: str, peer_id: str) -> SecureChannel:
        """Dial, or break."""
        if peer_id == self._unlucky:
            message = "a bug of the transport"
            raise RuntimeError(message)
        return await self._direct.dial(address, peer_id)

    async def listen(self, on_channel: Callable[[SecureChannel], None]) -> None:
        """Do as the usual one."""
        await self._direct.listen(on_channel)

    def addresses(self) -> Sequence[str]:
        """Say what the usual one says."""
        return self._direct.addresses()

    async def close(self) -> None:
        """Do as the usual one."""
        await self._direct.close()


@pytest.mark.parametrize("is_buggy_in_dialable", [False, True])
async def test_each_has_a_result_even_if_one_raises(
    tmp_path: Path,
    is_buggy_in_dialable: bool,  # noqa: FBT001  # a parameter of the test
) -> None:
    """Behaviour: a bug that one peer meets costs the others nothing, and is told as its error."""
    async with town(tmp_path) as here:
        bob = await here.program("bob")
        identity, (unlucky,) = PeerIdentity.generate(), strangers(1)
        transport = BuggyTransport(identity, unlucky)
        transport.is_buggy_in_dialable = is_buggy_in_dialable
        peers = Peers(identity, [transport], select=peers_of, options=HASTY)
        async with Store(peer_network_reducer, middleware=[timestamps(), peers]) as store:
            await eventually(store, lambda state: state.peers.is_running)
            now = peers.now()
            store.dispatch(PresenceDiscovered(presence_at(unlucky, 1, now=now)))
            bobs = presence_at(bob.peer_id, now=now, addresses=pvector(bob.peers.addresses()))
            store.dispatch(PresenceDiscovered(bobs))
            results = await peers.connect_to_multiple_peers([unlucky, bob.peer_id])
            assert list(results) == [unlucky, bob.peer_id]
            assert results[bob.peer_id].success
            assert not results[unlucky].success
            assert results[unlucky].connection_type == "none"
            assert results[unlucky].error
            status = select_peer_connection_status(store.state.peers, unlucky)
            assert (status.status, status.error) == ("failed", results[unlucky].error)


# --- leaving --------------------------------------------------------------------------------------


async def test_disconnecting_is_seen_at_both_ends(tmp_path: Path) -> None:
    """Behaviour, keepalive: a clean stop says goodbye, so that the other end knows at once."""
    async with town(tmp_path) as here:
        ann, bob = await here.program("ann"), await here.program("bob")
        await ann.connect(bob)
        await bob.until_it_knows(ann)
        await ann.peers.disconnect(bob.peer_id)
        assert not ann.peers.is_connected(bob.peer_id)
        await bob.until(lambda _: status_of(bob, ann.peer_id) == "disconnected")
        assert status_of(ann, bob.peer_id) == "disconnected"
        for one, other, name in ((ann, bob, "bob"), (bob, ann, "ann")):
            (closed,) = one.trace.of(PeerLinkClosed)
            (opened,) = one.trace.of(PeerLinkOpened)
            assert (closed.peer_id, closed.link_id) == (other.peer_id, opened.link_id)
            kind, text = messages_of(one, other.peer_id)[-1]
            assert kind == "peer_left"
            assert text.startswith(f"Disconnected from {name}...")
        assert select_online_peer(ann.state.peers, bob.peer_id) is not None
        assert select_connected_online_peers(ann.state.peers) == ()


async def test_disconnecting_from_a_stranger_does_nothing(tmp_path: Path) -> None:
    """Without a link nothing happens, and nothing is told."""
    async with town(tmp_path) as here:
        ann = await here.program("ann")
        before = ann.state
        await ann.peers.disconnect(strangers(1)[0])
        assert ann.state is before


async def test_the_loss_of_the_relay_leaves_direct_links_alone(tmp_path: Path) -> None:
    """A relay that goes away takes neither direct links nor the truth about them with it."""
    async with town(tmp_path) as here:
        ann, bob = await here.program("ann"), await here.program("bob")
        await ann.connect(bob)
        await here.relay.close()
        got: list[bytes] = []
        bob.peers.on_message("note", lambda _peer_id, payload: got.append(payload))
        await ann.peers.send(bob.peer_id, "note", b"still here")
        await ann.tell_marker(bob)
        assert got == [b"still here"]
        assert status_of(ann, bob.peer_id) == "connected"


# --- tasks 3.2 and 3.5: what is told --------------------------------------------------------------


async def test_the_activity_feed_tells_a_connection_in_the_words_of_the_original(
    tmp_path: Path,
) -> None:
    """Task 3.5: connecting, connected, with the nickname; the dialled end is told of joining."""
    async with town(tmp_path) as here:
        ann, bob = await here.program("ann"), await here.program("bob")
        await bob.until_it_knows(ann)
        await ann.connect(bob)
        assert messages_of(ann, bob.peer_id) == [
            ("info", "Connecting to bob..."),
            ("peer_joined", "Connected to bob... via direct"),
        ]
        assert messages_of(bob, ann.peer_id) == [("peer_joined", "Connected to ann... via direct")]
        assert {event.peer_id for event in select_activity_events(ann.state.activity)} == {
            bob.peer_id
        }


async def test_without_a_nickname_twelve_characters_of_the_id_are_shown(tmp_path: Path) -> None:
    """Task 3.5: the text has the first 12 characters, the event's own field the full id."""
    async with town(tmp_path) as here:
        ann = await here.program("ann")
        bob = await here.program("bob", about=OwnPresence())
        await ann.connect(bob)
        assert messages_of(ann) == [
            ("info", f"Connecting to {bob.peer_id[:12]}..."),
            ("peer_joined", f"Connected to {bob.peer_id[:12]}... via direct"),
        ]
        assert select_activity_of_peer(ann.state.activity, bob.peer_id)


async def test_every_answer_about_a_connection_agrees_at_every_moment(tmp_path: Path) -> None:
    """The original's bug: getters that disagree.

    After every single action, status, connectedness, connected online peers and count say the same.
    """
    async with town(tmp_path) as here:
        ann, bob, carol = [await here.program(name) for name in ("ann", "bob", "carol")]
        await ann.connect(bob, carol)
        await ann.peers.disconnect(bob.peer_id)
        await here.leave(carol)
        await ann.until(lambda state: len(select_online_peers(state.peers)) == 1)
        for state in ann.trace.states:
            peers = state.peers
            connected = {
                one.peer_id
                for one in select_online_peers(peers)
                if select_peer_connection_status(peers, one.peer_id).status == "connected"
            }
            assert connected == {
                one.peer_id
                for one in select_online_peers(peers)
                if select_is_peer_connected(peers, one.peer_id)
            }
            assert connected == {one.peer_id for one in select_connected_online_peers(peers)}
            assert len(connected) == select_connected_online_peer_count(peers)


async def test_a_contact_is_seen_when_a_link_opens_and_when_it_speaks(tmp_path: Path) -> None:
    """Task 3.5 and behaviour, contacts: last seen at a link, inbound too, and at each message."""
    async with town(tmp_path) as here:
        ann, bob = await here.program("ann"), await here.program("bob")
        ann.store.dispatch(ContactAdded(Contact(bob.peer_id, "bobby", added_at_ms=1)))
        await bob.connect(ann)
        (opened,) = ann.trace.of(PeerLinkOpened)
        contact = select_contact(ann.state.contacts, bob.peer_id)
        assert contact == Contact(bob.peer_id, "bobby", 1, last_seen_at_ms=opened.at_ms)
        await bob.tell_marker(ann)
        (received,) = ann.trace.of(PeerMessageReceived)
        contact = select_contact(ann.state.contacts, bob.peer_id)
        assert contact is not None
        assert contact.last_seen_at_ms == received.at_ms


async def test_a_peer_that_is_no_contact_becomes_none(tmp_path: Path) -> None:
    """Behaviour, contacts: an unknown contact is a no-op, the slice is the identical object."""
    async with town(tmp_path) as here:
        ann, bob = await here.program("ann"), await here.program("bob")
        before = ann.state.contacts
        await bob.connect(ann)
        await bob.tell_marker(ann)
        assert ann.state.contacts is before


async def test_a_subscriber_that_raises_ends_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A bug in a subscriber is logged by the service; the peers go on, and tell all the same."""

    def break_down() -> None:
        message = "a bug of a subscriber"
        raise RuntimeError(message)

    async with town(tmp_path) as here:
        ann, bob = await here.program("ann"), await here.program("bob")
        stop = ann.store.subscribe(break_down)
        with caplog.at_level(logging.ERROR, "refold.peers"):
            await ann.connect(bob)
        stop()
        assert "a bug of a subscriber" in caplog.text
        assert status_of(ann, bob.peer_id) == "connected"
        await bob.tell_marker(ann)


async def test_the_log_names_the_service_that_told(tmp_path: Path) -> None:
    """What the network did has ``service:peers`` as its origin, the application's own has not."""
    async with town(tmp_path) as here:
        ann, bob = await here.program("ann"), await here.program("bob")
        ann.store.dispatch(ContactAdded(Contact(bob.peer_id, "bobby", added_at_ms=1)))
        await ann.connect(bob)
    records = [json.loads(line) for line in ann.log.read_text().splitlines()[1:]]
    text = "\n".join(json.dumps(one) for one in records if "service:peers" in json.dumps(one))
    assert PeerLinkOpened.wire_name in text
    assert ContactAdded.wire_name not in text


# --- messages -------------------------------------------------------------------------------------


async def test_a_message_goes_to_its_handler_and_only_its_size_to_the_store(
    tmp_path: Path,
) -> None:
    """The handler gets who and what, in order; the action has the kind and the size."""
    async with town(tmp_path) as here:
        ann, bob = await here.program("ann"), await here.program("bob")
        got: list[tuple[str, bytes]] = []
        bob.peers.on_message("note", lambda peer_id, payload: got.append((peer_id, payload)))
        await ann.connect(bob)
        for number in range(20):
            await ann.peers.send(bob.peer_id, "note", b"%d" % number)
        await ann.peers.send(bob.peer_id, "note", b"x" * 1_000_000)
        await ann.peers.send(bob.peer_id, "unheard", b"nobody listens")
        await ann.tell_marker(bob)
        assert got[:-1] == [(ann.peer_id, b"%d" % number) for number in range(20)]
        assert got[-1] == (ann.peer_id, b"x" * 1_000_000)
        told = [
            (one.peer_id, one.kind, one.size_bytes) for one in bob.trace.of(PeerMessageReceived)
        ]
        assert told[0] == (ann.peer_id, "note", 1)
        assert told[20] == (ann.peer_id, "note", 1_000_000)
        assert told[21] == (ann.peer_id, "unheard", 14)


async def test_a_handler_that_raises_is_logged_and_the_link_lives(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A bug in a handler is logged with its traceback; the next message arrives all the same."""

    def break_down(_peer_id: str, _payload: bytes) -> None:
        message = "a bug of the application"
        raise RuntimeError(message)

    async with town(tmp_path) as here:
        ann, bob = await here.program("ann"), await here.program("bob")
        bob.peers.on_message("note", break_down)
        await ann.connect(bob)
        with caplog.at_level(logging.ERROR, "refold.peers"):
            await ann.peers.send(bob.peer_id, "note", b"")
            await ann.tell_marker(bob)
        assert "a bug of the application" in caplog.text
        assert status_of(bob, ann.peer_id) == "connected"


async def test_a_message_needs_a_live_link(tmp_path: Path) -> None:
    """Sending to somebody who is not connected is an error with the id, and nothing is told."""
    async with town(tmp_path) as here:
        ann, bob = await here.program("ann"), await here.program("bob")
        await ann.until_it_knows(bob)
        with pytest.raises(NotConnectedToPeerError, match=bob.peer_id[:12]):
            await ann.peers.send(bob.peer_id, "note", b"hello")
        assert ann.trace.of(ConnectionAttemptToPeerStarted) == []


@pytest.mark.parametrize(
    ("kind", "payload"), [("", b""), ("x" * 256, b""), ("köder", b""), ("note", b"x" * 2_000_000)]
)
async def test_a_kind_and_a_payload_have_their_ranges(
    tmp_path: Path, kind: str, payload: bytes
) -> None:
    """A kind has 1 to 255 ASCII characters, a payload at most about 1 MiB; the link outlives it."""
    async with town(tmp_path) as here:
        ann, bob = await here.program("ann"), await here.program("bob")
        await ann.connect(bob)
        with pytest.raises(ValueError, match=r"kind|payload|bytes"):
            await ann.peers.send(bob.peer_id, kind, payload)
        await ann.tell_marker(bob)
        assert len(bob.trace.of(PeerMessageReceived)) == 1


def test_a_kind_has_one_handler_and_it_is_a_plain_function() -> None:
    """A second handler of a kind, and an async one, are refused with what to do."""

    async def handle(_peer_id: str, _payload: bytes) -> None: ...

    peers = usual_peers(PeerIdentity.generate())
    peers.on_message("note", lambda _peer_id, _payload: None)
    with pytest.raises(ValueError, match="note"):
        peers.on_message("note", lambda _peer_id, _payload: None)
    with pytest.raises(TypeError, match="plain function"):
        peers.on_message("other", handle)
    with pytest.raises(TypeError, match="plain function"):
        peers.on_message("other", functools.partial(handle))


async def test_another_event_loop_is_refused(tmp_path: Path) -> None:
    """Connecting from a loop that does not run the store is an error, not a race."""
    async with town(tmp_path) as here:
        ann = await here.program("ann")
        presence = presence_at(strangers(1)[0], 1, now=ann.peers.now())
        for call in (
            functools.partial(ann.peers.connect_to_online_peer, presence.peer_id),
            functools.partial(ann.peers.connect_to_presence, presence),
            functools.partial(ann.peers.connect_to_multiple_peers, [presence.peer_id]),
        ):

            def elsewhere(call: Callable[[], Any] = call) -> None:
                async def work() -> None:
                    await call()

                asyncio.run(work())

            with pytest.raises(WrongThreadError):
                await asyncio.to_thread(elsewhere)
        assert ann.trace.of(ConnectionToPeerFailed) == []


# --- the log --------------------------------------------------------------------------------------


async def test_a_recorded_run_folds_to_the_same_digests_and_opens_no_socket(
    tmp_path: Path,
) -> None:
    """Everything that happens is an action: replay ends with the very state, and dials nobody."""
    async with town(tmp_path) as here:
        ann, bob = await here.program("ann"), await here.program("bob")
        await ann.connect(bob)
        await ann.tell_marker(bob)
        discover(ann, presence_at(strangers(1)[0], unused_port(), now=ann.peers.now()))
        await ann.peers.disconnect(bob.peer_id)
        await here.leave(bob)
        await ann.until(lambda state: select_online_peer(state.peers, bob.peer_id) is None)
        before = len(bob.trace.actions)
        at_the_end = ann.state
        await here.leave(ann)
        folded = ann.verify_log()
        assert folded == ann.state
        assert folded.activity == at_the_end.activity
        assert len(bob.trace.actions) == before


async def test_no_secret_and_no_payload_is_in_the_log(tmp_path: Path) -> None:
    """No payload in the log, and no private key, in whatever writing."""
    payload = b"attack at dawn"
    async with town(tmp_path) as here:
        ann = await here.program("ann", identity=PeerIdentity.from_seed(SEED))
        bob = await here.program("bob")
        bob.peers.on_message("note", lambda _peer_id, _payload: None)
        ann.peers.on_message("note", lambda _peer_id, _payload: None)
        await ann.connect(bob)
        await ann.peers.send(bob.peer_id, "note", payload)
        await ann.tell_marker(bob)
        await bob.peers.send(ann.peer_id, "note", payload)
        await bob.tell_marker(ann)
    for program in (ann, bob):
        written = program.log.read_bytes()
        assert program.peer_id.encode() in written
        for secret in (payload, SEED):
            for form in (
                secret,
                secret.hex().encode(),
                base64.b64encode(secret).rstrip(b"="),
                base64.urlsafe_b64encode(secret).rstrip(b"="),
                str(list(secret)).replace(" ", "").encode(),
            ):
                assert form not in written
        assert b"PRIVATE KEY" not in written
