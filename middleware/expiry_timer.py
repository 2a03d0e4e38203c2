"""`ExpiryTimer`: does something when the next thing in a state is over."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ExpiryTimer"]

_LEAST_SECONDS: Final = 0.01
"""Between two looks, so that what does not go away costs little."""

_MOST_SECONDS: Final = 3600.0
"""A clock that is set forward is met that late at most."""


class ExpiryTimer:
    """Waits for the nearest of some times, which may change while it waits."""

    def __init__(
        self,
        clock: Callable[[], float],
        next_expiry_at_ms: Callable[[], int | None],
        expire: Callable[[], None],
    ) -> None:
        """Wait for nothing yet.

        Args:
            clock: seconds since the Unix epoch.
            next_expiry_at_ms: gives when something is over next, in milliseconds since then; None
                if nothing will be.
            expire: called when that time has come.
        """
        self._clock = clock
        self._next_expiry_at_ms = next_expiry_at_ms
        self._expire = expire
        self._changed: asyncio.Event | None = None

    def look_again(self) -> None:
        """Note that the times may have changed."""
        if self._changed is not None:
            self._changed.set()

    async def run(self) -> None:
        """Wait and expire until cancelled."""
        self._changed = asyncio.Event()
        while True:
            self._changed.clear()
            seconds = self._seconds_left()
            try:
                async with asyncio.timeout(seconds):
                    await self._changed.wait()
            except TimeoutError:
                if self._is_due():
                    self._expire()

    def _seconds_left(self) -> float | None:
        due = self._next_expiry_at_ms()
        if due is None:
            return None
        return min(max(due / 1000 - self._clock(), _LEAST_SECONDS), _MOST_SECONDS)

    def _is_due(self) -> bool:
        due = self._next_expiry_at_ms()
        return due is not None and int(self._clock() * 1000) >= due
