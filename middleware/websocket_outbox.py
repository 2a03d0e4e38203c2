"""`WebSocketOutbox`: what an application sends, from its call to the writer of the open link.

What belongs here: waking the writer, and telling of drops.  What does not: which messages wait,
which `OutboundQueue` decides; and writing them, which `WebSocketWriter` does.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Any

from refold.actions.connection import OutboundMessagesDropped
from refold.middleware.outbound_queue import OutboundQueue

if TYPE_CHECKING:
    from collections.abc import Callable

    from refold.middleware.outbound_message import Message, QueuedOutbound, SendTerms
    from refold.middleware.owning_loop import OwningLoop
    from refold.middleware.websocket_options import WebSocketOptions

__all__ = ["WebSocketOutbox"]


class WebSocketOutbox:
    """The queue of one connection, over all its links."""

    def __init__(
        self,
        options: WebSocketOptions,
        owner: OwningLoop,
        tell: Callable[[OutboundMessagesDropped], Any],
    ) -> None:
        """Start empty.

        Args:
            options: the queue's bounds, and what it does when it is full.
            owner: the loop in which drops are told.
            tell: dispatches an action, and never raises.
        """
        self.queue = OutboundQueue(
            max_messages=options.max_queue,
            max_bytes=options.max_queue_bytes,
            overflow=options.overflow,
            now=_now,
        )
        self.news = asyncio.Event()
        """Set when a message came into the queue."""
        self._owner = owner
        self._tell = tell
        self._told = 0
        """Drops that were told, or are about to be."""

    def push(self, message: Message, terms: SendTerms, *, can_leave_now: bool) -> QueuedOutbound:
        """Queue a message, or do what the overflow policy says."""
        queued = self.queue.push(message, is_taken_at_once=can_leave_now, terms=terms)
        self._note_change()
        return queued

    async def push_when_room(
        self, message: Message, terms: SendTerms, *, seconds: float | None, can_leave_now: bool
    ) -> QueuedOutbound:
        """Queue a message as soon as there is room, if the overflow policy is ``block``."""
        queued = await self.queue.push_when_room(
            message, timeout_seconds=seconds, is_taken_at_once=can_leave_now, terms=terms
        )
        self._note_change()
        return queued

    async def drain(self, seconds: float) -> int:
        """Wait, for so long at most, until nothing is left to send; return how many are left."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.queue.drained()
        return len(self.queue)

    def tell_drops(self) -> None:
        """Tell what was dropped since, one action per cause."""
        self._told = self.queue.dropped_count
        while (dropped := self.queue.take_dropped()) is not None:
            self._tell(OutboundMessagesDropped(*dropped))

    def _note_change(self) -> None:
        """Wake the writer, and let all drops of this turn of the loop be told together."""
        self.news.set()
        if self.queue.dropped_count > self._told and self._owner.loop is not None:
            self._told = self.queue.dropped_count
            self._owner.loop.call_soon(self.tell_drops)


def _now() -> float:
    """Return the loop's time; a message may also be queued where no loop runs."""
    try:
        return asyncio.get_running_loop().time()
    except RuntimeError:
        return time.monotonic()
