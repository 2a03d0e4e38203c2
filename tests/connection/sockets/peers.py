"""Peers on loopback, well behaved and not, frame by frame.

What belongs here: what the far end does.  What does not: anything of refold.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import socket
import struct
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Final, TypeAlias

__all__ = [
    "BINARY",
    "CLOSE",
    "PING",
    "PONG",
    "TEXT",
    "Behaviour",
    "Peer",
    "Wire",
    "chatters",
    "drip",
    "echoes",
    "keeps_silent",
    "peer",
    "resets_at_once",
    "speaks_garbage",
]

TEXT: Final = 1
BINARY: Final = 2
CLOSE: Final = 8
PING: Final = 9
PONG: Final = 10

_KEY_SUFFIX: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Wire:
    """One accepted TCP connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.request = b""
        """The head of the HTTP request, once it was read."""

    async def handshake(self) -> None:
        """Answer the opening handshake."""
        self.request = await self.reader.readuntil(b"\r\n\r\n")
        lines = [line.partition(b":") for line in self.request.split(b"\r\n")]
        keys = [value.strip() for name, _, value in lines if name.lower() == b"sec-websocket-key"]
        accept = base64.b64encode(hashlib.sha1(keys[0] + _KEY_SUFFIX).digest())  # noqa: S324
        self.writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )

    async def refuse(self, status: str) -> None:
        """Answer the opening handshake with another status."""
        self.request = await self.reader.readuntil(b"\r\n\r\n")
        self.writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())

    def send(self, opcode: int, payload: bytes = b"") -> None:
        """Write one frame."""
        size = len(payload)
        head = bytes([0x80 | opcode])
        head += bytes([size]) if size < 126 else bytes([126]) + struct.pack("!H", size)
        self.writer.write(head + payload)

    def say_goodbye(self, code: int) -> None:
        """Write a close frame."""
        self.send(CLOSE, struct.pack("!H", code))

    async def receive(self) -> tuple[int, bytes]:
        """Read one frame; return its opcode and its payload."""
        first, second = await self.reader.readexactly(2)
        size = second & 0x7F
        if size >= 126:
            size = int.from_bytes(await self.reader.readexactly(2 if size == 126 else 8), "big")
        mask = await self.reader.readexactly(4)
        payload = await self.reader.readexactly(size)
        repeated = (mask * (size // 4 + 1))[:size]
        unmasked = int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")
        return first & 0x0F, unmasked.to_bytes(size, "big")

    def reset(self) -> None:
        """Break the connection by RST."""
        below = self.writer.get_extra_info("socket")
        below.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Behaviour: TypeAlias = Callable[[Wire], Awaitable[None]]
"""What a peer does with a connection; when it returns, the connection is closed by FIN."""


class Peer:
    """A TCP server on loopback."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.accepted = 0
        self.most_at_once = 0
        self.wires: list[Wire] = []
        """The connections that are open."""
        self.port = 0
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"ws://127.0.0.1:{self.port}/"

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        wire = Wire(reader, writer)
        self.accepted += 1
        self.wires.append(wire)
        self.most_at_once = max(self.most_at_once, len(self.wires))
        task = asyncio.create_task(self._serve(wire))
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._forget(done, wire))

    def _forget(self, task: asyncio.Task[None], wire: Wire) -> None:
        """Drop what was served; a task that was cancelled before it began has not done so."""
        self._tasks.discard(task)
        if wire in self.wires:
            self.wires.remove(wire)
            wire.writer.transport.abort()

    async def _serve(self, wire: Wire) -> None:
        with contextlib.suppress(OSError, EOFError):
            await self.behaviour(wire)
        self.wires.remove(wire)
        wire.writer.close()
        with contextlib.suppress(OSError):
            await wire.writer.wait_closed()

    async def stop(self) -> None:
        """Break every connection."""
        for wire in tuple(self.wires):
            wire.writer.transport.abort()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@contextlib.asynccontextmanager
async def peer(behaviour: Behaviour, *, port: int = 0) -> AsyncGenerator[Peer]:
    """Listen while the block runs."""
    made = Peer(behaviour)
    server = await asyncio.start_server(made.accept, "127.0.0.1", port)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        await made.stop()
        await server.wait_closed()


async def echoes(wire: Wire) -> None:
    """Send every message back, answer pings and the goodbye."""
    await wire.handshake()
    while True:
        opcode, payload = await wire.receive()
        if opcode == CLOSE:
            wire.send(CLOSE, payload)
            return
        wire.send(PONG if opcode == PING else opcode, payload)


async def keeps_silent(wire: Wire) -> None:
    """Take whatever comes, and never say a thing."""
    while await wire.reader.read(65536):
        pass


async def drip(wire: Wire) -> None:
    """Begin an answer and never come to its end."""
    wire.writer.write(b"HTTP/1.1 101 Switching Protocols\r\n")
    while True:
        wire.writer.write(b"X")
        await wire.writer.drain()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.02):
                if not await wire.reader.read(65536):
                    return


async def speaks_garbage(wire: Wire) -> None:
    """Answer with something that is no HTTP."""
    await wire.reader.readuntil(b"\r\n\r\n")
    wire.writer.write(b"\x00\x01 nothing of this is HTTP\r\n\r\n")


async def resets_at_once(wire: Wire) -> None:
    """Accept, and reset."""
    wire.reset()


async def chatters(wire: Wire) -> None:
    """Send without end, and never listen to a goodbye."""
    await wire.handshake()
    while True:
        wire.send(TEXT, b"and another thing")
        await wire.writer.drain()
        await asyncio.sleep(0)
