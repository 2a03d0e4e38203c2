"""`PeerLink`: one authenticated channel to a peer, with keepalive and a clean end.

What belongs here: the life of one link.  What does not: which links there are; `NodeLinks` knows.

Whoever dialled pings at once, and whoever was dialled takes the link for open with the first frame.
So a link that the dialled end counts on is one that the dialler has kept: when two peers dial each
other at once, and each gives up its own dial for the other's link, at least one link remains.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from typing import TYPE_CHECKING, Final

from refold.errors import PeerError, PipeClosedError
from refold.middleware.heartbeat import Heartbeat
from refold.middleware.is_being_cancelled import is_being_cancelled
from refold.middleware.peer_network.link_frames import (
    GoodbyeFrame,
    MessageFrame,
    PingFrame,
    PongFrame,
    decode_frame,
)
from refold.middleware.peer_network.link_writer import LinkWriter

if TYPE_CHECKING:
    from collections.abc import Callable

    from refold.actions.peer_records import TransportKind
    from refold.middleware.peer_network.message_pipe import MessagePipe
    from refold.middleware.peer_network.peer_options import PeerOptions

__all__ = ["PeerLink"]

_BROKEN_OFF: Final = "the link was broken off"

_log: Final = logging.getLogger("refold.peers")


class PeerLink:
    """A link, from the channel on to the end of `run`."""

    def __init__(  # noqa: PLR0913  # what it is, and what it does
        self,
        channel: MessagePipe,
        options: PeerOptions,
        *,
        link_id: str,
        peer_id: str,
        transport: TransportKind,
        is_inbound: bool,
        on_open: Callable[[PeerLink], None],
        on_message: Callable[[PeerLink, str, bytes], None],
        on_over: Callable[[PeerLink, str], None],
    ) -> None:
        """Take over a channel; nothing is read or sent before `run`.

        Args:
            channel: to the peer, and to nobody else.
            options: durations and bounds.
            link_id: its name.
            peer_id: who is at the other end.
            transport: how it came about.
            is_inbound: whether the peer dialled.
            on_open: called when a link that came in is known to both ends.
            on_message: called with each message's kind and payload.  The next is read when it has
                returned, so a peer that sends too much is held up.
            on_over: called once with why it is over, if it was open, and with no message after
                that: as soon as the other end is known to be gone, or after this end's goodbye.
        """
        self.link_id: Final = link_id
        self.peer_id: Final = peer_id
        self.transport: Final = transport
        self.is_inbound: Final = is_inbound
        self.is_open = not is_inbound
        """Whether both ends know of it, and nobody was told that it is over."""
        self._channel = channel
        self._options = options
        self._on_open = on_open
        self._on_message = on_message
        self._on_over = on_over
        self._writer = LinkWriter(channel, options)
        self._over: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        """Why it is over: the first cause that is known."""
        self._is_leaving = False
        """Whether this end says goodbye."""
        self._is_clean_end = False
        """Whether both ends know that it is over, or are to know."""

    @property
    def is_usable(self) -> bool:
        """Whether messages can be sent over it."""
        return self.is_open and not self._is_leaving and not self._over.done()

    async def send(self, frame: bytes) -> None:
        """Let a message's frame wait to leave; see `LinkWriter.send`."""
        await self._writer.send(frame)

    def leave(self, reason: str) -> None:
        """Begin a clean end: what waits is sent, then a goodbye, within ``close_timeout``.

        Args:
            reason: why it is over, for people at both ends.
        """
        if not self._over.done():
            self._is_leaving = True
            self._writer.finish(reason)
            self._end(reason, is_clean=True)

    def abort(self) -> None:
        """Break the channel at once."""
        self._end(_BROKEN_OFF)
        self._channel.abort()
        self._tell_over(_BROKEN_OFF)

    async def run(self) -> None:
        """Serve until the link is over and its channel is freed."""
        heartbeat = Heartbeat(
            self._options.keepalive_interval,
            self._options.keepalive_timeout - self._options.keepalive_interval,
            send_ping=self._ping,
            on_dead=self._on_dead,
        )
        reader = asyncio.create_task(self._read(heartbeat), name="refold peer reader")
        writer = asyncio.create_task(self._write(), name="refold peer writer")
        is_freed = False
        reason = _BROKEN_OFF
        try:
            if not self.is_inbound:
                self._ping(secrets.token_bytes(8))
            reason = await self._over
            if not self._is_leaving:
                self._tell_over(reason)  # at once: to close the channel takes time, too
            is_freed = self._is_clean_end and await self._say_goodbye(writer)
        finally:
            heartbeat.stop()
            self._writer.close()
            if not is_freed:  # else the last bytes may still be on their way
                self._channel.abort()
            reader.cancel()
            writer.cancel()
            self._tell_over(reason)
            await asyncio.wait([reader, writer], timeout=self._options.close_timeout)

    async def _say_goodbye(self, writer: asyncio.Task[None]) -> bool:
        """Send what is left, if this end leaves, and close the channel; tell if there was time."""
        try:
            async with asyncio.timeout(self._options.close_timeout):
                if self._is_leaving:
                    await asyncio.wait([writer])
                await self._channel.close()
        except (TimeoutError, PipeClosedError):
            return False  # a courtesy; the end comes anyway
        except Exception:  # noqa: BLE001  # told in the log
            _log.exception("the channel of link %s could not be closed", self.link_id)
            return False
        return True

    async def _write(self) -> None:
        try:
            await self._writer.run()
        except TimeoutError:
            self._end(f"the peer did not take a message for {self._options.send_timeout:g} s")
        except PipeClosedError as error:
            self._end(_end_of_pipe(error), is_clean=error.is_clean)
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001  # see _end_by_bug
            self._end_by_bug(error)

    async def _read(self, heartbeat: Heartbeat) -> None:
        try:
            while True:
                data = await self._channel.receive()
                heartbeat.heard()
                if not self._take(data, heartbeat):
                    return
        except PipeClosedError as error:
            self._end(_end_of_pipe(error), is_clean=error.is_clean)
        except PeerError as error:
            self._end(f"the peer broke the protocol: {error}")
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001  # see _end_by_bug
            self._end_by_bug(error)

    def _take(self, data: bytes, heartbeat: Heartbeat) -> bool:
        """Handle a frame; tell whether others may follow."""
        frame = decode_frame(data)
        if isinstance(frame, GoodbyeFrame):
            reason = f"the peer left: {frame.reason}" if frame.reason else "the peer left"
            self._end(reason, is_clean=True)
            return False
        if not self.is_open and not self._over.done():
            self.is_open = True
            self._on_open(self)
        match frame:
            case MessageFrame(kind, payload) if self.is_open:
                self._on_message(self, kind, payload)
            case PingFrame(payload):
                self._writer.send_at_once(PongFrame(payload))
            case PongFrame(payload):
                heartbeat.answered(payload)
            case MessageFrame():
                pass  # of a link that was refused before it opened
        return True

    def _ping(self, payload: bytes) -> None:
        self._writer.send_at_once(PingFrame(payload))

    def _on_dead(self) -> None:
        self._end(f"the peer was silent for {self._options.keepalive_timeout:g} s")
        self._channel.abort()

    def _end(self, reason: str, *, is_clean: bool = False) -> None:
        """Let `run` go on to the end, for this reason unless there is an earlier one."""
        if not self._over.done():
            self._is_clean_end = is_clean
            self._over.set_result(reason)

    def _tell_over(self, reason: str) -> None:
        """Let the owner know, once; a link that never opened was never told of."""
        if self.is_open:
            self.is_open = False
            self._on_over(self, reason)

    def _end_by_bug(self, error: BaseException) -> None:
        """End it although nobody expects this error, and tell of it; a cancellation goes on."""
        if isinstance(error, asyncio.CancelledError) and is_being_cancelled():
            raise error
        _log.error("the link %s broke by an unexpected error", self.link_id, exc_info=error)
        self._end(f"the link broke by an unexpected error: {type(error).__name__}")


def _end_of_pipe(error: PipeClosedError) -> str:
    return "the peer closed the link" if error.is_clean else f"the link was lost: {error}"
