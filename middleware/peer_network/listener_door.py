"""`ListenerDoor`: one TCP connection of a listener, from the first moment to the last."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from aiohttp import web

__all__ = ["DoorKeeper", "ListenerDoor"]


class DoorKeeper(Protocol):
    """Who counts the connections."""

    def refusal_of(self, door: ListenerDoor, /) -> str | None:
        """Count it; return why it is one too many, or None."""
        ...

    def is_far_above(self, door: ListenerDoor, /) -> bool:
        """Tell whether it is not even worth an answer."""
        ...

    def forget(self, address: str, /) -> None:
        """Count it no more."""
        ...


class ListenerDoor(asyncio.Protocol):
    """Stands between asyncio and aiohttp, which would let a silent connection stay for ever."""

    def __init__(
        self, keeper: DoorKeeper, server: web.Server | None, handshake_seconds: float
    ) -> None:
        """Wait for the connection.

        Args:
            keeper: counts it.
            server: makes aiohttp's side of it; None if there is no server any more.
            handshake_seconds: how long it may take to send a request.
        """
        self._keeper = keeper
        self._server = server
        self._handshake_seconds = handshake_seconds
        self._inner: asyncio.Protocol | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self.address = ""
        """The IP address of the other end."""
        self.refusal: str | None = None
        """Why it is not let in."""
        self.gone = asyncio.Event()
        """Set when the connection is no more."""

    def let_in(self) -> None:
        """Note that a request came."""
        if self._deadline is not None:
            self._deadline.cancel()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count the connection, and hand it on to aiohttp unless there are far too many."""
        connection = cast("asyncio.Transport", transport)
        peer = connection.get_extra_info("peername")
        self.address = str(peer[0]) if peer else ""
        self.refusal = self._keeper.refusal_of(self)
        if self._server is None or (self.refusal is not None and self._keeper.is_far_above(self)):
            connection.abort()
            return
        loop = asyncio.get_running_loop()
        self._deadline = loop.call_later(self._handshake_seconds, connection.abort)
        self._inner = self._server()
        self._inner.connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Count it no more."""
        self.let_in()
        self._keeper.forget(self.address)
        self.gone.set()
        if self._inner is not None:
            self._inner.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Hand it on."""
        if self._inner is not None:
            self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        """Hand it on."""
        return None if self._inner is None else self._inner.eof_received()

    def pause_writing(self) -> None:
        """Hand it on."""
        if self._inner is not None:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        """Hand it on."""
        if self._inner is not None:
            self._inner.resume_writing()
