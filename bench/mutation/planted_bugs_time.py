"""How long it takes to find each planted bug: ``python bench/mutation/planted_bugs_time.py``.

What belongs here: measuring on default settings.  What does not: the bugs, which the tests have.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, Final

import attrs
from rich.console import Console
from rich.progress import track
from rich.table import Table

CHECKOUT: Final = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(CHECKOUT / "bench"), str(CHECKOUT)]

from hypothesis import core as hypothesis_core  # noqa: E402

from refold.errors import BrokenLawError  # noqa: E402
from refold.testing.check_laws import check_reducer_laws  # noqa: E402
from tests.testing.laws.planted_bugs import PLANTED_BUGS, PlantedBug  # noqa: E402

__all__ = ["main", "seeded"]

_GOAL_SECONDS: Final = 10.0


@attrs.frozen
class Found:
    """What one search gave."""

    seconds: float

    law: str
    """The law that was named; empty if nothing was found."""

    length: int
    """How many actions were shown."""


def main() -> int:
    """Look for each bug under several seeds and print the table.

    Returns:
        0; 1 if a bug was missed, took too long, or was shown by too many actions.
    """
    parser = argparse.ArgumentParser(description="Measure how soon each planted bug is found.")
    parser.add_argument("--seeds", type=int, default=3, help="searches per bug; 3 by default")
    parser.add_argument("--match", default="", help="only bugs with this text in their name")
    options = parser.parse_args()
    console = Console()
    bugs = [bug for bug in PLANTED_BUGS if options.match in bug.name]
    table = Table("bug", "law", "found", "shortest", "median s", "worst s")
    is_good = True
    for bug in track(bugs, "looking", console=console, transient=True):
        found = [_search(bug, seed) for seed in range(options.seeds)]
        is_good = _add_row(table, bug, found) and is_good
    console.print(table)
    return 0 if is_good else 1


@contextmanager
def seeded(seed: int) -> Generator[None]:
    """Let Hypothesis begin every search in the block with a seed."""
    core: Any = hypothesis_core
    before, core.global_force_seed = core.global_force_seed, seed
    try:
        yield
    finally:
        core.global_force_seed = before


def _search(bug: PlantedBug, seed: int) -> Found:
    law, length, begun = "", 0, time.perf_counter()
    with seeded(seed):
        try:
            check_reducer_laws(bug.broken(), bug.invariants, actions=bug.actions)
        except BrokenLawError as error:
            law, length = error.law, len(error.actions)
    return Found(time.perf_counter() - begun, law, length)


def _add_row(table: Table, bug: PlantedBug, found: list[Found]) -> bool:
    hits = [one for one in found if one.law]
    minimal = sum(one.length == bug.shortest for one in hits)
    worst = max(one.seconds for one in found)
    table.add_row(
        f"{bug.kind} ({bug.place})",
        ", ".join(sorted({one.law for one in hits})),
        f"{len(hits)}/{len(found)}",
        f"{minimal}/{len(hits)} of {bug.shortest}",
        f"{median(one.seconds for one in found):.1f}",
        f"{worst:.1f}",
    )
    return len(hits) == minimal == len(found) and worst < _GOAL_SECONDS


if __name__ == "__main__":
    sys.exit(main())
