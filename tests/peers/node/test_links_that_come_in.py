"""Links that a peer opens: when they count, what they end, and which are refused.

What belongs here: the dialled end.  What does not: how links end, see `test_how_links_end`.
"""

from __future__ import annotations

import asyncio

import pytest

from refold.errors import PipeClosedError
from refold.middleware.peer_network.connect_result import ConnectResult
from refold.middleware.peer_network.link_frames import (
    GoodbyeFrame,
    MessageFrame,
    PingFrame,
    PongFrame,
    decode_frame,
    encode_frame,
)
from refold.middleware.peer_network.node_events import (
    AttemptsCancelled,
    AttemptsFailed,
    AttemptStarted,
    LinkDown,
    LinkUp,
    MessageReceived,
    NodeStarted,
)
from refold.middleware.peer_network.peer_options import PeerOptions
from tests.peers.node.node_scene import node_scene, presence_of

pytestmark = pytest.mark.looptime

PING = encode_frame(PingFrame(b"?"))


async def test_a_link_that_comes_in_is_up_when_the_dialler_has_spoken() -> None:
    """The first frame proves that the dialler has kept the channel: only then is it a link."""
    async with node_scene() as scene:
        alice = await scene.peer("alice")
        bob = alice.accept("bob")
        await asyncio.sleep(1.0)
        assert not alice.told(LinkUp)
        assert not alice.node.is_connected("bob")
        await bob.send(PING)
        assert decode_frame(await bob.receive()) == PongFrame(b"?")
        assert alice.told(LinkUp) == [LinkUp("bob", "link-1", "direct", is_inbound=True)]
        assert alice.node.is_connected("bob")


async def test_a_channel_that_ends_before_the_dialler_spoke_was_no_link() -> None:
    """A dialler that gave up, or says only goodbye, is never reported."""
    async with node_scene() as scene:
        alice = await scene.peer("alice")
        alice.accept("bob").abort()
        await alice.accept("carol").send(encode_frame(GoodbyeFrame("changed my mind")))
        await asyncio.sleep(1.0)
        assert alice.events == [NodeStarted(("direct:alice",))]


@pytest.mark.parametrize("outcome", ["refused", "hang"])
async def test_a_link_that_comes_in_ends_the_wait_and_the_dial_under_way(outcome: str) -> None:
    """Whoever waits for a peer has its own link at once, and the dial is stopped."""
    async with node_scene() as scene:
        alice = await scene.peer("alice")
        scene.network.outcomes = {"direct:bob": "hang" if outcome == "hang" else "refused"}
        caller = asyncio.create_task(alice.node.connect(presence_of("bob")))
        await alice.until(lambda: alice.told(AttemptStarted))
        await asyncio.sleep(0.5)
        await alice.accept("bob").send(PING)
        started = asyncio.get_running_loop().time()
        assert await caller == ConnectResult(
            success=True, connection_type="direct", error=None, attempts=1
        )
        assert asyncio.get_running_loop().time() == started
        await asyncio.sleep(10.0)
        assert len(scene.network.dialed) == 1
        assert scene.network.dialing.total() == 0
        assert not alice.told(AttemptsFailed)
        assert not alice.told(AttemptsCancelled)


async def test_the_newest_link_of_a_peer_above_four_is_refused_with_a_reason() -> None:
    """The fifth link hears goodbye and why; the four before it stay; other peers are welcome."""
    async with node_scene() as scene:
        alice = await scene.peer("alice")
        for _ in range(4):
            await alice.accept("bob").send(PING)
        fifth = alice.accept("bob")
        await fifth.send(PING)
        answer = decode_frame(await fifth.receive())
        if isinstance(answer, PongFrame):
            answer = decode_frame(await fifth.receive())
        assert answer == GoodbyeFrame("there are 4 links between these peers already")
        with pytest.raises(PipeClosedError):
            await fifth.receive()
        await alice.accept("carol").send(PING)
        await alice.until(lambda: len(alice.told(LinkUp)) == 5)
        assert not alice.told(LinkDown)


async def test_a_dialler_whose_link_is_refused_hears_why() -> None:
    """The dialling end has a link, and then its end with the reason of the other."""
    async with node_scene() as scene:
        alice = await scene.peer("alice", options=PeerOptions(max_links_per_peer=1))
        bob = await scene.peer("bob")
        await alice.accept("bob").send(PING)
        await alice.until(lambda: alice.told(LinkUp))
        await bob.node.connect(alice.presence)
        await bob.until(lambda: bob.told(LinkDown))
        reason = "the peer left: there are 1 links between these peers already"
        assert bob.told(LinkDown) == [LinkDown("alice", "link-1", reason)]


async def test_there_is_a_bound_to_the_links_of_all_peers() -> None:
    """Strangers with many ids cannot open more than ``max_links``."""
    async with node_scene() as scene:
        alice = await scene.peer("alice", options=PeerOptions(max_links=2))
        ends = [alice.accept(f"stranger {number}") for number in range(3)]
        answer = decode_frame(await ends[2].receive())
        assert answer == GoodbyeFrame("the peer has 2 links already")


async def test_a_flood_of_refused_links_is_broken_off() -> None:
    """Sixteen at a time are told why; a peer cannot make a node say goodbye for ever."""
    async with node_scene() as scene:
        alice = await scene.peer("alice", options=PeerOptions(max_links_per_peer=1))
        ends = [alice.accept("bob") for _ in range(30)]
        refused = [await _last_frame(end.receive()) for end in ends[1:]]
        assert [frame is not None for frame in refused] == [True] * 16 + [False] * 13


async def test_a_channel_of_the_own_id_is_refused() -> None:
    """Somebody with this very identity, or a dial that came back, is no peer."""
    async with node_scene() as scene:
        alice = await scene.peer("alice")
        frame = decode_frame(await alice.accept("alice").receive())
        assert frame == GoodbyeFrame("a peer cannot connect to itself")


async def test_a_refused_link_opens_nothing_whatever_it_sends() -> None:
    """Messages over a channel that was refused are not reported."""
    async with node_scene() as scene:
        alice = await scene.peer("alice", options=PeerOptions(max_links_per_peer=1))
        alice.accept("bob")
        second = alice.accept("bob")
        await second.send(PING)
        await second.send(encode_frame(MessageFrame("greeting", b"let me in")))
        await asyncio.sleep(1.0)
        assert not alice.told(LinkUp)
        assert not alice.told(MessageReceived)


async def _last_frame(receiving: object) -> bytes | None:
    """Return a frame, or None where the pipe broke."""
    assert asyncio.iscoroutine(receiving)
    try:
        frame = await receiving
    except PipeClosedError:
        return None
    assert isinstance(frame, bytes)
    return frame
