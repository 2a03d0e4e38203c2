"""Section A, rules 1 to 5: the status, the state, and the actions that change it."""

from __future__ import annotations

import asyncio
import itertools
from typing import Final

import attrs
import pytest

from refold.actions.connection import (
    ConnectionAttemptStarted,
    ConnectionLostAndRetryScheduled,
    HeartbeatAnswered,
)
from refold.middleware.websocket_options import WebSocketOptions
from refold.reducers.connection import ConnectionState, ConnectionStatus
from tests.connection.chaos.allowed_edges import ALLOWED_EDGES
from tests.connection.sockets.faults import closes_with, refuses_with
from tests.connection.sockets.peers import (
    BINARY,
    PING,
    PONG,
    TEXT,
    Behaviour,
    Wire,
    chatters,
    echoes,
    peer,
)
from tests.connection.sockets.running import FAST, running
from tests.connection.sockets.test_silence import never_reads

CONNECTED, CONNECTING, DISCONNECTED, RECONNECTING = ConnectionStatus

BUSY: Final = attrs.evolve(
    FAST, heartbeat_interval=0.05, heartbeat_timeout=0.1, max_queue_bytes=2**25
)


async def redirects_elsewhere(wire: Wire) -> None:
    """Send the handshake to another origin."""
    await wire.refuse("307 Temporary Redirect\r\nLocation: http://127.0.0.2:9/")


async def ends_while_it_is_written_to(wire: Wire) -> None:
    """Open, take a part of what comes, and end."""
    await wire.handshake()
    await wire.reader.read(100_000)


TRAPS: Final[dict[str, tuple[Behaviour, bool]]] = {
    "never reads, so that a send is blocked when the heartbeat fires": (never_reads, False),
    "ends while it is written to": (ends_while_it_is_written_to, False),
    "redirects to another origin": (redirects_elsewhere, True),
    "code 5000": (closes_with(5000), True),
    "code 65535": (closes_with(65535), True),
    **{f"refuses with {status}": (refuses_with(f"{status} No"), True) for status in (400, 410)},
    **{f"refuses with {status}": (refuses_with(f"{status} No"), False) for status in (408, 500)},
}
"""Each peer, and whether its fault is fatal."""


@pytest.mark.parametrize("name", TRAPS)
async def test_rule_01_the_traps_of_the_client_lead_along_allowed_edges(name: str) -> None:
    """Rule 1: the faults that are known to trap aiohttp's client change the status as they may."""
    behaviour, is_fatal = TRAPS[name]
    async with peer(behaviour) as server, running(server.url, options=BUSY) as scene:
        for _ in range(300):
            scene.connection.send("x" * 60_000)
        await scene.until(lambda state: state.terminal_reason or state.error_count >= 2)
        assert scene.state.terminal_reason == ("fatal" if is_fatal else None)
        await scene.connection.disconnect()
    assert set(itertools.pairwise(scene.trace.statuses)) <= ALLOWED_EDGES
    assert scene.trace.statuses.count(CONNECTING) == 1
    assert scene.trace.last_status() is DISCONNECTED


async def test_rule_01_a_peer_that_keeps_sending_is_left_by_one_allowed_edge() -> None:
    """Rule 1: closing against a peer that talks on goes from connected to disconnected."""
    async with peer(chatters) as server, running(server.url) as scene:
        await scene.connection.connect(wait=True)
        await scene.connection.disconnect()
        assert scene.state.terminal_reason == "closed_by_user"
    assert scene.trace.statuses == [DISCONNECTED, CONNECTING, CONNECTED, DISCONNECTED]


async def test_rule_01_every_later_attempt_is_reconnecting_while_waiting_and_dialing() -> None:
    """Rule 1: only the first dial is connecting; waits and later dials are reconnecting."""
    dialing: list[ConnectionStatus] = []

    def url() -> str:
        dialing.append(scene.state.status)
        return server.url

    async with peer(refuses_with("503 Busy")) as server, running(url) as scene:
        waiting = await scene.until(lambda state: state.next_retry_at_ms is not None)
        await scene.until(lambda state: state.reconnect_attempts == 3)
    assert waiting.status is RECONNECTING
    assert dialing[:3] == [CONNECTING, RECONNECTING, RECONNECTING]


@pytest.mark.parametrize("reason", ["closed_by_user", "gave_up"])
async def test_rule_01_an_end_has_its_reason_until_the_next_run(reason: str) -> None:
    """Rule 1: the terminal reason tells who ended it; a new run has none."""
    options = attrs.evolve(FAST, max_attempts=3)
    async with (
        peer(refuses_with("503 Busy")) as server,
        running(server.url, options=options) as scene,
    ):
        await scene.until(lambda state: state.status is CONNECTING)
        if reason == "closed_by_user":
            await scene.connection.disconnect()
        await scene.until(lambda state: state.terminal_reason)
        assert scene.trace.last_status() is DISCONNECTED
        assert scene.state.terminal_reason == reason
        server.behaviour = echoes
        await scene.connection.connect(wait=True)
        assert scene.state.terminal_reason is None


