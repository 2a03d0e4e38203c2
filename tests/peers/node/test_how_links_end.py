"""Goodbye, silence, loss and nonsense: how a link ends, and how a node does.

What belongs here: ends.  What does not: messages before them, see `test_messages_of_links`.
"""

from __future__ import annotations

import asyncio
import logging

import pytest

from refold.errors import PeerError, WrongThreadError
from refold.middleware.peer_network.connect_result import ConnectResult
from refold.middleware.peer_network.link_frames import (
    GoodbyeFrame,
    PingFrame,
    decode_frame,
    encode_frame,
)
from refold.middleware.peer_network.node_events import (
    AttemptsCancelled,
    AttemptStarted,
    LinkDown,
    LinkUp,
    NodeStarted,
)
from refold.middleware.peer_network.peer_node import PeerNode
from refold.middleware.peer_network.peer_options import PeerOptions
from tests.peers.fake_transport import FakeNetwork
from tests.peers.node.node_scene import NodeScene, Peer, node_scene, presence_of

pytestmark = pytest.mark.looptime

PING = encode_frame(PingFrame(b"?"))


async def pair(scene: NodeScene) -> tuple[Peer, Peer]:
    """Return two peers with a link between them that both know of."""
    alice, bob = await scene.peer("alice"), await scene.peer("bob")
    await alice.node.connect(bob.presence)
    await bob.until(lambda: bob.told(LinkUp))
    return alice, bob


def reasons(peer: Peer) -> list[str]:
    """Return why links of a peer ended."""
    return [event.reason for event in peer.told(LinkDown)]


async def test_disconnecting_says_goodbye_and_both_ends_know_why() -> None:
    """`disconnect` returns when the link is down; the other end is told in the same moment."""
    async with node_scene() as scene:
        alice, bob = await pair(scene)
        started = asyncio.get_running_loop().time()
        await alice.node.disconnect("bob")
        assert reasons(alice) == ["disconnected"]
        assert not alice.node.is_connected("bob")
        await bob.until(lambda: bob.told(LinkDown))
        assert reasons(bob) == ["the peer left: disconnected"]
        assert asyncio.get_running_loop().time() == started
        assert not any(end.is_aborted for end in scene.network.held), "last bytes may be lost"


async def test_disconnecting_from_a_peer_without_a_link_does_nothing() -> None:
    """There is nobody to say goodbye to."""
    async with node_scene() as scene:
        alice = await scene.peer("alice")
        await alice.node.disconnect("bob")
        assert alice.events == [NodeStarted(("direct:alice",))]


async def test_all_links_to_a_peer_are_ended_and_no_other() -> None:
    """`disconnect` is about a peer, however many links it has."""
    async with node_scene() as scene:
        alice, _bob = await pair(scene)
        for name in ("bob", "carol"):
            await alice.accept(name).send(PING)
        await alice.until(lambda: len(alice.told(LinkUp)) == 3)
        await alice.node.disconnect("bob")
        assert [event.peer_id for event in alice.told(LinkDown)] == ["bob", "bob"]
        assert alice.node.is_connected("carol")


async def test_a_peer_that_is_silent_is_dead_within_12_and_a_half_seconds() -> None:
    """Pings go every 5 s; after 12.5 s without a word the link is down, on both ends."""
    async with node_scene() as scene:
        alice, bob = await pair(scene)
        await asyncio.sleep(60.0)
        assert not alice.told(LinkDown)
        for end in scene.network.held:
            end.pipe.hold_up()
        silent_since = asyncio.get_running_loop().time()
        await alice.until(lambda: alice.told(LinkDown))
        assert asyncio.get_running_loop().time() - silent_since <= 12.5 + 0.25
        await bob.until(lambda: bob.told(LinkDown))
        assert reasons(alice) == reasons(bob) == ["the peer was silent for 12.5 s"]


async def test_a_peer_that_only_answers_pings_lives() -> None:
    """Any frame proves that the peer is there."""
    async with node_scene() as scene:
        alice, bob = await pair(scene)
        await asyncio.sleep(3600.0)
        assert alice.node.is_connected("bob")
        assert bob.node.is_connected("alice")


async def test_a_lost_connection_is_told_at_once() -> None:
    """A pipe that breaks ends the link without waiting for silence."""
    async with node_scene() as scene:
        alice, bob = await pair(scene)
        started = asyncio.get_running_loop().time()
        next(end for end in scene.network.held if end.peer_id == "alice").abort()
        await alice.until(lambda: alice.told(LinkDown))
        assert asyncio.get_running_loop().time() == started
        assert reasons(alice) == ["the link was lost: the pipe broke"]
        assert not alice.node.is_connected("bob")
        await bob.until(lambda: bob.told(LinkDown))


