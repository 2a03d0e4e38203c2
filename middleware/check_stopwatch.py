"""`CheckStopwatch`: how long the checks of `state_checks` take, and what to say of a slow one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

__all__ = ["CheckStopwatch"]

R = TypeVar("R")


class CheckStopwatch:
    """Measures checks, and has something to say once of each kind that is slow."""

    def __init__(self, slow_seconds: float, clock: Callable[[], float]) -> None:
        """Begin with nothing measured; see `state_checks`."""
        self._slow_seconds = slow_seconds
        self._clock = clock
        self._slow: set[str] = set()
        self._unsaid: list[str] = []

    def measured(self, kind: str, check: Callable[[], R]) -> R:
        """Return what the check returns."""
        begin = self._clock()
        result = check()
        seconds = self._clock() - begin
        if seconds > self._slow_seconds and kind not in self._slow:
            self._slow.add(kind)
            self._unsaid.append(
                f"the check for {kind} took {seconds * 1000:.0f} ms, more than"
                f" {self._slow_seconds * 1000:.0f} ms; leave parts out by ignored_slices or"
                f" ignored_paths, lower parts_per_look, or pass {kind}=False (python -O makes no"
                f" check; this is said once)"
            )
        return result

    def take_unsaid(self) -> list[str]:
        """Return what was not taken yet."""
        unsaid, self._unsaid = self._unsaid, []
        return unsaid
