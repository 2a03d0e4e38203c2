"""Peers that accept and close at once: rule 16, in virtual time over real sockets."""

from __future__ import annotations

import asyncio
import random

import pytest

from refold.actions.connection import ConnectionProvedStable
from refold.middleware.websocket_options import WebSocketOptions
from tests.connection.sockets.faults import RETRIED_FAULTS, closes_with
from tests.connection.sockets.peers import echoes, peer
from tests.connection.sockets.running import running

FLAPS = {
    "abort": RETRIED_FAULTS["reset"],
    **{str(code): closes_with(code) for code in (1000, 1001, 1011, 1012, 4000)},
}


@pytest.mark.looptime
@pytest.mark.parametrize("name", FLAPS)
async def test_rule_16_a_flapping_peer_is_not_stormed(name: str) -> None:
    """Accept-then-close brings at most 10 connections in 10 s and 80 in 10 minutes."""
    draw = random.Random(16).random  # noqa: S311  # no secret
    async with (
        peer(FLAPS[name]) as server,
        running(server.url, options=WebSocketOptions(), draw=draw) as scene,
    ):
        await asyncio.sleep(10)
        assert 2 <= server.accepted <= 10
        await asyncio.sleep(590)
        assert 20 <= server.accepted <= 80
        assert scene.state.reconnect_attempts == scene.state.total_connects
        assert scene.trace.of(ConnectionProvedStable) == []


@pytest.mark.looptime
async def test_rule_16_only_a_stable_link_ends_a_row_of_failures() -> None:
    """Attempts are counted from 0 again once a link was open for `stable_after`, not before."""
    async with (
        peer(closes_with(1011)) as server,
        running(server.url, options=WebSocketOptions()) as scene,
    ):
        await scene.until(lambda state: state.reconnect_attempts == 3, 1000)
        server.behaviour = echoes
        await scene.connection.connect(wait=True)
        await asyncio.sleep(4.9)
        assert scene.state.reconnect_attempts == 3
        await asyncio.sleep(0.2)
        assert scene.state.reconnect_attempts == 0


@pytest.mark.looptime
async def test_rule_16_an_unfinished_greeting_proves_nothing() -> None:
    """While `on_open` has not finished, no link is stable, however long it is open."""
    finish = asyncio.Event()

    async def greet(_link: object) -> None:
        await finish.wait()

    async with (
        peer(echoes) as server,
        running(server.url, options=WebSocketOptions(), on_open=greet) as scene,
    ):
        await scene.connection.connect(wait=True)
        await asyncio.sleep(60)
        assert scene.trace.of(ConnectionProvedStable) == []
        finish.set()
        await asyncio.sleep(0.001)
        assert len(scene.trace.of(ConnectionProvedStable)) == 1