@pytest.mark.parametrize("nonsense", [b"", b"\x07what", b"\x01\x00", b"\x02" + bytes(126)])
async def test_nonsense_ends_the_link_and_no_other(nonsense: bytes) -> None:
    """A peer that breaks the protocol loses its link; the node goes on."""
    async with node_scene() as scene:
        alice, _bob = await pair(scene)
        mallory = alice.accept("mallory")
        await mallory.send(PING)
        await mallory.send(nonsense)
        await alice.until(lambda: alice.told(LinkDown))
        assert alice.told(LinkDown)[0].peer_id == "mallory"
        assert reasons(alice)[0].startswith("the peer broke the protocol: expected")
        assert alice.node.is_connected("bob")


async def test_a_stranger_cannot_write_on_the_terminal_with_its_goodbye() -> None:
    """The reason of a goodbye is cut at 200 characters, and printable."""
    async with node_scene() as scene:
        alice = await scene.peer("alice")
        mallory = alice.accept("mallory")
        await mallory.send(PING)
        await mallory.send(encode_frame(GoodbyeFrame("\x1b[2Jboo" + "o" * 10_000)))
        await alice.until(lambda: alice.told(LinkDown))
        (reason,) = reasons(alice)
        assert reason.isprintable()
        assert len(reason) == len("the peer left: ") + 200


async def test_a_stopped_node_says_goodbye_to_all_and_leaves_nothing() -> None:
    """Each peer hears that the node was stopped; no time passes where all take part."""
    async with node_scene() as scene:
        alice, bob = await pair(scene)
        carol = await scene.peer("carol")
        await carol.node.connect(alice.presence)
        await alice.until(lambda: len(alice.told(LinkUp)) == 2)
        started = asyncio.get_running_loop().time()
        await alice.stop()
        assert reasons(alice) == ["the node was stopped"] * 2
        for other in (bob, carol):
            await other.until(lambda other=other: other.told(LinkDown))  # type: ignore[misc]
            assert reasons(other) == ["the peer left: the node was stopped"]
        assert asyncio.get_running_loop().time() == started
        assert "direct:alice" not in scene.network.listeners


async def test_a_peer_that_takes_nothing_holds_up_the_end_for_a_bounded_time() -> None:
    """The goodbye has 2 s; then the link is broken off, and the end is told all the same."""
    async with node_scene() as scene:
        alice = await scene.peer("alice")
        stuck = alice.accept("bob")
        await stuck.send(PING)
        await alice.until(lambda: alice.told(LinkUp))
        for _ in range(40):
            await alice.node.send("bob", "greeting", b"take this")
        started = asyncio.get_running_loop().time()
        await alice.stop()
        assert asyncio.get_running_loop().time() - started == pytest.approx(2.0)
        assert reasons(alice) == ["the node was stopped"]


async def test_a_stopped_node_ends_its_dials_and_their_callers_hear_why() -> None:
    """A caller gets a failure, not a cancellation; what it waited for is told as cancelled."""
    async with node_scene() as scene:
        alice = await scene.peer("alice")
        scene.network.outcomes = {"direct:bob": "hang"}
        caller = asyncio.create_task(alice.node.connect(presence_of("bob")))
        await alice.until(lambda: alice.told(AttemptStarted))
        await alice.stop()
        stopped = ConnectResult(
            success=False, connection_type="none", error="The node was stopped", attempts=1
        )
        assert await caller == stopped
        assert alice.events[-1] == AttemptsCancelled("bob")


async def test_a_node_that_does_not_run_connects_to_nobody() -> None:
    """Before the start and after the end, connecting is a failure that says so, and no event."""
    async with node_scene() as scene:
        alice = Peer(scene.network, "alice")
        error = "The node is not running"
        refused = ConnectResult(success=False, connection_type="none", error=error, attempts=0)
        assert await alice.node.connect(presence_of("bob")) == refused
        alice.start()
        await alice.until(lambda: alice.events)
        await alice.stop()
        assert await alice.node.connect(presence_of("bob")) == refused
        assert alice.events == [NodeStarted(("direct:alice",))]


async def test_a_channel_that_comes_in_while_the_node_stops_is_broken_off() -> None:
    """Nothing begins once the end has begun."""
    async with node_scene() as scene:
        alice = await scene.peer("alice")
        stuck = alice.accept("bob")
        await stuck.send(PING)
        await alice.until(lambda: alice.told(LinkUp))
        alice.on_event = lambda _event: late.append(alice.accept("carol"))
        late: list[object] = []
        await alice.stop()
        assert len(late) == 1
        assert scene.network.held[-1].pipe.is_closed
        assert scene.network.held[-1].pipe.sent == []


async def test_callers_of_a_node_that_is_cancelled_twice_are_not_cancelled_themselves() -> None:
    """A dial that takes long to end is left behind, and its callers still get a failure."""
    async with node_scene() as scene:
        alice = await scene.peer("alice")
        scene.network.outcomes = {"direct:bob": "hang"}
        scene.network.clean_up_seconds = 1.0
        callers = [asyncio.create_task(alice.node.connect(presence_of("bob"))) for _ in range(2)]
        await alice.until(lambda: alice.told(AttemptStarted))
        first = asyncio.create_task(alice.stop())
        await asyncio.sleep(0.5)
        await alice.stop()
        await first
        results = await asyncio.gather(*callers)
        assert [result.error for result in results] == ["The node was stopped"] * 2
        assert alice.told(AttemptsCancelled) == [AttemptsCancelled("bob")]


