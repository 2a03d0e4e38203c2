"""`lru_memoize` runs, remembers and forgets exactly as a naive list of recent calls does.

What belongs here: the memoizer as a state machine against its model.  What does not: examples,
which stand with the behaviours.
"""

from __future__ import annotations

import operator
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from refold.selectors.lru_memoize import lru_memoize

keys = st.lists(st.sampled_from(["a", "b", "c", "d", None, 0, 10**30]), min_size=0, max_size=3).map(
    tuple
)
equalities = st.sampled_from([operator.is_, operator.eq])


class NaiveRecentCalls:
    """The calls that are remembered, newest first, searched and cut one by one."""

    def __init__(self, max_size: int) -> None:
        self.max_size = max(max_size, 1)
        self.calls: list[tuple[tuple[object, ...], object]] = []

    def find(self, arguments: tuple[object, ...]) -> object | None:
        """Return the remembered result and move its call to the front, or None."""
        for place, (known, result) in enumerate(self.calls):
            if known == arguments:
                self.calls.insert(0, self.calls.pop(place))
                return result
        return None

    def remember(self, arguments: tuple[object, ...], result: object) -> None:
        """Put a call in front and forget the oldest beyond the size."""
        self.calls.insert(0, (arguments, result))
        del self.calls[self.max_size :]


class LruMemoizeMachine(RuleBasedStateMachine):
    """Calls, repeated calls, failing calls and clearing, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.runs: list[tuple[object, ...]] = []
        self.fails = False
        self.max_size = 1
        self.model = NaiveRecentCalls(1)
        self.memoized: Any = None

    @initialize(max_size=st.integers(-1, 5), equal=equalities)
    def make(self, max_size: int, equal: Any) -> None:
        """Begin with nothing remembered."""
        self.max_size = max_size
        self.model = NaiveRecentCalls(max_size)
        self.memoized = lru_memoize(self._compute, max_size=max_size, equal=equal)

    def _compute(self, *arguments: object) -> object:
        self.runs.append(arguments)
        if self.fails:
            raise ArithmeticError
        return object()

    @rule(arguments=keys)
    def call(self, arguments: tuple[object, ...]) -> None:
        """Answer with the remembered object, or run the function once."""
        runs_before = len(self.runs)
        expected = self.model.find(arguments)
        result = self.memoized(*arguments)
        if expected is None:
            assert self.runs[runs_before:] == [arguments]
            self.model.remember(arguments, result)
        else:
            assert result is expected
            assert len(self.runs) == runs_before

    @rule(arguments=keys)
    def call_that_fails(self, arguments: tuple[object, ...]) -> None:
        """Raise what is not remembered, and remember nothing of it."""
        expected = self.model.find(arguments)
        self.fails = True
        try:
            result = self.memoized(*arguments)
        except ArithmeticError:
            assert expected is None
        else:
            assert result is expected
        finally:
            self.fails = False

    @rule()
    def clear(self) -> None:
        """Forget everything."""
        self.memoized.clear_cache()
        self.model.calls.clear()

    @invariant()
    def as_many_results_as_the_model(self) -> None:
        """As many results are held as the model remembers."""
        if self.memoized is not None:
            assert self.memoized.results_count() == len(self.model.calls)


TestLruMemoize = LruMemoizeMachine.TestCase
