"""The statuses that a store goes through, for every fault: rules 1 and 3."""

from __future__ import annotations

import asyncio
import itertools
from typing import Final

import pytest

from refold.actions.connection import ConnectionAttemptStarted, ConnectionEnded
from refold.middleware.websocket_options import WebSocketOptions
from refold.reducers.connection import ConnectionStatus
from tests.connection.chaos.allowed_edges import ALLOWED_EDGES
from tests.connection.chaos.virtual_run import run_virtually
from tests.connection.sockets.faults import FATAL_FAULTS, RETRIED_FAULTS
from tests.connection.sockets.peers import echoes, peer
from tests.connection.sockets.running import Scene, make_scene

OPTIONS: Final = WebSocketOptions(connect_timeout=1.0)

NEVER_OPEN: Final = frozenset(
    {"silent", "byte by byte", "garbage", "reset at once", "broken handshake", "wrong key"}
    | {"503", "429", "401", "404"}
)
"""Faults before a link is open."""

CONNECTED, CONNECTING, DISCONNECTED, RECONNECTING = ConnectionStatus


def check_notifications(scene: Scene, seen: list[ConnectionStatus]) -> None:
    """Assert that subscribers saw each status once, in order, and nothing but allowed changes."""
    statuses = scene.trace.statuses
    assert seen == statuses[1:]
    assert set(itertools.pairwise(statuses)) <= ALLOWED_EDGES


def subscribe(scene: Scene) -> list[ConnectionStatus]:
    """Return a list to which each new status is added, as the store has it at that moment."""
    seen: list[ConnectionStatus] = []

    def note(new: ConnectionStatus, old: ConnectionStatus) -> None:
        assert new is scene.state.status
        assert new is not old
        seen.append(new)

    scene.store.subscribe(note, select=lambda root: root.connection.status)
    return seen


@pytest.mark.parametrize("name", RETRIED_FAULTS)
def test_rule_01_a_fault_that_passes(name: str) -> None:
    """Twice a fault and then service: the whole trace of statuses is as the rule says."""

    async def main() -> None:
        async with peer(RETRIED_FAULTS[name]) as server:
            scene = make_scene(server.url, options=OPTIONS)
            seen = subscribe(scene)
            async with scene.store:
                await scene.until(lambda state: state.error_count == 2, 1000)
                server.behaviour = echoes
                await scene.until(lambda state: state.status is CONNECTED, 1000)
                await scene.connection.disconnect()
            check_notifications(scene, seen)
            opens = [] if name in NEVER_OPEN else [CONNECTED]
            assert scene.trace.statuses == [
                DISCONNECTED,
                CONNECTING,
                *opens,
                RECONNECTING,
                *opens,
                *([RECONNECTING] if opens else []),
                CONNECTED,
                DISCONNECTED,
            ]
            attempts = [action.attempt for action in scene.trace.of(ConnectionAttemptStarted)]
            assert attempts == [1, 2, 3]

    run_virtually(main)


@pytest.mark.parametrize("name", FATAL_FAULTS)
def test_rule_01_a_fault_that_stays(name: str) -> None:
    """A fatal fault ends the run with one action; a new run begins as connecting, from 1."""

    async def main() -> None:
        async with peer(FATAL_FAULTS[name]) as server:
            scene = make_scene(server.url, options=OPTIONS)
            seen = subscribe(scene)
            async with scene.store:
                await scene.until(lambda state: state.terminal_reason == "fatal", 1000)
                await asyncio.sleep(1000)
                server.behaviour = echoes
                await scene.connection.connect(wait=True)
            check_notifications(scene, seen)
            opens = [] if name in NEVER_OPEN else [CONNECTED]
            assert scene.trace.statuses == [
                DISCONNECTED,
                CONNECTING,
                *opens,
                DISCONNECTED,
                CONNECTING,
                CONNECTED,
                DISCONNECTED,
            ]
            reasons = [action.reason for action in scene.trace.of(ConnectionEnded)]
            assert reasons == ["fatal", "closed_by_user"]
            attempts = [action.attempt for action in scene.trace.of(ConnectionAttemptStarted)]
            assert attempts == [1, 1]

    run_virtually(main)
