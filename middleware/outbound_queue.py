"""A bounded first-in-first-out queue of messages that wait to be sent."""

from __future__ import annotations

from collections import deque
from typing import TypeAlias

import attrs

from refold.errors import QueueFullError

__all__ = ["Message", "OutboundQueue", "QueuedOutbound"]

Message: TypeAlias = str | bytes
"""A text or a binary message."""


@attrs.frozen(eq=False)
class QueuedOutbound:
    """A message in the queue; two with the same content are still two."""

    message: Message
    """What to send."""

    size_bytes: int
    """Its length; a text counts as its UTF-8 form."""


class OutboundQueue:
    """Messages in the order they were given; bounded in number and in size, both exactly."""

    def __init__(self, *, max_messages: int, max_bytes: int) -> None:
        """Start empty.

        Args:
            max_messages: how many may wait.
            max_bytes: how many bytes they may have together; a text counts as its UTF-8 form.
        """
        self._messages: deque[QueuedOutbound] = deque()
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._size_bytes = 0

    def __len__(self) -> int:
        """Return how many messages wait."""
        return len(self._messages)

    @property
    def size_bytes(self) -> int:
        """The bytes of all waiting messages together."""
        return self._size_bytes

    def push(self, message: Message, *, is_taken_at_once: bool = False) -> None:
        """Put a message at the end.

        Args:
            message: a text, or bytes.
            is_taken_at_once: whether somebody stands ready to take it, so that an empty queue needs
                no room for it: with ``max_messages=0`` nothing waits, but what can go at once goes.

        Raises:
            QueueFullError: it would exceed a bound; the queue is as before.
            TypeError: it is neither text nor bytes.
            UnicodeEncodeError: it is a text with a lone surrogate, which no peer would accept.
        """
        size = _size_bytes(message)
        room = max(self._max_messages, 1 if is_taken_at_once else 0)
        if len(self._messages) >= room or self._size_bytes + size > self._max_bytes:
            error = (
                f"the outbound queue holds {len(self._messages)} messages of {self._size_bytes}"
                f" bytes and cannot take {size} bytes more (bounds: {self._max_messages} messages,"
                f" {self._max_bytes} bytes); send less while disconnected, or raise the bounds"
            )
            raise QueueFullError(error)
        self._messages.append(QueuedOutbound(message, size))
        self._size_bytes += size

    def first(self) -> QueuedOutbound | None:
        """Return the message that is next, without removing it; None if none waits."""
        return self._messages[0] if self._messages else None

    def remove_sent(self, queued: QueuedOutbound) -> None:
        """Remove a message that was the first and is sent, unless the queue was cleared since."""
        if self.first() is queued:
            self._messages.popleft()
            self._size_bytes -= queued.size_bytes

    def clear(self) -> list[Message]:
        """Remove and return all messages; the first may be on its way already."""
        removed = [queued.message for queued in self._messages]
        self._messages.clear()
        self._size_bytes = 0
        return removed


def _size_bytes(message: object) -> int:
    """Return how long a message is on the wire, without its frame."""
    match message:
        case str():
            return len(message.encode())
        case bytes():
            return len(message)
        case _:
            error = f"a message must be str or bytes, got {type(message).__name__}; encode it first"
            raise TypeError(error)
