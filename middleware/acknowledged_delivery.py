"""`AcknowledgedDelivery`: messages that are sent again until the peer says that it has them.

What belongs here: which messages are unacknowledged, and which goes next.  What does not: sockets,
timers and reading acknowledgements; its owner does that and tells the outcome.

How its owner uses it, in place of the queue itself: `push`; with a link, in turn `next_to_send`,
the write, and `on_sent` once the write returned; `on_ack` for each acknowledgement; `due` when
`next_deadline` is reached; `on_link_lost` when the link is gone and no write is under way.

At least once means that a message may arrive twice, with the same id: the peer drops the second.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

from refold.middleware.delivery import Delivery
from refold.middleware.outbound_message import (
    DeliveryResult,
    Message,
    QueuedOutbound,
    SendTerms,
)

if TYPE_CHECKING:
    from refold.middleware.outbound_queue import OutboundQueue

__all__ = ["AcknowledgedDelivery"]


class AcknowledgedDelivery:
    """Acknowledged and plain messages of one queue, in one order.

    An acknowledged message is in the queue until its first write returned, then in flight until it
    is acknowledged.  So ``unacked_count`` never exceeds the window and the queue's bound together.
    When the window is full the next acknowledged message waits, and those behind it do too.
    """

    def __init__(  # noqa: PLR0913  # keyword-only, each with a default
        self,
        queue: OutboundQueue,
        *,
        window: int = 64,
        ack_timeout_seconds: float = 30.0,
        max_resends: int = 3,
        now: Callable[[], float] = time.monotonic,
        new_id: Callable[[], str] = lambda: uuid.uuid4().hex,
        new_future: Callable[[], asyncio.Future[None]] | None = None,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        """Begin with nothing in flight.

        Args:
            queue: where messages wait; nobody else may take them out.
            window: how many messages may be in flight, 1 or more.
            ack_timeout_seconds: how long after it was sent a message is sent again.
            max_resends: how often that happens on one link before it is given up, 0 or more.
            now: seconds, never running backwards, as the queue's.
            new_id: gives an id that this client never used before.
            new_future: gives a future; None for one of the running loop.
            wake: called when there may be something to send that was not before.
        """
        self._queue = queue
        self._window = window
        self._ack_timeout_seconds = ack_timeout_seconds
        self._max_resends = max_resends
        self._now = now
        self._new_id = new_id
        self._new_future = new_future or _future_of_running_loop
        self._wake = wake
        self._ids_in_use: set[str] = set()
        self._unacked: dict[str, Delivery] = {}
        self._in_flight: dict[str, Delivery] = {}
        self._to_resend: dict[str, Delivery] = {}
        self._is_all_acked: asyncio.Event | None = None
        """Set when nothing is unacknowledged; None while nobody ever waited for that."""
        self.acked_count = 0
        """Messages that the peer acknowledged."""
        self.ignored_ack_count = 0
        """Acknowledgements that came late, twice, or for nothing that was sent."""
        self.timed_out_count = 0
        """Messages that were given up because the peer did not acknowledge them in time."""
        self.expired_count = 0
        """Messages whose time was over when they had to be sent again; the queue has its own."""

    @property
    def unacked_count(self) -> int:
        """Acknowledged messages that wait, or are in flight."""
        return len(self._unacked)

    @property
    def in_flight_count(self) -> int:
        """Messages that were sent and not acknowledged yet."""
        return len(self._in_flight)

    # --- putting in -------------------------------------------------------------------------------

    def push(
        self,
        encode: Callable[[str], Message],
        *,
        is_taken_at_once: bool = False,
        ttl_seconds: float | None = None,
    ) -> Delivery:
        """Queue a message that the peer has to acknowledge.

        Args:
            encode: makes the message that carries this id; what it raises is raised here.
            is_taken_at_once: as in `OutboundQueue.push`.
            ttl_seconds: how long it is worth sending, also again; None for ever.

        Raises:
            ValueError: ``new_id`` gave an id that is in use.
        """
        ack_id, future = self._claim(), self._new_future()
        try:
            terms = self._terms(ack_id, ttl_seconds)
            message = encode(ack_id)
            entry = self._queue.push(message, is_taken_at_once=is_taken_at_once, terms=terms)
        except BaseException:
            self._ids_in_use.discard(ack_id)
            raise
        return self._track(Delivery(ack_id, future, entry))

    async def push_when_room(
        self,
        encode: Callable[[str], Message],
        *,
        timeout_seconds: float | None = None,
        is_taken_at_once: bool = False,
        ttl_seconds: float | None = None,
    ) -> Delivery:
        """Queue a message as `push` does, with the policy ``block`` as soon as there is room.

        Args:
            encode: as in `push`; it is called at once.
            timeout_seconds: how long to wait for room at most; None for ever.
            is_taken_at_once: as in `push`.
            ttl_seconds: as in `push`.

        Raises:
            ValueError: ``new_id`` gave an id that is in use.
        """
        ack_id, future = self._claim(), self._new_future()
        try:
            entry = await self._queue.push_when_room(
                encode(ack_id),
                timeout_seconds=timeout_seconds,
                is_taken_at_once=is_taken_at_once,
                terms=self._terms(ack_id, ttl_seconds),
            )
        except BaseException:
            self._ids_in_use.discard(ack_id)
            raise
        return self._track(Delivery(ack_id, future, entry))

    # --- sending ----------------------------------------------------------------------------------

    def next_to_send(self) -> QueuedOutbound | None:
        """Return what to write next: what must be sent again, then what waits.

        Returns:
            None if nothing waits, or the window is full.
        """
        if self._to_resend:
            for again in list(self._to_resend.values()):
                if not self._is_over(again, self._now()):
                    return again.entry
        while (head := self._queue.first()) is not None:
            delivery = self._delivery_of(head) if self._unacked else None
            if delivery is None:
                return self._queue.begin_write()
            if not delivery.future.cancelled():
                if len(self._in_flight) >= self._window:
                    return None
                delivery.has_begun = True
                return self._queue.begin_write()
            self._withdraw(delivery)
        return None

    def on_sent(self, entry: QueuedOutbound) -> None:
        """Note that the write of what `next_to_send` gave returned."""
        self._queue.remove_sent(entry)  # nothing, if it was sent again
        delivery = self._delivery_of(entry) if self._unacked else None
        if delivery is None:  # a plain message, or one that was acknowledged or cancelled meanwhile
            return
        self._in_flight[delivery.ack_id] = delivery  # keeps its place if it is there
        self._to_resend.pop(delivery.ack_id, None)
        delivery.deadline = self._now() + self._ack_timeout_seconds

    def on_ack(self, ack_id: object) -> bool:
        """Note that the peer acknowledged a message; return whether anybody waited for that.

        Args:
            ack_id: what the peer sent, of whatever type: it is not to be trusted.
        """
        delivery = self._unacked.get(ack_id) if isinstance(ack_id, str) else None
        if delivery is None or not delivery.has_begun:
            self.ignored_ack_count += 1
            return False
        self.acked_count += 1
        self._forget(delivery)
        self._queue.remove_sent(delivery.entry)  # if it came before the write returned
        delivery.succeed()
        self._wake()
        return True

    def on_link_lost(self) -> None:
        """Note that the link is gone and no write is under way.

        All that is in flight will be sent again, in its first order, before anything else.
        """
        self._queue.set_connected(False)
        head = self._queue.first()
        if head is not None and head.terms.ack_id is not None and self._delivery_of(head) is None:
            self._queue.withdraw(head)  # cancelled while it was being written
        for delivery in self._in_flight.values():
            delivery.deadline, delivery.resends = None, 0
        self._to_resend = dict(self._in_flight)

    # --- time -------------------------------------------------------------------------------------

    def next_deadline(self) -> float | None:
        """Return when `due` has something to do; None if it never will.

        Returns:
            Seconds by the clock.  The queue has a time of its own, `OutboundQueue.next_expiry_at`.
        """
        known = map(self._deadline_of, self._in_flight.values())
        return min((at for at in known if at is not None), default=None)

    def due(self, now: float | None = None) -> list[QueuedOutbound]:
        """Find the messages whose acknowledgement is late.

        They come from `next_to_send` next; those that were sent again too often fail instead.

        Args:
            now: seconds by the clock; None to look at it.

        Returns:
            Those that will be sent again on the same link, in their first order.
        """
        now = self._now() if now is None else now
        again: list[QueuedOutbound] = []
        for delivery in list(self._in_flight.values()):
            if delivery.deadline is None or delivery.deadline > now:
                if delivery.ack_id in self._to_resend:
                    self._is_over(delivery, now)
            elif not self._is_over(delivery, now):
                if delivery.resends >= self._max_resends:
                    self._time_out(delivery)
                else:
                    delivery.resends += 1
                    delivery.deadline = None
                    self._to_resend[delivery.ack_id] = delivery
                    again.append(delivery.entry)
        if again:
            waits = self._to_resend
            self._to_resend = {key: one for key, one in self._in_flight.items() if key in waits}
            self._wake()
        return again

    # --- the end ----------------------------------------------------------------------------------

    def on_ended(self, new_error: Callable[[], Exception]) -> None:
        """Let everybody who waits go on, because the connection ended.

        The messages stay, and are sent with the same ids if the connection is opened again.

        Args:
            new_error: makes the error that each future and each blocked sender gets.
        """
        for delivery in self._unacked.values():
            delivery.fail(new_error())
        self._queue.stop_waiting(new_error)

    def clear(self) -> list[Message]:
        """Remove and return all that is unacknowledged or waits, in order; see the queue's."""
        in_flight = list(self._in_flight.values())
        for delivery in in_flight:
            self._give_up(delivery, "cleared")
        return [delivery.entry.message for delivery in in_flight] + self._queue.clear()

    async def drained(self) -> None:
        """Wait until nothing is left to send and all is acknowledged; bound it by a time limit."""
        while self._unacked or len(self._queue):
            await self._queue.drained()
            if self._unacked:
                self._is_all_acked = self._is_all_acked or asyncio.Event()
                self._is_all_acked.clear()
                await self._is_all_acked.wait()

    # --- below ------------------------------------------------------------------------------------

    def _claim(self) -> str:
        ack_id = self._new_id()
        if ack_id in self._ids_in_use:
            message = (
                f"new_id returned {ack_id!r}, which is in use; it must give a new one each time"
            )
            raise ValueError(message)
        self._ids_in_use.add(ack_id)
        return ack_id

    def _terms(self, ack_id: str, ttl_seconds: float | None) -> SendTerms:
        def note(result: DeliveryResult) -> None:
            delivery = self._unacked.get(ack_id)
            if delivery is not None and result != "handed_to_socket":
                self._give_up(delivery, result)

        return SendTerms(ttl_seconds=ttl_seconds, ack_id=ack_id, on_settled=note)

    def _track(self, delivery: Delivery) -> Delivery:
        if delivery.entry.result != "queued":
            self._give_up(delivery, delivery.entry.result)
            return delivery
        self._unacked[delivery.ack_id] = delivery

        def withdraw_if_cancelled(future: asyncio.Future[None]) -> None:
            if future.cancelled():
                self._withdraw(delivery)

        delivery.future.add_done_callback(withdraw_if_cancelled)
        return delivery

    def _delivery_of(self, entry: QueuedOutbound) -> Delivery | None:
        return None if entry.terms.ack_id is None else self._unacked.get(entry.terms.ack_id)

    def _deadline_of(self, delivery: Delivery) -> float | None:
        """Return when something is to be done about a message in flight."""
        if delivery.ack_id in self._to_resend:
            return delivery.entry.expires_at
        return delivery.deadline

    def _is_over(self, delivery: Delivery, now: float) -> bool:
        """Tell whether a message must not be sent again; then it is given up."""
        if delivery.future.cancelled():
            self._withdraw(delivery)
            return True
        expires_at = delivery.entry.expires_at
        if expires_at is not None and expires_at <= now:
            self.expired_count += 1
            self._give_up(delivery, "expired")
            return True
        return False

    def _withdraw(self, delivery: Delivery) -> None:
        """Stop sending a message that its sender cancelled."""
        if delivery.ack_id in self._unacked:
            self._forget(delivery)
            self._queue.withdraw(delivery.entry)
            self._wake()

    def _give_up(self, delivery: Delivery, result: DeliveryResult) -> None:
        self._forget(delivery)
        delivery.give_up(result)
        self._wake()

    def _time_out(self, delivery: Delivery) -> None:
        self.timed_out_count += 1
        self._forget(delivery)
        delivery.time_out(self._ack_timeout_seconds)
        self._wake()

    def _forget(self, delivery: Delivery) -> None:
        for known in (self._unacked, self._in_flight, self._to_resend):
            known.pop(delivery.ack_id, None)
        self._ids_in_use.discard(delivery.ack_id)
        if self._is_all_acked is not None and not self._unacked:
            self._is_all_acked.set()


def _future_of_running_loop() -> asyncio.Future[None]:
    return asyncio.get_running_loop().create_future()
