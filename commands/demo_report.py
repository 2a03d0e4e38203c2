"""What the demo did and found: its steps, their checks, and the verdict."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["Check", "DemoReport", "StepReport"]


@attrs.frozen
class Check:
    """One sentence that is true or not."""

    sentence: str
    """What should hold."""

    held: bool
    """Whether it did."""

    found: str = ""
    """What was there instead, or a detail worth knowing."""


@attrs.define
class StepReport:
    """One part of the demo."""

    title: str
    """What was done, in a few words."""

    seconds: float = 0.0
    """How long it took."""

    checks: list[Check] = attrs.field(factory=list[Check])
    """What was looked at."""

    def check(self, sentence: str, held: bool, found: object = "") -> None:  # noqa: FBT001
        """Note whether a sentence is true."""
        self.checks.append(Check(sentence, held, str(found)))

    @property
    def held(self) -> bool:
        """Whether all of it was true, and something was looked at."""
        return bool(self.checks) and all(check.held for check in self.checks)


@attrs.define
class DemoReport:
    """The whole demo."""

    log: str
    """Where it was recorded."""

    steps: list[StepReport] = attrs.field(factory=list[StepReport])
    """In order."""

    records: int = 0
    """How many actions were recorded."""

    @contextmanager
    def step(self, title: str) -> Generator[StepReport]:
        """Begin a step; it ends with the block."""
        step, began = StepReport(title), time.monotonic()
        self.steps.append(step)
        try:
            yield step
        finally:
            step.seconds = time.monotonic() - began

    @property
    def held(self) -> bool:
        """Whether everything was true."""
        return bool(self.steps) and all(step.held for step in self.steps)

    @property
    def seconds(self) -> float:
        """How long all of it took."""
        return sum(step.seconds for step in self.steps)
