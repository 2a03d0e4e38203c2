"""The table on the screen, made for 80 columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.markup import escape
from rich.table import Table

from accepted_table import Ratios, ratio_key
from finding import Finding
from shown import show_compared, show_goal, show_holds, show_ratio

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["print_table"]

_LEGEND = (
    "CPU time of the one ÷ CPU time of the other, median of interleaved rounds. "
    "accepted: what bench/accepted.md says."
)


def print_table(console: Console, findings: list[Finding], accepted: Ratios) -> None:
    """Print the findings.

    Args:
        console: where to.
        findings: in the order of the rows.
        accepted: the ratios accepted last.
    """
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    table.add_column("row", no_wrap=True)
    table.add_column("work, and compared with", width=36)
    table.add_column("measured", justify="right", no_wrap=True)
    table.add_column("accepted", justify="right", no_wrap=True)
    table.add_column("goal", no_wrap=True)
    table.add_column("holds", no_wrap=True)
    for work in dict.fromkeys(finding.work for finding in findings):
        chosen = [finding for finding in findings if finding.work == work]
        table.add_row(chosen[0].row, f"[bold]{escape(work)}[/bold]")
        told_already = ""
        for finding in chosen:
            _add_finding(table, finding, accepted.get(ratio_key(finding), ""))
            if finding.reason not in {"", told_already}:
                table.add_row("", f"[dim]  {escape(finding.reason)}[/dim]")
            told_already = finding.reason
        table.add_section()
    console.print(table)
    console.print(f"[dim]{_LEGEND}[/dim]")


def _add_finding(table: Table, finding: Finding, accepted: str) -> None:
    holds = show_holds(finding)
    colour = {"yes": "green", "no": "bold red"}.get(holds, "dim")
    table.add_row(
        "",
        escape(show_compared(finding)),
        show_ratio(finding),
        accepted,
        show_goal(finding),
        f"[{colour}]{holds}[/{colour}]",
    )
