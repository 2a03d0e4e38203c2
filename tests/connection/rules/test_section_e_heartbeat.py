"""Section E, rules 27 to 31: the heartbeat, over sockets and in virtual time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import attrs
import pytest

from refold.actions.connection import (
    ConnectionLostAndRetryScheduled,
    ConnectionOpened,
    HeartbeatAnswered,
)
from refold.middleware.websocket_options import WebSocketOptions
from refold.reducers.backoff_delay import Backoff
from tests.connection.sockets.peers import CLOSE, PING, PONG, TEXT, Wire, echoes, peer
from tests.connection.sockets.running import FAST, eventually, make_scene, running

if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULTS: Final = WebSocketOptions()


async def falls_silent(wire: Wire) -> None:
    """Open a link, take everything, and say nothing."""
    await wire.handshake()
    while await wire.reader.read(65536):
        pass


class Gap:
    """A loop's clock that can be set ahead, as if the loop had been blocked for so long."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Take over the running loop's clock."""
        loop = asyncio.get_running_loop()
        self._time: Callable[[], float] = loop.time
        self._ahead = 0.0
        monkeypatch.setattr(loop, "time", self.read)

    def read(self) -> float:
        """Return the time of the loop."""
        return self._time() + self._ahead

    def block(self, seconds: float) -> None:
        """Let time pass in which the loop does nothing."""
        self._ahead += seconds


@pytest.fixture
async def gap(monkeypatch: pytest.MonkeyPatch) -> Gap:
    """Return the clock of this test's loop."""
    return Gap(monkeypatch)


@pytest.mark.looptime
async def test_rule_27_by_default_a_ping_every_20_s() -> None:
    """Rule 27: the first ping comes 20 s after the link opened, the next ones 20 s apart."""
    pinged: list[float] = []

    async def notes(wire: Wire) -> None:
        await wire.handshake()
        while True:
            opcode, payload = await wire.receive()
            assert (opcode, len(payload)) == (PING, 8)
            pinged.append(asyncio.get_running_loop().time())
            wire.send(PONG, payload)

    async with peer(notes) as server, running(server.url, options=DEFAULTS) as scene:
        await scene.connection.connect(wait=True)
        (opened,) = scene.trace.times_of(ConnectionOpened)
        await asyncio.sleep(101)
        assert [at - opened for at in pinged] == pytest.approx([20, 40, 60, 80, 100], abs=0.1)


@pytest.mark.looptime
@pytest.mark.parametrize("seconds", [0.0, 0.5, 9.5])
async def test_rule_27_the_latency_is_from_the_ping_to_its_own_pong(seconds: float) -> None:
    """Rule 27: a pong that is late by so much is told so, and pongs of others change nothing."""

    async def answers_late(wire: Wire) -> None:
        await wire.handshake()
        while True:
            opcode, payload = await wire.receive()
            wire.send(PONG, b"another!")
            await asyncio.sleep(seconds)
            wire.send(PONG if opcode == PING else opcode, payload)

    async with peer(answers_late) as server, running(server.url, options=DEFAULTS) as scene:
        state = await scene.until(lambda state: state.latency_seconds is not None, 100)
        assert state.latency_seconds == pytest.approx(seconds, abs=0.05)


@pytest.mark.looptime
@pytest.mark.parametrize("pause", [0.1, 1.0, 7.0])
async def test_rule_28_a_dead_peer_is_found_while_the_application_is_busy(pause: float) -> None:
    """Rule 28: an application that sends all the time hides no death: 30.5 s at most."""
    async with (
        peer(falls_silent) as server,
        running(server.url, options=attrs.evolve(DEFAULTS, overflow="drop_oldest")) as scene,
    ):
        await scene.connection.connect(wait=True)
        loop = asyncio.get_running_loop()
        opened = loop.time()
        while not scene.trace.of(ConnectionLostAndRetryScheduled):
            scene.connection.send("still there?")
            await asyncio.sleep(pause)
            assert loop.time() - opened <= 40
        (lost,) = scene.trace.of(ConnectionLostAndRetryScheduled)
        (lost_at,) = scene.trace.times_of(ConnectionLostAndRetryScheduled)
    assert lost.error.kind == "heartbeat_timeout"
    assert 20 + 10 <= lost_at - opened <= 20 + 10 + 0.5


@pytest.mark.looptime
async def test_rule_28_a_silence_that_begins_at_any_moment_is_found_in_time() -> None:
    """Rule 28: from the last byte, 30.5 s at most, wherever between two pings that was."""
    for talks_for in (0.0, 5.0, 19.9, 20.1, 29.0, 39.95):
        last_byte = 0.0

        async def talks_and_falls_silent(wire: Wire) -> None:
            nonlocal last_byte
            await wire.handshake()
            loop = asyncio.get_running_loop()
            last_byte = loop.time()
            end = last_byte + talks_for  # noqa: B023  # awaited in this turn of the loop
            while loop.time() < end:
                await asyncio.sleep(min(0.5, end - loop.time()))
                wire.send(TEXT, b"here")
                last_byte = loop.time()
            while await wire.reader.read(65536):
                pass

        async with (
            peer(talks_and_falls_silent) as server,
            running(server.url, options=DEFAULTS) as scene,
        ):
            await scene.until(lambda state: state.error_count == 1, 1000)
            (lost_at,) = scene.trace.times_of(ConnectionLostAndRetryScheduled)
        assert 10 <= lost_at - last_byte <= 30.5


