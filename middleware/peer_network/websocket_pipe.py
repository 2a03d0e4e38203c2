"""`WebSocketPipe`: a message pipe over one WebSocket of aiohttp's, a client's or a server's.

What belongs here: what aiohttp leaves without a limit, which is a write that the other end does not
take, the closing handshake, and a descriptor whose last bytes nobody reads.  What does not: who is
at the other end.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import aiohttp

from refold.errors import PipeClosedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp import web

__all__ = ["CLOSE_SECONDS", "MAX_MESSAGE_BYTES", "SEND_SECONDS", "WebSocketPipe"]

MAX_MESSAGE_BYTES: Final = 65_536
"""The longest message, either way: a secure channel sends its own in parts that are shorter."""

SEND_SECONDS: Final = 10.0
"""How long the other end may take no byte of a message before the pipe is broken."""

CLOSE_SECONDS: Final = 2.0
"""How long a goodbye may take before the pipe is broken instead."""

_LONGEST_REASON: Final = 123
"""Bytes that a close frame has room for."""


class WebSocketPipe:
    """Binary messages of one WebSocket; one task receives, any may send."""

    def __init__(  # noqa: PLR0913  # what differs between the two sides of aiohttp, and the bounds
        self,
        socket: aiohttp.ClientWebSocketResponse[Any] | web.WebSocketResponse,
        transport: asyncio.Transport,
        *,
        release: Callable[[], object] | None = None,
        max_message_bytes: int = MAX_MESSAGE_BYTES,
        send_timeout: float = SEND_SECONDS,
        close_timeout: float = CLOSE_SECONDS,
    ) -> None:
        """Take over a socket that is open.

        Args:
            socket: opened without compression, heartbeat and autoclose, and with pings answered.
            transport: the connection below it.
            release: lets aiohttp forget the connection once it is broken.
            max_message_bytes: the longest message that is sent.
            send_timeout: seconds that one message may wait for the other end.
            close_timeout: seconds that the goodbye may take.
        """
        self._socket = socket
        self._transport = transport
        self._release = release
        self._max_message_bytes = max_message_bytes
        self._send_timeout = send_timeout
        self._close_timeout = close_timeout
        self._is_closing = False
        self._is_over = False
        """Whether no frame of the other end will be looked at any more."""
        self._reading = asyncio.Lock()
        self._write_failure: str | None = None
        self._writing: set[asyncio.Task[None]] = set()
        self._end: tuple[str, bool] | None = None
        """Why there is no more to receive, and whether it was said; the first cause counts."""

    async def send(self, data: bytes, /) -> None:
        """Send a message; a return is no proof that the other end got it.

        Raises:
            PipeClosedError: the pipe is closed, or the other end did not take it in time.
            ValueError: it is longer than the pipe allows; nothing was sent.
        """
        if len(data) > self._max_message_bytes:
            message = (
                f"a message has {len(data)} bytes, expected at most {self._max_message_bytes};"
                f" send it in parts"
            )
            raise ValueError(message)
        self._raise_end()
        # A task of its own, never cancelled: aiohttp's writers wait for one future together, and
        # once one of them is cancelled no writer ever waits again, however slow the other end is.
        writing = asyncio.create_task(self._socket.send_bytes(data), name="refold pipe write")
        self._writing.add(writing)
        writing.add_done_callback(self._note_written)
        await asyncio.wait([writing], timeout=self._send_timeout)
        if not writing.done():
            self._break(f"the other end did not take a message for {self._send_timeout:g} s")
        self._raise_end()
        if self._write_failure is not None:
            raise PipeClosedError(self._write_failure)

    async def receive(self) -> bytes:
        """Return the next message.

        Raises:
            PipeClosedError: there will be none.
        """
        self._raise_end()
        async with self._reading:
            while not self._is_over:
                data = await self._read()
                if data is not None and self._end is None:
                    return data
        self._raise_end()
        raise AssertionError  # what is over has a noted end

    async def close(self, *, code: int = aiohttp.WSCloseCode.OK, reason: str = "") -> None:
        """Say goodbye and free the pipe, within the time for closing.

        What the other end has sent meanwhile is read and dropped: a connection that is closed with
        something unread is reset, and the other end may then never read the goodbye.

        Args:
            code: of the close frame.
            reason: what the other end is told; at most 123 bytes of UTF-8.
        """
        if self._is_closing:
            return
        self._note_end("this end closed the pipe", is_clean=True)
        await self._shake_hands(code, reason)

    def abort(self) -> None:
        """Break the pipe at once, without a goodbye; what was not sent yet is lost."""
        self._break("this end broke the pipe")

    async def _shake_hands(self, code: int, reason: str) -> None:
        """Say goodbye, and wait for that of the other end unless it has come."""
        self._is_closing = True
        is_done = False
        payload = code.to_bytes(2, "big") + reason.encode()[:_LONGEST_REASON]
        try:
            async with asyncio.timeout(self._close_timeout):
                await self._socket.send_frame(payload, aiohttp.WSMsgType.CLOSE)
                while not self._is_over:
                    async with self._reading:
                        if not self._is_over:
                            await self._read()
                is_done = True
        except (TimeoutError, RuntimeError, aiohttp.ClientError, OSError):
            pass  # a courtesy; the connection is broken instead
        finally:
            self._free(is_done=is_done)

    def _free(self, *, is_done: bool) -> None:
        """See to it that the descriptor goes, also if the other end never reads the last bytes."""
        self._is_over = True
        if not is_done:
            self._transport.abort()
        else:
            self._transport.close()
            if self._transport.get_write_buffer_size():
                loop = asyncio.get_running_loop()
                loop.call_later(self._close_timeout, self._transport.abort)
        if self._release is not None:
            self._release()

    def _break(self, cause: str) -> None:
        """Break the connection, for this cause unless another is known."""
        self._note_end(cause, is_clean=False)
        self._is_closing = True
        self._free(is_done=False)

    async def _read(self) -> bytes | None:
        """Return the next message; None if a frame was none, and perhaps the last."""
        frame = await self._socket.receive()
        if frame.type is aiohttp.WSMsgType.BINARY:
            return bytes(frame.data)
        self._is_over = True
        match frame.type:
            case aiohttp.WSMsgType.CLOSE:
                said = f": {frame.extra}" if frame.extra else ""
                self._note_end(f"the other end closed the pipe{said}", is_clean=True)
                if not self._is_closing:
                    await self._shake_hands(aiohttp.WSCloseCode.OK, "")
            case aiohttp.WSMsgType.ERROR if isinstance(frame.data, aiohttp.WebSocketError):
                self._break(f"the other end broke the protocol: {_describe(frame.data)}")
            case aiohttp.WSMsgType.TEXT:
                self._break("the other end sent a text, expected binary messages only")
            case _:  # aiohttp noticed that the connection is gone
                self._break("the connection broke without a goodbye")
        return None

    def _note_written(self, writing: asyncio.Task[None]) -> None:
        """Note whether a write failed; what has arrived can still be received, and the real end."""
        self._writing.discard(writing)
        if writing.cancelled():
            self._break("the connection broke while sending")
        elif (error := writing.exception()) is not None:
            self._write_failure = f"the connection broke while sending: {_describe(error)}"

    def _note_end(self, cause: str, *, is_clean: bool) -> None:
        self._end = self._end or (cause, is_clean)

    def _raise_end(self) -> None:
        if self._end is not None:
            cause, is_clean = self._end
            raise PipeClosedError(cause, is_clean=is_clean)


def _describe(error: BaseException) -> str:
    return str(error) or type(error).__name__
