"""A bounded first-in-first-out queue of messages that wait to be sent.

What belongs here: which messages wait, and what becomes of each.  What does not: sockets, and
acknowledgements, which `AcknowledgedDelivery` keeps.

How its owner uses it: `push`; with a link, in turn `begin_write`, the write, and `remove_sent` once
the write returned; and `set_connected(False)` when the link is gone and no write is under way.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

from refold.errors import ConnectionClosedError, QueueFullError
from refold.middleware.bounded_messages import BoundedMessages
from refold.middleware.outbound_message import (
    DeliveryResult,
    Message,
    QueuedOutbound,
    SendTerms,
    size_of_message,
)
from refold.middleware.outbound_overflow import (
    DropCause,
    DropTally,
    OverflowPolicy,
    WaitingLine,
    check_overflow_policy,
)

__all__ = [
    "DeliveryResult",
    "Message",
    "OutboundQueue",
    "OverflowPolicy",
    "QueuedOutbound",
    "SendTerms",
]

_USUAL_TERMS: Final = SendTerms()


class OutboundQueue:
    """Messages in the order they were given; bounded in number and in size, both exactly.

    A message whose write has begun stays first until the write is over: it counts, and it is
    neither dropped, expired nor cleared, because nobody knows whether it arrives.
    """

    def __init__(
        self,
        *,
        max_messages: int,
        max_bytes: int,
        overflow: OverflowPolicy = "raise",
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start empty, and without a link.

        Args:
            max_messages: how many may wait.
            max_bytes: how many bytes they may have together; a text counts as its UTF-8 form.
            overflow: what happens to a message that does not fit.
            now: seconds, never running backwards; give the event loop's ``time``.

        Raises:
            ValueError: there is no such policy.
        """
        self.overflow: Final = check_overflow_policy(overflow)
        self._now = now
        self._messages = BoundedMessages(max_messages, max_bytes)
        self._expired_count = 0
        self._drops = DropTally()
        self._line = WaitingLine(self._messages) if overflow == "block" else None
        """Senders that wait for room; None if the policy lets nobody wait."""
        self._is_connected = False
        self._is_closed = False
        self._is_empty: asyncio.Event | None = None
        """Set when nothing is left; None while nobody ever waited for that."""
        self._why_turned_away: Callable[[], Exception] = _closed_error

    def __len__(self) -> int:
        """Return how many messages wait."""
        return len(self._messages)

    @property
    def size_bytes(self) -> int:
        """The bytes of all waiting messages together."""
        return self._messages.size_bytes

    @property
    def is_connected(self) -> bool:
        """Whether the owner said that there is a link."""
        return self._is_connected

    @property
    def dropped_count(self) -> int:
        """Messages dropped so far: for want of room, or volatile ones for want of a link."""
        return self._drops.total

    @property
    def expired_count(self) -> int:
        """Messages whose time was over before they could leave."""
        return self._expired_count

    @property
    def blocked_count(self) -> int:
        """Senders that wait for room."""
        return 0 if self._line is None else len(self._line)

    # --- putting in -------------------------------------------------------------------------------

    def push(
        self,
        message: Message,
        *,
        is_taken_at_once: bool = False,
        terms: SendTerms = _USUAL_TERMS,
    ) -> QueuedOutbound:
        """Put a message at the end.

        Args:
            message: a text, or bytes.
            is_taken_at_once: whether somebody stands ready to take it, so that an empty queue needs
                no room for it: with ``max_messages=0`` nothing waits, but what can go at once goes.
            terms: how long it is worth sending, and the like.

        Returns:
            The message in the queue; its result is ``dropped`` if it was not taken.

        Raises:
            ConnectionClosedError: the queue was closed.
            QueueFullError: it would exceed a bound, or overtake a blocked sender, and the policy is
                ``raise`` or ``block``; the queue is as before.
            TypeError: it is neither text nor bytes.
            UnicodeEncodeError: it is a text with a lone surrogate, which no peer would accept.
        """
        entry = self._new_entry(message, terms)
        self._push(entry, is_taken_at_once=is_taken_at_once)
        return entry

    async def push_when_room(
        self,
        message: Message,
        *,
        timeout_seconds: float | None = None,
        is_taken_at_once: bool = False,
        terms: SendTerms = _USUAL_TERMS,
    ) -> QueuedOutbound:
        """Put a message at the end, with the policy ``block`` as soon as there is room.

        Those who wait are served in the order in which they came.  A cancelled sender has queued
        nothing, and the next one gets the room.  A volatile message does not wait: without room it
        is dropped.  With another policy this is `push`.

        Args:
            message: as in `push`.
            timeout_seconds: how long to wait for room at most, 0 or more; None for ever.
            is_taken_at_once: as in `push`.
            terms: as in `push`.

        Returns:
            The message in the queue; its result is ``expired`` if its time was over before there
            was room.

        Raises:
            ConnectionClosedError: the queue was closed, perhaps meanwhile.
            QueueFullError: there was no room in time; or there never can be, for so many bytes.
            Exception: what `stop_waiting` was given.
        """
        entry = self._new_entry(message, terms)
        line, can_ever_fit = self._line, entry.size_bytes <= self._messages.max_bytes
        self.expire()
        has_room = self._can_take(entry, is_taken_at_once=is_taken_at_once)
        if line is None or not can_ever_fit or has_room:
            self._push(entry, is_taken_at_once=is_taken_at_once)
        elif terms.is_volatile:
            self._drop(entry, "volatile")
        elif await self._wait_in(line, entry, timeout_seconds, is_taken_at_once=is_taken_at_once):
            self._messages.append(entry)
            line.let_in()
        return entry

    # --- taking out -------------------------------------------------------------------------------

    def first(self) -> QueuedOutbound | None:
        """Return the message that is next, without removing it; None if none waits."""
        if self._messages.next_expiry_at is not None:
            self.expire()
        return self._messages.first()

    def begin_write(self) -> QueuedOutbound | None:
        """Return the message that is next, and keep it first until its write is over.

        Follow it by `remove_sent`, or by `set_connected` if the write failed.
        """
        self._messages.leaving = head = self.first()
        return head

    def remove_sent(self, queued: QueuedOutbound) -> None:
        """Remove a message that was the first and is sent, unless the queue was cleared since."""
        if self._messages.first() is queued:
            self._messages.pop_first()
            queued.settle("handed_to_socket")
            self._note_room()

    def withdraw(self, queued: QueuedOutbound) -> bool:
        """Take one message back, wherever it stands; tell whether it was there and not leaving."""
        is_there = queued in self._messages.staying()
        if is_there:
            self._take_out([queued], "cleared")
        return is_there

    def clear(self) -> list[Message]:
        """Remove and return all messages but one whose write has begun: that may arrive."""
        self.expire()
        removed = self._messages.staying()
        self._take_out(removed, "cleared")
        return [queued.message for queued in removed]

    # --- what the owner tells ---------------------------------------------------------------------

    def set_connected(self, is_connected: bool) -> None:  # noqa: FBT001  # says it all
        """Note that there is a link, or that it is gone and no write is under way any more.

        A message whose write failed waits again, first as before; volatile ones are dropped.
        """
        self._is_connected = is_connected
        if is_connected:
            return
        self._messages.keep_leaving()
        volatile = [queued for queued in self._messages if queued.terms.is_volatile]
        for _ in volatile:
            self._drops.add("volatile")
        self._take_out(volatile, "dropped")

    def offer_room(self) -> None:
        """Note that somebody stands ready to take a message at once: a blocked sender may go on."""
        if self._line is not None:
            self._line.let_in(is_taken_at_once=True)

    def expire(self) -> int:
        """Remove the messages whose time is over; return how many they were."""
        due_at = self._messages.next_expiry_at
        if due_at is None or self._now() < due_at:
            return 0
        late = self._messages.late(self._now())
        self._expired_count += len(late)
        self._take_out(late, "expired")
        return len(late)

    def next_expiry_at(self) -> float | None:
        """Return when `expire` may have something to do, so that nobody waits in vain for longer.

        Returns:
            Seconds by the queue's clock; None if nothing can expire.
        """
        return self._messages.next_expiry_at

    def take_dropped(self) -> tuple[int, DropCause] | None:
        """Return how many messages were dropped since this was last asked, and why.

        Each call tells of one cause: call until it returns None, and dispatch one action for each.
        """
        return self._drops.take()

    # --- the end ----------------------------------------------------------------------------------

    def stop_waiting(self, new_error: Callable[[], Exception]) -> None:
        """Let everybody who waits go on, because the connection ended; the messages stay.

        Args:
            new_error: makes the error for a sender that waits for room; one that waits for the
                result of a queued message gets ``queued``.
        """
        self._why_turned_away = new_error
        if self._line is not None:
            self._line.turn_away()
        for queued in self._messages:
            queued.stop_waiting()

    async def drained(self) -> None:
        """Wait until nothing is left to send; bound it by a time limit, then look what is left."""
        while self._messages:
            self._is_empty = self._is_empty or asyncio.Event()
            self._is_empty.clear()
            await self._is_empty.wait()

    def close(self) -> None:
        """Refuse every further message, and senders that still wait for room; keep what waits."""
        self._is_closed = True
        self._why_turned_away = _closed_error
        if self._line is not None:
            self._line.turn_away()

    # --- below ------------------------------------------------------------------------------------

    def _new_entry(self, message: Message, terms: SendTerms) -> QueuedOutbound:
        if self._is_closed:
            raise _closed_error()
        ttl = terms.ttl_seconds
        expires_at = None if ttl is None else self._now() + ttl
        return QueuedOutbound(message, size_of_message(message), terms, expires_at)

    def _push(self, entry: QueuedOutbound, *, is_taken_at_once: bool) -> None:
        """Take a message, or do what the policy says."""
        if entry.terms.is_volatile and not self._is_connected:
            self._drop(entry, "volatile")
            return
        if self._messages.next_expiry_at is not None:
            self.expire()
        if self._can_take(entry, is_taken_at_once=is_taken_at_once):
            self._messages.append(entry)
        elif self.overflow == "drop_newest":
            self._drop(entry, "drop_newest")
        elif self.overflow == "drop_oldest":
            self._drop_oldest_for(entry)
        else:
            raise self._full_error(entry.size_bytes)

    def _can_take(self, entry: QueuedOutbound, *, is_taken_at_once: bool) -> bool:
        has_room = self._messages.has_room(entry.size_bytes, is_taken_at_once=is_taken_at_once)
        return has_room and not self._line

    def _drop_oldest_for(self, entry: QueuedOutbound) -> None:
        """Drop as many of the oldest as it needs; but itself if even that would not make room."""
        removed = self._messages.make_room(entry.size_bytes)
        if removed is None:
            self._drop(entry, "drop_oldest")
            return
        self._messages.append(entry)
        for oldest in removed:
            self._drop(oldest, "drop_oldest")

    async def _wait_in(
        self,
        line: WaitingLine,
        entry: QueuedOutbound,
        timeout_seconds: float | None,
        *,
        is_taken_at_once: bool,
    ) -> bool:
        """Wait; return whether the message may be appended, else it expired."""
        ttl = entry.terms.ttl_seconds
        expires_first = ttl is not None and (timeout_seconds is None or ttl <= timeout_seconds)
        limit = ttl if expires_first else timeout_seconds
        outcome = await line.wait(entry.size_bytes, limit, is_taken_at_once=is_taken_at_once)
        if outcome == "turned_away" or self._is_closed:
            raise self._why_turned_away()
        if outcome == "room":
            return True
        if not expires_first:
            raise self._full_error(entry.size_bytes, f" after waiting for {limit:g} s")
        self._expired_count += 1
        entry.settle("expired")
        return False

    def _drop(self, entry: QueuedOutbound, cause: DropCause) -> None:
        self._drops.add(cause)
        entry.settle("dropped")

    def _take_out(self, chosen: list[QueuedOutbound], result: DeliveryResult) -> None:
        """Remove some messages, then say what became of them, then let senders in."""
        if not chosen:
            return
        self._messages.remove(chosen)
        for queued in chosen:
            queued.settle(result)
        self._note_room()

    def _note_room(self) -> None:
        """Let those go on who waited for room, or for the end of the queue."""
        if self._line:
            self._line.let_in()
        if self._is_empty is not None and not self._messages:
            self._is_empty.set()

    def _full_error(self, size_bytes: int, when: str = "") -> QueueFullError:
        queue = self._messages
        return QueueFullError(
            f"the outbound queue holds {len(queue)} messages of {queue.size_bytes} bytes and cannot"
            f" take {size_bytes} bytes more{when} (bounds: {queue.max_messages} messages,"
            f" {queue.max_bytes} bytes); send less while disconnected, or raise the bounds"
        )


def _closed_error() -> ConnectionClosedError:
    return ConnectionClosedError(
        "the connection is closed and takes no message; send before closing it, or make another"
    )
