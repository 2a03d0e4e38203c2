"""`RateBound`: how often something may happen, for each of many names."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["RateBound"]


class RateBound:
    """One bucket of tokens for each name, forgotten once it is full again."""

    def __init__(
        self, per_second: float, burst: int, now: Callable[[], float] = time.monotonic
    ) -> None:
        """Begin with full buckets.

        Args:
            per_second: how many tokens come back.
            burst: how many there are at most.
            now: seconds, never running backwards.
        """
        self._per_second = per_second
        self._burst = burst
        self._now = now
        self._full_at: dict[str, float] = {}
        """When the bucket of a name will be full; the one that was used last stands last."""

    def __len__(self) -> int:
        """Return how many names are remembered."""
        return len(self._full_at)

    def take(self, name: str) -> bool:
        """Take a token; tell whether there was one."""
        now = self._now()
        self._forget_full(now)
        full_at = max(self._full_at.pop(name, now), now) + 1 / self._per_second
        is_allowed = full_at - now <= self._burst / self._per_second + 1e-9
        self._full_at[name] = full_at if is_allowed else full_at - 1 / self._per_second
        return is_allowed

    def _forget_full(self, now: float) -> None:
        """Forget the names at the front whose bucket is full."""
        while self._full_at:
            name = next(iter(self._full_at))
            if self._full_at[name] > now:
                return
            del self._full_at[name]
