"""The storm of rule 20: ``python bench/storm.py`` shows what a server sees that comes back.

First 1,000 pure reconnect machines in virtual time, by each jitter; then 200 real connections on
loopback, in real time.  The server is away for 5 s, the options are the default ones.
``--without-sockets`` leaves the second part out, which takes 20 to 30 s.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import Final, get_args

import attrs
from rich import box
from rich.console import Console
from rich.table import Table

from refold.reducers.backoff_delay import Backoff, Jitter
from storm_in_virtual_time import Storm, busiest, run_storm
from websocket_real_storm import run_real_storm

__all__ = ["main"]

_SEEDS: Final = range(1, 6)
_REAL_CLIENTS: Final = 200


@attrs.frozen
class _Figures:
    """What is shown of one storm, or the worst of several."""

    per_tenth: float
    per_second: float
    all_back_seconds: float
    attempts: float
    refused_per_tenth: float
    """The peak while the server was away, which it did not see."""

    def hold(self) -> bool:
        """Tell whether the first four are within the goals."""
        mine, goals = attrs.astuple(self)[:4], attrs.astuple(_GOALS)[:4]
        return all(figure <= goal for figure, goal in zip(mine, goals, strict=True))


_GOALS: Final = _Figures(80, 500, 30, 4.5, float("inf"))


def main() -> int:
    """Run the storms.

    Returns:
        0; 1 if the default jitter misses a goal.
    """
    parser = argparse.ArgumentParser(description="Let many clients lose their server together.")
    parser.add_argument("--without-sockets", action="store_true", help="virtual time only")
    options = parser.parse_args()
    console = Console()
    chosen = {jitter: _worst_of_seeds(Backoff(jitter=jitter)) for jitter in get_args(Jitter)}
    default = chosen[Backoff().jitter]
    table = _new_table("1,000 machines in virtual time, outage of 5 s, the worst of 5 seeds")
    for jitter, figures in chosen.items():
        _add(table, f"{jitter} (default)" if figures is default else jitter, figures)
    _finish(console, table)
    holds = default.hold()
    if not options.without_sockets:
        real = _figures_of(asyncio.run(run_real_storm(clients=_REAL_CLIENTS)))
        table = _new_table(f"{_REAL_CLIENTS} real connections on loopback, outage of 5 s")
        _add(table, "default", real)
        _finish(console, table)
        holds = holds and real.hold()
    colour, text = ("green", "hold") if holds else ("bold red", "do not hold")
    console.print(f"[{colour}]the goals {text} for the default jitter[/{colour}]")
    return 0 if holds else 1


def _worst_of_seeds(backoff: Backoff) -> _Figures:
    all_figures = [attrs.astuple(_figures_of(run_storm(backoff, seed=seed))) for seed in _SEEDS]
    return _Figures(*map(max, zip(*all_figures, strict=True)))


def _figures_of(storm: Storm) -> _Figures:
    reaching = storm.reaching_the_server
    refused = storm.attempts[: len(storm.attempts) - len(reaching)]
    return _Figures(
        busiest(reaching, 0.1),
        busiest(reaching, 1.0),
        storm.all_back_after_seconds,
        storm.attempts_per_client,
        busiest(refused, 0.1),
    )


def _new_table(title: str) -> Table:
    table = Table(
        title=title,
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        show_edge=False,
    )
    table.add_column("jitter", no_wrap=True)
    for heading in ("per 100 ms", "per s", "all back", "attempts", "refused/100 ms"):
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _add(table: Table, name: str, figures: _Figures) -> None:
    table.add_row(
        name,
        f"{figures.per_tenth:.0f}",
        f"{figures.per_second:.0f}",
        f"{figures.all_back_seconds:.1f} s",
        f"{figures.attempts:.2f}",
        f"{figures.refused_per_tenth:.0f}",
    )


def _finish(console: Console, table: Table) -> None:
    table.add_section()
    table.add_row("goal", "≤ 80", "≤ 500", "≤ 30 s", "≤ 4.5", "")
    console.print(table)
    console.print()


if __name__ == "__main__":
    sys.exit(main())
