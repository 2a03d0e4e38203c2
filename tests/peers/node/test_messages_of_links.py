"""Messages between nodes: order, bounds, and what happens without room or link.

What belongs here: `PeerNode.send` and what the other end reports.  What does not: the bytes of a
frame, see `test_link_frames`.
"""

from __future__ import annotations

import asyncio

import pytest

from refold.errors import NotConnectedToPeerError, QueueFullError
from refold.middleware.peer_network.link_frames import (
    PingFrame,
    PongFrame,
    decode_frame,
    encode_frame,
)
from refold.middleware.peer_network.node_events import LinkDown, LinkUp, MessageReceived
from refold.middleware.peer_network.peer_options import PeerOptions
from tests.peers.node.node_scene import Peer, node_scene, presence_of

pytestmark = pytest.mark.looptime

PING = encode_frame(PingFrame(b"?"))
SMALL = PeerOptions(max_queue=2, send_timeout=3.0)


async def until_up(peer: Peer, links: int = 1) -> None:
    """Wait for so many links."""
    await peer.until(lambda: len(peer.told(LinkUp)) >= links)


async def test_messages_arrive_whole_and_in_order() -> None:
    """A thousand messages of several sizes come out as they went in, in both directions."""
    async with node_scene() as scene:
        bob, alice = await scene.peer("bob"), await scene.peer("alice")
        await alice.node.connect(bob.presence)
        payloads = [bytes([number % 251]) * (number % 97) for number in range(1000)]
        for payload in payloads:
            await alice.node.send("bob", "spend/proposal", payload)
        await bob.until(lambda: len(bob.told(MessageReceived)) == 1000)
        assert bob.told(MessageReceived) == [
            MessageReceived("alice", "spend/proposal", payload) for payload in payloads
        ]


async def test_a_message_without_a_link_is_refused() -> None:
    """There is an error that names the peer, and nothing waits for a later link."""
    async with node_scene() as scene:
        alice = await scene.peer("alice")
        with pytest.raises(NotConnectedToPeerError, match="no link to the peer bob"):
            await alice.node.send("bob", "greeting", b"")


async def test_a_message_that_no_frame_can_hold_is_refused_with_the_link_unharmed() -> None:
    """Too large a payload and a strange kind are the caller's errors."""
    async with node_scene() as scene:
        bob, alice = await scene.peer("bob"), await scene.peer("alice")
        await alice.node.connect(bob.presence)
        for kind, payload in (("greeting", bytes(2**20)), ("", b""), ("gr\xfc\xdfe", b"")):
            with pytest.raises(ValueError, match="message"):
                await alice.node.send("bob", kind, payload)
        assert alice.node.is_connected("bob")


async def test_a_peer_that_takes_nothing_makes_senders_wait_and_then_fail() -> None:
    """Without room within ``send_timeout`` there is an error, and then the link is lost."""
    async with node_scene() as scene:
        alice = await scene.peer("alice", options=SMALL)
        bob = alice.accept("bob")
        await bob.send(PING)
        await until_up(alice)
        bob_pipe = next(end.pipe for end in scene.network.held)
        for _ in range(15 + 2):  # on their way beside a pong, and waiting
            await alice.node.send("bob", "greeting", b"x")
        with pytest.raises(QueueFullError, match="after waiting for 3 s"):
            await alice.node.send("bob", "greeting", b"x")
        assert len(bob_pipe.sent) <= 16
        await alice.until(lambda: alice.told(LinkDown))
        assert alice.told(LinkDown)[0].reason == "the peer did not take a message for 3 s"


async def test_a_sender_that_waits_goes_on_when_there_is_room() -> None:
    """Waiting senders are served in the order in which they came."""
    async with node_scene() as scene:
        alice = await scene.peer("alice", options=SMALL)
        bob = alice.accept("bob")
        await bob.send(PING)
        await until_up(alice)
        sending = asyncio.gather(
            *(alice.node.send("bob", "greeting", bytes([number])) for number in range(40))
        )
        await asyncio.sleep(1.0)
        assert not sending.done()
        assert decode_frame(await bob.receive()) == PongFrame(b"?")
        received = [await bob.receive() for _ in range(40)]
        assert [frame[-1] for frame in received] == list(range(40))
        await sending


async def test_a_sender_that_waits_for_a_link_that_ends_takes_another() -> None:
    """Nothing was sent over the first, so it may go over the second; without one it is refused."""
    async with node_scene() as scene:
        alice = await scene.peer("alice", options=SMALL)
        first, second = alice.accept("bob"), alice.accept("bob")
        await first.send(PING)
        await until_up(alice)
        await second.send(PING)
        await until_up(alice, 2)
        sending = [
            asyncio.create_task(alice.node.send("bob", "greeting", bytes([number])))
            for number in range(30)
        ]
        await asyncio.sleep(1.0)
        assert not sending[-1].done()
        first.abort()
        assert decode_frame(await second.receive()) == PongFrame(b"?")
        received: list[int] = []
        while not sending[-1].done():
            received.append((await second.receive())[-1])
        await asyncio.gather(*sending)
        assert received == sorted(received)
        assert len(received) >= 8


async def test_a_sender_that_waits_is_refused_when_the_only_link_ends() -> None:
    """It hears at once that nothing was sent."""
    async with node_scene() as scene:
        alice = await scene.peer("alice", options=SMALL)
        bob = alice.accept("bob")
        await bob.send(PING)
        await until_up(alice)
        sending = [asyncio.create_task(alice.node.send("bob", "greeting", b"x")) for _ in range(30)]
        await asyncio.sleep(1.0)
        bob.abort()
        await asyncio.wait(sending)
        assert isinstance(sending[-1].exception(), NotConnectedToPeerError)


async def test_the_best_link_is_the_kind_that_is_dialled_first_and_then_the_oldest() -> None:
    """Among a relayed, and two direct links, the first direct one carries the messages."""
    async with node_scene() as scene:
        alice = await scene.peer("alice", kinds=("relay", "direct"))
        ends = [alice.accept("bob", "relay"), alice.accept("bob"), alice.accept("bob")]
        for number, end in enumerate(ends):
            await end.send(PING)
            await until_up(alice, number + 1)
            await end.receive()
        await alice.node.send("bob", "greeting", b"hello")
        assert (await ends[1].receive()).endswith(b"hello")
        ends[1].abort()
        await alice.until(lambda: alice.told(LinkDown))
        await alice.node.send("bob", "greeting", b"again")
        assert (await ends[2].receive()).endswith(b"again")
        result = await alice.node.connect(presence_of("bob"))
        assert result.connection_type == "direct"


async def test_a_flood_of_pings_fills_no_memory() -> None:
    """A peer that pings and takes no answer has 16 answers waiting at most."""
    async with node_scene() as scene:
        alice = await scene.peer("alice")
        bob = alice.accept("bob")
        for number in range(500):
            await bob.send(encode_frame(PingFrame(number.to_bytes(2, "big"))))
        await asyncio.sleep(1.0)
        last = PongFrame((499).to_bytes(2, "big"))
        count = 1
        while decode_frame(await bob.receive()) != last:
            count += 1
        assert count == 16 + 1 + 16  # on their way, being sent, and waiting
