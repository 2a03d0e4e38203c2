"""The heartbeat over sockets: rules 4, 27, 28 and 30."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import attrs
import pytest

from refold.actions.connection import (
    ConnectionLostAndRetryScheduled,
    ConnectionOpened,
    HeartbeatAnswered,
)
from refold.middleware.websocket_options import WebSocketOptions
from refold.reducers.backoff_delay import Backoff
from tests.connection.sockets.peers import BINARY, PING, PONG, TEXT, Wire, echoes, peer
from tests.connection.sockets.running import FAST, eventually, open_descriptors, running

if TYPE_CHECKING:
    from refold.middleware.new_link import NewLink

OPTIONS: Final = attrs.evolve(
    FAST,
    heartbeat_interval=0.1,
    heartbeat_timeout=0.2,
    backoff=Backoff(initial_seconds=30, cap_seconds=30),
)


async def never_reads(wire: Wire) -> None:
    """Open a link and read nothing from it."""
    await wire.handshake()
    wire.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a transport that reads
    await asyncio.Event().wait()


@pytest.mark.looptime
async def test_rule_04_frames_and_pings_make_few_actions() -> None:
    """Received frames dispatch nothing, and pongs at most one action per interval."""

    async def talks(wire: Wire) -> None:
        await wire.handshake()
        while True:
            opcode, payload = await wire.receive()
            if opcode != PING:
                return
            wire.send(PONG, payload)
            wire.send(PONG, payload)
            for number in range(25):
                wire.send(TEXT, str(number).encode())
                wire.send(BINARY, str(number).encode())

    received: list[object] = []
    async with peer(talks) as server:
        options = WebSocketOptions()
        async with running(server.url, options=options, on_message=received.append) as scene:
            await scene.connection.connect(wait=True)
            steps = len(scene.trace.steps)
            await asyncio.sleep(601)
            kinds = [type(step.action).__name__ for step in scene.trace.steps[steps:]]
    assert len(received) == 30 * 50
    assert kinds.count("HeartbeatAnswered") == 30
    assert len(kinds) == 31  # and the link proved stable


async def test_rule_27_pings_are_answered_with_their_payload() -> None:
    """A ping of the peer is answered with its payload, and one without any too."""
    answers: asyncio.Queue[tuple[int, bytes]] = asyncio.Queue()

    async def pings(wire: Wire) -> None:
        await wire.handshake()
        for payload in (b"", b"are you there?", bytes(range(125))):
            wire.send(PING, payload)
            answers.put_nowait(await wire.receive())
        await asyncio.Event().wait()

    async with peer(pings) as server, running(server.url):
        async with asyncio.timeout(5):
            got = [await answers.get() for _ in range(3)]
    assert got == [(PONG, b""), (PONG, b"are you there?"), (PONG, bytes(range(125)))]


async def test_rule_27_our_pings_carry_an_identifier_that_gives_the_latency() -> None:
    """A ping carries 8 bytes, its pong gives the latency, and another pong gives none."""
    payloads: list[bytes] = []

    async def answers(wire: Wire) -> None:
        await wire.handshake()
        while True:
            opcode, payload = await wire.receive()
            assert opcode == PING
            payloads.append(payload)
            wire.send(PONG, b"another")
            if len(payloads) > 1:
                wire.send(PONG, payload)

    async with peer(answers) as server, running(server.url, options=OPTIONS) as scene:
        state = await scene.until(lambda state: state.latency_seconds is not None)
        assert state.latency_seconds is not None
        assert 0 <= state.latency_seconds < 0.2
        assert len(payloads) >= 2
        assert {len(payload) for payload in payloads} == {8}
        assert len(set(payloads)) == len(payloads)


@pytest.mark.looptime
async def test_rule_27_without_an_interval_there_is_no_heartbeat() -> None:
    """With the interval None nothing is sent, and silence ends nothing."""

    async def listens(wire: Wire) -> None:
        await wire.handshake()
        heard.append(await wire.receive())

    heard: list[object] = []
    options = WebSocketOptions(heartbeat_interval=None)
    async with peer(listens) as server, running(server.url, options=options) as scene:
        await scene.connection.connect(wait=True)
        await asyncio.sleep(3600)
        assert heard == []
        assert len(scene.trace.of(ConnectionOpened)) == 1


@pytest.mark.looptime
@pytest.mark.parametrize("frame", [TEXT, BINARY, PING, PONG])
async def test_rule_28_any_frame_proves_life_and_silence_does_not(frame: int) -> None:
    """A peer that only sends is alive; it is dead by interval and timeout after its last byte."""
    last_sent = 0.0

    async def only_sends(wire: Wire) -> None:
        nonlocal last_sent
        await wire.handshake()
        for _ in range(20):
            await asyncio.sleep(9)
            wire.send(frame, b"!")
            last_sent = asyncio.get_running_loop().time()
        await asyncio.Event().wait()

    async with (
        peer(only_sends) as server,
        running(server.url, options=WebSocketOptions()) as scene,
    ):
        await scene.until(lambda state: state.error_count, 1000)
        lost = scene.trace.times_of(ConnectionLostAndRetryScheduled)[0]
        (action,) = scene.trace.of(ConnectionLostAndRetryScheduled)
    assert action.error.kind == "heartbeat_timeout"
    assert last_sent > 170
    assert 10 <= lost - last_sent <= 20 + 10 + 0.5


async def test_rule_30_a_dead_peer_frees_blocked_senders_and_the_descriptor() -> None:
    """A heartbeat timeout wakes blocked senders, frees the descriptor and is recorded as 1006."""
    woken: list[float] = []

    async def sends_until_it_fails(link: NewLink) -> None:
        try:
            while True:
                await link.send("x" * 100_000)
        finally:
            woken.append(asyncio.get_running_loop().time())

    async with (
        peer(never_reads) as server,
        running(server.url, options=OPTIONS, on_open=sends_until_it_fails) as scene,
    ):
        await scene.connection.connect(wait=True)
        descriptors = open_descriptors()
        state = await scene.until(lambda state: state.last_error is not None)
        await eventually(lambda: open_descriptors() == descriptors - 1, 1.0)
        assert state.last_error is not None
        assert (state.last_error.kind, state.last_error.close_code) == ("heartbeat_timeout", 1006)
        lost = scene.trace.times_of(ConnectionLostAndRetryScheduled)[0]
        assert len(woken) == 1
        assert abs(woken[0] - lost) <= 0.1


async def test_rule_30_a_blocked_queue_keeps_what_was_not_sent() -> None:
    """A message whose write was blocked when the peer died is sent first on the next link."""
    received: list[bytes] = []

    async def collects(wire: Wire) -> None:
        await wire.handshake()
        while True:
            opcode, payload = await wire.receive()
            if opcode == TEXT:
                received.append(payload)
            else:
                wire.send(PONG, payload)

    options = attrs.evolve(OPTIONS, max_queue_bytes=2**25)
    async with peer(never_reads) as server, running(server.url, options=options) as scene:
        for number in range(300):
            scene.connection.send(f"{number:06}" * 10_000)
        await scene.until(lambda state: state.last_error is not None)
        left = scene.connection.queue_size
        assert 0 < left < 300
        assert scene.state.queue_size == left
        server.behaviour = collects
        scene.connection.reconnect_now()
        await eventually(lambda: len(received) == left, 10)
        assert [int(payload[:6]) for payload in received] == list(range(300 - left, 300))
        assert {len(payload) for payload in received} == {60_000}


@pytest.mark.looptime
async def test_an_hour_of_heartbeats_keeps_one_connection() -> None:
    """Rule 31: A peer that answers pings stays connected for an hour of silence."""
    async with peer(echoes) as server, running(server.url, options=WebSocketOptions()) as scene:
        await scene.connection.connect(wait=True)
        await asyncio.sleep(3600)
        assert server.accepted == 1
        assert abs(len(scene.trace.of(HeartbeatAnswered)) - 180) <= 1


async def test_rule_27_pings_that_arrive_together_are_all_answered() -> None:
    """Rule 27: each payload comes back, in the order of the pings."""
    answers: list[tuple[int, bytes]] = []

    async def pings_at_once(wire: Wire) -> None:
        await wire.handshake()
        for number in range(5):
            wire.send(PING, str(number).encode())
        answers.extend([await wire.receive() for _ in range(5)])

    async with peer(pings_at_once) as server, running(server.url):
        await eventually(lambda: len(answers) == 5, 10)
    assert answers == [(PONG, str(number).encode()) for number in range(5)]
