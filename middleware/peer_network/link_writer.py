"""`LinkWriter`: what leaves through one channel: messages, pings, pongs and the goodbye.

What belongs here: the order in which frames leave, and that nothing waits without a bound.  What
does not: why a link ends; `PeerLink` knows.

Messages wait in the `OutboundQueue` of the WebSocket connection, with its policy ``block``.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final

from refold.errors import ConnectionClosedError, NotConnectedToPeerError
from refold.middleware.outbound_queue import OutboundQueue
from refold.middleware.peer_network.link_frames import GoodbyeFrame, PongFrame, encode_frame

if TYPE_CHECKING:
    from refold.middleware.peer_network.link_frames import PingFrame
    from refold.middleware.peer_network.message_pipe import MessagePipe
    from refold.middleware.peer_network.peer_options import PeerOptions

__all__ = ["LinkWriter"]

_MOST_WAITING: Final = 16
"""Pings and pongs that wait for a peer that takes nothing; older ones are of no more use."""


class LinkWriter:
    """Sends one frame after the other, each within ``send_timeout``."""

    def __init__(self, channel: MessagePipe, options: PeerOptions) -> None:
        """Send nothing yet; what is given meanwhile waits."""
        self._channel = channel
        self._send_timeout = options.send_timeout
        self._queue = OutboundQueue(
            max_messages=options.max_queue,
            max_bytes=options.max_queue_bytes,
            overflow="block",
            now=asyncio.get_running_loop().time,
        )
        self._control_frames: deque[bytes] = deque(maxlen=_MOST_WAITING)
        self._goodbye: bytes | None = None
        self._news = asyncio.Event()

    async def send(self, frame: bytes) -> None:
        """Put a message's frame at the end, as soon as there is room.

        Raises:
            NotConnectedToPeerError: the link ended meanwhile; the message did not leave.
            QueueFullError: there was no room within ``send_timeout``.
        """
        try:
            await self._queue.push_when_room(frame, timeout_seconds=self._send_timeout)
        except ConnectionClosedError:
            error = "the link ended before there was room for the message; nothing was sent"
            raise NotConnectedToPeerError(error) from None
        self._news.set()

    def send_at_once(self, frame: PingFrame | PongFrame) -> None:
        """Send a frame before all messages, without waiting."""
        self._control_frames.append(encode_frame(frame))
        self._news.set()

    def finish(self, reason: str) -> None:
        """Take no more messages; send those that wait, then a goodbye."""
        self.close()
        self._goodbye = encode_frame(GoodbyeFrame(reason))
        self._news.set()

    def close(self) -> None:
        """Refuse messages from now on, those too that wait for room."""
        self._queue.close()

    async def run(self) -> None:
        """Send until the goodbye is sent.

        Raises:
            PipeClosedError: the other end is gone.
            TimeoutError: it did not take a frame in time.
        """
        while True:
            if self._control_frames:
                await self._send(self._control_frames.popleft())
            elif (queued := self._queue.begin_write()) is not None:
                await self._send(queued.message)
                self._queue.remove_sent(queued)
            elif self._goodbye is not None:
                await self._send(self._goodbye)
                return
            else:
                self._news.clear()
                await self._news.wait()

    async def _send(self, frame: str | bytes) -> None:
        async with asyncio.timeout(self._send_timeout):
            await self._channel.send(frame if isinstance(frame, bytes) else frame.encode())
