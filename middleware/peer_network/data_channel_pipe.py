"""`DataChannelPipe`: whole messages of any allowed size over one WebRTC data channel.

What belongs here: chunks, room and the goodbye.  What does not: how the channel came about, which
`WebRtcSession` knows; and who is at its other end, which `secure_channel` proves.

On the wire every chunk begins with one byte that says what it is:

- 0, a part of a message, and others follow; 1, the last part of it;
- 2, the bytes received and taken so far (8 bytes, big-endian): a data channel has no back-pressure
  of its own at the receiving end, so the sender keeps count of what was not taken yet;
- 3, goodbye: nothing follows, and the other end answers likewise.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final

from refold.errors import PipeClosedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from aiortc import RTCDataChannel

__all__ = ["DataChannelPipe"]

_PART, _LAST_PART, _TAKEN, _GOODBYE = 0, 1, 2, 3

_CHUNK_BYTES: Final = 60_000
"""Of a message in one chunk: with the mark below 65,536, which all take (RFC 8841, 6.1)."""

_MAX_MESSAGE_BYTES: Final = 1024 * 1024 + 64 * 1024
"""A message of 1 MiB and what encryption adds to it."""

_MESSAGE_OVERHEAD: Final = 64
"""What a message counts besides its bytes, so that a flood of empty ones is bounded too."""

_WINDOW: Final = 4 * 1024 * 1024
"""Bytes that may be on the way or wait to be taken; more than a message and what is not told."""

_MOST_BUFFERED: Final = 256 * 1024
"""Bytes that may wait for the network before a message is added to them."""


class DataChannelPipe:
    """A `MessagePipe` over an open data channel, which belongs to it from then on."""

    def __init__(
        self,
        channel: RTCDataChannel,
        hang_up: Callable[[], Awaitable[None]],
        *,
        send_timeout: float = 10.0,
        close_timeout: float = 1.0,
    ) -> None:
        """Take over a channel, best before its first message can have come.

        Args:
            channel: ordered and reliable.
            hang_up: frees all below the channel, in a bounded time.
            send_timeout: seconds without any progress after which a waiting message breaks it.
            close_timeout: seconds that the other end has for its goodbye.
        """
        self._channel = channel
        self._hang_up = hang_up
        self._send_timeout = send_timeout
        self._close_timeout = close_timeout
        self._sent = self._taken_by_other = 0
        self._received = self._taken = self._told = 0
        self._parts = bytearray()
        self._messages: deque[bytes] = deque()
        self._one_at_a_time = asyncio.Lock()
        self._room = asyncio.Event()
        self._news = asyncio.Event()
        self._over = asyncio.Event()
        self._end_text = ""
        self._is_clean = False
        self._freeing: asyncio.Task[None] | None = None
        channel.bufferedAmountLowThreshold = _MOST_BUFFERED
        channel.on("message", self._take_chunk)
        channel.on("bufferedamountlow", self._room.set)
        channel.on("close", self._on_lost)

    async def send(self, data: bytes) -> None:
        """Send a message; wait while the other end takes no more. A cancelled call sends nothing.

        Raises:
            ValueError: the message is too long.
            PipeClosedError: the pipe is closed, or the other end does not take it in time.
        """
        if len(data) > _MAX_MESSAGE_BYTES:
            limit = f"{_MAX_MESSAGE_BYTES:,}"
            error = (
                f"a message has at most {limit} bytes; this one has {len(data):,}: send it in parts"
            )
            raise ValueError(error)
        async with self._one_at_a_time:
            await self._wait_for_room(len(data) + _MESSAGE_OVERHEAD)
            self._raise_if_over()
            if self._freeing is not None:
                error = "the pipe was closed at this end"
                raise PipeClosedError(error, is_clean=True)
            self._sent += len(data) + _MESSAGE_OVERHEAD
            for chunk in _chunks(data):  # at once: a cancelled send leaves no half message
                self._channel.send(chunk)

    async def receive(self) -> bytes:
        """Return the next message.

        Raises:
            PipeClosedError: there will be none.
        """
        while not self._messages:
            self._raise_if_over()
            self._news.clear()
            await self._news.wait()
        message = self._messages.popleft()
        self._taken += len(message) + _MESSAGE_OVERHEAD
        if self._taken - self._told >= _WINDOW // 4:
            self._told = self._taken
            self._tell(_TAKEN, self._taken.to_bytes(8, "big"))
        return message

    async def close(self) -> None:
        """Send what waits, say goodbye, and free the pipe; more than once is allowed."""
        if self._freeing is None:
            self._freeing = asyncio.create_task(self._say_goodbye_and_free())
        await asyncio.shield(self._freeing)

    def abort(self) -> None:
        """Break the pipe at once, without a goodbye."""
        self._break("the pipe was aborted at this end")

    async def _wait_for_room(self, size: int) -> None:
        while not self._over.is_set() and (
            self._sent - self._taken_by_other + size > _WINDOW
            or self._channel.bufferedAmount > _MOST_BUFFERED
        ):
            before = self._channel.bufferedAmount
            self._room.clear()
            try:
                async with asyncio.timeout(self._send_timeout):
                    await self._room.wait()
            except TimeoutError:
                if self._channel.bufferedAmount >= before:
                    self._break(f"the other end took nothing for {self._send_timeout:g} s")

    def _take_chunk(self, chunk: bytes | str) -> None:
        """Handle what came through the channel; called by it."""
        if self._over.is_set():
            return
        kind = chunk[0] if isinstance(chunk, bytes) and chunk else None
        body = chunk[1:] if isinstance(chunk, bytes) else b""
        if kind == _LAST_PART or (kind == _PART and body):
            self._take_part(body, is_last=kind == _LAST_PART)
        elif kind == _TAKEN and self._taken_by_other <= int.from_bytes(body, "big") <= self._sent:
            self._taken_by_other = int.from_bytes(body, "big")
            self._room.set()
        elif kind == _GOODBYE:
            self._tell(_GOODBYE)
            self._end("the other end closed the pipe", is_clean=True)
        else:
            self._break("the other end sent a chunk that means nothing")

    def _take_part(self, part: bytes, *, is_last: bool) -> None:
        self._parts += part
        size = len(self._parts)
        if size > _MAX_MESSAGE_BYTES:
            limit = f"{_MAX_MESSAGE_BYTES:,}"
            self._break(f"the other end sent a message of more than {limit} bytes")
        elif is_last:
            self._messages.append(bytes(self._parts))
            self._parts.clear()
            self._news.set()
            self._received += size + _MESSAGE_OVERHEAD
            if self._received - self._told > _WINDOW:
                self._break("the other end sent more than there was room for")

    def _tell(self, kind: int, body: bytes = b"") -> None:
        """Send a chunk that is no message, if that is still possible."""
        if self._channel.readyState == "open":
            self._channel.send(bytes([kind]) + body)

    def _on_lost(self) -> None:
        self._end("the data channel is gone, without a goodbye")

    def _break(self, text: str) -> None:
        """End without a goodbye, and free what is below."""
        self._messages.clear()
        self._end(text)
        if self._freeing is None:
            self._freeing = asyncio.ensure_future(self._free())

    def _end(self, text: str, *, is_clean: bool = False) -> None:
        """Note how the pipe ended, the first time, and wake who waits."""
        if not self._over.is_set():
            self._end_text, self._is_clean = text, is_clean
        self._over.set()
        self._news.set()
        self._room.set()

    def _raise_if_over(self) -> None:
        if self._over.is_set():
            raise PipeClosedError(self._end_text, is_clean=self._is_clean)

    async def _say_goodbye_and_free(self) -> None:
        try:
            if not self._over.is_set():
                self._tell(_GOODBYE)
                async with asyncio.timeout(self._close_timeout):
                    await self._over.wait()
        except TimeoutError:
            pass
        finally:
            self._messages.clear()
            self._end("the pipe was closed at this end", is_clean=True)
            await self._free()

    async def _free(self) -> None:
        self._parts.clear()
        await self._hang_up()


def _chunks(data: bytes) -> Iterator[bytes]:
    """Cut a message into chunks; an empty one is a single chunk."""
    last = max(0, len(data) - 1) // _CHUNK_BYTES
    for number in range(last + 1):
        start = number * _CHUNK_BYTES
        mark = _LAST_PART if number == last else _PART
        yield bytes([mark]) + data[start : start + _CHUNK_BYTES]