@pytest.mark.looptime
async def test_rule_29_a_loop_that_was_blocked_keeps_its_live_link(gap: Gap) -> None:
    """Rule 29: blocked three times as long as the timeout, ten times over, with a live peer."""
    async with peer(echoes) as server, running(server.url, options=DEFAULTS) as scene:
        await scene.connection.connect(wait=True)
        for number in range(10):
            await asyncio.sleep(19.5 + number / 10)  # before, at and after a ping
            gap.block(3 * 10.0)
        await asyncio.sleep(60)
        assert server.accepted == 1
        assert scene.state.error_count == 0


@pytest.mark.looptime
async def test_rule_29_a_handler_that_was_busy_loses_no_message(gap: Gap) -> None:
    """Rule 29: busy for 30 s with 400 messages of 4 kB waiting: one link, 400 delivered."""
    received: list[object] = []

    async def sends_much(wire: Wire) -> None:
        await wire.handshake()
        for number in range(400):
            wire.send(TEXT, f"{number:04}".encode() * 1000)
        await echoes_after_handshake(wire)

    def handle(message: object) -> None:
        received.append(message)
        if len(received) in {1, 200}:
            gap.block(3 * 10.0)

    async with (
        peer(sends_much) as server,
        running(server.url, options=DEFAULTS, on_message=handle) as scene,
    ):
        await scene.until(lambda state: state.latency_seconds is not None, 1000)
        await eventually(lambda: len(received) == 400, 1000)
        assert received == [f"{number:04}" * 1000 for number in range(400)]
        await asyncio.sleep(100)
        assert (server.accepted, scene.state.error_count) == (1, 0)


async def echoes_after_handshake(wire: Wire) -> None:
    """Answer pings and the goodbye."""
    while True:
        opcode, payload = await wire.receive()
        if opcode == CLOSE:
            wire.send(CLOSE, payload)
            return
        wire.send(PONG if opcode == PING else opcode, payload)


@pytest.mark.looptime
@pytest.mark.parametrize("begins", [0.0, 17.0, 19.0, 19.99, 20.0])
async def test_rule_29_a_blip_of_2_s_keeps_the_link(begins: float) -> None:
    """Rule 29: with a timeout of 10 s, 2 s in which nothing passes cost neither link nor pong."""

    async def blips(wire: Wire) -> None:
        await wire.handshake()
        await asyncio.sleep(begins)
        wire.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a transport that reads
        await asyncio.sleep(2.0)
        wire.writer.transport.resume_reading()  # type: ignore[attr-defined]  # as above
        await echoes_after_handshake(wire)

    async with peer(blips) as server, running(server.url, options=DEFAULTS) as scene:
        await scene.connection.connect(wait=True)
        await asyncio.sleep(105)
        assert (server.accepted, scene.state.error_count) == (1, 0)
        assert len(scene.trace.of(HeartbeatAnswered)) == 5


@pytest.mark.looptime
async def test_rule_31_no_ping_and_no_timer_after_a_disconnect() -> None:
    """Rule 31: once disconnected, the peer hears nothing, and the loop keeps no timer of ours."""
    pings: list[bytes] = []

    async def counts(wire: Wire) -> None:
        await wire.handshake()
        while True:
            opcode, payload = await wire.receive()
            if opcode == PING:
                pings.append(payload)
            wire.send(PONG if opcode == PING else opcode, payload)

    async with peer(counts) as server, running(server.url, options=DEFAULTS) as scene:
        await scene.connection.connect(wait=True)
        await asyncio.sleep(50)
        assert len(heartbeat_timers()) == 1
        await scene.connection.disconnect()
        assert heartbeat_timers() == []
        await asyncio.sleep(3600)
        assert len(pings) == 2


def heartbeat_timers() -> list[asyncio.TimerHandle]:
    """Return the timers that the running loop keeps for heartbeats."""
    scheduled: list[asyncio.TimerHandle] = vars(asyncio.get_running_loop())["_scheduled"]
    pending = [timer for timer in scheduled if not timer.cancelled()]
    callbacks: list[tuple[asyncio.TimerHandle, Any]] = [
        (timer, getattr(timer, "_callback", None)) for timer in pending
    ]
    return [timer for timer, call in callbacks if "Heartbeat" in getattr(call, "__qualname__", "")]


@pytest.mark.looptime
async def test_rule_31_a_thousand_reconnects_leave_one_heartbeat_timer() -> None:
    """Rule 31: over 1,000 links there is one timer while a link is open, and one at the end."""
    most = 0
    stays = asyncio.Event()

    async def breaks(wire: Wire) -> None:
        nonlocal most
        await wire.handshake()
        wire.send(TEXT, b"hello")
        await wire.receive()
        most = max(most, len(heartbeat_timers()))
        if server.accepted <= 1000:
            wire.reset()
        else:
            stays.set()
            await echoes_after_handshake(wire)

    short = Backoff(initial_seconds=0.001, cap_seconds=0.001, floor_seconds=0.001)
    options = attrs.evolve(FAST, heartbeat_interval=20.0, heartbeat_timeout=10.0, backoff=short)

    def answer(_message: object) -> None:
        scene.connection.send("hello")

    async with peer(breaks) as server:
        scene = make_scene(server.url, options=options, on_message=answer)
        async with scene.store:
            await asyncio.wait_for(stays.wait(), 100_000)
            assert scene.state.total_connects == 1001
            assert (most, len(heartbeat_timers())) == (1, 1)
        assert heartbeat_timers() == []
