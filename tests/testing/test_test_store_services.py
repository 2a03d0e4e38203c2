"""`TestStore` with a WebSocket over the loopback interface: minutes in milliseconds."""

from __future__ import annotations

import asyncio
from typing import Any

import attrs
import pytest
from aiohttp import web

from refold import evolve
from refold.actions.connection import (
    ConnectionAttemptStarted,
    ConnectionEnded,
    ConnectionLostAndRetryScheduled,
    ConnectionOpened,
    ConnectionProvedStable,
    ConnectionStatus,
)
from refold.errors import TestStoreError
from refold.middleware.websocket_connection import WebSocketConnection
from refold.middleware.websocket_options import WebSocketOptions
from refold.middleware.websocket_service import WebSocketService
from refold.reducers.backoff_delay import Backoff
from refold.reducers.connection import connection_reducer
from refold.testing.test_store import TestStore
from refold.testing.virtual_clock import VirtualClock
from tests.connection.peers import websocket_peer

OPTIONS = WebSocketOptions(
    backoff=Backoff(initial_seconds=4.0, floor_seconds=4.0, factor=2.0, jitter="none"),
    heartbeat_interval=20.0,
    heartbeat_timeout=10.0,
    stable_after=60.0,
)

GRACE_SECONDS = 0.25
"""Which the heartbeat adds to its limit."""


@attrs.define
class Peer:
    """A server that answers no ping."""

    links: list[web.WebSocketResponse] = attrs.field(factory=list[Any])

    async def serve(self, link: web.WebSocketResponse) -> None:
        """Read until the client closes."""
        self.links.append(link)
        async for _ in link:
            pass


async def test_a_service_comes_back_and_finds_out_that_its_peer_is_dead() -> None:
    """Back-off and heartbeat of a `WebSocketService` move by `advance`, over a real socket."""
    peer, service = Peer(), WebSocketService(options=OPTIONS)
    async with (
        websocket_peer(peer.serve) as url,
        TestStore(connection_reducer, middleware=[service], exhaustive=False) as store,
    ):
        await service.connect(url)
        await store.receive(ConnectionOpened, status=ConnectionStatus.CONNECTED)
        await peer.links[0].close(code=1012)
        lost = await store.receive(
            ConnectionLostAndRetryScheduled, status=ConnectionStatus.RECONNECTING
        )
        assert lost.error.close_code == 1012
        await store.advance(3.9)
        with pytest.raises(TestStoreError, match=r"stands 0\.1 s ahead: await store.advance\(0\.1"):
            await store.receive(ConnectionAttemptStarted)
        await store.advance(0.1)
        await store.receive(ConnectionOpened, status=ConnectionStatus.CONNECTED)
        await store.advance(20 + 10)
        assert store.state.status is ConnectionStatus.CONNECTED
        await store.advance(GRACE_SECONDS)
        lost = await store.receive(ConnectionLostAndRetryScheduled, reconnect_attempts=2)
        assert lost.error.kind == "heartbeat_timeout"
        await service.disconnect()
        await store.receive(ConnectionEnded, status=ConnectionStatus.DISCONNECTED)


async def test_a_connection_is_stated_as_a_whole_with_its_times() -> None:
    """With the test's clock, every field of the connection's state can be foreseen."""
    peer, clock = Peer(), VirtualClock(1000.0)
    async with websocket_peer(peer.serve) as url:
        connection = WebSocketConnection(url, options=OPTIONS, clock=clock)
        async with TestStore(connection_reducer, middleware=[connection], clock=clock) as store:
            await store.receive(ConnectionAttemptStarted, status=ConnectionStatus.CONNECTING)
            await store.receive(
                ConnectionOpened,
                status=ConnectionStatus.CONNECTED,
                total_connects=1,
                last_connected_at_ms=1_000_000,
            )
            store.clock.advance(5)
            await connection.disconnect()
            await store.receive(
                ConnectionEnded,
                lambda old: evolve(
                    old,
                    status=ConnectionStatus.DISCONNECTED,
                    terminal_reason="closed_by_user",
                    last_disconnected_at_ms=1_005_000,
                ),
            )


async def test_an_open_connection_is_closed_with_its_time_limits() -> None:
    """A peer that never answers the closing holds up the end of the test by no real time."""
    never = asyncio.Event()

    async def serve(_link: web.WebSocketResponse) -> None:
        await never.wait()

    async with websocket_peer(serve) as url:
        connection = WebSocketConnection(url, options=OPTIONS)
        async with TestStore(
            connection_reducer, middleware=[connection], exhaustive=False
        ) as store:
            await store.receive(ConnectionOpened, status=ConnectionStatus.CONNECTED)
            await store.advance(10)
        never.set()
    assert store.state.status is ConnectionStatus.DISCONNECTED


async def test_a_link_proves_stable_in_its_time() -> None:
    """The timers of a service fire one by one, each with the loop's time at its moment."""
    peer = Peer()
    options = attrs.evolve(OPTIONS, heartbeat_interval=None)
    async with websocket_peer(peer.serve) as url:
        connection = WebSocketConnection(url, options=options)
        async with TestStore(
            connection_reducer, middleware=[connection], exhaustive=False
        ) as store:
            await store.receive(ConnectionOpened, total_connects=1)
            await store.advance(59)
            with pytest.raises(TestStoreError):
                await store.receive(ConnectionProvedStable)
            await store.advance(1)
            await store.receive(ConnectionProvedStable)
