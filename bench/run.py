"""The bench: ``python bench/run.py`` measures all rows and prints the table.

What belongs here: options, progress, the exit status.  What does not: measuring.
"""

from __future__ import annotations

import argparse
import functools
import json
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import attrs
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from accepted_table import read_accepted, write_accepted
from contestant import ContestantMissingError
from facts import gather_facts
from finding import Finding
from measure_row import Measured, measure_row
from node_packages import NodePackages, default_cache_folder, find_node_packages
from print_table import print_table
from row import Row
from rows import all_rows

__all__ = ["main"]

_ROUNDS: Final = 21
"""The median of 21 moves by 2 % from one run to the next; with 9 by 5 %."""


def main() -> int:
    """Run the bench.

    Returns:
        0; 1 if a goal does not hold or a contestant did other work than it was asked to.
    """
    options = _parse()
    find_node = _node_finder(options.without_node, options.node_cache)
    rows = _choose(all_rows(find_node), options.only)
    measured = _measure(rows, options.rounds)
    findings = [finding for of_row in measured for finding in of_row.findings]
    console = Console()
    print_table(console, findings, read_accepted())
    facts = gather_facts(find_node)
    console.print(f"[dim]{', '.join(f'{name} {it}' for name, it in facts.items())}[/dim]")
    if options.json:
        options.json.write_text(_as_json(rows, measured, facts), encoding="utf-8")
    if options.accept:
        _accept(console, findings, facts, options)
    return _tell_result(console, findings)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure refold against bare code and its peers.")
    parser.add_argument("--only", default="", metavar="1,4", help="only these rows")
    parser.add_argument("--rounds", type=int, default=_ROUNDS, metavar="N", help="default: 21")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there too")
    parser.add_argument("--accept", action="store_true", help="rewrite bench/accepted.md")
    parser.add_argument("--without-node", action="store_true", help="leave JavaScript out")
    parser.add_argument(
        "--node-cache", type=Path, default=default_cache_folder(), metavar="FOLDER",
        help="where JavaScript packages are kept; default: the user's cache folder",
    )  # fmt: skip
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds expects 1 or more")
    if options.accept and options.only:
        parser.error("--accept needs all rows; leave --only out")
    return options


def _node_finder(without_node: bool, cache: Path) -> Callable[[], NodePackages]:  # noqa: FBT001
    @functools.cache
    def find_node() -> NodePackages:
        if without_node:
            message = "left out by --without-node"
            raise ContestantMissingError(message)
        return find_node_packages(cache)

    return find_node


def _choose(rows: tuple[Row, ...], only: str) -> tuple[Row, ...]:
    wanted = {number.strip() for number in only.split(",") if number.strip()}
    unknown = wanted - {row.number for row in rows}
    if unknown:
        known = ", ".join(dict.fromkeys(row.number for row in rows))
        sys.exit(f"--only expects some of {known}; got {', '.join(sorted(unknown))}")
    return tuple(row for row in rows if not wanted or row.number in wanted)


def _measure(rows: tuple[Row, ...], rounds: int) -> list[Measured]:
    measured: list[Measured] = []
    with _progress() as progress:
        task = progress.add_task("", total=len(rows) * rounds)
        for row in rows:
            progress.update(task, description=f"row {row.number}: {row.work}")
            if not progress.console.is_terminal:
                progress.console.print(f"row {row.number}: {row.work}")
            advance = functools.partial(progress.advance, task)
            measured.append(measure_row(row, rounds, advance))
    return measured


@contextmanager
def _progress() -> Generator[Progress]:
    """Show a bar on a terminal; it is drawn between rounds only, so that it costs no round."""
    columns = TextColumn("{task.description}"), BarColumn(bar_width=20), TimeElapsedColumn()
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, auto_refresh=False) as progress:
        yield progress


def _as_json(rows: tuple[Row, ...], measured: list[Measured], facts: dict[str, str]) -> str:
    return json.dumps(
        {
            "facts": facts,
            "rows": [
                {
                    "row": row.number,
                    "work": row.work,
                    "findings": [
                        attrs.asdict(finding) | {"holds": finding.holds}
                        for finding in of_row.findings
                    ],
                    "nanoseconds": of_row.nanoseconds,
                }
                for row, of_row in zip(rows, measured, strict=True)
            ],
        },
        indent=2,
    )


def _tell_result(console: Console, findings: list[Finding]) -> int:
    """Print how many goals hold; return the exit status."""
    goals = [finding for finding in findings if finding.limit is not None]
    held = sum(finding.holds is True for finding in goals)
    unmeasured = sum(finding.holds is None for finding in goals)
    missed = any(finding.holds is False for finding in findings)
    colour = "red" if missed else "green"
    text = f"{held} of {len(goals)} goals hold, {unmeasured} could not be measured"
    console.print(f"[bold {colour}]{text}[/bold {colour}]")
    return 1 if missed else 0


def _accept(
    console: Console, findings: list[Finding], facts: dict[str, str], options: argparse.Namespace
) -> None:
    goals = [finding for finding in findings if finding.limit is not None]
    if not all(finding.holds for finding in goals):
        console.print("not accepted, because not every goal was measured and holds")
        return
    write_accepted(findings, facts, options.rounds)
    console.print("accepted.md is rewritten")


if __name__ == "__main__":
    sys.exit(main())
