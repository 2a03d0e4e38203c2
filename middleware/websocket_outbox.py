"""`WebSocketOutbox`: what an application sends, from its call to the writer of the open link.

What belongs here: encoding, waking the writer, the one timer, and telling of drops.  What does not:
which message is next, which `OutboundQueue` and `AcknowledgedDelivery` decide; and writing it,
which `WebSocketWriter` does.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Any, Final

from refold.actions.connection import OutboundMessagesDropped
from refold.middleware.acknowledged_delivery import AcknowledgedDelivery
from refold.middleware.decode_message import DEFAULT_TYPE_KEY
from refold.middleware.outbound_message import SendTerms
from refold.middleware.outbound_payload import encode_payload
from refold.middleware.outbound_queue import OutboundQueue
from refold.middleware.wake_up import WakeUp

if TYPE_CHECKING:
    from collections.abc import Callable

    from refold.middleware.acknowledgements import Acknowledgements
    from refold.middleware.delivery import Delivery
    from refold.middleware.outbound_message import Message, QueuedOutbound
    from refold.middleware.owning_loop import OwningLoop
    from refold.middleware.websocket_options import WebSocketOptions

__all__ = ["WebSocketOutbox"]

_LATER_SECONDS: Final = 1e-3
"""A timer that fires a moment before its time, as loops allow, would find nothing due, and be set
again at once."""


class WebSocketOutbox:
    """The messages of one connection, over all its links."""

    def __init__(  # keyword-only
        self,
        *,
        options: WebSocketOptions,
        acknowledgements: Acknowledgements | None,
        owner: OwningLoop,
        tell: Callable[[OutboundMessagesDropped], Any],
        type_key: str = DEFAULT_TYPE_KEY,
    ) -> None:
        """Start empty.

        Args:
            options: the queue's bounds, and what it does when it is full.
            acknowledgements: how messages are acknowledged; None if none is.
            owner: the loop of the timer, and in which drops are told.
            tell: dispatches an action, and never raises.
            type_key: under which the type of a ``@message`` is written.
        """
        self._max_bytes = options.max_send_bytes
        self._acknowledgements = acknowledgements
        self._type_key = type_key
        self._owner = owner
        self._tell = tell
        self.queue = OutboundQueue(
            max_messages=options.max_queue,
            max_bytes=options.max_queue_bytes,
            overflow=options.overflow,
            now=_now,
        )
        self.news = WakeUp()
        """Set when there may be something to send that was not before."""
        self.links_opened = 0
        """Links so far."""
        self._delivery = _new_delivery(acknowledgements, self.queue, self.news.set)
        self._drops_when_full = options.overflow in {"drop_oldest", "drop_newest"}
        self._told = 0
        """Drops that were told, or are about to be."""
        self._timer: asyncio.TimerHandle | None = None

    @property
    def unacked_count(self) -> int:
        """Acknowledged messages that wait, or that the peer has not acknowledged yet."""
        return self._delivery.unacked_count

    @property
    def ignored_ack_count(self) -> int:
        """Acknowledgements that nobody waited for."""
        return self._delivery.ignored_ack_count

    # --- putting in -------------------------------------------------------------------------------

    def push(
        self, payload: object, *, ttl: float | None, volatile: bool, can_leave_now: bool
    ) -> QueuedOutbound:
        """Queue a message, or do what the overflow policy says."""
        message = self.encode(payload)
        if ttl is None and not volatile:
            queued = self.queue.push(message, is_taken_at_once=can_leave_now)
            self.news.set()
            if not self._drops_when_full:  # the usual case: there is nothing else to look after
                return queued
        else:
            terms = SendTerms(ttl_seconds=ttl, is_volatile=volatile)
            queued = self.queue.push(message, is_taken_at_once=can_leave_now, terms=terms)
        self._note_change()
        return queued

    def push_acknowledged(
        self, payload: object, *, ttl: float | None, can_leave_now: bool
    ) -> Delivery:
        """Queue a message that the peer has to acknowledge, or do what the overflow policy says.

        Raises:
            ValueError: the connection was not told how messages are acknowledged.
        """
        if self._acknowledgements is None:
            message = (
                "send(ack=True) needs a connection that knows what an acknowledgement looks like;"
                " make it with acknowledgements=Acknowledgements(wrap, match)"
            )
            raise ValueError(message)
        wrap = self._acknowledgements.wrap
        delivery = self._delivery.push(
            lambda ack_id: self.encode(wrap(ack_id, payload)),
            is_taken_at_once=can_leave_now,
            ttl_seconds=ttl,
        )
        self._note_change()
        return delivery

    async def push_when_room(
        self, payload: object, *, seconds: float | None, ttl: float | None, can_leave_now: bool
    ) -> QueuedOutbound:
        """Queue a message as soon as there is room, if the overflow policy is ``block``."""
        queued = await self.queue.push_when_room(
            self.encode(payload),
            timeout_seconds=seconds,
            is_taken_at_once=can_leave_now,
            terms=SendTerms(ttl_seconds=ttl),
        )
        self._note_change()
        return queued

    def encode(self, payload: object) -> Message:
        """Return what is sent for a payload; see `encode_payload`."""
        if type(payload) is str and payload.isascii() and len(payload) <= self._max_bytes:
            return payload  # the usual case, at no cost
        return encode_payload(payload, self._max_bytes, key=self._type_key)

    # --- what the writer and the attempts tell ----------------------------------------------------

    def next_to_send(self) -> QueuedOutbound | None:
        """Return what to write next; None if nothing waits, or too much is unacknowledged."""
        return self._delivery.next_to_send()

    def on_sent(self, queued: QueuedOutbound) -> None:
        """Note that the write of what `next_to_send` gave returned."""
        self._delivery.on_sent(queued)
        if queued.terms.ack_id is not None:
            self._arm()

    def on_link_opened(self) -> None:
        """Note that there is a link."""
        self.links_opened += 1
        self.queue.set_connected(True)

    def on_link_lost(self) -> None:
        """Note that the link is gone and no write is under way."""
        self._delivery.on_link_lost()

    def on_ended(self, new_error: Callable[[], Exception]) -> None:
        """Let everybody who waits go on, because the connection ended; the messages stay."""
        self._delivery.on_ended(new_error)

    def acknowledge(self, message: Any) -> None:
        """Take a message that arrived for an acknowledgement, if it is one."""
        if self._acknowledgements is not None:
            ack_id = self._acknowledgements.match(message)
            if ack_id is not None:
                self._delivery.on_ack(ack_id)

    # --- the whole --------------------------------------------------------------------------------

    def clear(self) -> list[Message]:
        """Remove and return all that waits or is unacknowledged."""
        return self._delivery.clear()

    async def drain(self, seconds: float) -> int:
        """Wait, for so long at most, until nothing is left to send or to be acknowledged.

        Returns:
            How many messages are left.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._delivery.drained()
        return len(self.queue) + self._delivery.in_flight_count

    def start(self) -> None:
        """Begin to watch the time, in the running loop; and tell of drops before it ran."""
        self.tell_drops()
        self._arm()

    def stop(self) -> None:
        """Watch the time no longer; nothing is lost."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def tell_drops(self) -> None:
        """Tell what was dropped since, one action per cause."""
        self._told = self.queue.dropped_count
        while (dropped := self.queue.take_dropped()) is not None:
            self._tell(OutboundMessagesDropped(*dropped))

    def _note_change(self) -> None:
        """Wake the writer, and let all drops of this turn of the loop be told together."""
        self.news.set()
        if self.queue.next_expiry_at() is not None:
            self._arm()
        if self.queue.dropped_count > self._told and self._owner.loop is not None:
            self._told = self.queue.dropped_count
            self._owner.loop.call_soon(self.tell_drops)

    def _arm(self) -> None:
        """Look again when a message may expire, or its acknowledgement may be late."""
        times = (self._delivery.next_deadline(), self.queue.next_expiry_at())
        due_at = min((at for at in times if at is not None), default=None)
        if due_at is None or self._owner.loop is None:
            return
        if self._timer is not None:
            if self._timer.when() <= due_at + _LATER_SECONDS:
                return
            self._timer.cancel()
        self._timer = self._owner.loop.call_at(due_at + _LATER_SECONDS, self._look_again)

    def _look_again(self) -> None:
        self._timer = None
        self.queue.expire()
        self._delivery.due()
        self._arm()


def _new_delivery(
    acknowledgements: Acknowledgements | None, queue: OutboundQueue, wake: Callable[[], None]
) -> AcknowledgedDelivery:
    if acknowledgements is None:
        return AcknowledgedDelivery(queue, now=_now, wake=wake)
    return AcknowledgedDelivery(
        queue,
        window=acknowledgements.window,
        ack_timeout_seconds=acknowledgements.timeout,
        max_resends=acknowledgements.max_resends,
        now=_now,
        wake=wake,
    )


def _now() -> float:
    """Return the loop's time; a message may also be queued where no loop runs."""
    try:
        return asyncio.get_running_loop().time()
    except RuntimeError:
        return time.monotonic()
