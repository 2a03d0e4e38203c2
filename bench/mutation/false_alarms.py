"""Correct reducers under ten seeds: ``python bench/mutation/false_alarms.py`` (minutes).

What belongs here: running the laws on default settings.  What does not: the reducers, which the
tests have.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from pathlib import Path
from typing import Final

import attrs
from rich.console import Console
from rich.progress import track

CHECKOUT: Final = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(CHECKOUT / "bench"), str(CHECKOUT)]

from mutation.planted_bugs_time import seeded  # noqa: E402  # found by now
from refold.testing.check_laws import check_reducer_laws  # noqa: E402
from tests.testing.laws.all_correct_reducers import CORRECT_REDUCERS  # noqa: E402

__all__ = ["main"]


@attrs.frozen
class Run:
    """One correct reducer under one seed."""

    index: int

    seed: int


def main() -> int:
    """Check each reducer under each seed and tell of every alarm.

    Returns:
        0; 1 if there was an alarm.
    """
    parser = argparse.ArgumentParser(description="Look for broken laws where none is broken.")
    parser.add_argument("--seeds", type=int, default=10, help="runs per reducer; 10 by default")
    parser.add_argument("--match", default="", help="only reducers with this text in their name")
    parser.add_argument("--processes", type=int, default=2, help="at once; 2 by default")
    options = parser.parse_args()
    chosen = [i for i, case in enumerate(CORRECT_REDUCERS) if options.match in case.name]
    runs = [Run(index, seed) for index in chosen for seed in range(options.seeds)]
    console, begun = Console(), time.perf_counter()
    alarms: list[str] = []
    with multiprocessing.get_context("forkserver").Pool(options.processes) as pool:
        answers = pool.imap_unordered(_check, runs)
        for alarm in track(answers, "checking", len(runs), console=console, transient=True):
            if alarm is not None:
                alarms.append(alarm)
                console.print(alarm, markup=False)
                console.file.flush()  # a run of minutes may be stopped
    seconds = time.perf_counter() - begun
    console.print(
        f"{len(alarms)} alarms in {len(runs)} runs of {len(chosen)} correct reducers,"
        f" {seconds:.0f} s"
    )
    return 1 if alarms else 0


def _check(run: Run) -> str | None:
    case = CORRECT_REDUCERS[run.index]
    with seeded(run.seed):
        try:
            check_reducer_laws(case.reducer, case.invariants, actions=case.actions)
        except Exception as error:  # noqa: BLE001  # each one is an alarm
            return f"{case.name}, seed {run.seed}: {type(error).__name__}: {error}"
    return None


if __name__ == "__main__":
    sys.exit(main())
