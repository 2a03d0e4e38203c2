"""One open WebSocket: reading, writing, heartbeat and closing, each bounded in time.

What belongs here: what aiohttp's own client gets wrong when a peer misbehaves.  What does not: when
to open another one, which the reconnect machine decides.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket as sockets
from typing import TYPE_CHECKING, Any, Final

import aiohttp

from refold.actions.connection import LastError
from refold.middleware.describe_failure import describe_failure
from refold.middleware.heartbeat import Heartbeat
from refold.middleware.redact_secrets import redact_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from refold.middleware.outbound_queue import Message, OutboundQueue
    from refold.middleware.websocket_options import WebSocketOptions

__all__ = ["WebSocketLink"]

_ABNORMAL: Final = 1006
"""What is recorded where the peer gave no close code."""


class WebSocketLink:
    """An open WebSocket; `serve` is its whole life, and leaves no task and no descriptor behind."""

    def __init__(
        self,
        socket: aiohttp.ClientWebSocketResponse[Any],
        options: WebSocketOptions,
        *,
        secrets: tuple[str, ...] = (),
    ) -> None:
        """Take over a socket that is open.

        Args:
            socket: opened with ``autoping=False, autoclose=False, heartbeat=None``.
            options: durations.
            secrets: texts that no failure may repeat.
        """
        self._socket = socket
        self._below = socket.get_extra_info("socket")  # aiohttp forgets it when it closes
        self._options = options
        self._secrets = secrets
        self._tasks: asyncio.TaskGroup | None = None
        self._heartbeat: Heartbeat | None = None
        self._closing: asyncio.Task[None] | None = None
        self._is_close_wanted = False
        self._owed_pong: bytes | None = None
        self._pong: asyncio.Task[None] | None = None
        self._ping: asyncio.Task[None] | None = None
        self._first_cause: LastError | None = None
        self._send_error: LastError | None = None
        self._close_reason = ""
        self.is_idle = False
        """Whether the writer stands ready to take a message at once."""

    async def serve(
        self,
        write: Callable[[], Coroutine[Any, Any, None]],
        *,
        on_message: Callable[[Message], None],
        on_heartbeat: Callable[[float], None],
    ) -> LastError:
        """Read until the link has ended; return the first cause that is known.

        Args:
            write: runs beside the reading for as long as the link is open.
            on_message: called with each text or binary message.
            on_heartbeat: called with the seconds that a ping took.
        """
        async with asyncio.TaskGroup() as self._tasks:
            writer = self._tasks.create_task(write(), name="refold writer")
            if self._is_close_wanted:
                self._start_closing()
            if self._options.heartbeat_interval is not None:
                self._heartbeat = Heartbeat(
                    self._options.heartbeat_interval,
                    self._options.heartbeat_timeout,
                    send_ping=self._send_ping,
                    on_dead=self._on_dead,
                )
            try:
                while not await self._read_one(on_message, on_heartbeat):
                    pass
            finally:
                if self._heartbeat is not None:
                    self._heartbeat.stop()
                self.shut_down()
                for task in (writer, self._ping, self._pong):
                    if task is not None:
                        task.cancel()
        return self._cause()

    async def send(self, message: Message) -> None:
        """Write one message to the socket; a return is no proof that the peer got it."""
        if isinstance(message, str):
            await self._socket.send_str(message)
        else:
            await self._socket.send_bytes(message)

    async def send_queued(self, queue: OutboundQueue, news: asyncio.Event) -> None:
        """Send what is in a queue and what comes into it; remove only what the socket has taken."""
        try:
            while True:
                queued = queue.first()
                if queued is None:
                    self.is_idle = True
                    news.clear()
                    await news.wait()
                    continue
                self.is_idle = False
                await self.send(queued.message)
                queue.remove_sent(queued)
        except Exception as error:  # noqa: BLE001  # whatever it is, nothing more can be sent
            self._note_send_error(error)
        finally:
            self.is_idle = False

    def close(self) -> None:
        """Begin the closing handshake; the link ends within ``close_timeout``."""
        self._is_close_wanted = True
        if self._tasks is not None:
            self._start_closing()

    def fail(self, cause: LastError) -> None:
        """End the link at once, for this cause unless an earlier one is known."""
        self._first_cause = self._first_cause or cause
        self.shut_down()

    def shut_down(self) -> None:
        """Break the connection below aiohttp: it wakes readers and blocked writers alike."""
        if self._below is not None:
            with contextlib.suppress(OSError):  # it is broken already
                self._below.shutdown(sockets.SHUT_RDWR)

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
                self._answer_ping(bytes(frame.data))
            case aiohttp.WSMsgType.PONG:
                latency = self._heartbeat and self._heartbeat.answered(bytes(frame.data))
                if latency is not None:
                    on_heartbeat(latency)
            case aiohttp.WSMsgType.ERROR:
                self._note_bad_frame(frame.data)
                return True
            case _:  # CLOSE by the peer, CLOSING by us, CLOSED by nobody
                if frame.type is aiohttp.WSMsgType.CLOSE:
                    self._close_reason = frame.extra or ""
                    self._start_closing()
                if self._closing is not None:
                    await asyncio.wait([self._closing])
                return True
        return False

    def _start_closing(self) -> None:
        if self._closing is None and self._tasks is not None:
            self._closing = self._tasks.create_task(self._close(), name="refold closing")

    async def _close(self) -> None:
        """Close within the time limit, also against a peer that keeps sending or never reads."""
        try:
            async with asyncio.timeout(self._options.close_timeout):
                await self._socket.close()
        except Exception:  # noqa: BLE001, S110  # the end is reached either way, below
            pass
        finally:
            self.shut_down()

    def _send_ping(self, payload: bytes) -> None:
        """Send a ping, unless the one before is still stuck behind a peer that does not read."""
        if self._tasks is not None and (self._ping is None or self._ping.done()):
            self._ping = self._tasks.create_task(self._send_control(payload), name="refold ping")

    async def _send_control(self, payload: bytes) -> None:
        try:
            await self._socket.ping(payload)
        except Exception as error:  # noqa: BLE001  # the reader ends the link and says why
            self._note_send_error(error)

    def _answer_ping(self, payload: bytes) -> None:
        """Answer the latest ping; one answer is enough (RFC 6455, 5.5.3), a flood costs one task."""
        self._owed_pong = payload
        if self._tasks is not None and (self._pong is None or self._pong.done()):
            self._pong = self._tasks.create_task(self._send_pongs(), name="refold pong")

    async def _send_pongs(self) -> None:
        try:
            while self._owed_pong is not None:
                payload, self._owed_pong = self._owed_pong, None
                await self._socket.pong(payload)
        except Exception as error:  # noqa: BLE001  # the reader ends the link and says why
            self._note_send_error(error)

    def _note_send_error(self, error: Exception) -> None:
        """Remember a failed write and break the link; the reader may know a better cause."""
        if self._send_error is None:
            self._send_error = describe_failure(error, "send", self._secrets)
        self.shut_down()

    def _note_bad_frame(self, error: BaseException) -> None:
        code = int(error.code) if isinstance(error, aiohttp.WebSocketError) else _ABNORMAL
        message = f"the peer sent what is no valid frame, code {code}"
        self.fail(LastError("protocol", type(error).__name__, message, close_code=code))

    def _on_dead(self) -> None:
        seconds = self._options.heartbeat_timeout
        message = f"the peer sent nothing for {seconds:g} s after a ping"
        self.fail(LastError("heartbeat_timeout", "", message, close_code=_ABNORMAL))

    def _cause(self) -> LastError:
        """Return why the link ended: what we know, what the peer said, or what broke."""
        if self._first_cause is not None:
            return self._first_cause
        code = self._socket.close_code
        if code is not None and code != _ABNORMAL:
            said = redact_secrets(self._close_reason, self._secrets)
            message = f"the peer closed with code {int(code)}" + (f": {said}" if said else "")
            return LastError("closed", "", message, close_code=int(code))
        message = "the connection broke without a goodbye"
        type_name = "" if self._send_error is None else self._send_error.type_name
        return LastError("lost", type_name, message, close_code=_ABNORMAL)
