"""`Contestant`: whoever takes part in a row.

What belongs here: the protocol, and its form for code that runs in this process.  What does not:
any library.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from work import Outcome

__all__ = ["Contestant", "ContestantMissingError", "LocalContestant"]


class ContestantMissingError(Exception):
    """A contestant cannot take part here; the text says why."""


class Contestant(Protocol):
    """Does the same work again and again, and says what CPU time it took."""

    @property
    def operations(self) -> int:
        """How many dispatches or calls one pass has."""
        ...

    def measure(self, passes: int) -> float:
        """Do so many passes; return the CPU seconds that they took."""
        ...

    def outcome(self) -> Outcome:
        """Return the state after all passes so far; last, how many calls were counted."""
        ...

    def close(self) -> None:
        """Let go of whatever is held."""
        ...


class LocalContestant:
    """A contestant in this process."""

    def __init__(
        self,
        run_pass: Callable[[], object],
        operations: int,
        outcome: Callable[[], Outcome],
        close: Callable[[], None] | None = None,
        clock: Callable[[], float] = time.process_time,
    ) -> None:
        """Keep the functions.

        Args:
            run_pass: does the work once.
            operations: how many dispatches or calls that is.
            outcome: what came out so far.
            close: lets go of whatever is held; None if nothing is.
            clock: the time in seconds; another one only where waiting is what is measured.
        """
        self._run_pass = run_pass
        self.operations = operations
        self.outcome = outcome
        self._close = close
        self._clock = clock

    def measure(self, passes: int) -> float:
        """Do so many passes; return the seconds of the clock."""
        run_pass, clock = self._run_pass, self._clock
        begin = clock()
        for _ in range(passes):
            run_pass()
        return clock() - begin

    def close(self) -> None:
        """Let go of whatever is held."""
        if self._close is not None:
            self._close()
