"""Statuses and state of a connection in real runs: rules 1, 2, 3 and 5."""

from __future__ import annotations

import itertools
import random
from typing import Final

import attrs
import pytest

from refold.actions.connection import (
    ConnectionAttemptStarted,
    ConnectionLostAndRetryScheduled,
    ConnectionOpened,
    ConnectionProvedStable,
    ConnectionStatus,
)
from refold.middleware.websocket_connection import WebSocketConnection
from refold.middleware.websocket_options import WebSocketOptions
from refold.reducers.connection import connection_reducer
from refold.store.store import Store
from refold.testing.fixed_inputs import fixed_inputs
from refold.testing.virtual_clock import VirtualClock
from tests.connection.sockets.faults import FATAL_FAULTS, RETRIED_FAULTS, closes_with
from tests.connection.sockets.peers import echoes, peer
from tests.connection.sockets.running import FAST, Scene, running

OPTIONS: Final = attrs.evolve(
    FAST, connect_timeout=0.15, heartbeat_interval=0.05, heartbeat_timeout=0.1
)

PATIENT: Final = attrs.evolve(FAST, connect_timeout=10.0)
"""For faults that show themselves: an attempt that ran out of time would be tried again."""

ALLOWED: Final = frozenset(
    {
        (ConnectionStatus.DISCONNECTED, ConnectionStatus.CONNECTING),
        (ConnectionStatus.CONNECTING, ConnectionStatus.CONNECTED),
        (ConnectionStatus.CONNECTING, ConnectionStatus.RECONNECTING),
        (ConnectionStatus.CONNECTING, ConnectionStatus.DISCONNECTED),
        (ConnectionStatus.CONNECTED, ConnectionStatus.RECONNECTING),
        (ConnectionStatus.CONNECTED, ConnectionStatus.DISCONNECTED),
        (ConnectionStatus.RECONNECTING, ConnectionStatus.CONNECTED),
        (ConnectionStatus.RECONNECTING, ConnectionStatus.DISCONNECTED),
    }
)


def edges(scene: Scene) -> set[tuple[ConnectionStatus, ConnectionStatus]]:
    """Return the changes of status that happened."""
    statuses = scene.trace.statuses
    return set(itertools.pairwise(statuses))


@pytest.mark.parametrize("name", RETRIED_FAULTS)
async def test_rule_01_only_allowed_changes_of_status_under_faults(name: str) -> None:
    """A peer's fault leads through allowed statuses only, and later attempts are reconnecting."""
    async with peer(RETRIED_FAULTS[name]) as server, running(server.url, options=OPTIONS) as scene:
        await scene.until(lambda state: state.error_count >= 2)
        await scene.connection.disconnect()
        assert scene.state.terminal_reason == "closed_by_user"
    assert edges(scene) <= ALLOWED
    assert scene.trace.statuses.count(ConnectionStatus.CONNECTING) == 1
    assert scene.trace.statuses[-1] is ConnectionStatus.DISCONNECTED


@pytest.mark.parametrize("name", FATAL_FAULTS)
async def test_rule_01_a_fatal_fault_ends_disconnected(name: str) -> None:
    """What another attempt cannot mend ends disconnected with the reason fatal."""
    async with peer(FATAL_FAULTS[name]) as server, running(server.url, options=PATIENT) as scene:
        state = await scene.until(lambda state: state.terminal_reason)
        assert state.terminal_reason == "fatal"
        assert server.accepted == 1
    assert edges(scene) <= ALLOWED
    assert scene.trace.statuses[-1] is ConnectionStatus.DISCONNECTED


async def test_rule_02_the_state_tells_what_happened() -> None:
    """The state counts links and errors, stamps times, and keeps the last error."""
    clock = VirtualClock(1000.0)
    async with (
        peer(closes_with(1012)) as server,
        running(server.url, options=OPTIONS, clock=clock) as scene,
    ):
        state = await scene.until(lambda state: state.error_count == 1)
        assert state.last_error is not None
        assert (state.last_error.kind, state.last_error.close_code) == ("closed", 1012)
        assert state.last_error.at_ms == 1_000_000
        assert state.last_connected_at_ms == state.last_disconnected_at_ms == 1_000_000
        assert state.next_retry_at_ms is not None
        assert 1_000_010 <= state.next_retry_at_ms <= 1_000_050
        assert (state.total_connects, state.reconnect_attempts) == (1, 1)
        server.behaviour = echoes
        state = await scene.until(lambda state: state.latency_seconds is not None)
        assert state.last_heartbeat_at_ms == 1_000_000
        assert state.next_retry_at_ms is None


