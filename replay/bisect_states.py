"""Finding the first action after which an invariant does not hold.

What belongs here: both ways of searching.  What does not: making the failing run shorter, which
`shrink_actions` does.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from refold.replay.forkable_history import ForkableHistory

__all__ = ["bisect_place", "first_broken_place"]

S = TypeVar("S")


def first_broken_place(
    history: ForkableHistory[S], invariant: Callable[[S], bool], /
) -> int | None:
    """Return the first place where an invariant does not hold, by asking about every state.

    Returns:
        0 for the start; None if it always holds.

    Raises:
        Exception: what a reducer raised while the invariant still held.
    """
    if not invariant(history.base):
        return 0
    previous = history.base
    for place, state in history.states():
        if state is not previous and not invariant(state):
            return place
        previous = state
    return None


def bisect_place(history: ForkableHistory[S], invariant: Callable[[S], bool], /) -> int | None:
    """Return the place from which on an invariant does not hold, by asking about few states.

    The keyframes are searched first, then the states between two of them.

    Args:
        history: the run.
        invariant: does not hold again once it was broken; otherwise one of the places is found
            where it breaks, or none if it holds at the end.

    Returns:
        0 for the start; None if it holds at the end.

    Raises:
        Exception: what a reducer raised while the invariant still held.
    """

    def is_broken(step: tuple[int, S]) -> bool:
        return not invariant(step[1])

    end, error = _fold_to_the_end(history)
    if not is_broken(end):
        if error is not None:
            raise error
        return None
    frames = [*(frame for frame in history.keyframes() if frame[0] < end[0]), end]
    index = bisect.bisect_left(frames, True, key=is_broken)  # noqa: FBT003  # the value looked for
    if index == 0:
        return 0
    between = list(history.states(frames[index - 1][0], frames[index][0]))
    return between[bisect.bisect_left(between, True, key=is_broken)][0]  # noqa: FBT003  # as above


def _fold_to_the_end(history: ForkableHistory[S]) -> tuple[tuple[int, S], Exception | None]:
    """Return the last place that has a state, with that state, and what stopped the fold there."""
    end = history.keyframes()[-1]
    try:
        for step in history.states(end[0]):
            end = step
    except Exception as error:
        if history.failure is None or history.failure.error is not error:
            raise
        return end, error
    return end, None
