"""A server on loopback that fails as a schedule says, and then serves.

What belongs here: what the far end does and sees.  What does not: anything of refold.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import deque
from collections.abc import AsyncGenerator, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.connection.sockets.peers import CLOSE, PING, PONG, TEXT, Peer, Wire

if TYPE_CHECKING:
    from tests.connection.chaos.fault_schedule import Fault

__all__ = ["ChaosServer", "chaos_server"]

_ESTABLISHED: Final = 1
"""TCP_ESTABLISHED of Linux's include/net/tcp_states.h."""

_MOST_BYTES_WANTED: Final = 1000

_BUFFER_BYTES: Final = 4096
"""Asked of the kernel for what is received, so that little suffices to block a sender."""


class ChaosServer(Peer):
    """Fails once per fault, one fault for each connection."""

    def __init__(self, faults: Iterable[Fault], port: int) -> None:
        super().__init__(self._behave)
        self.faults = deque(faults)
        self.port = port
        self.received: list[list[int]] = []
        """The numbers that came over each link, in order."""
        self.most_live = 0
        """The most sockets that were alive at once, by the kernel's word."""
        self._server: asyncio.Server | None = None

    async def listen(self) -> None:
        """Accept from now on; again is harmless."""
        if self._server is None:
            below = socket.socket()
            below.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            below.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
            below.bind(("127.0.0.1", self.port))
            self._server = await asyncio.start_server(self.accept, sock=below)

    def stop_listening(self) -> None:
        """Refuse connections from now on; open ones stay."""
        if self._server is not None:
            server, self._server = self._server, None
            loop = asyncio.get_running_loop()
            for listening in server.sockets:
                loop.remove_reader(listening.fileno())
            # Python 3.11 leaks a connection that it accepted in the step in which a server closes.
            loop.call_soon(loop.call_soon, server.close)

    def live(self) -> int:
        """Return how many connections neither side has closed."""
        return sum(_is_established(wire) for wire in self.wires)

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        await super().accept(reader, writer)
        self.most_live = max(self.most_live, self.live())

    async def _behave(self, wire: Wire) -> None:
        fault = self.faults.popleft() if self.faults else None
        if fault is not None and await _fails_before_the_link(wire, fault):
            return
        await wire.handshake()
        numbers: list[int] = []
        self.received.append(numbers)
        if fault is None:
            await _serve(wire, numbers)
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(fault.after_seconds):
                await _serve(wire, numbers)
                return
        await _fail(wire, fault, numbers)


@contextlib.asynccontextmanager
async def chaos_server(faults: Iterable[Fault]) -> AsyncGenerator[ChaosServer]:
    """Listen while the block runs, on a port that stays ours while nobody listens."""
    with socket.socket() as reserved:
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        reserved.bind(("127.0.0.1", 0))
        server = ChaosServer(faults, reserved.getsockname()[1])
        await server.listen()
        try:
            yield server
        finally:
            server.stop_listening()
            await server.stop()


async def _serve(wire: Wire, numbers: list[int]) -> None:
    """Collect numbers, answer pings and the goodbye."""
    while True:
        opcode, payload = await wire.receive()
        if opcode == TEXT:
            numbers.append(int(payload))
        elif opcode == PING:
            wire.send(PONG, payload)
        elif opcode == CLOSE:
            wire.send(CLOSE, payload)
            return


async def _fails_before_the_link(wire: Wire, fault: Fault) -> bool:
    """Fail in the handshake, if the fault is one of those; tell whether it is."""
    match fault.kind:
        case "reset at once":
            wire.reset()
        case "fin at once":
            pass
        case "garbage http":
            await wire.reader.readuntil(b"\r\n\r\n")
            wire.writer.write(b"\x00\x01 nothing of this is HTTP\r\n\r\n")
        case "never answers http":
            await wire.reader.read()
        case "drips http":
            await _drip(wire)
        case "http 503":
            await wire.refuse("503 Service Unavailable")
        case "http 429":
            await wire.refuse("429 Too Many Requests")
        case "http 403":
            await wire.refuse("403 Forbidden")
        case _:
            return False
    return True


async def _drip(wire: Wire) -> None:
    """Answer one byte per second, without end."""
    wire.writer.write(b"HTTP/1.1 101 Switching Protocols\r\nX: ")
    await wire.reader.readuntil(b"\r\n\r\n")
    gone = asyncio.create_task(wire.reader.read())
    try:
        while not gone.done():
            wire.writer.write(b"X")
            await asyncio.wait([gone], timeout=1.0)
    finally:
        gone.cancel()
        await asyncio.wait([gone])


async def _fail(wire: Wire, fault: Fault, numbers: list[int]) -> None:
    """Fail on a link that is open, and stay until the client has gone."""
    match fault.kind:
        case "closes":
            wire.say_goodbye(fault.code)
            await _serve(wire, numbers)
        case "closes slowly":
            wire.say_goodbye(fault.code)
            await asyncio.sleep(3)
            await wire.reader.read()
        case "resets":
            wire.reset()
        case "fin":
            pass
        case "stops reading":
            transport: Any = wire.writer.transport
            transport.pause_reading()
            await asyncio.sleep(60)
            transport.resume_reading()
            await _serve(wire, numbers)
        case "never answers pings":
            await wire.reader.read()
        case "garbage frame":
            wire.send(3, b"what is this")
            await wire.reader.read()
        case "half a frame":
            wire.writer.write(bytes([0x80 | TEXT, 100]) + b"only a part of it")
            await wire.writer.drain()
        case "oversize message":
            wire.send(TEXT, b"9" * (_MOST_BYTES_WANTED + 1))
            await wire.reader.read()
        case _:
            message = f"{fault.kind} is not known here"
            raise AssertionError(message)


def _is_established(wire: Wire) -> bool:
    """Tell whether neither side has closed, by the kernel's word for either end.

    The client's end matters, too: its FIN waits behind data that the server does not read.
    """
    below = wire.writer.get_extra_info("socket")
    try:
        here = below.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
        ports = below.getpeername()[1], below.getsockname()[1]
    except OSError:  # closed here already
        return False
    return here == _ESTABLISHED and _client_state(*ports) == _ESTABLISHED


def _client_state(client_port: int, server_port: int) -> int | None:
    """Return the state of a connection as the client's end has it; None if it is gone.

    Source: Linux, Documentation/networking/proc_net_tcp.rst.
    """
    ends = (f":{client_port:04X}", f":{server_port:04X}")
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, remote, state, *_ = line.split()
        if (local[-5:], remote[-5:]) == ends:
            return int(state, 16)
    return None
