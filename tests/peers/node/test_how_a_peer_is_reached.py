"""Which addresses are dialled, in which order, how long and how often.

What belongs here: one node that dials.  What does not: callers that share a dial, see
`test_callers_of_one_dial`; links that come in, see `test_links_that_come_in`.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

import pytest
from pyrsistent import pvector

from refold.actions.peer_records import Presence
from refold.middleware.peer_network.connect_result import ConnectResult
from refold.middleware.peer_network.node_events import (
    AttemptsCancelled,
    AttemptsFailed,
    AttemptStarted,
    LinkUp,
)
from refold.middleware.peer_network.peer_options import PeerOptions
from tests.peers.node.node_scene import node_scene, presence_of

if TYPE_CHECKING:
    from refold.actions.peer_records import TransportKind
    from tests.peers.fake_transport import Outcome

pytestmark = pytest.mark.looptime

ALL: Final[tuple[TransportKind, ...]] = ("direct", "webrtc", "relay")
BOB = ("relay:bob", "webrtc:bob", "direct:bob")
"""Addresses in another order than that of dialling."""


def failure(error: str, attempts: int) -> ConnectResult:
    """Return the result of a failure."""
    return ConnectResult(success=False, connection_type="none", error=error, attempts=attempts)


async def test_a_peer_that_listens_is_reached_at_the_first_attempt() -> None:
    """Connecting gives the kind of the transport that dialled and one attempt, and reports both."""
    async with node_scene() as scene:
        await scene.peer("bob")
        alice = await scene.peer("alice")
        result = await alice.node.connect(presence_of("bob"))
        assert result == ConnectResult(
            success=True, connection_type="direct", error=None, attempts=1
        )
        assert alice.events[1:] == [
            AttemptStarted("bob", 1),
            LinkUp("bob", "link-1", "direct", is_inbound=False),
        ]
        assert alice.node.is_connected("bob")


async def test_direct_comes_before_webrtc_and_that_before_a_relay() -> None:
    """The kinds are dialled in the order direct, webrtc, relay, whatever a presence says first."""
    async with node_scene() as scene:
        alice = await scene.peer("alice", kinds=("relay", "direct", "webrtc"))
        await alice.node.connect(presence_of("bob", *BOB, "direct:bob/2"))
        assert scene.network.addresses_dialed()[:4] == [
            "direct:bob",
            "direct:bob/2",
            "webrtc:bob",
            "relay:bob",
        ]


async def test_the_order_can_be_chosen_and_what_it_leaves_out_is_not_dialled() -> None:
    """The option `order` says which kinds are dialled, and which first."""
    async with node_scene() as scene:
        options = PeerOptions(order=("relay", "direct"), attempts=1)
        alice = await scene.peer("alice", kinds=ALL, options=options)
        await alice.node.connect(presence_of("bob", *BOB))
        assert scene.network.addresses_dialed() == ["relay:bob", "direct:bob"]


async def test_the_type_is_that_of_the_transport_that_dialled() -> None:
    """A link over a relay is called ``relay``, although a direct address was tried before."""
    async with node_scene() as scene:
        bob = await scene.peer("bob", kinds=ALL)
        alice = await scene.peer("alice", kinds=ALL)
        scene.network.outcomes = {"direct:bob": "refused", "webrtc:bob": "refused"}
        result = await alice.node.connect(bob.presence)
        assert (result.success, result.connection_type) == (True, "relay")
        assert alice.told(LinkUp)[0].transport == "relay"


async def test_each_address_has_the_time_of_its_kind() -> None:
    """A direct address that is silent takes 3 s, a data channel 10 s, and a relay 5 s."""
    async with node_scene() as scene:
        alice = await scene.peer("alice", kinds=ALL, options=PeerOptions(attempts=1))
        scene.network.outcomes = dict.fromkeys(BOB, "hang")
        result = await alice.node.connect(presence_of("bob", *BOB))
        first, second, third = scene.network.times_dialed()
        assert (second - first, third - second) == pytest.approx((3.0, 10.0))
        assert result.error == (
            "direct: no answer within 3 s; webrtc: no answer within 10 s;"
            " relay: no answer within 5 s"
        )


async def test_three_attempts_in_all_with_waits_of_one_and_two_seconds() -> None:
    """``attempts=3`` means three in all; the waits between them are base and twice the base."""
    async with node_scene() as scene:
        alice = await scene.peer("alice")
        result = await alice.node.connect(presence_of("bob"))
        first, second, third = scene.network.times_dialed()
        assert (second - first, third - second) == pytest.approx((1.0, 2.0))
        assert result == failure("direct: direct:bob refused", 3)
        assert alice.events[1:] == [
            AttemptStarted("bob", 1),
            AttemptStarted("bob", 2),
            AttemptStarted("bob", 3),
            AttemptsFailed("bob", "direct: direct:bob refused", 3),
        ]


async def test_a_later_attempt_may_succeed_and_the_result_says_which() -> None:
    """The result has the number of attempts that were begun."""
    async with node_scene() as scene:
        alice = await scene.peer("alice")
        await scene.peer("bob")
        scene.network.outcomes = {"direct:bob": "refused"}

        def mend(_event: object) -> None:
            if alice.told(AttemptStarted)[-1:] == [AttemptStarted("bob", 2)]:
                scene.network.outcomes = {}

        alice.on_event = mend
        result = await alice.node.connect(presence_of("bob"))
        assert (result.success, result.attempts) == (True, 2)
        assert not alice.told(AttemptsFailed)


@pytest.mark.parametrize(
    ("presence", "error"),
    [
        (presence_of("bob", "carrier pigeon:bob"), "No dialable address"),
        (Presence("bob", pvector(), 0, 10**15), "No dialable address"),
        (presence_of("bob", expires_at_ms=1_000), "The presence has expired"),
        (presence_of("alice"), "A peer cannot connect to itself"),
    ],
)
async def test_what_cannot_succeed_is_not_retried(presence: Presence, error: str) -> None:
    """No dialable address, an expired presence and the own id fail at once, and dial nothing."""
    async with node_scene() as scene:
        alice = await scene.peer("alice", options=PeerOptions(now_ms=lambda: 1_000))
        assert await alice.node.connect(presence) == failure(error, 1)
        assert scene.network.dialed == []
        assert alice.told(AttemptsFailed) == [AttemptsFailed(presence.peer_id, error, 1)]


async def test_a_wrong_key_at_every_address_is_not_retried() -> None:
    """Where somebody else answers at each address, there is one attempt."""
    async with node_scene() as scene:
        alice = await scene.peer("alice", kinds=ALL)
        scene.network.outcomes = dict.fromkeys(BOB, "wrong key")
        result = await alice.node.connect(presence_of("bob", *BOB))
        assert result.attempts == 1
        assert result.error is not None
        assert result.error.startswith("direct: somebody else answered; webrtc: somebody else")


async def test_a_wrong_key_at_one_address_is_retried_for_the_others() -> None:
    """One address that refuses may work later, so there are all three attempts."""
    async with node_scene() as scene:
        alice = await scene.peer("alice", kinds=ALL)
        scene.network.outcomes = {"direct:bob": "wrong key"}
        result = await alice.node.connect(presence_of("bob", *BOB))
        assert result.attempts == 3


async def test_a_handshake_that_is_cut_short_is_retried() -> None:
    """Nobody else answered: the peer, or the way to it, broke; that may be better in a second."""
    async with node_scene() as scene:
        alice = await scene.peer("alice")
        scene.network.outcomes = {"direct:bob": "cut short"}
        assert (await alice.node.connect(presence_of("bob"))).attempts == 3


async def test_a_presence_that_expires_between_two_attempts_ends_them() -> None:
    """Expiry is looked at before each attempt."""
    async with node_scene() as scene:
        now = [0]
        alice = await scene.peer("alice", options=PeerOptions(now_ms=lambda: now[0]))
        alice.on_event = lambda _event: now.__setitem__(0, 400 * len(alice.events))
        result = await alice.node.connect(presence_of("bob", expires_at_ms=1_000))
        assert result == failure("The presence has expired", 2)


async def test_an_address_that_no_transport_takes_is_skipped() -> None:
    """Unusable addresses between usable ones change nothing."""
    async with node_scene() as scene:
        await scene.peer("bob")
        alice = await scene.peer("alice")
        result = await alice.node.connect(presence_of("bob", "nonsense", "direct:bob", ""))
        assert result.success


async def test_a_presence_with_a_hundred_addresses_takes_four_of_a_kind() -> None:
    """A presence cannot keep a node dialling for ever: 4 addresses of a kind are dialled."""
    async with node_scene() as scene:
        alice = await scene.peer("alice", kinds=ALL, options=PeerOptions(attempts=1))
        many = (f"direct:bob/{number}" for number in range(100))
        await alice.node.connect(presence_of("bob", *many, "relay:bob"))
        assert scene.network.addresses_dialed() == [
            *(f"direct:bob/{number}" for number in range(4)),
            "relay:bob",
        ]


@pytest.mark.parametrize("outcome", ["crash", "impostor"])
async def test_a_transport_with_a_bug_leads_to_the_next_address(
    outcome: Outcome, caplog: pytest.LogCaptureFixture
) -> None:
    """An unexpected exception is logged and is a failed address; so is somebody else's channel."""
    async with node_scene() as scene:
        bob = await scene.peer("bob", kinds=ALL)
        alice = await scene.peer("alice", kinds=ALL)
        scene.network.outcomes = {"direct:bob": outcome}
        with caplog.at_level(logging.ERROR, "refold.peers"):
            result = await alice.node.connect(bob.presence)
        assert result.connection_type == "webrtc"
        assert ("ZeroDivisionError" in caplog.text) is (outcome == "crash")


