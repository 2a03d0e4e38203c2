"""`Wire`: the way of a TCP connection through somebody who sees, changes and repeats what passes.

What belongs here: what one who only carries bytes can do to processes.  What does not: what it
should lead to; frames of a channel in one process, see `tests.peers.meddling_relay`.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from tests.peers.meddling_relay import Meddle, Sender, carry

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

__all__ = ["Wire", "wire_to"]


class Wire:
    """Carries what comes to its port to another port; number 0 of each way is HTTP's."""

    def __init__(self, target: int) -> None:
        """Lead to a port of this machine."""
        self.port = 0
        self.meddle: Meddle = carry
        """What is done to what passes; it may be set anew at any time."""
        self.seen: dict[Sender, bytearray] = {"dialer": bytearray(), "listener": bytearray()}
        """All that each has sent."""
        self._target = target
        self._carrying = set[asyncio.Task[None]]()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection, until either end is gone."""
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        ways = [
            asyncio.create_task(self._carry_all("dialer", reader, far_writer)),
            asyncio.create_task(self._carry_all("listener", far_reader, writer)),
        ]
        self._carrying.update(ways)
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.wait(ways)
            writer.close()
            far_writer.close()
            self._carrying.difference_update(ways)

    async def cut(self) -> None:
        """End all connections."""
        for way in self._carrying:
            way.cancel()
        while self._carrying:
            await asyncio.wait(self._carrying)

    async def _carry_all(
        self, sender: Sender, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        number = 0
        while data := await _read(reader):
            self.seen[sender] += data
            for other in self.meddle(sender, number, data):
                writer.write(other)
            number += 1


@asynccontextmanager
async def wire_to(port: int) -> AsyncGenerator[Wire]:
    """Give a wire on a port of its own to another port."""
    wire = Wire(port)
    server = await asyncio.start_server(wire.serve, "127.0.0.1", 0)
    wire.port = int(server.sockets[0].getsockname()[1])
    try:
        yield wire
    finally:
        server.close()
        await wire.cut()


async def _read(reader: asyncio.StreamReader) -> bytes:
    """Return what comes next; nothing at the end, however it came."""
    try:
        return await reader.read(2**20)
    except ConnectionError:
        return b""
