"""The states of the observatory, a small application with fields of every allowed kind.

What belongs here: state classes.  What does not: actions and reducers, which stand beside.
"""

from __future__ import annotations

import datetime
import enum
from decimal import Decimal  # noqa: TC003  # resolved at run time
from typing import Final, NamedTuple
from uuid import UUID

import attrs
from pyrsistent import PMap, PSet, PVector, pmap, pset, pvector

__all__ = [
    "START",
    "Aim",
    "Fleet",
    "Health",
    "Instrument",
    "Note",
    "Observatory",
    "Phase",
    "Position",
    "Session",
    "Totals",
]

Note = str | int | float | bool | datetime.date | UUID | None
"""A remark of whatever kind."""


class Health(enum.Enum):
    """How an instrument is; the values are no JSON."""

    GOOD = (1, "good")
    BAD = (0, "bad")


class Phase(enum.StrEnum):
    """What a session is doing."""

    SETUP = "setup"
    OBSERVING = "observing"


@attrs.frozen
class Position:
    """Where something points."""

    x: float = 0.0
    y: float = 0.0


class Aim(NamedTuple):
    """A position with how sure it is."""

    position: Position
    certainty: Decimal


NO_READINGS: Final[PVector[float]] = pvector()


@attrs.frozen
class Instrument:
    """One instrument."""

    serial: UUID
    position: Position = Position()
    health: Health = Health.GOOD
    note: Note = None
    readings: PVector[float] = NO_READINGS
    labels: frozenset[str] = frozenset()
    aim: Aim | None = None
    calibrated_at: datetime.datetime | None = None
    firmware: bytes = b""


@attrs.frozen
class Session:
    """An observing session, which may be there or not."""

    observer: str
    phase: Phase = Phase.SETUP
    marks: tuple[tuple[str, int], ...] = ()


NO_INSTRUMENTS: Final[PMap[str, Instrument]] = pmap()


@attrs.frozen
class Fleet:
    """Instruments by their names, and perhaps a session."""

    instruments: PMap[str, Instrument] = NO_INSTRUMENTS
    session: Session | None = None


NO_DAYS: Final[PSet[datetime.date]] = pset()
NO_PHASES: Final[PMap[Phase, int]] = pmap()


@attrs.frozen
class Totals:
    """What was counted over all."""

    sum: float = 0.0
    product: int = 1
    days: PSet[datetime.date] = NO_DAYS
    phases: PMap[Phase, int] = NO_PHASES
    exposure: datetime.timedelta = datetime.timedelta(0)


@attrs.frozen
class Observatory:
    """The root."""

    fleet: Fleet
    totals: Totals
    title: str = "observatory"


START: Final = Observatory(Fleet(), Totals())
"""The state before anything happened."""
