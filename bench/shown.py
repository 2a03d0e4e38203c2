"""The words and numbers of a finding, the same on the screen and in the accepted table."""

from __future__ import annotations

from finding import Finding

__all__ = ["show_compared", "show_goal", "show_holds", "show_ratio"]

_SIGNS = {"at most": "≤", "at least": "≥"}


def show_ratio(finding: Finding) -> str:
    """Return the ratio with three digits; nothing if there is none."""
    if finding.ratio is None:
        return ""
    return f"{finding.ratio:.2f}" if finding.ratio < 10 else f"{finding.ratio:.1f}"  # noqa: PLR2004


def show_compared(finding: Finding) -> str:
    """Return which CPU time is divided by which."""
    if finding.kind == "at most":
        return f"refold ÷ {finding.other}"
    return f"{finding.other} ÷ refold"


def show_goal(finding: Finding) -> str:
    """Return the goal; empty if there is none."""
    return "" if finding.limit is None else f"{_SIGNS[finding.kind]} {finding.limit:g}"


def show_holds(finding: Finding) -> str:
    """Return yes, no, or nothing where nothing has to hold or nothing was measured."""
    return {True: "yes", False: "no", None: ""}[finding.holds]
