"""`Scene`: acknowledged delivery to a peer whose faults a test chooses, in a time that it turns."""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from typing import TYPE_CHECKING, Any

from refold.middleware.acknowledged_delivery import AcknowledgedDelivery
from refold.middleware.outbound_queue import OutboundQueue, OverflowPolicy

if TYPE_CHECKING:
    from refold.middleware.delivery import Delivery
    from refold.middleware.outbound_message import QueuedOutbound

__all__ = ["MAX_MESSAGES", "WINDOW", "Peer", "Scene"]

MAX_MESSAGES = 3
WINDOW = 2


class Peer:
    """The other end: it reads what is on the wire in order, and drops what it has seen."""

    def __init__(self) -> None:
        self.wire: deque[str] = deque()
        self.first_seen: list[str] = []
        self.acks: deque[str] = deque()
        self.plain: list[str] = []

    def read(self, *, forgets_to_answer: bool = False) -> None:
        """Read one message; what begins with an id and a colon wants an answer."""
        ack_id, colon, _ = self.wire.popleft().partition(":")
        if not colon:
            self.plain.append(ack_id)
            return
        if ack_id not in self.first_seen:
            self.first_seen.append(ack_id)
        if not forgets_to_answer:
            self.acks.append(ack_id)

    def lose_the_link(self) -> None:
        """Lose what is on its way, in both directions."""
        self.wire.clear()
        self.acks.clear()


class Scene:
    """A delivery, the time, and a peer."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        max_messages: int = MAX_MESSAGES,
        overflow: OverflowPolicy = "raise",
        **options: Any,
    ) -> None:
        self.loop = loop
        self.now = 0.0
        self.peer = Peer()
        self.wakes = 0
        self.queue = OutboundQueue(
            max_messages=max_messages, max_bytes=10_000, overflow=overflow, now=lambda: self.now
        )
        options.setdefault("window", WINDOW)
        options.setdefault("new_id", map(str, itertools.count(1)).__next__)
        self.delivery = AcknowledgedDelivery(
            self.queue,
            **options,
            now=lambda: self.now,
            new_future=loop.create_future,
            wake=self.note_wake,
        )
        self.queue.set_connected(True)

    def note_wake(self) -> None:
        """Count that there may be something to send."""
        self.wakes += 1

    def send(self, **options: Any) -> Delivery:
        """Queue a message that wants an answer."""
        return self.delivery.push(lambda ack_id: f"{ack_id}:hello", **options)

    def write(self) -> QueuedOutbound | None:
        """Write one message; the peer has not read it yet."""
        entry = self.delivery.next_to_send()
        if entry is not None:
            self.peer.wire.append(str(entry.message))
            self.delivery.on_sent(entry)
        return entry

    def write_all(self) -> list[str]:
        """Write all that may leave; return it."""
        return [str(entry.message) for entry in iter(self.write, None)]

    def lose_the_link(self) -> None:
        """Break the link, and open another."""
        self.peer.lose_the_link()
        self.delivery.on_link_lost()
        self.queue.set_connected(True)

    def let_callbacks_run(self) -> None:
        """Run what futures have scheduled."""
        self.loop.run_until_complete(asyncio.sleep(0))
