"""One open WebSocket: reading, heartbeat and closing, each bounded in time.

What belongs here: what aiohttp's own client gets wrong when a peer misbehaves.  What does not: when
to open another one, which the reconnect machine decides; and writing, which `WebSocketWriter` does.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket as sockets
from typing import TYPE_CHECKING, Any, Final

import aiohttp

from refold.actions.connection import LastError
from refold.middleware.describe_failure import describe_failure
from refold.middleware.heartbeat import Heartbeat
from refold.middleware.outbound_payload import encode_payload
from refold.middleware.redact_secrets import redact_secrets
from refold.middleware.websocket_writer import WebSocketWriter
from refold.reducers.classify_failure import is_legal_close_code_on_the_wire
from refold.reducers.evolve import evolve

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from refold.middleware.application_ping import ApplicationPing
    from refold.middleware.goodbye import Goodbye
    from refold.middleware.outbound_message import Message
    from refold.middleware.websocket_options import WebSocketOptions
    from refold.middleware.websocket_outbox import WebSocketOutbox

__all__ = ["WebSocketLink"]

_NORMAL: Final = 1000
_PROTOCOL_ERROR: Final = 1002
_NO_CODE: Final = 1005
_ABNORMAL: Final = 1006

_LOST: Final = LastError("lost", "", "the connection broke without a goodbye", close_code=_ABNORMAL)

_log = logging.getLogger("refold.websocket")


class WebSocketLink:
    """An open WebSocket, used from one task group and never again after it has ended."""

    def __init__(
        self,
        socket: aiohttp.ClientWebSocketResponse[Any],
        options: WebSocketOptions,
        group: asyncio.TaskGroup,
        *,
        secrets: Iterable[str] = (),
    ) -> None:
        """Take over a socket that is open.

        Args:
            socket: opened with ``autoping=False, autoclose=False, heartbeat=None``.
            options: durations.
            group: where all runs that belongs to the link.
            secrets: texts that no failure may repeat.
        """
        self._socket = socket
        self._below = socket.get_extra_info("socket")  # aiohttp forgets it when it closes
        self._options = options
        self._group = group
        self._secrets = tuple(secrets)
        self._writer = WebSocketWriter(
            socket,
            group,
            self._on_write_failed,
            send_timeout=options.send_timeout,
            on_stuck=self._on_stuck,
        )
        self._heartbeat: Heartbeat | None = None
        self._close_timer: asyncio.TimerHandle | None = None
        self._is_closing = False
        self._is_broken = False
        self._broken: asyncio.Future[None] | None = None
        """Done when the link is broken, if somebody waits for that."""
        self._first_cause: LastError | None = None
        self._write_failure: LastError | None = None
        self.close_reason = ""
        """What the peer said with its close frame, as it came; empty if it said nothing."""

    async def read(
        self,
        take: Callable[[Message], Callable[[], Awaitable[None]] | None],
        on_heartbeat: Callable[[float], None],
    ) -> LastError:
        """Read until the link has ended; return the first cause that is known.

        Args:
            take: called with each message; returns None, or what waits for room for another.
            on_heartbeat: called with the seconds that a ping took.
        """
        if self._options.heartbeat_interval is not None:
            self._heartbeat = Heartbeat(
                self._options.heartbeat_interval,
                self._options.heartbeat_timeout,
                send_ping=self._send_ping,
                on_dead=self._on_dead,
            )
        try:
            await self._read_all(take, on_heartbeat)
        finally:
            await self._end()
        return self._first_cause or self._write_failure or _LOST

    async def send(self, message: Message) -> None:
        """Write one message to the socket; a return is no proof that the peer got it."""
        await self._writer.send(message)

    def start_writing(self, outbox: WebSocketOutbox) -> None:
        """Send what is in an outbox, and what comes into it, for as long as the link is open."""
        self._writer.start(outbox)

    @property
    def can_send_at_once(self) -> bool:
        """Whether a message that comes into the queue now leaves now."""
        return self._writer.is_idle and not self._is_closing

    def close(self, goodbye: Goodbye) -> None:
        """Begin the closing handshake; the link ends within ``close_timeout``."""
        if self._is_closing:
            return
        self._is_closing = True
        loop = asyncio.get_running_loop()
        self._close_timer = loop.call_later(self._options.close_timeout, self.shut_down)
        self._group.create_task(self._say_goodbye(goodbye.payload), name="refold goodbye")

    def fail(self, cause: LastError) -> None:
        """End the link at once, for this cause unless an earlier one is known."""
        self._first_cause = self._first_cause or cause
        self.shut_down()

    def shut_down(self) -> None:
        """Break the connection below aiohttp: it wakes readers and blocked writers alike."""
        self._is_broken = True
        if self._broken is not None and not self._broken.done():
            self._broken.set_result(None)
        if self._below is not None:
            with contextlib.suppress(OSError):  # it is broken already
                self._below.shutdown(sockets.SHUT_RDWR)

    async def _read_all(
        self,
        take: Callable[[Message], Callable[[], Awaitable[None]] | None],
        on_heartbeat: Callable[[float], None],
    ) -> None:
        """Read and handle frames until the last one."""
        receive = self._socket.receive
        heard = _nothing if self._heartbeat is None else self._heartbeat.heard
        ping = self._options.application_ping
        while True:
            frame = await receive()
            heard()
            kind = frame.type
            if kind is aiohttp.WSMsgType.TEXT or kind is aiohttp.WSMsgType.BINARY:
                if ping is not None and self._is_answer(ping, frame.data, on_heartbeat):
                    continue
                wait_for_room = take(frame.data)
                if wait_for_room is not None:
                    await self._wait(wait_for_room)
            elif not await self._take_control_frame(frame, on_heartbeat):
                return

    async def _take_control_frame(
        self, frame: aiohttp.WSMessage, on_heartbeat: Callable[[float], None]
    ) -> bool:
        """Handle a frame that is no message; tell whether others may follow."""
        match frame.type:
            case aiohttp.WSMsgType.PING:
                self._writer.pong(bytes(frame.data))
                return True
            case aiohttp.WSMsgType.PONG:
                self._take_pong(bytes(frame.data), on_heartbeat)
                return True
            case aiohttp.WSMsgType.CLOSE:
                await self._take_goodbye(int(frame.data or _NO_CODE), frame.extra or "")
            case aiohttp.WSMsgType.ERROR:
                self._note_bad_frame(frame.data)
            case _:  # aiohttp noticed that the connection is gone
                pass
        return False

    async def _wait(self, wait_for_room: Callable[[], Awaitable[None]]) -> None:
        """Read nothing until there is room, or the link is broken: then all is read that arrived.

        Meanwhile the peer is slowed down by TCP itself, and its silence proves nothing.
        """
        if self._is_broken:
            return
        if self._heartbeat is not None:
            self._heartbeat.suspend()
        room = asyncio.ensure_future(wait_for_room())
        self._broken = asyncio.get_running_loop().create_future()
        try:
            await asyncio.wait((room, self._broken), return_when=asyncio.FIRST_COMPLETED)
        finally:
            room.cancel()
        if self._heartbeat is not None:
            self._heartbeat.resume()

    def _send_ping(self, payload: bytes) -> None:
        ping = self._options.application_ping
        if ping is None:
            self._writer.ping(payload)
            return
        try:
            message = encode_payload(ping.make(), self._options.max_send_bytes)
        except Exception:  # noqa: BLE001  # a user's function; a ping frame is better than nothing
            _log.exception("the application's ping could not be made; a ping frame is sent instead")
            self._writer.ping(payload)
        else:
            self._writer.send_at_once(message)

    def _is_answer(
        self, ping: ApplicationPing, message: Message, on_heartbeat: Callable[[float], None]
    ) -> bool:
        """Tell whether a message answers a ping of the application's."""
        try:
            is_answer = ping.is_answer(message)
        except Exception:  # noqa: BLE001  # a user's function
            _log.exception("is_answer raised; the message goes to the application")
            return False
        if is_answer and self._heartbeat is not None:
            latency = self._heartbeat.answered_by_message()
            if latency is not None:
                on_heartbeat(latency)
        return is_answer

    def _take_pong(self, payload: bytes, on_heartbeat: Callable[[float], None]) -> None:
        latency = None if self._heartbeat is None else self._heartbeat.answered(payload)
        if latency is not None:
            on_heartbeat(latency)

    async def _take_goodbye(self, code: int, reason: str) -> None:
        """Note why the peer closes, and answer it if it spoke first."""
        if code != _NO_CODE and not is_legal_close_code_on_the_wire(code):
            code = _PROTOCOL_ERROR
        self.close_reason = reason
        said = redact_secrets(reason, self._secrets)
        message = f"the peer closed with code {code}" + (f": {said}" if said else "")
        self._first_cause = self._first_cause or LastError("closed", "", message, close_code=code)
        if not self._is_closing:
            self._is_closing = True
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._options.close_timeout):
                    answer = _NORMAL if code == _NO_CODE else code
                    await self._say_goodbye(answer.to_bytes(2, "big"))

    async def _say_goodbye(self, payload: bytes) -> None:
        try:
            await self._writer.say_goodbye(payload)
        except Exception:  # noqa: BLE001  # the goodbye is a courtesy, the end comes anyway
            self.shut_down()

    def _note_bad_frame(self, error: BaseException) -> None:
        """Note what aiohttp found wrong with a frame; it has said so to the peer already."""
        if isinstance(error, aiohttp.WebSocketError):
            failure = describe_failure(error, "protocol", self._secrets)
            self.fail(evolve(failure, close_code=int(error.code)))
        else:
            self.fail(describe_failure(error, "lost", self._secrets))

    def _on_write_failed(self, failure: LastError) -> None:
        """Break the link; the reader may still find a better cause among what has arrived."""
        if self._write_failure is None:
            self._write_failure = evolve(_LOST, type_name=failure.type_name)
        self.shut_down()

    def _on_stuck(self) -> None:
        seconds = self._options.send_timeout
        message = f"the peer did not take a message for {seconds:g} s"
        self.fail(LastError("send", "", message, close_code=_ABNORMAL))

    def _on_dead(self) -> None:
        seconds = self._options.heartbeat_timeout
        message = f"the peer sent nothing for {seconds:g} s after a ping"
        self.fail(LastError("heartbeat_timeout", "", message, close_code=_ABNORMAL))

    async def _end(self) -> None:
        """Stop all that belongs to the link, and let aiohttp free the descriptor."""
        self._is_closing = True
        if self._heartbeat is not None:
            self._heartbeat.stop()
        if self._close_timer is not None:
            self._close_timer.cancel()
        self.shut_down()
        try:
            await self._writer.stop(self._options.close_timeout)
        finally:  # also when that is cancelled
            with contextlib.suppress(Exception):
                async with asyncio.timeout(self._options.close_timeout):
                    await self._socket.close()


def _nothing() -> None:
    """Stand for a heartbeat that there is not."""
