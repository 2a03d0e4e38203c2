"""`RelayConversation`: one end of a registration, the relay's or the peer's.

What belongs here: what both ends do: wait in bounds for a slow reader, ping and answer pings.  What
does not: what the frames mean.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, TypeVar

from refold.errors import PipeClosedError
from refold.middleware.heartbeat import Heartbeat
from refold.middleware.peer_network.relay_frames import Ping, Pong, encode_frame

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable

    from refold.middleware.peer_network.message_pipe import MessagePipe

__all__ = ["RelayConversation"]

FrameT = TypeVar("FrameT")


class RelayConversation(Generic[FrameT]):
    """Frames over one pipe, from when it is known who is at the other end."""

    def __init__(
        self,
        pipe: MessagePipe,
        decode: Callable[[bytes], FrameT],
        *,
        max_queue: int,
        ping_interval: float,
        ping_timeout: float,
    ) -> None:
        """Take a pipe, and begin to ping.

        Args:
            pipe: to the other end.
            decode: raises FrameError for what the other end may not say.
            max_queue: frames that may wait for the other end; a slower reader is dropped.
            ping_interval: seconds between two pings.
            ping_timeout: seconds of silence after a ping before the pipe is broken.
        """
        self._pipe = pipe
        self._decode = decode
        self._waiting: asyncio.Queue[bytes] = asyncio.Queue(max_queue)
        self._heartbeat = Heartbeat(
            ping_interval,
            ping_timeout,
            send_ping=lambda payload: self.tell(encode_frame(Ping(payload))),
            on_dead=pipe.abort,
        )

    def tell(self, frame: bytes) -> None:
        """Send a frame after those before it; break the pipe if too many are unread."""
        try:
            self._waiting.put_nowait(frame)
        except asyncio.QueueFull:
            self._pipe.abort()

    async def write(self, first: Iterable[bytes] = ()) -> None:
        """Send some frames, then those that are told, until the pipe ends."""
        try:
            for frame in first:
                await self._pipe.send(frame)
            while True:
                await self._pipe.send(await self._waiting.get())
        except PipeClosedError:
            return

    async def frames(self) -> AsyncGenerator[FrameT]:
        """Give what the other end says, but pings and pongs.

        Raises:
            FrameError: it says what it may not.
            PipeClosedError: the end.
        """
        while True:
            data = await self._pipe.receive()
            self._heartbeat.heard()
            frame = self._decode(data)
            if isinstance(frame, Ping):
                self.tell(encode_frame(Pong(frame.payload)))
            elif not isinstance(frame, Pong):
                yield frame

    def stop(self) -> None:
        """Ping no more."""
        self._heartbeat.stop()
