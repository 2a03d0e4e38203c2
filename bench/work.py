"""What is to be done, said without any library: steps, and what must come out of them.

What belongs here: the steps and a naive fold that every contestant's outcome is compared with.
What does not: actions, reducers or stores, which each contestant has in its own manner.
"""

from __future__ import annotations

import random
from typing import Final, Literal, TypeAlias

import attrs

__all__ = ["Outcome", "Step", "Work", "counter_work", "entities_work", "expect", "slices_work"]

Kind: TypeAlias = Literal["slices", "counter", "entities"]
"""Which state and reducers a work needs."""

Verb: TypeAlias = Literal["add", "rename", "subtract", "update", "ignore"]
"""What a step does; ``ignore`` is an action that no reducer handles."""

Outcome: TypeAlias = list[list[int | str]]
"""The state afterwards, reduced to what every contestant can say about it."""

_SEED: Final = 8
"""Any number will do; a fixed one, so that two runs do the same."""

_ROUNDS_THROUGH_ALL_TYPES: Final = 50
"""800 actions for 8 slices: long enough that the loop itself costs nothing."""


@attrs.frozen
class Step:
    """One action, said without a library."""

    verb: Verb
    target: int
    """The slice's or entity's number; 0 for a counter."""

    amount: int
    """What to add, subtract or set, 1 or more."""

    label: str
    """The new name; empty for other verbs than ``rename``."""


@attrs.frozen
class Work:
    """One pass that every contestant runs again and again."""

    kind: Kind
    size: int
    """The number of slices or entities; 1 for a counter."""

    steps: tuple[Step, ...]


def slices_work(size: int, *, handled: bool = True) -> Work:
    """Return a work over slices that handle two action types each, in a shuffled order.

    Args:
        size: the number of slices.
        handled: False for as many actions that no slice handles.
    """
    if not handled:
        return Work("slices", size, (Step("ignore", 0, 1, ""),) * 800)
    steps = [
        step
        for number in range(max(_ROUNDS_THROUGH_ALL_TYPES * 8 // size, 1))
        for target in range(size)
        for step in (
            Step("add", target, 1 + number % 7, ""),
            Step("rename", target, 1, f"label {number}"),
        )
    ]
    random.Random(_SEED).shuffle(steps)  # noqa: S311  # a benchmark's order is no secret
    return Work("slices", size, tuple(steps))


def counter_work() -> Work:
    """Return a work over one counter, which is added to twice and subtracted from once."""
    verbs: tuple[Verb, ...] = ("add", "add", "subtract")
    return Work("counter", 1, tuple(Step(verbs[i % 3], 0, 1 + i % 5, "") for i in range(900)))


def entities_work(size: int) -> Work:
    """Return a work over a map of entities, one of which is updated by each step."""
    order = random.Random(_SEED)  # noqa: S311  # a benchmark's order is no secret
    steps = (Step("update", order.randrange(size), 1 + i, "") for i in range(100))
    return Work("entities", size, tuple(steps))


def expect(work: Work) -> Outcome:
    """Return what one pass over a fresh state must give, by the most naive fold."""
    cells: list[list[int | str]] = [_initial(work, number) for number in range(work.size)]
    for step in work.steps:
        cell = cells[step.target]
        match step.verb:
            case "add" if work.kind == "slices":
                cell[0], cell[1] = int(cell[0]) + step.amount, int(cell[1]) + 1
            case "add":
                cell[0] = int(cell[0]) + step.amount
            case "subtract":
                cell[0] = int(cell[0]) - step.amount
            case "rename":
                cell[2] = step.label
            case "update":
                cell[0], cell[1] = step.amount, int(cell[1]) + 1
            case "ignore":
                pass
    return cells


def _initial(work: Work, number: int) -> list[int | str]:
    if work.kind == "counter":
        return [0]
    return [0, 0, f"entity {number}" if work.kind == "entities" else ""]
