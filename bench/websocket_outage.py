"""What one connection does around an outage: how fast it is back, and what waiting costs."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from refold.middleware.websocket_connection import WebSocketConnection
from refold.reducers.connection import ConnectionState, ConnectionStatus, connection_reducer
from refold.store.store import Store
from websocket_restartable import RestartableServer

__all__ = ["measure_reconnects", "measure_while_away"]

_RECONNECTS: Final = 20
_SECONDS: Final = 10.0
"""How long CPU time is measured; with the default backoff that is four attempts or so."""


async def measure_reconnects() -> list[float]:
    """Return the seconds from a timer that fires, with the server back, to being connected.

    `reconnect_now` is what the timer does; the server runs in this loop, so its part counts too.
    """
    server = RestartableServer()
    await server.start()
    connection = WebSocketConnection(server.url)
    taken: list[float] = []
    async with Store(connection_reducer, middleware=[connection]) as store:
        await connection.connect(wait=True)
        for _ in range(_RECONNECTS):
            server.stop()
            await _until(store, ConnectionStatus.RECONNECTING)
            await server.start()
            begin = time.perf_counter()
            connection.reconnect_now()
            await connection.connect(wait=True)
            taken.append(time.perf_counter() - begin)
        server.stop()
    return taken


async def measure_while_away() -> float:
    """Return the CPU time that one connection takes while its server is away, in percent."""
    server = RestartableServer()
    await server.start()
    connection = WebSocketConnection(server.url)
    async with Store(connection_reducer, middleware=[connection]) as store:
        await connection.connect(wait=True)
        server.stop()
        await _until(store, ConnectionStatus.RECONNECTING)
        begin = time.process_time()
        await asyncio.sleep(_SECONDS)
        return (time.process_time() - begin) / _SECONDS * 100


async def _until(store: Store[ConnectionState], status: ConnectionStatus) -> None:
    async for state in store.changes():
        if state.status is status:
            return
