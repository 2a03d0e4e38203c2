"""`Row`: one line of work, who does it, and what must hold between them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

import attrs

from contestant import Contestant
from work import Outcome

__all__ = ["Comparison", "Entry", "Row", "at_least", "at_most", "only_told"]

Kind: TypeAlias = Literal["at most", "at least"]
"""``at most``: refold takes that much of the other's time.  ``at least``: the other takes that many
times refold's."""


@attrs.frozen
class Entry:
    """One contestant of a row."""

    name: str

    make: Callable[[], Contestant]
    """Raises ContestantMissingError if it cannot take part."""

    expected: Outcome
    """What its outcome must be after one pass: all do the same work."""

    twin: Entry | None = None
    """The same with listeners that count, which is checked but not measured; None without any."""


@attrs.frozen
class Comparison:
    """A ratio between refold and another contestant of the same row."""

    other: str
    """Its name in the row."""

    kind: Kind

    limit: float | None = None
    """The goal; None if the ratio is only told."""


@attrs.frozen
class Row:
    """What is measured together."""

    number: str
    """As in PERFORMANCE; two rows may share one."""

    work: str
    """In a few words."""

    entries: tuple[Entry, ...]
    """The first is refold."""

    comparisons: tuple[Comparison, ...]


def at_most(limit: float, other: str) -> Comparison:
    """Return the goal that refold takes at most ``limit`` times as long as the other."""
    return Comparison(other, "at most", limit)


def at_least(limit: float, other: str) -> Comparison:
    """Return the goal that the other takes at least ``limit`` times as long as refold."""
    return Comparison(other, "at least", limit)


def only_told(other: str) -> Comparison:
    """Return how many times refold's time the other takes, without a goal."""
    return Comparison(other, "at least")
