"""`PacedTelling`: telling at once, then once per interval at most, of what happens often."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PacedTelling"]


class PacedTelling:
    """Counts what happens, so that one action can tell of many."""

    def __init__(self, interval_seconds: float, tell: Callable[[int], None]) -> None:
        """Begin with nothing to tell.

        Args:
            interval_seconds: how long after it told it may tell again.
            tell: called with how often something happened since it was last called, 1 or more.
        """
        self._interval_seconds = interval_seconds
        self._tell = tell
        self._untold = 0
        self._timer: asyncio.TimerHandle | None = None

    def note(self, count: int = 1) -> None:
        """Count, and tell unless that was done less than an interval ago: then in time."""
        self._untold += count
        if self._timer is None:
            self._tell_now()

    def flush(self) -> None:
        """Tell what is untold, and forget when it was told last."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        untold, self._untold = self._untold, 0
        if untold:
            self._tell(untold)

    def _tell_now(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._interval_seconds, self._look_again)
        untold, self._untold = self._untold, 0
        self._tell(untold)  # last: what it leads to may come back here

    def _look_again(self) -> None:
        self._timer = None
        if self._untold:
            self._tell_now()
