"""`MessagePipe`: an ordered, reliable way for whole binary messages to one other end."""

from __future__ import annotations

from typing import Protocol

__all__ = ["MessagePipe"]


class MessagePipe(Protocol):
    """Two ends; what one sends the other receives, whole and in order, until one closes."""

    async def send(self, data: bytes, /) -> None:
        """Send a message; wait while the other end takes no more.

        Raises:
            PipeClosedError: the pipe is closed, or the other end does not take it in time.
        """
        ...

    async def receive(self) -> bytes:
        """Return the next message.

        Raises:
            PipeClosedError: there will be none.
        """
        ...

    async def close(self) -> None:
        """Say goodbye and free the pipe, in a bounded time; more than once is allowed."""
        ...

    def abort(self) -> None:
        """Break the pipe at once, without a goodbye."""
        ...
