"""What rows 9 to 12 write and read, said without any library.

What belongs here: the steps and a naive fold of them.  What does not: actions, which every
contestant has in its own manner.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Literal, TypeAlias

import attrs

from work import Outcome

__all__ = ["AT_MS", "LogStep", "expect_fold", "log_steps", "said"]

Verb: TypeAlias = Literal["measured", "renamed", "switched"]

AT_MS: Final = 1_700_000_000_000
"""When the first step happened; each of the others one millisecond after the one before."""


@attrs.frozen
class LogStep:
    """One action, said without a library."""

    verb: Verb
    at_ms: int
    key: str
    value: float = 0.0
    """A multiple of 1/4, so that sums are exact; only of ``measured``, like the count."""

    count: int = 0
    label: str = ""
    """Only of ``renamed``."""

    is_on: bool = False
    """Only of ``switched``."""


def log_steps(number_of_steps: int) -> tuple[LogStep, ...]:
    """Return the steps: half of them measure, a quarter rename, a quarter switch."""
    return tuple(_steps(number_of_steps))


def _steps(number_of_steps: int) -> Iterator[LogStep]:
    for number in range(number_of_steps):
        at_ms, key = AT_MS + number, f"sensor-{number % 40}"
        if number % 2 == 0:
            yield LogStep("measured", at_ms, key, 20 + number % 17 / 4, 1 + number % 5)
        elif number % 4 == 1:
            yield LogStep("renamed", at_ms, key, label=f"label {number % 100}")
        else:
            yield LogStep("switched", at_ms, key, is_on=number % 8 == 3)  # noqa: PLR2004  # every second one


def said(step: LogStep) -> list[int | str]:
    """Return all that a step says, as every contestant's line has to."""
    fields: dict[Verb, list[int | str]] = {
        "measured": [str(step.value), step.count],
        "renamed": [step.label],
        "switched": [str(step.is_on)],
    }
    return [step.verb, step.at_ms, step.key, *fields[step.verb]]


def expect_fold(steps: Sequence[LogStep]) -> Outcome:
    """Return the state after the steps, by the most naive fold."""
    measured = [step for step in steps if step.verb == "measured"]
    renamed = [step for step in steps if step.verb == "renamed"]
    switched_on = sum(step.is_on for step in steps)
    total = sum(step.value for step in measured)
    return [
        [str(total), sum(step.count for step in measured)],
        [renamed[-1].label if renamed else "", len(renamed)],
        [switched_on],
    ]