async def test_connecting_to_a_connected_peer_returns_at_once() -> None:
    """A second connect dials nothing, reports nothing, and says 0 attempts."""
    async with node_scene() as scene:
        bob = await scene.peer("bob")
        alice = await scene.peer("alice")
        await alice.node.connect(bob.presence)
        events = list(alice.events)
        again = await alice.node.connect(bob.presence)
        assert again == ConnectResult(
            success=True, connection_type="direct", error=None, attempts=0
        )
        assert alice.events == events
        assert len(scene.network.dialed) == 1


async def test_disconnecting_ends_a_dial_under_way() -> None:
    """Who disconnects from a peer that is being dialled wants no link: attempts are cancelled."""
    async with node_scene() as scene:
        alice = await scene.peer("alice")
        scene.network.outcomes = {"direct:bob": "hang"}

        def give_up(event: object) -> None:
            if isinstance(event, AttemptStarted):
                tasks.append(asyncio.create_task(alice.node.disconnect("bob")))

        tasks: list[asyncio.Task[None]] = []
        alice.on_event = give_up
        result = await alice.node.connect(presence_of("bob"))
        assert result == failure("Disconnected while connecting", 1)
        assert alice.told(AttemptsCancelled) == [AttemptsCancelled("bob")]
        await tasks[0]
