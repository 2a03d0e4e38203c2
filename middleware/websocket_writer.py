"""What leaves through one WebSocket: messages of the outbox, pings, pongs and the last frame."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from aiohttp import WSMsgType

from refold.middleware.describe_failure import describe_failure
from refold.middleware.is_being_cancelled import is_being_cancelled

if TYPE_CHECKING:
    from collections.abc import Callable

    import aiohttp

    from refold.actions.connection import LastError
    from refold.middleware.outbound_message import Message
    from refold.middleware.websocket_outbox import WebSocketOutbox

__all__ = ["WebSocketWriter"]

_MOST_WAITING: Final = 16
"""Pings and pongs that wait for a peer that takes nothing; older ones are of no more use."""


class WebSocketWriter:
    """Writes to one socket until the goodbye, after which nothing may follow."""

    def __init__(
        self,
        socket: aiohttp.ClientWebSocketResponse[Any],
        group: asyncio.TaskGroup,
        on_failure: Callable[[LastError], None],
        *,
        send_timeout: float,
        on_stuck: Callable[[], None],
    ) -> None:
        """Write nothing yet.

        Args:
            socket: an open socket.
            group: where writing runs.
            on_failure: called when a write fails; the link is then of no use.
            send_timeout: seconds that one message may take.
            on_stuck: called when one takes longer; it should break the link, which wakes the write.
        """
        self._loop = asyncio.get_running_loop()
        self._send_timeout = send_timeout
        self._on_stuck = on_stuck
        self._sending_since: float | None = None
        self._watch: asyncio.TimerHandle | None = None
        self._socket = socket
        self._group = group
        self._on_failure = on_failure
        self._is_finished = False
        self.is_idle = False
        """Whether it waits for a message, and would send it at once."""
        self._task: asyncio.Task[None] | None = None
        self._control_frames: list[tuple[WSMsgType, bytes]] = []
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

    def start(self, outbox: WebSocketOutbox) -> None:
        """Send what is in an outbox, and what comes into it, until the goodbye."""
        self._task = self._group.create_task(self._send_all(outbox), name="refold writer")

    def ping(self, payload: bytes) -> None:
        """Send a ping without waiting."""
        self._send_control_frame(WSMsgType.PING, payload)

    def send_at_once(self, message: Message) -> None:
        """Send a message before all others, without waiting."""
        if isinstance(message, str):
            self._send_control_frame(WSMsgType.TEXT, message.encode())
        else:
            self._send_control_frame(WSMsgType.BINARY, message)

    def pong(self, payload: bytes) -> None:
        """Answer a ping without waiting; while nothing can be written, the latest few count.

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
        if self._watch is not None:
            self._watch.cancel()
        if self._task is None:
            return
        if self.is_idle:
            self._task.cancel()
        await asyncio.wait([self._task], timeout=seconds)
        self._task.cancel()

    async def _send_all(self, outbox: WebSocketOutbox) -> None:
        """Send the first message, and say so only once the socket has taken it."""
        try:
            while not self._is_finished:
                queued = outbox.next_to_send()
                if queued is None:
                    outbox.news.clear()
                    self.is_idle = True
                    outbox.queue.offer_room()
                    await outbox.news.wait()
                    self.is_idle = False
                    continue
                self._sending_since = self._loop.time()
                if self._watch is None:
                    self._look_again_at(self._sending_since + self._send_timeout)
                message = queued.message
                if isinstance(message, str):
                    await self._socket.send_str(message)
                else:
                    await self._socket.send_bytes(message)
                self._sending_since = None
                outbox.on_sent(queued)
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001  # a user's error too
            self._fail_unless_stopped(error)

    def _look_again_at(self, when: float) -> None:
        self._watch = self._loop.call_at(when, self._look_whether_stuck)

    def _look_whether_stuck(self) -> None:
        """Tell if the message under way takes too long; one timer serves all that leave in time."""
        self._watch = None
        if self._sending_since is None:
            return
        limit = self._sending_since + self._send_timeout
        if self._loop.time() >= limit:
            self._on_stuck()
        else:
            self._look_again_at(limit)

    def _send_control_frame(self, kind: WSMsgType, payload: bytes) -> None:
        if self._is_finished:
            return
        self._control_frames = [*self._control_frames[1 - _MOST_WAITING :], (kind, payload)]
        if self._control_task is None:
            self._control_task = self._group.create_task(
                self._send_control_frames(), name="refold control frames"
            )

    async def _send_control_frames(self) -> None:
        try:
            while self._control_frames and not self._is_finished:
                kind, payload = self._control_frames.pop(0)
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
