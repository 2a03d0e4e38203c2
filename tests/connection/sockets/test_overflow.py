"""What becomes of messages that find no room, no link or no time: rules 32, 33, 36, 38, 39, 52."""

from __future__ import annotations

import asyncio

import attrs
import pytest

from refold.actions.connection import OutboundMessagesDropped
from refold.errors import ConnectionFatalError, QueueFullError, StoreClosedError
from refold.reducers.connection import ConnectionStatus
from tests.connection.sockets.faults import refuses_with
from tests.connection.sockets.peers import echoes, keeps_silent, peer
from tests.connection.sockets.running import FAST, eventually, running
from tests.connection.sockets.test_silence import never_reads


@pytest.mark.parametrize(
    ("overflow", "kept"), [("drop_oldest", ["8", "9"]), ("drop_newest", ["0", "1"])]
)
async def test_rule_33_drops_are_one_action_that_names_them(overflow: str, kept: list[str]) -> None:
    """Rule 33: one turn's drops are one action, with their count and the policy."""
    options = attrs.evolve(FAST, max_queue=2, overflow=overflow)
    async with peer(keeps_silent) as server, running(server.url, options=options) as scene:
        for number in range(10):
            scene.connection.send(str(number))
        await scene.until(lambda state: state.dropped_count)
        (dropped,) = scene.trace.of(OutboundMessagesDropped)
        assert (dropped.count, dropped.policy, dropped.queue_size) == (8, overflow, 2)
        assert scene.state.dropped_count == 8
        assert scene.connection.clear_queue() == kept


async def test_rule_33_a_sender_can_wait_for_room() -> None:
    """Rule 33: with `block` senders go on in their order as soon as messages leave."""
    options = attrs.evolve(FAST, max_queue=1, overflow="block")
    heard: list[str | bytes] = []
    async with (
        peer(echoes) as server,
        running(
            server.url, options=options, connects_at_once=False, on_message=heard.append
        ) as scene,
    ):
        scene.connection.send("0")
        with pytest.raises(QueueFullError):
            scene.connection.send("none waits in send")
        with pytest.raises(QueueFullError, match="after waiting"):
            await scene.connection.send_when_room("too late", timeout=0.01)
        async with asyncio.TaskGroup() as senders:
            for number in range(1, 5):
                senders.create_task(scene.connection.send_when_room(str(number)))
            await scene.connection.connect(wait=True)
        await eventually(lambda: len(heard) == 5, 10)
    assert heard == [str(number) for number in range(5)]


async def test_rule_36_a_volatile_message_needs_a_link() -> None:
    """Rule 36: without one it is dropped and counted; with one it leaves like any other."""
    heard: list[str | bytes] = []
    async with (
        peer(echoes) as server,
        running(server.url, connects_at_once=False, on_message=heard.append) as scene,
    ):
        lost = scene.connection.send("lost", volatile=True)
        assert lost.result == "dropped"
        await scene.connection.connect(wait=True)
        assert scene.state.dropped_count == 1
        sent = scene.connection.send("sent", volatile=True)
        assert await sent.settled() == "handed_to_socket"
        await eventually(lambda: heard == ["sent"], 10)


async def test_rule_36_volatile_messages_do_not_outlive_their_link() -> None:
    """Rule 36: those that a lost link did not take are dropped, and told with the loss."""
    async with peer(never_reads) as server, running(server.url) as scene:
        await scene.until_status(ConnectionStatus.CONNECTED)
        scene.connection.send("x" * 4_000_000)  # its write takes more than one turn
        scene.connection.send("price", volatile=True)
        scene.connection.send("order")
        server.wires[0].reset()
        state = await scene.until(lambda state: state.dropped_count)
        assert state.dropped_count == 1
        assert state.queue_size >= 1  # the order, at least


@pytest.mark.looptime
async def test_rule_36_an_expired_message_never_leaves() -> None:
    """Rule 36: what waited for longer than its time to live is not sent."""
    heard: list[str | bytes] = []
    async with (
        peer(echoes) as server,
        running(server.url, connects_at_once=False, on_message=heard.append) as scene,
    ):
        short = scene.connection.send("short", ttl=1.0)
        scene.connection.send("long", ttl=1000.0)
        await asyncio.sleep(2)
        await scene.connection.connect(wait=True)
        await eventually(lambda: heard == ["long"], 10)
        assert short.result == "expired"


async def test_rule_38_an_end_keeps_the_queue_and_answers_who_waits() -> None:
    """Rule 38: after a fatal failure what waits is kept, and every waiting sender learns of it."""
    options = attrs.evolve(FAST, max_queue=1, overflow="block")
    async with (
        peer(refuses_with("404 Nowhere")) as server,
        running(server.url, options=options, connects_at_once=False) as scene,
    ):
        kept = scene.connection.send("kept")
        settled = asyncio.create_task(kept.settled())
        waiting = asyncio.create_task(scene.connection.send_when_room("waits"))
        await asyncio.sleep(0)
        with pytest.raises(ConnectionFatalError):
            await scene.connection.connect(wait=True)
        with pytest.raises(ConnectionFatalError, match="404"):
            await waiting
        assert await settled == "queued"
        assert scene.connection.queue_size == 1


async def test_rule_52_draining_lets_everything_leave_before_the_end() -> None:
    """Rule 52: it waits for the queue, in time, and says what is left."""
    heard: list[str | bytes] = []
    async with peer(echoes) as server, running(server.url, on_message=heard.append) as scene:
        for number in range(100):
            scene.connection.send(str(number))
        assert await scene.connection.drain(10) == 0
        await scene.connection.disconnect()
        assert len(heard) == 100
        scene.connection.send("left")
        assert await scene.connection.drain(0.01) == 1
        assert scene.state.status is ConnectionStatus.DISCONNECTED
    with pytest.raises(StoreClosedError):
        scene.connection.send("never")


async def test_rule_33_drops_of_a_running_connection_are_told_in_the_next_turn() -> None:
    """Rule 33: nothing else has to happen before they are told, once for all of one turn."""
    options = attrs.evolve(FAST, max_queue=1, overflow="drop_newest")
    async with running("ws://127.0.0.1:1/", options=options, connects_at_once=False) as scene:
        await asyncio.sleep(0)  # the service runs from here on
        for number in range(5):
            scene.connection.send(str(number))
        assert scene.state.dropped_count == 0
        await scene.until(lambda state: state.dropped_count == 4)
        (dropped,) = scene.trace.of(OutboundMessagesDropped)
        assert (dropped.count, dropped.policy, dropped.queue_size) == (4, "drop_newest", 1)
