"""`Scenario`: a work, and what stands around the store while it is done."""

from __future__ import annotations

import attrs

from work import Outcome, Work, expect

__all__ = ["Scenario"]


@attrs.frozen
class Scenario:
    """What every contestant of a row is built for."""

    work: Work

    pass_through: int = 0
    """How many middlewares that only call the next one."""

    keep_last: int = 0
    """How many of the last actions to keep; 0 for no history."""

    reads_root: bool = False
    """Whether the whole state is read after each dispatch."""

    subscribers: int = 0
    """How many functions to call after each dispatch."""

    selections: int = 0
    """How many functions to call when a slice's count has changed: number i looks at slice i, and
    begins again from the first slice when there are no more."""

    counts_calls: bool = False
    """Whether the functions to call count their calls; else they do nothing."""

    def expected(self) -> Outcome:
        """Return the outcome of one pass over a fresh state; last, how many calls were counted."""
        return [*expect(self.work), [self._expected_calls()]]

    def _expected_calls(self) -> int:
        if not self.counts_calls:
            return 0
        chosen = [number % self.work.size for number in range(self.selections)]
        additions = [step.target for step in self.work.steps if step.verb == "add"]
        told = sum(chosen.count(target) for target in additions)
        return told + self.subscribers * len(self.work.steps)