async def test_rule_02_times_are_those_of_the_stores_inputs() -> None:
    """Without a clock of its own, a connection stamps its actions by the store's inputs."""
    async with peer(echoes) as server:
        connection = WebSocketConnection(server.url, options=FAST)
        inputs = fixed_inputs(now=VirtualClock(7.0))
        async with Store(connection_reducer, middleware=[connection], inputs=inputs) as store:
            await connection.connect(wait=True)
            assert store.state.last_connected_at_ms == 7000


@pytest.mark.parametrize("name", [*RETRIED_FAULTS, *FATAL_FAULTS])
async def test_rule_02_errors_say_something_and_no_secret(name: str) -> None:
    """The last error has a message, without userinfo, query or header values."""
    faults = {**RETRIED_FAULTS, **FATAL_FAULTS}
    async with peer(faults[name]) as server:
        url = f"ws://us3r:pa55word@127.0.0.1:{server.port}/?token=t0ken"
        async with running(url, options=OPTIONS, headers={"X-Key": "h3ader"}) as scene:
            state = await scene.until(lambda state: state.last_error is not None)
            assert state.last_error is not None
            assert state.last_error.message
            shown = repr([scene.trace.steps, state])
    for secret in ("us3r", "pa55word", "t0ken", "h3ader"):
        assert secret not in shown


async def test_rule_02_a_refused_connection_is_told() -> None:
    """A port where nobody listens gives a connect error with a message."""
    async with peer(echoes) as server:
        pass
    async with running(server.url) as scene:
        state = await scene.until(lambda state: state.last_error is not None)
        assert state.last_error is not None
        assert state.last_error.kind == "connect"
        assert "refused" in state.last_error.message


async def test_rule_03_each_change_of_status_is_one_action_that_subscribers_see() -> None:
    """Each change of status is one action, and a subscriber told of it reads the new status."""
    seen: list[ConnectionStatus] = []
    async with peer(closes_with(1001)) as server, running(server.url, options=OPTIONS) as scene:
        unsubscribe = scene.store.subscribe(
            lambda new, _old: seen.append(new if new is scene.state.status else None),  # type: ignore[arg-type]  # None fails the test
            select=lambda root: root.connection.status,
        )
        await scene.until(lambda state: state.total_connects >= 3)
        await scene.connection.disconnect()
        unsubscribe()
    statuses = scene.trace.statuses
    assert statuses[-len(seen) :] == seen
    changing = [step for step in scene.trace.steps if step.before is not step.after]
    assert len(changing) == len(statuses) - 1


@pytest.mark.looptime
async def test_rule_05_a_jump_of_the_wall_clock_changes_no_duration() -> None:
    """A wall clock that jumps by an hour changes neither retries nor when a link is stable."""

    async def moments(jumps: list[float]) -> list[float]:
        times = iter(jumps * 1000)
        options = WebSocketOptions(connect_timeout=2.0)
        draw = random.Random(5).random  # noqa: S311  # no secret
        async with peer(closes_with(1011)) as server:
            async with running(
                server.url, options=options, draw=draw, clock=lambda: next(times)
            ) as scene:
                await scene.until(lambda state: state.error_count == 4, 1000)
                server.behaviour = echoes
                await scene.until(lambda state: state.reconnect_attempts == 0, 1000)
            steps = scene.trace
        kinds = (ConnectionAttemptStarted, ConnectionLostAndRetryScheduled, ConnectionOpened)
        times_of = [steps.times_of(kind) for kind in (*kinds, ConnectionProvedStable)]
        start = times_of[0][0]
        return [round(time - start, 3) for times in times_of for time in times]

    steady = await moments([1e6])
    assert await moments([1e6, 1e6 + 3600, 1e6 - 3600]) == steady
