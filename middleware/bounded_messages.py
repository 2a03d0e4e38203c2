"""`BoundedMessages`: the list inside the outbound queue, with its two bounds and its expiry times.

What belongs here: arithmetic.  What does not: what becomes of a message; `OutboundQueue` says that.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from refold.middleware.outbound_message import QueuedOutbound

__all__ = ["BoundedMessages"]


class BoundedMessages:
    """Messages in order; one whose write has begun is first, and only `pop_first` removes it."""

    def __init__(self, max_messages: int, max_bytes: int) -> None:
        """Start empty."""
        self.max_messages = max_messages
        """How many fit."""
        self.max_bytes = max_bytes
        """How many bytes they may have together."""
        self.size_bytes = 0
        """The bytes of all together."""
        self.next_expiry_at: float | None = None
        """No message expires earlier than this; None if none does."""
        self.leaving: QueuedOutbound | None = None
        """The message whose write has begun; None if none is being written."""
        self._messages: deque[QueuedOutbound] = deque()

    def __len__(self) -> int:
        return len(self._messages)

    def __iter__(self) -> Iterator[QueuedOutbound]:
        return iter(self._messages)

    def first(self) -> QueuedOutbound | None:
        """Return the oldest; None if there is none."""
        return self._messages[0] if self._messages else None

    def staying(self) -> list[QueuedOutbound]:
        """Return all but the one that is leaving: those that can be removed without a doubt."""
        return [queued for queued in self._messages if queued is not self.leaving]

    def has_room(self, size_bytes: int, *, is_taken_at_once: bool) -> bool:
        """Tell whether one more message of so many bytes fits.

        Args:
            size_bytes: its size.
            is_taken_at_once: whether an empty list needs no room for it.
        """
        room = self.max_messages or (1 if is_taken_at_once else 0)
        return len(self._messages) < room and self.size_bytes + size_bytes <= self.max_bytes

    def make_room(self, size_bytes: int) -> list[QueuedOutbound] | None:
        """Remove and return the fewest of the oldest, so that so many bytes fit.

        Returns:
            None, and all stay, if even the removal of all would not be enough.
        """
        leaving = self.leaving
        held, held_bytes = (0, 0) if leaving is None else (1, leaving.size_bytes)
        if held >= self.max_messages or held_bytes + size_bytes > self.max_bytes:
            return None
        if leaving is not None:
            self._messages.popleft()
        removed: list[QueuedOutbound] = []
        while (
            len(self._messages) + held >= self.max_messages
            or self.size_bytes + size_bytes > self.max_bytes
        ):
            oldest = self._messages.popleft()
            self.size_bytes -= oldest.size_bytes
            removed.append(oldest)
        if leaving is not None:
            self._messages.appendleft(leaving)
        return removed

    def append(self, queued: QueuedOutbound) -> None:
        """Put one at the end, whether or not it fits."""
        self._messages.append(queued)
        self.size_bytes += queued.size_bytes
        self._note_expiry(queued)

    def pop_first(self) -> None:
        """Remove the first, leaving or not."""
        self.size_bytes -= self._messages.popleft().size_bytes
        self.leaving = None

    def remove(self, chosen: list[QueuedOutbound]) -> None:
        """Remove some of those that are staying."""
        gone = set(chosen)
        self._messages = deque(queued for queued in self._messages if queued not in gone)
        self.size_bytes -= sum(queued.size_bytes for queued in chosen)

    def keep_leaving(self) -> None:
        """Treat the one that is leaving as one that waits: its write failed."""
        leaving, self.leaving = self.leaving, None
        if leaving is not None:
            self._note_expiry(leaving)

    def late(self, now: float) -> list[QueuedOutbound]:
        """Return those whose time is over, for the caller to remove."""
        mortal = [
            (queued, queued.expires_at)
            for queued in self.staying()
            if queued.expires_at is not None
        ]
        self.next_expiry_at = min((at for _, at in mortal if at > now), default=None)
        return [queued for queued, at in mortal if at <= now]

    def _note_expiry(self, queued: QueuedOutbound) -> None:
        at, known = queued.expires_at, self.next_expiry_at
        if at is not None and (known is None or at < known):
            self.next_expiry_at = at
