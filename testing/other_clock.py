"""Calling a function at another time of the wall clock, and with other random numbers.

What belongs here: changing what a function would read of the world.  What does not: comparing what
it returns, which `reducer_laws` does.

The clock is changed by the library time-machine, which replaces the functions inside CPython: so it
also changes for whoever wrote ``from time import time`` or ``from datetime import datetime`` long
ago.  Replacing ``time.time`` by an attribute would not reach them, and ``datetime.now`` cannot be
replaced at all.  What differs at each call anyway (``uuid4``, ``os.urandom``, ``monotonic``) needs
nothing but a second call.
"""

from __future__ import annotations

import datetime
import random
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

import time_machine

__all__ = ["EARLY", "LATE", "Moment", "at_moment", "unchanged_chance"]

Moment = datetime.datetime

EARLY: Final = Moment(2001, 2, 3, 4, 5, 6, 789012, tzinfo=datetime.UTC)
"""A Saturday."""

LATE: Final = Moment(2032, 11, 30, 17, 58, 49, 210987, tzinfo=datetime.UTC)
"""A Tuesday; year, month, day, hour, minute and second are all other than those of `EARLY`."""


@contextmanager
def at_moment(moment: Moment, random_seed: int) -> Generator[None]:
    """Let the wall clock stand at a moment, and `random` begin anew, for a ``with`` block."""
    random.seed(random_seed)
    with time_machine.travel(moment, tick=False):
        yield


@contextmanager
def unchanged_chance() -> Generator[None]:
    """Put the state of `random` back after a ``with`` block: Hypothesis draws from it, too."""
    before = random.getstate()
    try:
        yield
    finally:
        random.setstate(before)
