"""`Finding`: what came out of one comparison.

What belongs here: the ratio and whether the goal holds.  What does not: how it is shown.
"""

from __future__ import annotations

import statistics

import attrs

from interleave import Seconds
from row import Comparison, Row

__all__ = ["Finding", "find"]


@attrs.frozen
class Finding:
    """One line of the table."""

    row: str
    work: str
    other: str
    kind: str
    limit: float | None
    """The goal; None if there is none."""

    ratio: float | None
    """None if it could not be measured."""

    reason: str
    """Why it could not be measured; empty if it was."""

    is_failure: bool
    """Whether the reason is an error and not just something missing on this machine."""

    @property
    def holds(self) -> bool | None:
        """Whether the goal holds; None without a goal or a measurement."""
        if self.is_failure:
            return False
        if self.limit is None or self.ratio is None:
            return None
        return self.ratio <= self.limit if self.kind == "at most" else self.ratio >= self.limit


def find(
    row: Row, seconds: Seconds, missing: dict[str, str], failed: dict[str, str]
) -> list[Finding]:
    """Return the findings of a row.

    Args:
        row: what was measured.
        seconds: of those who took part.
        missing: by contestant, why it could not take part.
        failed: by contestant, what it did wrong.
    """
    refold = row.entries[0].name
    return [_compare(row, refold, c, seconds, missing, failed) for c in row.comparisons]


def _compare(  # noqa: PLR0913, PLR0917  # private, and each is needed
    row: Row,
    refold: str,
    comparison: Comparison,
    seconds: Seconds,
    missing: dict[str, str],
    failed: dict[str, str],
) -> Finding:
    wrong = failed.get(refold) or failed.get(comparison.other)
    reason = wrong or missing.get(refold) or missing.get(comparison.other) or ""
    ratio = None
    if not reason:
        mine, other = seconds[refold], seconds[comparison.other]
        pairs = zip(mine, other, strict=True)
        ratio = statistics.median(
            a / b if comparison.kind == "at most" else b / a for a, b in pairs
        )
    return Finding(
        row.number,
        row.work,
        comparison.other,
        comparison.kind,
        comparison.limit,
        ratio,
        reason,
        bool(wrong),
    )