async def test_a_node_that_is_cancelled_twice_breaks_off_what_is_left() -> None:
    """Who cannot wait for the goodbyes cancels again: each link is told to be down, once."""
    async with node_scene() as scene:
        alice = await scene.peer("alice")
        stuck = alice.accept("bob")
        await stuck.send(PING)
        await alice.until(lambda: alice.told(LinkUp))
        for _ in range(40):
            await alice.node.send("bob", "greeting", b"take this")
        first = asyncio.create_task(alice.stop())
        await asyncio.sleep(1.0)
        await alice.stop()
        await first
        assert asyncio.get_running_loop().time() == pytest.approx(1.0)
        assert reasons(alice) == ["the link was broken off"]
        assert scene.network.held[-1].pipe.is_closed
        await asyncio.sleep(1.0)


async def test_a_node_runs_once() -> None:
    """Its transports are closed in the end, so another run needs another node."""
    node = PeerNode("alice", [], report=lambda _event: None)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(node.run(), 1.0)
    with pytest.raises(PeerError, match="runs once"):
        await node.run()


async def test_a_node_is_used_from_its_own_loop_only() -> None:
    """Another thread is told so, instead of damaging the links."""
    async with node_scene() as scene:
        alice = await scene.peer("alice")
        for call in (
            lambda: alice.node.connect(presence_of("bob")),
            lambda: alice.node.disconnect("bob"),
            lambda: alice.node.send("bob", "greeting", b""),
        ):
            with pytest.raises(WrongThreadError, match="the peer node belongs to the loop"):
                await asyncio.to_thread(lambda call=call: asyncio.run(call()))  # type: ignore[misc]


async def test_a_transport_that_cannot_listen_ends_the_run_with_its_error() -> None:
    """A taken port is for the user to mend: it is raised, and the others are closed."""
    network = FakeNetwork()
    alice = Peer(network, "alice", ("direct", "relay"))
    alice.transports["direct"].listen_error = OSError("the port is taken")
    alice.transports["relay"].listen_error = OSError("and the relay's name is wrong")
    with pytest.raises(OSError, match="the port is taken"):
        await alice.node.run()
    assert alice.events == []
    assert network.listeners == {}


async def test_a_transport_that_takes_long_to_listen_does_not_hold_up_the_start() -> None:
    """After 5 s the node counts as started; the late one is used as soon as it listens."""
    network = FakeNetwork()
    alice = Peer(network, "alice", ("direct", "relay"))
    alice.transports["relay"].listen_seconds = 60.0
    alice.start()
    await alice.until(lambda: alice.events)
    assert asyncio.get_running_loop().time() == pytest.approx(5.0)
    assert alice.events == [NodeStarted(("direct:alice",))]
    await asyncio.sleep(60.0)
    assert alice.node.addresses() == ("direct:alice", "relay:alice")
    await alice.stop()


async def test_a_report_that_raises_is_logged_and_the_node_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The user's callback cannot break a link, an attempt or the node."""
    async with node_scene() as scene:

        def fail(event: object) -> None:
            raise LookupError(event)

        bob, alice = await scene.peer("bob"), await scene.peer("alice")
        alice.on_event = bob.on_event = fail
        with caplog.at_level(logging.ERROR, "refold.peers"):
            assert (await alice.node.connect(bob.presence)).success
            await alice.node.send("bob", "greeting", b"hello")
            await bob.until(lambda: len(bob.events) == 3)
            await alice.node.disconnect("bob")
        assert "the report of LinkUp raised; the node goes on" in caplog.text
        assert reasons(alice) == ["disconnected"]


async def test_the_goodbye_frame_is_the_last_on_the_wire() -> None:
    """What waited is sent before it, and nothing after it."""
    async with node_scene() as scene:
        alice, _bob = await pair(scene)
        for number in range(3):
            await alice.node.send("bob", "greeting", bytes([number]))
        await alice.node.disconnect("bob")
        pipe = next(end.pipe for end in scene.network.held if end.peer_id == "bob")
        frames = [decode_frame(data) for data in pipe.sent]
        assert frames[-1] == GoodbyeFrame("disconnected")
        assert [type(frame).__name__ for frame in frames[-4:-1]] == ["MessageFrame"] * 3


async def test_a_link_that_has_options_with_other_times_is_dead_sooner() -> None:
    """With pings every second and 2.5 s of silence, a hang is seen after 2.75 s at most."""
    async with node_scene() as scene:
        options = PeerOptions(keepalive_interval=1.0, keepalive_timeout=2.5)
        alice = await scene.peer("alice", options=options)
        bob = alice.accept("bob")
        await bob.send(PING)
        await alice.until(lambda: alice.told(LinkUp))
        started = asyncio.get_running_loop().time()
        await alice.until(lambda: alice.told(LinkDown))
        assert asyncio.get_running_loop().time() - started <= 2.75
