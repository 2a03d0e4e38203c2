"""`measure_idle`: what connections cost that have nothing to do, in this process.

What belongs here: opening many, and looking at tasks, memory and CPU time.  What does not: goals.
"""

from __future__ import annotations

import asyncio
import gc
import os
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final, Literal, TypeAlias

import aiohttp
import attrs

from refold.middleware.websocket_connection import WebSocketConnection
from refold.middleware.websocket_options import WebSocketOptions
from refold.reducers.connection import connection_reducer
from refold.store.store import Store

__all__ = ["IdleCost", "Kind", "measure_idle"]

Kind: TypeAlias = Literal["refold", "refold, one session", "raw"]
"""Whose connections are idle; with one session, an application gave all of them the same."""

_CONNECTIONS: Final = 300
_WARM_UP: Final = 50
"""Connections before the first look, so that imports and the allocator's pools do not count."""

_OPTIONS: Final = WebSocketOptions()

_SECONDS: Final = 20.0
"""How long CPU time is measured: as long as from one ping to the next, so that each sends one."""


@attrs.frozen
class IdleCost:
    """What a process with idle connections found."""

    tasks: float
    """Per connection."""

    kibibytes: float
    """Per connection, of resident memory."""

    cpu_percent_of_thousand: float
    """Of one core, for 1,000 of them."""


async def measure_idle(kind: Kind, url: str) -> IdleCost:
    """Open connections, wait until each has proved stable, and look what they cost."""
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        )
        await _open(stack, kind, session, url, _WARM_UP)
        before, tasks_before = _resident_kibibytes(), len(asyncio.all_tasks())
        await _open(stack, kind, session, url, _CONNECTIONS)
        await asyncio.sleep(_OPTIONS.stable_after + 1)
        tasks = len(asyncio.all_tasks()) - tasks_before
        grown = _resident_kibibytes() - before
        begin = time.process_time()
        await asyncio.sleep(_SECONDS)
        spent = time.process_time() - begin
    percent = spent / _SECONDS * 100 * 1000 / (_CONNECTIONS + _WARM_UP)
    return IdleCost(tasks / _CONNECTIONS, grown / _CONNECTIONS, percent)


async def _open(
    stack: AsyncExitStack, kind: Kind, session: aiohttp.ClientSession, url: str, count: int
) -> None:
    if kind == "raw":
        for _ in range(count):
            await _open_raw(stack, session, url)
    else:
        shared = session if kind == "refold, one session" else None
        connections = [
            WebSocketConnection(url, options=_OPTIONS, session=shared) for _ in range(count)
        ]
        for connection in connections:
            await stack.enter_async_context(Store(connection_reducer, middleware=[connection]))
        await asyncio.gather(*(connection.connect(wait=True) for connection in connections))
    await asyncio.sleep(_OPTIONS.stable_after + 1)


async def _open_raw(stack: AsyncExitStack, session: aiohttp.ClientSession, url: str) -> None:
    """Open a socket with a task that reads, without which it would answer no ping."""
    socket = await session.ws_connect(url, heartbeat=_SECONDS)
    stack.push_async_callback(socket.close)
    reader = asyncio.create_task(socket.receive())
    stack.callback(reader.cancel)


def _resident_kibibytes() -> float:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024
