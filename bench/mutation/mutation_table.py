"""The table of what came of the mutants, and the list of those that survived.

What belongs here: counting and printing.  What does not: trying.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

import attrs
from rich.table import Table

from mutation.reviewed_mutants import Review, read_review
from mutation.run_mutants import Job
from mutation.try_mutant import Verdict

__all__ = ["Result", "as_markdown", "as_table", "summarise"]

GOAL_PERCENT: Final = 80
"""Of the mutants that change behaviour, so many must be killed."""


@attrs.frozen
class Result:
    """What came of the mutants of one slice."""

    name: str

    loaded: int
    """Mutants that load; others are not counted at all."""

    killed: int

    equivalent: int
    """Survivors that change no behaviour, as was found by thought."""

    survivors: tuple[Job, ...]
    """All others."""

    by_law: tuple[tuple[str, int], ...]
    """What killed how many."""

    @property
    def percent(self) -> float:
        """How many of those that change behaviour were killed."""
        changing = self.loaded - self.equivalent
        return 100.0 * self.killed / changing if changing else 100.0

    @property
    def holds(self) -> bool:
        """Whether the goal is reached."""
        return self.percent >= GOAL_PERCENT


def summarise(name: str, verdicts: Iterable[tuple[Job, Verdict]], review: Review) -> Result:
    """Count what came of the mutants of one slice.

    A mutant that is listed as equivalent and was killed all the same counts as killed.
    """
    loaded = [(job, one) for job, one in verdicts if one.outcome != "does not load"]
    dead = [one for _, one in loaded if one.outcome in {"killed", "timeout"}]
    alive = [job for job, one in loaded if one.outcome == "survived"]
    rest = tuple(job for job in alive if job.mutant.key not in review.equivalent)
    laws = Counter(one.by or one.outcome for one in dead)
    by_line = tuple(sorted(rest, key=lambda job: job.mutant.line))
    return Result(
        name, len(loaded), len(dead), len(alive) - len(rest), by_line, tuple(laws.most_common())
    )


def as_table(results: Iterable[Result]) -> Table:
    """Return the table for a terminal of 80 columns."""
    table = Table("slice", *_HEADINGS)
    for column in table.columns[1:]:
        column.justify = "right"
    for one in results:
        table.add_row(one.name, *_cells(one))
    return table


def as_markdown(results: Iterable[Result]) -> str:
    """Return the same as a page, with the survivors and what killed the others."""
    lines = ["# Mutants of reducers, and what `check_reducer_laws` finds of them", ""]
    lines += [f"| slice | {' | '.join(_HEADINGS)} |", "|---" * (len(_HEADINGS) + 1) + "|"]
    lines += [f"| {one.name} | {' | '.join(_cells(one))} |" for one in results]
    for one in results:
        told = ", ".join(f"{law} {count}" for law, count in one.by_law)
        lines += ["", f"## {one.name}", "", f"Killed by: {told}.", ""]
        reasons = read_review(one.name).survivors
        for job in one.survivors:
            why = reasons.get(job.mutant.key, "not reviewed yet")
            lines.append(f"- line {job.mutant.line}: `{job.mutant.key}` ({why})")
    return "\n".join(lines).rstrip() + "\n"


_HEADINGS: Final = ("mutants", "killed", "equivalent", "survived", "score")


def _cells(one: Result) -> tuple[str, ...]:
    counts = (one.loaded, one.killed, one.equivalent, len(one.survivors))
    return (*map(str, counts), f"{one.percent:.1f} %")
