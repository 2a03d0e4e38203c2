"""Too many messages: TCP slows the peer down, or some are given up: rules 28, 29 and 43."""

from __future__ import annotations

import asyncio
import itertools
import time
from typing import Any, Final

import attrs
import pytest

from refold.actions.connection import ConnectionLostAndRetryScheduled
from refold.actions.websocket_messages import InboundMessagesDropped
from refold.middleware.message_handlers import MessageHandlers
from refold.middleware.websocket_options import WebSocketOptions
from refold.reducers.connection import ConnectionStatus
from tests.connection.sockets.peers import CLOSE, PING, PONG, TEXT, Wire, peer, resets_at_once
from tests.connection.sockets.running import FAST, Scene, eventually, running
from tests.connection.sockets.speaking import Numbered, Speaker, numbered

HEARTBEAT: Final = attrs.evolve(FAST, heartbeat_interval=0.1, heartbeat_timeout=0.2)


class Gate:
    """An async handler that waits until it is opened."""

    def __init__(self) -> None:
        """Begin closed."""
        self.opened = asyncio.Event()
        self.began: list[int] = []

    async def __call__(self, arrived: Numbered) -> None:
        """Note the number, and wait."""
        self.began.append(arrived.number)
        await self.opened.wait()


class Flood:
    """A peer that sends as much as TCP takes, with a padding, and answers what it can read."""

    def __init__(self, count: int, padding: int) -> None:
        """Send so many messages."""
        self.count = count
        self.padding = "x" * padding
        self.written = 0
        """Messages that TCP took, or that wait in the buffer of 64 KiB."""
        self.wire: Wire | None = None

    async def __call__(self, wire: Wire) -> None:
        """Serve one link."""
        await wire.handshake()
        self.wire = wire
        answering = asyncio.create_task(self._answer(wire))
        try:
            for number in range(self.count):
                wire.send(TEXT, numbered(number, self.padding))
                self.written += 1
                await wire.writer.drain()
            await answering
        finally:
            answering.cancel()

    async def _answer(self, wire: Wire) -> None:
        while True:
            opcode, payload = await wire.receive()
            if opcode == PING:
                wire.send(PONG, payload)
            elif opcode == CLOSE:
                wire.send(CLOSE, payload)
                return


def lost(scene: Scene) -> list[str]:
    """Return the kinds of the failures so far."""
    return [it.error.kind for it in scene.trace.of(ConnectionLostAndRetryScheduled)]


@pytest.mark.parametrize("max_pending", [1, 10])
async def test_rule_29_a_busy_handler_is_no_dead_peer(max_pending: int) -> None:
    """Rule 29: 1.6 MB wait for three times the limit: still connected, 400 of 400 in order."""
    gate = Gate()
    handlers = MessageHandlers(max_pending=max_pending)
    handlers.on(Numbered, gate)
    flood = Flood(400, 4000)
    loop = asyncio.get_running_loop()
    async with (
        peer(flood) as server,
        running(server.url, handlers=handlers, options=HEARTBEAT) as scene,
    ):
        await eventually(lambda: gate.began == [0], 5)
        until = loop.time() + 3 * (0.1 + 0.2)
        await eventually(lambda: loop.time() >= until, 5)
        assert scene.state.status is ConnectionStatus.CONNECTED
        assert handlers.pending_count == max_pending
        gate.opened.set()
        await eventually(lambda: len(gate.began) == 400, 10)
        assert gate.began == list(range(400))
        assert (scene.state.total_connects, lost(scene)) == (1, [])
        latency = scene.state.last_heartbeat_at_ms
        await scene.until(lambda state: state.last_heartbeat_at_ms != latency)


@pytest.mark.looptime
async def test_rule_29_an_hour_in_a_handler_is_no_dead_peer() -> None:
    """Rule 29: the limit is suspended as long as we do not read, and counts again afterwards."""
    gate = Gate()
    handlers = MessageHandlers(max_pending=2)
    handlers.on(Numbered, gate)
    speaker = Speaker(*(numbered(number) for number in range(10)))
    async with (
        peer(speaker) as server,
        running(server.url, handlers=handlers, options=WebSocketOptions()) as scene,
    ):
        await scene.connection.connect(wait=True)
        await asyncio.sleep(3600)
        assert gate.began == [0]
        assert (scene.state.status, lost(scene)) == (ConnectionStatus.CONNECTED, [])
        gate.opened.set()
        await asyncio.sleep(60)
        assert gate.began == list(range(10))
        assert (scene.state.status, lost(scene)) == (ConnectionStatus.CONNECTED, [])
        server.behaviour = resets_at_once
        await server.stop()
        await asyncio.sleep(60)
        assert lost(scene)


@pytest.mark.looptime
async def test_rule_28_a_peer_that_dies_after_a_pause_is_found_out() -> None:
    """Rule 28: once we read again, silence is told from life within interval and timeout."""
    gate = Gate()
    loop = asyncio.get_running_loop()

    async def speaks_and_sleeps(wire: Wire) -> None:
        await wire.handshake()
        for number in range(10):
            wire.send(TEXT, numbered(number))
        await asyncio.Event().wait()

    handlers = MessageHandlers(max_pending=1)
    handlers.on(Numbered, gate)
    async with (
        peer(speaks_and_sleeps) as server,
        running(server.url, handlers=handlers, options=WebSocketOptions()) as scene,
    ):
        await scene.connection.connect(wait=True)
        await asyncio.sleep(100)
        assert lost(scene) == []
        opened = loop.time()
        gate.opened.set()
        await scene.until(lambda state: state.error_count, 100)
        assert lost(scene) == ["heartbeat_timeout"]
        assert loop.time() - opened <= 30.5


