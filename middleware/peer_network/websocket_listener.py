"""`WebSocketListener`: a bounded server of WebSockets, for a peer's own listener and for a relay.

What belongs here: who may come in at all.  What does not: what is said once a WebSocket is open.

A connection counts from the moment TCP has it, so that one that sends nothing counts too.  One
above a bound is still told so by HTTP, unless there are far too many: those are dropped.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, cast

import attrs
from aiohttp import hdrs, web

from refold.errors import PipeClosedError
from refold.middleware.peer_network.listener_door import ListenerDoor
from refold.middleware.peer_network.rate_bound import RateBound
from refold.middleware.peer_network.refusal import refusal
from refold.middleware.peer_network.websocket_pipe import (
    CLOSE_SECONDS,
    MAX_MESSAGE_BYTES,
    SEND_SECONDS,
    WebSocketPipe,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["ListenerBounds", "WebSocketListener"]

_SPARE_SOCKETS: Final = 64
"""Connections above the bounds that are told so at once; those beyond are dropped."""

_BURST_SECONDS: Final = 4
"""An address may use the handshakes of so many seconds at once."""

_SHUTDOWN_SECONDS: Final = 1.0
"""How long the handlers of broken connections may take to end."""


@attrs.frozen(kw_only=True)
class ListenerBounds:
    """How much a listener lets in."""

    max_sockets: int = 8192
    """Connections in all."""

    max_sockets_per_address: int = 2048
    """Connections of one IP address; many peers may share one."""

    handshakes_per_second: float = 256
    """New connections of one IP address, once those of four seconds are used up."""

    handshake_seconds: float = 5.0
    """How long a connection may take to send its request."""

    max_message_bytes: int = MAX_MESSAGE_BYTES
    """The longest message of a WebSocket."""

    send_timeout: float = SEND_SECONDS
    """How many seconds one message may wait for a reader; a slower one is dropped."""

    allowed_origins: frozenset[str] = frozenset()
    """Web pages that may connect, such as ``https://wallet.example``; programs name no origin."""


class WebSocketListener:
    """Listens from `start` until `stop_listening`; its connections may live longer."""

    def __init__(
        self,
        welcome: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
        *,
        host: str,
        port: int,
        bounds: ListenerBounds,
    ) -> None:
        """Listen to nothing yet.

        Args:
            welcome: answers the requests that are within the bounds.
            host: an address of this machine, such as 127.0.0.1, or a name for it.
            port: 0 for any that is free.
            bounds: see there.
        """
        self._welcome = welcome
        self.host = host
        self.port = port
        """The real one as soon as it listens."""
        self._bounds = bounds
        self._server: web.Server | None = None
        self._listening: asyncio.Server | None = None
        self._sockets: dict[str, int] = {}
        """How many connections each address has."""
        per_second = bounds.handshakes_per_second
        self._rate = RateBound(per_second, max(1, int(per_second * _BURST_SECONDS)))

    @property
    def socket_count(self) -> int:
        """How many connections there are."""
        return sum(self._sockets.values())

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: the host or port cannot be had.
        """
        loop = asyncio.get_running_loop()
        self._server = web.Server(self._answer, access_log=None)
        self._listening = await loop.create_server(
            self._new_door, self.host, self.port, backlog=1024
        )
        self.port = self._listening.sockets[0].getsockname()[1]

    def stop_listening(self) -> None:
        """Let nobody in any more; connections that are open stay open."""
        listening, self._listening = self._listening, None
        if listening is not None:
            listening.close()

    async def close(self) -> None:
        """Listen no more and break every connection that is left."""
        self.stop_listening()
        server, self._server = self._server, None
        if server is not None:
            await server.shutdown(_SHUTDOWN_SECONDS)

    async def accept(
        self, request: web.BaseRequest, *, max_message_bytes: int | None = None
    ) -> tuple[WebSocketPipe, web.WebSocketResponse]:
        """Answer a handshake, and return the pipe with what `welcome` has to return.

        Args:
            request: of a WebSocket.
            max_message_bytes: the longest message; by default that of the bounds.

        Raises:
            PipeClosedError: the other end is gone already.
        """
        transport = request.transport
        if transport is None or transport.is_closing():
            message = "the other end left before the handshake was answered"
            raise PipeClosedError(message)
        limit = self._bounds.max_message_bytes if max_message_bytes is None else max_message_bytes
        socket = web.WebSocketResponse(
            autoclose=False,
            compress=False,
            max_msg_size=limit + 1,  # aiohttp refuses one of exactly that size
            timeout=CLOSE_SECONDS * 2,  # the pipe's own limit comes first
        )
        try:
            await socket.prepare(request)
        except ConnectionError as error:
            message = f"the other end left during the handshake: {error}"
            raise PipeClosedError(message) from error
        send_timeout = self._bounds.send_timeout
        pipe = WebSocketPipe(socket, transport, max_message_bytes=limit, send_timeout=send_timeout)
        return pipe, socket

    def refusal_of(self, door: ListenerDoor) -> str | None:
        """Count a new connection; return why it is above a bound, None if it is not."""
        address, bounds = door.address, self._bounds
        count = self._sockets[address] = self._sockets.get(address, 0) + 1
        if not self._rate.take(address):
            return (
                f"more than {bounds.handshakes_per_second:g} handshakes per second from {address}"
            )
        if count > bounds.max_sockets_per_address:
            return f"{address} has {bounds.max_sockets_per_address} connections already, the most"
        if self.socket_count > bounds.max_sockets:
            return f"there are {bounds.max_sockets} connections already, the most"
        return None

    def is_far_above(self, door: ListenerDoor) -> bool:
        """Tell whether there are so many connections that a word to one more is too much."""
        bounds, count = self._bounds, self._sockets[door.address]
        return (
            count > bounds.max_sockets_per_address + _SPARE_SOCKETS
            or self.socket_count > bounds.max_sockets + _SPARE_SOCKETS
        )

    def forget(self, address: str) -> None:
        """Count a connection no more."""
        self._sockets[address] -= 1
        if not self._sockets[address]:
            del self._sockets[address]

    def _new_door(self) -> asyncio.Protocol:
        return ListenerDoor(self, self._server, self._bounds.handshake_seconds)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request, and keep its handler until the connection is gone."""
        if request.transport is None:
            return refusal(503, "the connection is gone")
        door = cast("ListenerDoor", request.transport.get_protocol())
        door.let_in()
        if door.refusal is not None:
            return refusal(429, door.refusal)
        origin = request.headers.get(hdrs.ORIGIN)
        if origin is not None and origin not in self._bounds.allowed_origins:
            return refusal(403, "web pages may not connect here; allow the page's origin if it may")
        if not web.WebSocketResponse().can_prepare(request):
            return refusal(426, "expected the handshake of a WebSocket")
        try:
            response = await self._welcome(request)
        except PipeClosedError as error:
            return refusal(503, str(error))
        if response.prepared:
            await door.gone.wait()
        return response
