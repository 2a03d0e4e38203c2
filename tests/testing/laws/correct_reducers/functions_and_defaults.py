"""Reducers that are one function, and reducers with matchers and default handlers."""

from __future__ import annotations

from typing import Final

import attrs
from pyrsistent import PMap, pmap

from refold.actions.action import Action, action
from refold.actions.matchers import any_of
from refold.actions.operation_actions import (
    OperationFulfilled,
    OperationPending,
    OperationRejected,
    is_pending,
    is_rejected,
    is_settled,
    operation_actions,
)
from refold.reducers.evolve import evolve
from refold.reducers.reducer import Reducer
from tests.testing.laws.correct_reducers.correct_reducer import CorrectReducer

__all__ = ["CASES"]


@action("correct_functions/door_opened")
class DoorOpened(Action):
    """It is open."""


@action("correct_functions/door_closed")
class DoorClosed(Action):
    """It is closed."""

    is_locked: bool = False


@action("correct_functions/knocked")
class Knocked(Action):
    """Somebody wants in."""

    times: int


# --- one function with match ------------------------------------------------------------


@attrs.frozen
class Door:
    """Open or closed."""

    is_open: bool = False
    is_locked: bool = False
    knocks: int = 0


def _fold_door(state: Door, action: Action) -> Door:
    match action:
        case DoorOpened() if not state.is_locked:
            return evolve(state, is_open=True)
        case DoorClosed(is_locked=is_locked) if state.is_open:
            return evolve(state, is_open=False, is_locked=is_locked)
        case Knocked(times=times) if times > 0 and not state.is_open:
            return evolve(state, knocks=state.knocks + times)
        case _:
            return state


door = Reducer.of(_fold_door, Door())


def an_open_door_is_not_locked(state: Door) -> bool:
    """Nobody locks it while it is open."""
    return not (state.is_open and state.is_locked)


# --- a function that makes its own first state ------------------------------------------


def _fold_knocks(state: tuple[int, ...] | None, action: Action) -> tuple[int, ...]:
    present = () if state is None else state
    return (*present, action.times) if isinstance(action, Knocked) else present


knocks = Reducer.of(_fold_knocks)

# --- matchers ---------------------------------------------------------------------------


@attrs.frozen
class Watcher:
    """What was seen."""

    door_count: int = 0
    timed_count: int = 0
    last_name: str = ""


watcher = Reducer(Watcher())


@watcher.on(Knocked)
def _(state: Watcher, action: Knocked) -> Watcher:
    return evolve(state, last_name=action.wire_name)


@watcher.on_any(any_of(DoorOpened, DoorClosed))
def _(state: Watcher, action: Action) -> Watcher:
    return evolve(state, door_count=state.door_count + 1, last_name=action.wire_name)


def _has_a_time(action: Action) -> bool:
    return isinstance(action, DoorOpened | Knocked) and action.at_ms is not None


@watcher.on_any(_has_a_time)
def _(state: Watcher, _action: Action) -> Watcher:
    return evolve(state, timed_count=state.timed_count + 1)


# --- operations -------------------------------------------------------------------------

loading = operation_actions("correct_functions/load", argument=str, value=int)


@attrs.frozen
class Loading:
    """What is under way, and what came of it."""

    pending: PMap[str, str] = pmap()  # noqa: RUF009  # immutable
    values: PMap[str, int] = pmap()  # noqa: RUF009  # immutable
    failed_count: int = 0


load = Reducer(Loading())


@load.on(loading.fulfilled)
def _(state: Loading, action: OperationFulfilled[str, int]) -> Loading:
    return evolve(state, values=state.values.set(action.argument, action.value))


@load.on_any(is_pending(loading))
def _(state: Loading, action: OperationPending[str]) -> Loading:
    return evolve(state, pending=state.pending.set(action.request_id, action.argument))


@load.on_any(is_settled(loading))
def _(state: Loading, action: OperationFulfilled[str, int] | OperationRejected[str]) -> Loading:
    return evolve(state, pending=state.pending.discard(action.request_id))


@load.on_any(is_rejected(loading))
def _(state: Loading, _action: Action) -> Loading:
    return evolve(state, failed_count=state.failed_count + 1)


def what_is_settled_is_not_pending(_before: Loading, action: Action, after: Loading) -> bool:
    """An answer ends the waiting."""
    if not isinstance(action, loading.fulfilled | loading.rejected):
        return True
    return action.request_id not in after.pending


# --- a default handler, which knows every action ----------------------------------------


@attrs.frozen
class Audit:
    """How many of which."""

    knocks: int = 0
    others: int = 0


audit = Reducer(Audit())


@audit.on(Knocked)
def _(state: Audit, action: Knocked) -> Audit:
    return evolve(state, knocks=state.knocks + action.times)


@audit.otherwise
def _(state: Audit, _action: Action) -> Audit:
    return evolve(state, others=state.others + 1)


# --- a first state that is made when it is needed ---------------------------------------


def _make_many() -> PMap[int, Door]:
    return pmap({number: Door(knocks=number) for number in range(500)})


@action("correct_functions/door_of_many_opened")
class DoorOfManyOpened(Action):
    """One of many."""

    number: int


hotel: Reducer[PMap[int, Door]] = Reducer(factory=_make_many)


@hotel.on(DoorOfManyOpened)
def _(state: PMap[int, Door], action: DoorOfManyOpened) -> PMap[int, Door]:
    found = state.get(action.number)
    if found is None or found.is_open:
        return state
    return state.set(action.number, evolve(found, is_open=True))


def no_door_is_lost(state: PMap[int, Door]) -> bool:
    """There are as many as at first."""
    return len(state) == 500


_SEEN: Final = (DoorOpened, DoorClosed, Knocked)

CASES: Final = (
    CorrectReducer("one function with match", door, (an_open_door_is_not_locked,), _SEEN),
    CorrectReducer("a function that makes its first state", knocks, (), _SEEN),
    CorrectReducer("matchers", watcher, (), _SEEN),
    CorrectReducer("operations by matchers", load, (what_is_settled_is_not_pending,)),
    CorrectReducer("a default handler that counts", audit),
    CorrectReducer("a large first state from a factory", hotel, (no_door_is_lost,)),
)
"""The reducers of this file."""
