"""`fixed_inputs`: a store's inputs that are the same in every run of a test."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable

from refold.store.inputs import Inputs

__all__ = ["fixed_inputs"]


def fixed_inputs(*, now: float | Callable[[], float] = 0.0, seed: int = 0) -> Inputs:
    """Return inputs without chance: ids ``id-1``, ``id-2``, and numbers by a seed.

    Args:
        now: seconds since the Unix epoch, or a clock, such as ``VirtualClock``'s.
        seed: other seeds give other numbers.
    """
    count = itertools.count(1)
    return Inputs(
        now=now if callable(now) else lambda: now,
        new_id=lambda: f"id-{next(count)}",
        random=random.Random(seed).random,  # noqa: S311  # it is to be foreseen
    )
