"""`accepted.md`: the table that was accepted last, to compare the next one with.

What belongs here: writing it and reading its ratios.  What does not: deciding to accept it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, TypeAlias

from finding import Finding
from shown import show_compared, show_goal, show_holds, show_ratio

__all__ = ["Ratios", "ratio_key", "read_accepted", "write_accepted"]

Ratios: TypeAlias = dict[tuple[str, str], str]
"""By `ratio_key`, the ratio as it was shown."""

_ACCEPTED: Final = Path(__file__).parent / "accepted.md"

_HEAD: Final = """# The last accepted table

Written by `python bench/run.py --accept`; what each contestant does stands in
[README.md](README.md).
CPU time of the one ÷ CPU time of the other, the median of {rounds} interleaved rounds.

"""

_COLUMNS: Final = "| row | work | compared with | measured | goal | holds |\n"


def ratio_key(finding: Finding) -> tuple[str, str]:
    """Return what tells this comparison from all others."""
    return finding.work, show_compared(finding)


def write_accepted(findings: list[Finding], facts: dict[str, str], rounds: int) -> None:
    """Write the table.

    Args:
        findings: of all rows.
        facts: versions by name, true on any machine.
        rounds: how many were measured.
    """
    versions = "".join(f"- {name}: {version}\n" for name, version in facts.items())
    lines = "".join(_line(finding) for finding in findings)
    ruler = "|---|---|---|---:|---|---|\n"
    text = f"{_HEAD.format(rounds=rounds)}{_COLUMNS}{ruler}{lines}\n{versions}"
    _ACCEPTED.write_text(text, encoding="utf-8")


def read_accepted() -> Ratios:
    """Return the ratios accepted last; none if nothing was accepted yet."""
    if not _ACCEPTED.exists():
        return {}
    lines = _ACCEPTED.read_text(encoding="utf-8").splitlines()
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if "|" in line]
    return {(cell[1], cell[2]): cell[3] for cell in cells[2:]}


def _line(finding: Finding) -> str:
    compared = show_compared(finding) + (f" ({finding.reason})" if finding.reason else "")
    cells = (
        finding.row,
        finding.work,
        compared,
        show_ratio(finding),
        show_goal(finding),
        show_holds(finding),
    )
    return f"| {' | '.join(cells)} |\n"
