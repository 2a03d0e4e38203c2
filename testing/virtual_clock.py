"""`VirtualClock`: a wall clock that stands still until a test turns it."""

from __future__ import annotations

__all__ = ["VirtualClock"]


class VirtualClock:
    """Call it for the time in seconds since the Unix epoch, as `time.time` is called."""

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        """Stand at this time, in seconds."""
        self._now = float(start)

    def __call__(self) -> float:
        """Return the time in seconds."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Turn the clock on.

        Raises:
            ValueError: time would run backwards.
        """
        if not seconds >= 0:
            message = f"a clock can only be advanced by 0 seconds or more, got {seconds!r}"
            raise ValueError(message)
        self._now += seconds
