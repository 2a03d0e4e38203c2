"""One open WebSocket: reading, writing, heartbeat and closing, each bounded in time.

What belongs here: what aiohttp's own client gets wrong when a peer misbehaves.  What does not: when
to open another one, which the reconnect machine decides.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING, Any

import aiohttp

from refold.actions.connection import LastError
from refold.middleware.describe_failure import describe_failure
from refold.middleware.heartbeat import Heartbeat

if TYPE_CHECKING:
    from collections.abc import Callable

    from refold.middleware.outbound_queue import Message, OutboundQueue
    from refold.middleware.websocket_options import WebSocketOptions

__all__ = ["WebSocketLink"]


class WebSocketLink:
    """An open WebSocket, used from one task group and never again after it has ended."""

    def __init__(
        self,
        socket: aiohttp.ClientWebSocketResponse[Any],
        options: WebSocketOptions,
        group: asyncio.TaskGroup,
    ) -> None:
        """Take over a socket that is open."""
        self._socket = socket
        self._options = options
        self._group = group
        self._first_cause: LastError | None = None
        self._writer: asyncio.Task[None] | None = None
        self._heartbeat: Heartbeat | None = None
        self._closing: asyncio.Task[None] | None = None

    async def read(
        self,
        on_message: Callable[[Message], None],
        on_heartbeat: Callable[[float], None],
    ) -> LastError:
        """Read until the link has ended; return the first cause that is known.

        Args:
            on_message: called with each text or binary message.
            on_heartbeat: called with the seconds that a ping took.
        """
        options = self._options
        if options.heartbeat_interval is not None:
            self._heartbeat = Heartbeat(
                options.heartbeat_interval,
                options.heartbeat_timeout,
                send_ping=lambda payload: self._start(self._socket.ping(payload)),
                on_dead=self._on_dead,
            )
        try:
            while not await self._read_one(on_message, on_heartbeat):
                pass
        finally:
            self._stop_timers()
            self.shut_down()
        return self._first_cause or self._closed_by_peer()

    async def send(self, message: Message) -> None:
        """Write one message to the socket; a return is no proof that the peer got it."""
        if isinstance(message, str):
            await self._socket.send_str(message)
        else:
            await self._socket.send_bytes(message)

    def start_writing(self, queue: OutboundQueue, news: asyncio.Event) -> None:
        """Send what is in a queue, and what comes into it, for as long as the link is open."""
        self._writer = self._group.create_task(self._write(queue, news), name="refold writer")

    def close(self, code: int = 1000) -> None:
        """Begin the closing handshake; the link ends within ``close_timeout``."""
        if self._closing is None:
            self._closing = self._group.create_task(self._close(code), name="refold closing")

    def fail(self, cause: LastError) -> None:
        """End the link at once, for this cause unless an earlier one is known."""
        self._first_cause = self._first_cause or cause
        self.shut_down()

    def shut_down(self) -> None:
        """Break the connection below aiohttp: it wakes readers and blocked writers alike."""
        below = self._socket.get_extra_info("socket")
        if below is not None:
            with contextlib.suppress(OSError):  # it is broken already
                below.shutdown(socket.SHUT_RDWR)

    async def _read_one(
        self, on_message: Callable[[Message], None], on_heartbeat: Callable[[float], None]
    ) -> bool:
        """Read and handle one frame; tell whether it was the last."""
        frame = await self._socket.receive()
        if self._heartbeat is not None:
            self._heartbeat.heard()
        match frame.type:
            case aiohttp.WSMsgType.TEXT | aiohttp.WSMsgType.BINARY:
                on_message(frame.data)
            case aiohttp.WSMsgType.PING:
                self._start(self._socket.pong(frame.data))
            case aiohttp.WSMsgType.PONG:
                latency = self._heartbeat and self._heartbeat.answered(bytes(frame.data))
                if latency is not None:
                    on_heartbeat(latency)
            case aiohttp.WSMsgType.CLOSE | aiohttp.WSMsgType.CLOSING | aiohttp.WSMsgType.CLOSED:
                if self._closing is not None:
                    await asyncio.wait([self._closing])
                return True
            case aiohttp.WSMsgType.ERROR:
                self.fail(describe_failure(frame.data, "lost"))
                return True
            case _:
                pass
        return False

    async def _write(self, queue: OutboundQueue, news: asyncio.Event) -> None:
        """Send the first message, and remove it only once the socket has taken it."""
        try:
            while True:
                message = queue.first()
                if message is None:
                    news.clear()
                    await news.wait()
                    continue
                await self.send(message)
                queue.remove_first()
        except (OSError, aiohttp.ClientError, RuntimeError) as error:
            self.fail(describe_failure(error, "send"))

    async def _close(self, code: int) -> None:
        """Close within the time limit, also against a peer that keeps sending or never reads."""
        try:
            async with asyncio.timeout(self._options.close_timeout):
                await self._socket.close(code=code)
        except (TimeoutError, OSError, aiohttp.ClientError):
            pass
        finally:
            self.shut_down()

    def _on_dead(self) -> None:
        seconds = self._options.heartbeat_timeout
        message = f"the peer sent nothing for {seconds:g} s after a ping"
        self.fail(LastError("heartbeat_timeout", "", message, close_code=1006))

    def _closed_by_peer(self) -> LastError:
        code = self._socket.close_code
        if code is None or code == aiohttp.WSCloseCode.ABNORMAL_CLOSURE:
            return LastError("lost", "", "the connection broke without a goodbye", close_code=1006)
        return LastError("closed", "", f"the peer closed with code {int(code)}", close_code=int(code))

    def _stop_timers(self) -> None:
        if self._heartbeat is not None:
            self._heartbeat.stop()
        if self._writer is not None:
            self._writer.cancel()

    def _start(self, sending: Any) -> None:
        """Send a control frame without waiting for it."""
        self._group.create_task(self._send_control(sending), name="refold control frame")

    async def _send_control(self, sending: Any) -> None:
        try:
            await sending
        except (OSError, aiohttp.ClientError, RuntimeError) as error:
            self.fail(describe_failure(error, "send"))
