"""What a connection costs while nothing happens: ``python bench/idle_cost.py`` prints the figures.

Rule 58: tasks, memory and CPU time of idle connections, beside raw aiohttp's.  Rule 59: from the
moment when the server is back and the timer fires to being connected.  Rule 21: CPU time while the
server is away.  Takes two minutes.

Memory is what a process grew by, so each kind of connection has a process of its own
(``--idle refold``), and the server has another.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import get_args

import attrs
from rich import box
from rich.console import Console
from rich.table import Table

from websocket_idle import IdleCost, Kind, measure_idle
from websocket_outage import measure_reconnects, measure_while_away
from websocket_server_process import ServerProcess

__all__ = ["main"]


@attrs.frozen
class _Figure:
    """One line of the table."""

    name: str
    measured: tuple[float, ...]
    """For each kind; only refold's if there is nothing to compare with."""

    goal: float
    """At most."""

    def holds(self) -> bool:
        """Tell whether refold's first is within the goal."""
        return self.measured[0] <= self.goal


def main() -> int:
    """Print the figures, or measure one kind for the process that prints them.

    Returns:
        0; 1 if a goal is missed.
    """
    parser = argparse.ArgumentParser(description="Measure what idle connections cost.")
    parser.add_argument("--idle", choices=get_args(Kind), help="print one kind's, as JSON")
    kind: Kind | None = parser.parse_args().idle
    if kind is not None:
        print(json.dumps(attrs.asdict(_measure_here(kind))))
        return 0
    idle = [_measure_in_a_process(kind) for kind in get_args(Kind)]
    latencies = asyncio.run(measure_reconnects())
    figures = (
        _Figure("tasks per idle connection", tuple(cost.tasks for cost in idle), 3),
        _Figure("KiB per idle connection", tuple(cost.kibibytes for cost in idle), 40),
        _Figure(
            "CPU of 1,000 idle connections, %",
            tuple(cost.cpu_percent_of_thousand for cost in idle),
            1,
        ),
        _Figure("reconnect, median, ms", (statistics.median(latencies) * 1000,), 50),
        _Figure("reconnect, worst of 20, ms", (max(latencies) * 1000,), 50),
        _Figure("CPU while the server is away, %", (asyncio.run(measure_while_away()),), 1),
    )
    _print_table(figures)
    return 0 if all(figure.holds() for figure in figures) else 1


def _print_table(figures: tuple[_Figure, ...]) -> None:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    table.add_column("figure", no_wrap=True)
    for heading in ("refold", "one session", "raw", "goal"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("holds")
    for figure in figures:
        told = [f"{value:.2f}" for value in figure.measured] + [""] * 2
        verdict = "[green]yes[/green]" if figure.holds() else "[bold red]no[/bold red]"
        table.add_row(figure.name, *told[:3], f"≤ {figure.goal:g}", verdict)
    Console().print(table)


def _measure_here(kind: Kind) -> IdleCost:
    server = ServerProcess()
    try:
        return asyncio.run(measure_idle(kind, server.url))
    finally:
        server.close()


def _measure_in_a_process(kind: Kind) -> IdleCost:
    done = subprocess.run(  # noqa: S603  # this very file
        [sys.executable, str(Path(__file__)), "--idle", kind],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return IdleCost(**json.loads(done.stdout))


if __name__ == "__main__":
    sys.exit(main())
