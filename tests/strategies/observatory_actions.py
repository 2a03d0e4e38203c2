"""The actions of the observatory.

What belongs here: action classes, among them one that nobody handles and one whose reducer raises.
"""

from __future__ import annotations

import datetime
from uuid import UUID

from pyrsistent import PMap

from refold.actions.action import Action, action
from tests.strategies.observatory_states import Aim, Health, Note, Phase

__all__ = [
    "ExposureAdded",
    "InstrumentAdded",
    "InstrumentAimed",
    "InstrumentJudged",
    "InstrumentRemoved",
    "NobodyCares",
    "PartFailed",
    "ReadingTaken",
    "SessionEnded",
    "SessionMarked",
    "SessionOpened",
]


@action("observatory/instrument_added")
class InstrumentAdded(Action):
    """An instrument was added, or took the place of another."""

    name: str
    serial: UUID
    firmware: bytes
    labels: frozenset[str]


@action("observatory/instrument_removed")
class InstrumentRemoved(Action):
    """An instrument was taken away."""

    name: str


@action("observatory/instrument_aimed")
class InstrumentAimed(Action):
    """An instrument points elsewhere."""

    name: str
    aim: Aim | None


@action("observatory/instrument_judged", version=3)
class InstrumentJudged(Action):
    """Somebody remarked on an instrument."""

    name: str
    health: Health
    note: Note
    at: datetime.datetime | None


@action("observatory/reading_taken")
class ReadingTaken(Action):
    """An instrument measured something; the totals count it, too."""

    name: str
    value: float
    factor: int


@action("observatory/session_opened")
class SessionOpened(Action):
    """A session began."""

    observer: str


@action("observatory/session_marked")
class SessionMarked(Action):
    """Something was marked in the session, if there is one."""

    phase: Phase
    marks: PMap[str, int]


@action("observatory/session_ended")
class SessionEnded(Action):
    """The session is over."""


@action("observatory/exposure_added")
class ExposureAdded(Action):
    """Time was spent on a day; handled by the root."""

    day: datetime.date
    exposure: datetime.timedelta


@action("observatory/nobody_cares")
class NobodyCares(Action):
    """No reducer handles it."""

    value: float = 0.0


@action("observatory/part_failed")
class PartFailed(Action):
    """Its reducer raises."""
