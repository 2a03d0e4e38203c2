"""What tests of the transports share: real sockets on loopback, and what they must not leave.

What belongs here: short ways to two ends, waiting for a condition, programs to kill.  What does
not: what is expected of them.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from pyrsistent import pvector

from refold.actions.peer_records import Presence
from refold.middleware.peer_network.dial_websocket import dial_websocket
from refold.middleware.peer_network.peer_identity import PeerIdentity
from refold.middleware.peer_network.relay_membership import MembershipOptions
from refold.middleware.peer_network.relay_transport import RelayTransport
from refold.middleware.peer_network.signed_presence import sign_presence
from refold.middleware.peer_network.websocket_listener import ListenerBounds, WebSocketListener
from refold.reducers.backoff_delay import Backoff
from tests.connection.sockets.running import eventually, open_descriptors

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from aiohttp import web

    from refold.middleware.peer_network.peer_transport import PeerTransport
    from refold.middleware.peer_network.secure_channel import SecureChannel
    from refold.middleware.peer_network.websocket_pipe import WebSocketPipe

__all__ = [
    "FAST",
    "NOW_MS",
    "SECONDS",
    "ListeningPeer",
    "WaitingPipes",
    "leaving_nothing",
    "listening",
    "pipe_server",
    "pipes",
    "presence_of",
    "registered",
    "running_program",
]

SECONDS: Final = 10.0
"""How long anything may take before a test gives up."""

NOW_MS: Final = 1_700_000_000_000

FAST: Final = MembershipOptions(
    backoff=Backoff(initial_seconds=0.02, floor_seconds=0.01, cap_seconds=0.1)
)
"""Comes back at once."""


class WaitingPipes:
    """A server that keeps each pipe that comes, for the test to use."""

    def __init__(self, bounds: ListenerBounds) -> None:
        """Listen to nothing yet."""
        self.came: asyncio.Queue[WebSocketPipe] = asyncio.Queue()
        self.listener = WebSocketListener(self._take, host="127.0.0.1", port=0, bounds=bounds)

    @property
    def url(self) -> str:
        """Where to dial."""
        return f"ws://127.0.0.1:{self.listener.port}"

    async def _take(self, request: web.BaseRequest) -> web.StreamResponse:
        pipe, response = await self.listener.accept(request)
        self.came.put_nowait(pipe)
        return response


@asynccontextmanager
async def pipe_server(
    bounds: ListenerBounds = ListenerBounds(),  # noqa: B008  # frozen
) -> AsyncGenerator[WaitingPipes]:
    """Give a server of pipes."""
    server = WaitingPipes(bounds)
    await server.listener.start()
    try:
        yield server
    finally:
        await server.listener.close()


@asynccontextmanager
async def pipes(
    bounds: ListenerBounds = ListenerBounds(),  # noqa: B008  # frozen
) -> AsyncGenerator[tuple[WebSocketPipe, WebSocketPipe]]:
    """Give both ends of a pipe, the dialler's first."""
    async with pipe_server(bounds) as server:
        dialer = await dial_websocket(server.url, timeout=SECONDS)
        listener = await server.came.get()
        try:
            yield dialer, listener
        finally:
            dialer.abort()
            listener.abort()


class ListeningPeer:
    """A transport that listens, and the channels that came in."""

    def __init__(self, transport: PeerTransport) -> None:
        """Listen to nothing yet."""
        self.transport = transport
        self.came: asyncio.Queue[SecureChannel] = asyncio.Queue()

    @property
    def address(self) -> str:
        """Where it is dialled."""
        return self.transport.addresses()[0]

    async def next_channel(self) -> SecureChannel:
        """Return the next channel that comes in."""
        async with asyncio.timeout(SECONDS):
            return await self.came.get()


@asynccontextmanager
async def listening(transport: PeerTransport) -> AsyncGenerator[ListeningPeer]:
    """Let a transport listen inside the block."""
    peer = ListeningPeer(transport)
    await transport.listen(peer.came.put_nowait)
    try:
        yield peer
    finally:
        await transport.close()
        while not peer.came.empty():
            peer.came.get_nowait().abort()


@asynccontextmanager
async def registered(
    url: str, identity: PeerIdentity | None = None
) -> AsyncGenerator[tuple[ListeningPeer, RelayTransport]]:
    """Let a peer be registered with a relay inside the block."""
    transport = RelayTransport(identity or PeerIdentity.generate(), url, options=FAST)
    async with listening(transport) as peer:
        assert transport.memberships[0].is_registered, transport.memberships[0].last_failure
        yield peer, transport


def presence_of(identity: PeerIdentity, created_at_ms: int, nickname: str = "") -> bytes:
    """Return a signed presence that holds for an hour."""
    presence = Presence(
        identity.peer_id, pvector(()), created_at_ms, created_at_ms + 3_600_000, nickname
    )
    return sign_presence(presence, identity)


@asynccontextmanager
async def running_program(code: str, *arguments: str) -> AsyncGenerator[asyncio.subprocess.Process]:
    """Run Python code in a process of its own, killed at the end if it still runs."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, *arguments, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@asynccontextmanager
async def leaving_nothing() -> AsyncGenerator[None]:
    """Fail if the block leaves a task or a descriptor behind."""
    tasks, descriptors = asyncio.all_tasks(), open_descriptors()
    yield
    await eventually(lambda: asyncio.all_tasks() <= tasks, SECONDS)
    await eventually(lambda: open_descriptors() <= descriptors, SECONDS)
