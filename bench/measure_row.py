"""`measure_row`: build a row's contestants, check what they do, measure them, let them go."""

from __future__ import annotations

import statistics
from collections.abc import Callable

import attrs

from contestant import Contestant, ContestantMissingError
from finding import Finding, find
from interleave import interleave
from row import Entry, Row

__all__ = ["Measured", "measure_row"]


@attrs.frozen
class Measured:
    """What is known of a row afterwards."""

    findings: list[Finding]

    nanoseconds: dict[str, float]
    """By contestant, the median per operation; true of this machine and hour only."""


def measure_row(row: Row, rounds: int, progress: Callable[[], None]) -> Measured:
    """Return the findings of a row.

    Args:
        row: what to measure.
        rounds: how many rounds, 1 or more.
        progress: called after each round.
    """
    missing: dict[str, str] = {}
    failed: dict[str, str] = {}
    contestants: dict[str, Contestant] = {}
    try:
        for entry in row.entries:
            try:
                if entry.twin is not None:
                    _build_and_check(entry.twin).close()
                contestants[entry.name] = _build_and_check(entry)
            except ContestantMissingError as error:
                missing[entry.name] = str(error)
            except Exception as error:  # noqa: BLE001  # shown in the table, and the run fails
                failed[entry.name] = f"{entry.name} failed: {type(error).__name__}: {error}"
        seconds = interleave(contestants, rounds, progress)
    finally:
        for contestant in contestants.values():
            contestant.close()
    medians = {name: statistics.median(taken) * 1e9 for name, taken in seconds.items()}
    return Measured(find(row, seconds, missing, failed), medians)


def _build_and_check(entry: Entry) -> Contestant:
    contestant = entry.make()
    try:
        _check(contestant, entry)
    except Exception:
        contestant.close()
        raise
    return contestant


def _check(contestant: Contestant, entry: Entry) -> None:
    contestant.measure(1)
    if contestant.outcome() != entry.expected:
        raise _OtherWorkError


class _OtherWorkError(Exception):
    def __str__(self) -> str:
        return "it did other work than it was asked to"
