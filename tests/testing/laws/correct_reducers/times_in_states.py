"""Reducers that know the time, which is in their actions."""

from __future__ import annotations

import datetime
from typing import Final

import attrs
from pyrsistent import PMap, PSet, pmap, pset

from refold.actions.action import Action, action
from refold.reducers.evolve import evolve
from refold.reducers.reducer import Reducer
from tests.testing.laws.correct_reducers.correct_reducer import CorrectReducer

__all__ = ["CASES"]

# --- a stop watch, which needs at_ms ----------------------------------------------------


@attrs.frozen
class StopWatch:
    """How long it ran."""

    started_at_ms: int | None = None
    total_ms: int = 0


@action("correct_times/watch_started")
class WatchStarted(Action):
    """It runs."""


@action("correct_times/watch_stopped")
class WatchStopped(Action):
    """It stands."""


watch = Reducer(StopWatch())


@watch.on(WatchStarted)
def _(state: StopWatch, action: WatchStarted) -> StopWatch:
    return state if state.started_at_ms is not None else evolve(state, started_at_ms=action.at_ms)


@watch.on(WatchStopped)
def _(state: StopWatch, action: WatchStopped) -> StopWatch:
    if state.started_at_ms is None or action.at_ms is None:
        return state
    return StopWatch(None, state.total_ms + action.at_ms - state.started_at_ms)


def time_does_not_run_back(state: StopWatch) -> bool:
    """Actions come in the order of their times."""
    return state.total_ms >= 0


# --- moments with a zone ----------------------------------------------------------------


@attrs.frozen
class Meeting:
    """When people meet."""

    begins: datetime.datetime | None = None
    lasts: datetime.timedelta = datetime.timedelta(hours=1)
    moved_count: int = 0


@action("correct_times/meeting_set")
class MeetingSet(Action):
    """It was agreed on; the moment may have a zone or none."""

    begins: datetime.datetime


@action("correct_times/meeting_stretched")
class MeetingStretched(Action):
    """It takes longer, or less."""

    by: datetime.timedelta


meeting = Reducer(Meeting())


@meeting.on(MeetingSet)
def _(state: Meeting, action: MeetingSet) -> Meeting:
    if state.begins == action.begins and state.begins is not None:
        return state
    return evolve(state, begins=action.begins, moved_count=state.moved_count + 1)


@meeting.on(MeetingStretched)
def _(state: Meeting, action: MeetingStretched) -> Meeting:
    longest, given = datetime.timedelta(days=1), action.by
    by = min(max(given, -longest), longest)
    return evolve(state, lasts=min(max(state.lasts + by, datetime.timedelta(0)), longest))


def a_meeting_ends_within_a_day(state: Meeting) -> bool:
    """Nobody meets for longer, nor backwards."""
    return datetime.timedelta(0) <= state.lasts <= datetime.timedelta(days=1)


# --- days in a set ----------------------------------------------------------------------

NO_DAYS: Final[PSet[datetime.date]] = pset()


@action("correct_times/day_marked")
class DayMarked(Action):
    """Somebody is away."""

    day: datetime.date


@action("correct_times/day_unmarked")
class DayUnmarked(Action):
    """Somebody is there after all."""

    day: datetime.date


holidays: Reducer[PSet[datetime.date]] = Reducer(NO_DAYS)


@holidays.on(DayMarked)
def _(state: PSet[datetime.date], action: DayMarked) -> PSet[datetime.date]:
    return state if action.day in state else state.add(action.day)


@holidays.on(DayUnmarked)
def _(state: PSet[datetime.date], action: DayUnmarked) -> PSet[datetime.date]:
    return state.discard(action.day)


# --- a limit on how many per second -----------------------------------------------------


@attrs.frozen
class Limiter:
    """When the last ones were let in."""

    allowed_at_ms: tuple[int, ...] = ()
    refused_count: int = 0


@action("correct_times/visitor_came")
class VisitorCame(Action):
    """Somebody wants to come in."""


limiter = Reducer(Limiter())


@limiter.on(VisitorCame)
def _(state: Limiter, action: VisitorCame) -> Limiter:
    now = action.at_ms
    if now is None:
        return state
    recent = tuple(at_ms for at_ms in state.allowed_at_ms if now - at_ms < 1000)
    if len(recent) >= 3:
        return Limiter(recent, state.refused_count + 1)
    return evolve(state, allowed_at_ms=(*recent, now))


def three_in_a_second(state: Limiter) -> bool:
    """No more are let in."""
    return len(state.allowed_at_ms) <= 3


# --- times of day -----------------------------------------------------------------------

NO_ALARMS: Final[PMap[str, datetime.time]] = pmap()


@action("correct_times/alarm_set")
class AlarmSet(Action):
    """Somebody wants to get up."""

    name: str
    at: datetime.time


@action("correct_times/alarms_cleared")
class AlarmsCleared(Action):
    """It is Sunday."""


alarms: Reducer[PMap[str, datetime.time]] = Reducer(NO_ALARMS)


@alarms.on(AlarmSet)
def _(state: PMap[str, datetime.time], action: AlarmSet) -> PMap[str, datetime.time]:
    return state.set(action.name, action.at)


@alarms.on(AlarmsCleared)
def _(_state: PMap[str, datetime.time], _action: AlarmsCleared) -> PMap[str, datetime.time]:
    return NO_ALARMS


# --- something that expires -------------------------------------------------------------


@attrs.frozen
class Lease:
    """Who has it, until when."""

    holder: str | None = None
    until_ms: int | None = None


@action("correct_times/lease_asked_for")
class LeaseAskedFor(Action):
    """Somebody wants it."""

    by: str
    seconds: int = attrs.field(
        default=30, validator=[attrs.validators.ge(1), attrs.validators.le(90)]
    )


lease = Reducer(Lease())


@lease.on(LeaseAskedFor)
def _(state: Lease, action: LeaseAskedFor) -> Lease:
    now = action.at_ms
    if now is None:
        return state
    is_free = state.until_ms is None or state.until_ms <= now or state.holder == action.by
    return Lease(action.by, now + action.seconds * 1000) if is_free else state


def a_lease_goes_to_another_only_when_it_is_over(
    before: Lease, action: Action, after: Lease
) -> bool:
    """Nobody loses it before its time."""
    if before.holder in {None, after.holder} or before.until_ms is None or action.at_ms is None:
        return True
    return action.at_ms >= before.until_ms


CASES: Final = (
    CorrectReducer("a stop watch by at_ms", watch, (time_does_not_run_back,)),
    CorrectReducer("moments and spans of time", meeting, (a_meeting_ends_within_a_day,)),
    CorrectReducer("a set of days", holidays),
    CorrectReducer("a limit per second by at_ms", limiter, (three_in_a_second,)),
    CorrectReducer("times of day in a map", alarms),
    CorrectReducer("a lease by at_ms", lease, (a_lease_goes_to_another_only_when_it_is_over,)),
)
"""The reducers of this file."""
