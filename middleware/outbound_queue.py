"""A bounded first-in-first-out queue of messages that wait to be sent."""

from __future__ import annotations

from collections import deque
from typing import TypeAlias

from refold.errors import QueueFullError

__all__ = ["Message", "OutboundQueue"]

Message: TypeAlias = str | bytes
"""A text or a binary message."""


class OutboundQueue:
    """Messages in the order they were given; bounded in number and in size, both exactly."""

    def __init__(self, *, max_messages: int, max_bytes: int) -> None:
        """Start empty.

        Args:
            max_messages: how many may wait.
            max_bytes: how many bytes they may have together; a text counts as its UTF-8 form.
        """
        self._messages: deque[tuple[Message, int]] = deque()
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

    def push(self, message: Message) -> None:
        """Put a message at the end.

        Raises:
            QueueFullError: it would exceed a bound; the queue is as before.
            TypeError: it is neither text nor bytes.
            UnicodeEncodeError: it is a text with a lone surrogate, which no peer would accept.
        """
        if not isinstance(message, str | bytes):
            kind = type(message).__name__  # pyright: ignore[reportUnreachable]  # unchecked callers
            error = f"a message must be str or bytes, got {kind}; encode it first"
            raise TypeError(error)
        size = len(message.encode()) if isinstance(message, str) else len(message)
        if len(self._messages) >= self._max_messages or self._size_bytes + size > self._max_bytes:
            error = (
                f"the outbound queue holds {len(self._messages)} messages of {self._size_bytes}"
                f" bytes and cannot take {size} bytes more (bounds: {self._max_messages} messages,"
                f" {self._max_bytes} bytes); send less while disconnected, or raise the bounds"
            )
            raise QueueFullError(error)
        self._messages.append((message, size))
        self._size_bytes += size

    def first(self) -> Message | None:
        """Return the message that is next, without removing it; None if none waits."""
        return self._messages[0][0] if self._messages else None

    def remove_first(self) -> None:
        """Remove the message that was next: it was sent."""
        self._size_bytes -= self._messages.popleft()[1]

    def clear(self) -> list[Message]:
        """Remove and return all messages."""
        removed = [message for message, _ in self._messages]
        self._messages.clear()
        self._size_bytes = 0
        return removed
