"""What leaves through one WebSocket: queued messages, pings, pongs and the last frame."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from aiohttp import WSMsgType

from refold.middleware.describe_failure import describe_failure
from refold.middleware.is_being_cancelled import is_being_cancelled

if TYPE_CHECKING:
    from collections.abc import Callable

    import aiohttp

    from refold.actions.connection import LastError
    from refold.middleware.outbound_queue import Message, OutboundQueue

__all__ = ["WebSocketWriter"]


class WebSocketWriter:
    """Writes to one socket until the goodbye, after which nothing may follow."""

    def __init__(
        self,
        socket: aiohttp.ClientWebSocketResponse[Any],
        group: asyncio.TaskGroup,
        on_failure: Callable[[LastError], None],
    ) -> None:
        """Write nothing yet.

        Args:
            socket: an open socket.
            group: where writing runs.
            on_failure: called when a write fails; the link is then of no use.
        """
        self._socket = socket
        self._group = group
        self._on_failure = on_failure
        self._is_finished = False
        self.is_idle = False
        """Whether it waits for a message, and would send it at once."""
        self._task: asyncio.Task[None] | None = None
        self._control_frames: dict[WSMsgType, bytes] = {}
        self._control_task: asyncio.Task[None] | None = None

    async def send(self, message: Message) -> None:
        """Write one message; a return is no proof that the peer got it.

        Raises:
            ConnectionResetError: the link is closing, or the connection broke.
        """
        if self._is_finished:
            error = "the link is closing"
            raise ConnectionResetError(error)
        if isinstance(message, str):
            await self._socket.send_str(message)
        else:
            await self._socket.send_bytes(message)

    def start(self, queue: OutboundQueue, news: asyncio.Event) -> None:
        """Send what is in a queue, and what comes into it, until the goodbye."""
        self._task = self._group.create_task(self._send_all(queue, news), name="refold writer")

    def ping(self, payload: bytes) -> None:
        """Send a ping without waiting."""
        self._send_control_frame(WSMsgType.PING, payload)

    def pong(self, payload: bytes) -> None:
        """Answer a ping without waiting; while nothing can be written, only the latest counts.

        Source: RFC 6455, section 5.5.3.
        """
        self._send_control_frame(WSMsgType.PONG, payload)

    async def say_goodbye(self, payload: bytes) -> None:
        """Send a close frame; no message and no ping follows it."""
        self._is_finished = True
        await self._socket.send_frame(payload, WSMsgType.CLOSE)

    async def stop(self, seconds: float) -> None:
        """End, once the connection is broken.

        A write under way is not cancelled but awaited: the broken connection wakes it, and only its
        own outcome says whether the message may be sent again.

        Args:
            seconds: how long to wait for it at most.
        """
        self._is_finished = True
        if self._task is None:
            return
        if self.is_idle:
            self._task.cancel()
        await asyncio.wait([self._task], timeout=seconds)
        self._task.cancel()

    async def _send_all(self, queue: OutboundQueue, news: asyncio.Event) -> None:
        """Send the first message, and remove it only once the socket has taken it."""
        try:
            while not self._is_finished:
                queued = queue.first()
                if queued is None:
                    news.clear()
                    self.is_idle = True
                    await news.wait()
                    self.is_idle = False
                    continue
                await self.send(queued.message)
                queue.remove_sent(queued)
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001  # a user's error too
            self._fail_unless_stopped(error)

    def _send_control_frame(self, kind: WSMsgType, payload: bytes) -> None:
        if self._is_finished:
            return
        self._control_frames[kind] = payload
        if self._control_task is None:
            self._control_task = self._group.create_task(
                self._send_control_frames(), name="refold control frames"
            )

    async def _send_control_frames(self) -> None:
        try:
            while self._control_frames and not self._is_finished:
                kind, payload = self._control_frames.popitem()
                await self._socket.send_frame(payload, kind)
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001  # as above
            self._fail_unless_stopped(error)
        finally:
            self._control_task = None

    def _fail_unless_stopped(self, error: BaseException) -> None:
        """Report a failed write; a cancellation of this very task goes on instead.

        aiohttp's writers wait for one future together: cancelling one of them cancels all, and
        whoever writes next.
        """
        if isinstance(error, asyncio.CancelledError) and is_being_cancelled():
            raise error
        self._on_failure(describe_failure(error, "send"))
