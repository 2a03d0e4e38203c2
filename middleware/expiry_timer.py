"""`ExpiryTimer`: does something when the next thing in a state is over."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ExpiryTimer"]

_LEAST_SECONDS: Final = 0.01
"""Between two times that something expires, so that what does not go away costs little."""

_TICK_SECONDS: Final = 0.001
"""What a time is told by."""

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
        changed = self._changed = asyncio.Event()
        now, not_before = asyncio.get_running_loop().time, 0.0
        while True:
            changed.clear()
            due = self._next_expiry_at_ms()
            if due is not None and int(self._clock() * 1000) >= due and now() >= not_before:
                not_before = now() + _LEAST_SECONDS
                self._expire()
                continue
            seconds = None if due is None else max(due / 1000 - self._clock(), not_before - now())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_bounded(seconds)):
                    await changed.wait()


def _bounded(seconds: float | None) -> float | None:
    """Return how long to wait: neither so short that it is none, nor too long to meet a clock."""
    return None if seconds is None else min(max(seconds, _TICK_SECONDS), _MOST_SECONDS)
