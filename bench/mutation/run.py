"""The mutation bench: ``python bench/mutation/run.py`` mutates reducers and counts what is found.

What belongs here: options, progress, the exit status.  What does not: mutating and trying.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import sys
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import track

CHECKOUT: Final = Path(__file__).resolve().parents[2]
sys.path[:0] = _PLACES = [str(CHECKOUT / "bench"), str(CHECKOUT)]

from mutation.mutants import Mutant, mutants_of  # noqa: E402
from mutation.mutated_slice import SLICES, MutatedSlice  # noqa: E402
from mutation.mutation_table import Result, as_markdown, as_table, summarise  # noqa: E402
from mutation.reviewed_mutants import read_review  # noqa: E402
from mutation.run_mutants import Job, run_mutants  # noqa: E402

__all__ = ["main"]


def main() -> int:
    """Try all mutants, print the table and the survivors.

    Returns:
        0; 1 if fewer are killed than the goal says, or a review is stale.
    """
    options = _parse()
    os.environ["PYTHONPATH"] = os.pathsep.join(_PLACES)  # for the server of forks
    console = Console()
    results, stale = list[Result](), list[str]()
    for one in SLICES:
        if options.only in {None, one.name}:
            result, old = _run(one, options, console)
            results.append(result)
            stale += old
    _tell(console, results, stale, as_json=options.json)
    if options.only is None:
        Path(__file__).with_name("table.md").write_text(as_markdown(results), encoding="utf-8")
    return 0 if all(one.holds for one in results) and not stale else 1


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Mutate reducers and check their laws.")
    parser.add_argument("--only", choices=[one.name for one in SLICES], help="one slice")
    parser.add_argument("--json", action="store_true", help="print the results as JSON")
    parser.add_argument("--match", default="", help="only mutants with this text in their key")
    parser.add_argument("--processes", type=int, default=2, help="at once; 2 by default")
    parser.add_argument("--examples", type=int, default=100, help="runs per mutant; 100 by default")
    parser.add_argument("--limit", type=float, default=60.0, help="seconds per mutant; 60")
    return parser.parse_args()


def _run(
    one: MutatedSlice, options: argparse.Namespace, console: Console
) -> tuple[Result, list[str]]:
    source = (CHECKOUT / one.path).read_text(encoding="utf-8")
    mutants = mutants_of(source, one.left_out)
    jobs = [Job(one, mutant) for mutant in mutants if options.match in mutant.key]
    run = functools.partial(
        run_mutants,
        processes=options.processes,
        limit_seconds=options.limit,
        examples=options.examples,
    )
    for _, verdict in run([Job(one, Mutant("as it is", 0, source))]):
        if verdict.outcome != "survived":
            sys.exit(f"{one.name} breaks a law as it is, {verdict.outcome}: {verdict.text}")
    verdicts = run(jobs)
    shown = track(
        verdicts, one.name, len(jobs), console=console, disable=options.json, transient=True
    )
    review = read_review(one.name)
    stale = review.stale(mutant.key for mutant in mutants)
    return summarise(one.name, shown, review), stale


def _tell(console: Console, results: list[Result], stale: list[str], *, as_json: bool) -> None:
    if as_json:
        told = [
            {
                "slice": one.name,
                "mutants": one.loaded,
                "killed": one.killed,
                "equivalent": one.equivalent,
                "score": one.percent,
                "survivors": [job.mutant.key for job in one.survivors],
                "stale": stale,
            }
            for one in results
        ]
        print(json.dumps(told, indent=2))
        return
    for one in results:
        for job in one.survivors:
            console.print(f"{job.of.path}:{job.mutant.line}  {job.mutant.key}", markup=False)
        console.print(f"{one.name}: killed by {dict(one.by_law)}", markup=False)
    for key in stale:
        console.print(f"reviewed_mutants.toml has a key that no mutant has: {key}", markup=False)
    console.print(as_table(results))


if __name__ == "__main__":
    sys.exit(main())
