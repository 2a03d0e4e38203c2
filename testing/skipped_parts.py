"""`SkippedParts`: what a test that is not exhaustive did not look at."""

from __future__ import annotations

import logging
from typing import Final, Literal, TypeAlias

import attrs

__all__ = ["SkippedKind", "SkippedPart", "SkippedParts"]

SkippedKind: TypeAlias = Literal["change", "action", "listener error", "run"]
"""A change that was not stated, an action that was not received, what a listener raised, and a run
that was cancelled at the end."""

_logger: Final = logging.getLogger("refold.testing")


@attrs.frozen
class SkippedPart:
    """Something that a test did not look at."""

    kind: SkippedKind
    """What kind of thing it is."""

    text: str
    """What it is."""

    def __str__(self) -> str:
        """Return the text."""
        return self.text


class SkippedParts:
    """All that one test did not look at, in order."""

    def __init__(self) -> None:
        """Nothing so far."""
        self.parts: list[SkippedPart] = []
        """In the order in which it was skipped."""

    def add(self, kind: SkippedKind, text: str) -> None:
        """Note something."""
        self.parts.append(SkippedPart(kind, text))

    def report(self) -> None:
        """Write it to the program's log (``refold.testing``, INFO), if there is anything."""
        if self.parts:
            lines = "\n".join(f"  {part.kind}: {part.text}" for part in self.parts)
            _logger.info("the test did not look at:\n%s", lines)
