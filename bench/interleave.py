"""Measuring the contestants of one row side by side.

Every contestant first does one pass, whose outcome is checked; then warms up; then all take turns,
round by round, each time beginning with another one.  Garbage collection is off while anything is
measured and done before each turn.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Final

from contestant import Contestant

__all__ = ["Seconds", "interleave"]

Seconds = dict[str, list[float]]
"""By contestant, CPU seconds per operation in each round."""

_WARM_UP_SECONDS: Final = 0.25
"""V8 has compiled everything after 0.1 s, CPython specialised after a few passes."""

_ROUND_SECONDS: Final = 0.025
"""Two thousand times the resolution of the slowest clock here (1 µs, node's)."""


def interleave(
    contestants: Mapping[str, Contestant], rounds: int, progress: Callable[[], None]
) -> Seconds:
    """Return what every contestant took.

    Args:
        contestants: built and checked.
        rounds: how many times all take their turn, 1 or more.
        progress: called after each round.
    """
    with _collecting_only_between():
        passes = {name: _warm_up(contestant) for name, contestant in contestants.items()}
        seconds: Seconds = {name: [] for name in contestants}
        names = list(contestants)
        for number in range(rounds):
            first = number % len(names)
            for name in names[first:] + names[:first]:
                gc.collect()
                spent = contestants[name].measure(passes[name])
                seconds[name].append(spent / passes[name] / contestants[name].operations)
            progress()
    return seconds


def _warm_up(contestant: Contestant) -> int:
    """Return how many passes make a round."""
    passes, spent, last = 1, 0.0, contestant.measure(1)
    while spent < _WARM_UP_SECONDS:
        passes = max(round(_ROUND_SECONDS * passes / max(last, 1e-6)), 1)
        last = contestant.measure(passes)
        spent += last
    return passes


@contextmanager
def _collecting_only_between() -> Generator[None]:
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