def test_rule_02_the_state_has_every_field_that_is_told() -> None:
    """Rule 2: before anything happened each is 0 or None."""
    counts = {
        "reconnect_attempts",
        "total_connects",
        "error_count",
        "queue_size",
        "dropped_count",
        "unacked_count",
    }
    unknown = {
        "terminal_reason",
        "last_error",
        "last_connected_at_ms",
        "last_disconnected_at_ms",
        "last_heartbeat_at_ms",
        "latency_seconds",
        "next_retry_at_ms",
    }
    fresh = attrs.asdict(ConnectionState())
    assert fresh["status"] is DISCONNECTED
    assert {fresh[name] for name in counts} == {0}
    assert {fresh[name] for name in unknown} == {None}


async def test_rule_02_neither_the_state_nor_the_log_repeats_what_a_peer_echoes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Rule 2: a close reason that quotes our own token and header is told without them."""

    async def quotes(wire: Wire) -> None:
        await wire.handshake()
        wire.send(8, (4000).to_bytes(2, "big") + b"no t0ken and no Bearer h3ader")
        await wire.reader.read()

    async with peer(quotes) as server:
        url = f"ws://us3r:pa55word@127.0.0.1:{server.port}/?token=t0ken"
        headers = {"Authorization-Too": "Bearer h3ader"}
        async with running(url, headers=headers) as scene:
            state = await scene.until(lambda state: state.last_error)
    assert state.last_error is not None
    assert state.last_error.message
    shown = repr([scene.trace.steps, state]) + caplog.text
    assert not [secret for secret in ("us3r", "pa55word", "t0ken", "h3ader") if secret in shown]


async def test_rule_03_no_status_changes_without_its_one_action() -> None:
    """Rule 3: over five links, each change of status is one action, and both are in one order."""
    seen: list[tuple[int, ConnectionStatus]] = []
    async with peer(closes_with(1001)) as server, running(server.url) as scene:
        unsubscribe = scene.store.subscribe(
            lambda new, _old: seen.append((len(scene.trace.steps), new)),
            select=lambda root: root.connection.status,
        )
        await scene.until(lambda state: state.total_connects == 5)
        await scene.connection.disconnect()
        unsubscribe()
    changing = [
        (number, step.after)
        for number, step in enumerate(scene.trace.steps, start=1)
        if step.before is not step.after
    ]
    assert [status for _, status in seen] == [status for _, status in changing][-len(seen) :]
    assert len({count for count, _ in seen}) == len(seen)


@pytest.mark.looptime
async def test_rule_04_no_interval_of_the_heartbeat_has_two_actions() -> None:
    """Rule 4: however much a peer sends, each 20 s of an open link see at most one action."""

    async def floods(wire: Wire) -> None:
        await wire.handshake()
        while True:
            opcode, payload = await wire.receive()
            for _ in range(50 if opcode == PING else 0):
                wire.send(PONG, payload)
                wire.send(PONG, b"unasked!")
                wire.send(TEXT, b"text")
                wire.send(BINARY, b"bytes")
                wire.send(PING, b"you?")

    async with peer(floods) as server, running(server.url, options=WebSocketOptions()) as scene:
        await scene.connection.connect(wait=True)
        await asyncio.sleep(6)  # it has proved stable
        before = len(scene.trace.steps)
        await asyncio.sleep(1200)
        times = [step.loop_time for step in scene.trace.steps[before:]]
        kinds = {type(step.action) for step in scene.trace.steps[before:]}
    assert kinds == {HeartbeatAnswered}
    assert len(times) == 60
    assert all(later - earlier > 19.9 for earlier, later in itertools.pairwise(times))


@pytest.mark.looptime
@pytest.mark.parametrize("jump", [-3600.0, 3600.0])
async def test_rule_05_a_wait_that_is_under_way_ignores_the_wall_clock(jump: float) -> None:
    """Rule 5: a clock that jumps by 1 h during a wait, a dial and a link moves none of them."""
    now = 1_700_000_000.0

    async def silent(wire: Wire) -> None:
        await wire.reader.read()

    async with (
        peer(silent) as server,
        running(
            server.url, options=WebSocketOptions(), clock=lambda: now, draw=lambda: 0.0
        ) as scene,
    ):
        await scene.until(lambda state: state.status is CONNECTING)
        now += jump  # while it dials
        await scene.until(lambda state: state.next_retry_at_ms is not None, 100)
        now -= jump  # while it waits
        await scene.until(lambda state: state.next_retry_at_ms is None, 100)
        started = scene.trace.times_of(ConnectionAttemptStarted)
        (failed,) = scene.trace.times_of(ConnectionLostAndRetryScheduled)
        server.behaviour = never_answers_pings
        await scene.connection.connect(wait=True)
        now += jump  # while the link is open
        (opened,) = [step.loop_time for step in scene.trace.steps if step.after is CONNECTED]
        await scene.until(lambda state: state.status is RECONNECTING, 100)
        lost = scene.trace.times_of(ConnectionLostAndRetryScheduled)[-1]
    assert failed - started[0] == pytest.approx(10.0, abs=0.1)
    assert started[1] - failed == pytest.approx(1.0, abs=0.1)
    assert lost - opened == pytest.approx(30.0, abs=0.5)


async def never_answers_pings(wire: Wire) -> None:
    """Open a link, read, and say nothing."""
    await wire.handshake()
    while await wire.reader.read(65536):
        pass
