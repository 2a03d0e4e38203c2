"""`run_real_storm`: real connections on loopback lose their server together, in real time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any, Final

from refold.actions.connection import ConnectionAttemptStarted
from refold.middleware.websocket_connection import WebSocketConnection
from refold.reducers.connection import connection_reducer
from refold.store.middleware import Dispatch, StoreAPI
from refold.store.store import Store
from storm_in_virtual_time import Storm
from websocket_restartable import RestartableServer

__all__ = ["run_real_storm"]

_AT_MOST: Final = 60.0
"""A storm that lasts longer is an error, in seconds."""


async def run_real_storm(*, clients: int, outage: float = 5.0) -> Storm:
    """Break all links, refuse all attempts until the outage is over, then accept all.

    Args:
        clients: how many; each with a store of its own and the default options.
        outage: seconds.

    Raises:
        TimeoutError: not all came back.
    """
    loop = asyncio.get_running_loop()
    server = RestartableServer()
    await server.start()
    attempts: list[float] = []
    async with asyncio.timeout(_AT_MOST + outage), AsyncExitStack() as stack:
        stack.callback(server.stop)
        connections = [WebSocketConnection(server.url) for _ in range(clients)]
        for connection in connections:
            middleware: list[Any] = [_note_attempts(attempts), connection]
            await stack.enter_async_context(Store(connection_reducer, middleware=middleware))
        await asyncio.gather(*(connection.connect(wait=True) for connection in connections))
        attempts.clear()
        server.arrivals.clear()
        broken_at = loop.time()
        server.stop()
        await asyncio.sleep(outage)
        await server.start()
        back_at = loop.time()
        await asyncio.gather(*(connection.connect(wait=True) for connection in connections))
        since = [at - broken_at for at in server.arrivals]
        tried = [at - broken_at for at in attempts]
        await asyncio.gather(*(connection.disconnect() for connection in connections))
    return Storm(clients, back_at - broken_at, tuple(tried), tuple(since))


def _note_attempts(times: list[float]) -> Callable[[StoreAPI[Any], Dispatch], Dispatch]:
    """Return middleware that notes when each attempt began, by the loop's clock."""

    def set_up(_store: StoreAPI[Any], next: Dispatch) -> Dispatch:  # noqa: A002  # its usual name
        def handle(action: Any) -> Any:  # any action, as it came
            if isinstance(action, ConnectionAttemptStarted):
                times.append(asyncio.get_running_loop().time())
            return next(action)

        return handle

    return set_up
