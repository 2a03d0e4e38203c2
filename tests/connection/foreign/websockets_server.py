"""The server of the `websockets` package, in the loop of the test."""

from __future__ import annotations

import contextlib
import fcntl
import socket
import struct
import sys
import termios
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

__all__ = ["echoes", "reset", "websockets_server"]


@contextlib.asynccontextmanager
async def websockets_server(
    handler: Callable[[ServerConnection], Awaitable[None]], *, port: int = 0, **settings: Any
) -> AsyncGenerator[str]:
    """Serve while the block runs, and give the address; settings are those of `serve`."""
    chosen: dict[str, Any] = {"ping_interval": None, **settings}
    async with serve(handler, "127.0.0.1", port, **chosen) as server:
        listening = next(iter(server.sockets))
        yield f"ws://127.0.0.1:{listening.getsockname()[1]}/"


async def echoes(connection: ServerConnection) -> None:
    """Send every message back."""
    with contextlib.suppress(ConnectionClosed):
        async for message in connection:
            await connection.send(message)


def reset(connection: ServerConnection) -> None:
    """Break a connection by RST, when the peer's system has all that was written.

    An RST drops what was not acknowledged yet.  Nothing else of the loop runs while this waits for
    it, so the peer finds data and RST at once.
    """
    below = connection.transport.get_extra_info("socket")
    while _unacknowledged_bytes(below):
        pass
    below.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.transport.abort()


def _unacknowledged_bytes(below: socket.socket) -> int:
    """Return how much of what was written is still in our system's queue."""
    answer = fcntl.ioctl(below.fileno(), termios.TIOCOUTQ, bytes(4))
    return int.from_bytes(answer, sys.byteorder)
