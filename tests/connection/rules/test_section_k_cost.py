"""Section K, rules 57 to 59: what can be counted; time and memory are measured in `bench`."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from pathlib import Path
from typing import Final

import pytest

from refold.actions.connection import ConnectionAttemptStarted, ConnectionOpened
from refold.middleware.websocket_options import WebSocketOptions
from tests.connection.sockets.faults import refuses_with
from tests.connection.sockets.peers import echoes, peer
from tests.connection.sockets.running import make_scene, running

BENCH: Final = Path(__file__).parents[3] / "bench"
CONNECTIONS: Final = 20
DEFAULTS: Final = WebSocketOptions()


def test_rule_57_the_bench_has_the_goals_of_the_rule() -> None:
    """Rule 57: receiving and sending at half of raw aiohttp's speed, with an action at 15 %."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(BENCH), *sys.path])
        from row_websocket import websocket_rows  # noqa: PLC0415  # a folder of scripts
    goals = [
        [(goal.kind, goal.limit) for goal in row.comparisons if goal.limit is not None]
        for row in websocket_rows()
    ]
    half, action = [("at least", 0.5)], [("at least", 0.15)]
    assert goals == [half, half, action, half]


@pytest.mark.looptime
async def test_rule_58_an_idle_connection_has_three_tasks_at_most() -> None:
    """Rule 58: 20 stores with one connection each, open for an hour, have 60 tasks at most."""
    async with peer(echoes) as server, contextlib.AsyncExitStack() as stack:
        scenes = [make_scene(server.url, options=DEFAULTS) for _ in range(CONNECTIONS)]
        before = asyncio.all_tasks()
        for scene in scenes:
            await stack.enter_async_context(scene.store)
        await asyncio.gather(*(scene.connection.connect(wait=True) for scene in scenes))
        assert len(asyncio.all_tasks()) > len(before)
        await asyncio.sleep(3601)
        ours = [
            task
            for task in asyncio.all_tasks() - before
            if "Peer._serve" not in repr(task) and "StreamReader" not in repr(task)
        ]
        assert len(server.wires) == CONNECTIONS
        assert CONNECTIONS <= len(ours) <= 3 * CONNECTIONS


@pytest.mark.looptime
async def test_rule_59_nothing_is_waited_for_between_the_timer_and_the_link() -> None:
    """Rule 59: once the server is back, a retry is open 50 ms after its timer at the latest."""
    async with (
        peer(refuses_with("503 Busy")) as server,
        running(server.url, options=DEFAULTS) as scene,
    ):
        await scene.until(lambda state: state.reconnect_attempts == 4, 1000)
        due = scene.state.next_retry_at_ms
        assert due is not None
        begun = asyncio.get_running_loop().time()
        delay = (await scene.until(lambda _state: True)).next_retry_at_ms
        assert delay == due
        server.behaviour = echoes
        await scene.until(lambda state: state.total_connects == 1, 1000)
        (opened,) = scene.trace.times_of(ConnectionOpened)
        started = scene.trace.times_of(ConnectionAttemptStarted)[-1]
    assert started - begun > 0.1
    assert opened - started <= 0.05