async def test_rule_43_a_full_queue_slows_the_peer_down() -> None:
    """Rule 43: with `block` nothing is read, the peer's own buffer fills, and nothing is lost."""
    gate = Gate()
    handlers = MessageHandlers(max_pending=5)
    handlers.on(Numbered, gate)
    flood = Flood(1000, 30_000)  # 30 MB: more than the kernel keeps
    async with (
        peer(flood) as server,
        running(server.url, handlers=handlers, options=HEARTBEAT) as scene,
    ):
        await eventually(
            lambda: flood.wire and flood.wire.writer.transport.get_write_buffer_size() > 65_536, 5
        )
        loop = asyncio.get_running_loop()
        until = loop.time() + 0.5
        await eventually(lambda: loop.time() >= until, 5)
        assert flood.written < 700  # the kernel's buffers are a few MB
        assert handlers.pending_count == 5
        assert gate.began == [0]
        gate.opened.set()
        await eventually(lambda: len(gate.began) == 1000, 20)
        assert gate.began == list(range(1000))
        assert (scene.state.inbound_dropped_count, lost(scene)) == (0, [])


async def test_rule_43_a_paused_link_can_still_send_and_close() -> None:
    """Rule 43: what we send leaves while we do not read, and closing keeps its limit."""
    gate = Gate()
    handlers = MessageHandlers(max_pending=1)
    handlers.on(Numbered, gate)
    speaker = Speaker(*(numbered(number) for number in range(50)))
    async with (
        peer(speaker) as server,
        running(server.url, handlers=handlers) as scene,
    ):
        await eventually(lambda: gate.began == [0], 5)
        scene.connection.send("still here")
        await eventually(lambda: speaker.heard == ["still here"], 5)
        loop = asyncio.get_running_loop()
        began = loop.time()
        await scene.connection.disconnect()
        assert loop.time() - began <= 2 * FAST.close_timeout + 0.5
        assert handlers.pending_count == 0
        assert scene.state.terminal_reason == "closed_by_user"


@pytest.mark.looptime
@pytest.mark.parametrize("overflow", ["drop_oldest", "drop_newest"])
async def test_rule_43_what_has_no_room_is_counted_and_told(overflow: Any) -> None:
    """Rule 43: the policy says which; one action at once, then one per interval tells how many."""
    gate = Gate()
    handlers = MessageHandlers(max_pending=3, overflow=overflow)
    handlers.on(Numbered, gate)
    speaker = Speaker(*(numbered(number) for number in range(20)))
    async with (
        peer(speaker) as server,
        running(server.url, handlers=handlers, options=WebSocketOptions()) as scene,
    ):
        await scene.connection.connect(wait=True)
        await asyncio.sleep(5)
        for number in range(20, 30):
            speaker.say(numbered(number))
            await asyncio.sleep(1)
        await asyncio.sleep(40)
        told = scene.trace.of(InboundMessagesDropped)
        times = scene.trace.times_of(InboundMessagesDropped)
        assert {it.policy for it in told} == {overflow}
        assert sum(it.count for it in told) == scene.state.inbound_dropped_count == 27
        assert handlers.dropped_count == 27
        assert len(told) in {2, 3}
        assert all(b - a >= 19.9 for a, b in itertools.pairwise(times))
        gate.opened.set()
        await asyncio.sleep(1)
        kept = [28, 29] if overflow == "drop_oldest" else [1, 2]
        assert gate.began == [0, *kept]
        assert (scene.state.status, lost(scene)) == (ConnectionStatus.CONNECTED, [])


async def test_rule_43_plain_handlers_need_no_room() -> None:
    """Rule 43: what is handled at once never waits, so nothing is ever dropped."""
    numbers: list[int] = []
    handlers = MessageHandlers(max_pending=1, overflow="drop_newest")
    handlers.on(Numbered, lambda it: numbers.append(it.number))
    async with (
        peer(Speaker(*(numbered(number) for number in range(500)))) as server,
        running(server.url, handlers=handlers) as scene,
    ):
        await eventually(lambda: len(numbers) == 500, 5)
        assert scene.state.inbound_dropped_count == 0
    assert numbers == list(range(500))


async def test_rule_29_a_blocked_loop_is_no_dead_peer() -> None:
    """Rule 29: a plain handler that blocks the loop for three times the limit loses nothing."""
    numbers: list[int] = []

    def handle(arrived: Numbered) -> None:
        if arrived.number == 0:
            time.sleep(0.6)  # the loop cannot go on meanwhile: that is what is tested
        numbers.append(arrived.number)

    handlers = MessageHandlers(max_pending=1)
    handlers.on(Numbered, handle)
    async with (
        peer(Flood(400, 4000)) as server,
        running(server.url, handlers=handlers, options=HEARTBEAT) as scene,
    ):
        await eventually(lambda: len(numbers) == 400, 10)
        assert numbers == list(range(400))
        assert (scene.state.total_connects, lost(scene)) == (1, [])
