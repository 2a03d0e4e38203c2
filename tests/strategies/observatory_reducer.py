"""The reducer of the observatory: slices, keyed and optional children, and handlers of the root."""

from __future__ import annotations

from uuid import UUID

import attrs

from refold.reducers.combine_reducers import combine_reducers
from refold.reducers.evolve import evolve
from refold.reducers.reducer import Reducer
from tests.strategies.observatory_actions import (
    ExposureAdded,
    InstrumentAdded,
    InstrumentAimed,
    InstrumentJudged,
    InstrumentRemoved,
    PartFailed,
    ReadingTaken,
    SessionEnded,
    SessionMarked,
    SessionOpened,
)
from tests.strategies.observatory_states import (
    Fleet,
    Instrument,
    Observatory,
    Position,
    Session,
    Totals,
)

__all__ = ["PartFailedError", "make_observatory"]

NOWHERE = Instrument(UUID(int=0))
NOBODY = Session("nobody")


class PartFailedError(Exception):
    """What the reducer of `PartFailed` raises."""


def make_observatory() -> Reducer[Observatory]:
    """Return a new reducer of the whole application."""
    root = combine_reducers(Observatory, fleet=_make_fleet(), totals=_make_totals())

    @root.on(ExposureAdded)
    def _(state: Observatory, action: ExposureAdded) -> Observatory:
        totals = state.totals
        days = totals.days.add(action.day)
        exposure = action.exposure if len(days) > len(totals.days) else totals.exposure
        title = f"{len(state.fleet.instruments)} on {len(days)} days"
        return evolve(state, title=title, totals=evolve(totals, days=days, exposure=exposure))

    return root


def _make_fleet() -> Reducer[Fleet]:
    fleet = Reducer(Fleet())

    @fleet.on(InstrumentAdded)
    def _(state: Fleet, action: InstrumentAdded) -> Fleet:
        added = Instrument(action.serial, firmware=action.firmware, labels=action.labels)
        return evolve(state, instruments=state.instruments.set(action.name, added))

    @fleet.on(InstrumentRemoved)
    def _(state: Fleet, action: InstrumentRemoved) -> Fleet:
        return evolve(state, instruments=state.instruments.discard(action.name))

    @fleet.on(SessionOpened, SessionEnded)
    def _(state: Fleet, action: SessionOpened | SessionEnded) -> Fleet:
        session = Session(action.observer) if isinstance(action, SessionOpened) else None
        return evolve(state, session=session)

    fleet.for_each("instruments", _make_instrument(), key=lambda action: action.name)
    fleet.optional("session", _make_session())
    return fleet


def _make_instrument() -> Reducer[Instrument]:
    instrument = Reducer(NOWHERE)

    @instrument.on(InstrumentAimed)
    def _(state: Instrument, action: InstrumentAimed) -> Instrument:
        position = action.aim.position if action.aim else Position()
        return evolve(state, aim=action.aim, position=position)

    @instrument.on(InstrumentJudged)
    def _(state: Instrument, action: InstrumentJudged) -> Instrument:
        return evolve(state, health=action.health, note=action.note, calibrated_at=action.at)

    @instrument.on(ReadingTaken)
    def _(state: Instrument, action: ReadingTaken) -> Instrument:
        return evolve(state, readings=state.readings.append(action.value))

    return instrument


def _make_session() -> Reducer[Session]:
    session = Reducer(NOBODY)

    @session.on(SessionMarked)
    def _(state: Session, action: SessionMarked) -> Session:
        return attrs.evolve(state, phase=action.phase, marks=tuple(sorted(action.marks.items())))

    return session


def _make_totals() -> Reducer[Totals]:
    totals = Reducer(Totals())

    @totals.on(ReadingTaken)
    def _(state: Totals, action: ReadingTaken) -> Totals:
        return evolve(state, sum=state.sum + action.value, product=state.product * action.factor)

    @totals.on(SessionMarked)
    def _(state: Totals, action: SessionMarked) -> Totals:
        count = state.phases.get(action.phase, 0) + 1
        return evolve(state, phases=state.phases.set(action.phase, count))

    @totals.on(PartFailed)
    def _(_state: Totals, _action: PartFailed) -> Totals:
        raise PartFailedError

    return totals
