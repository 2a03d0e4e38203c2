"""`memory_pipe`: two ends of a `MessagePipe` without a socket, which a test can hold up and break.

What belongs here: the pipe.  What does not: who is at its ends; `fake_transport` knows that.
"""

from __future__ import annotations

import asyncio
from collections import deque

from refold.errors import PipeClosedError

__all__ = ["MemoryPipe", "memory_pipe"]


class MemoryPipe:
    """One end; bounded, so that a sender waits for an other end that takes nothing."""

    def __init__(self, max_messages: int) -> None:
        """Make one without another; use `memory_pipe`."""
        self.other: MemoryPipe = self
        """The other end."""
        self.sent: list[bytes] = []
        """All that this end has sent, for tests that look at the wire."""
        self.is_closed = False
        """Whether this end was closed or aborted by its owner."""
        self.is_held_up = False
        """Whether the other end hears nothing of this one, as if the network had lost it."""
        self._max_messages = max_messages
        self._inbox: deque[bytes] = deque()
        self._held: list[bytes] = []
        self._end: PipeClosedError | None = None
        """Why nothing more comes; what came before is received first."""
        self._changed = asyncio.Event()

    async def send(self, data: bytes, /) -> None:
        """Send a message; wait while as many as fit have not been received."""
        while not self.is_closed and self._end is None and self.other.is_full:
            await self.other.wait_for_change()
        if self.is_closed or self._end is not None:
            message = "nothing can be sent: the pipe is closed"
            raise PipeClosedError(message, is_clean=self._end is None or self._end.is_clean)
        self.sent.append(data)
        if self.is_held_up:
            self._held.append(data)
        else:
            self.other.take(data)

    async def receive(self) -> bytes:
        """Return the next message."""
        while self.is_closed or not self._inbox:
            if self.is_closed:
                message = "nothing can be received: this end closed the pipe"
                raise PipeClosedError(message, is_clean=True)
            if self._end is not None:
                raise PipeClosedError(str(self._end), is_clean=self._end.is_clean)
            await self.wait_for_change()
        data = self._inbox.popleft()
        self.wake()
        return data

    async def close(self) -> None:
        """End it; the other end is told."""
        self._close(PipeClosedError("the other end closed the pipe", is_clean=True))

    def abort(self) -> None:
        """Break it; the other end notices that."""
        self._close(PipeClosedError("the pipe broke"))

    def hold_up(self) -> None:
        """Let the other end hear nothing of this one from now on, not even its end."""
        self.is_held_up = True

    def let_go(self) -> None:
        """Let the other end hear what was held up."""
        self.is_held_up = False
        held, self._held = self._held, []
        for data in held:
            self.other.take(data)

    # --- for the other end ------------------------------------------------------------------------

    @property
    def is_full(self) -> bool:
        """Whether no more fits until something is received."""
        return len(self._inbox) >= self._max_messages

    def take(self, data: bytes) -> None:
        """Let a message arrive."""
        if not self.is_closed:
            self._inbox.append(data)
            self.wake()

    def take_end(self, end: PipeClosedError) -> None:
        """Let the end arrive; a second one says nothing."""
        self._end = self._end or end
        self.wake()

    async def wait_for_change(self) -> None:
        """Wait until something arrives, leaves or ends here."""
        await self._changed.wait()

    def wake(self) -> None:
        """Wake all who wait for a change, and let the next wait for the next."""
        self._changed.set()
        self._changed = asyncio.Event()

    def _close(self, end: PipeClosedError) -> None:
        if self.is_closed:
            return
        self.is_closed = True
        self._inbox.clear()
        self.wake()
        if self.is_held_up:
            self.other.wake()  # senders of this end wait there
        else:
            self.other.take_end(end)


def memory_pipe(*, max_messages: int = 16) -> tuple[MemoryPipe, MemoryPipe]:
    """Return the two ends of a new pipe.

    Args:
        max_messages: how many may be under way in each direction before a sender waits.
    """
    one, two = MemoryPipe(max_messages), MemoryPipe(max_messages)
    one.other, two.other = two, one
    return one, two
