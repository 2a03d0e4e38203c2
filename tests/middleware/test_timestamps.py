"""`timestamps`: every action gets the time of its dispatch, once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from refold.actions.action import Action, action
from refold.middleware.timestamps import timestamps
from refold.reducers.reducer import Reducer
from refold.store.store import Store
from refold.testing.virtual_clock import VirtualClock

if TYPE_CHECKING:
    from refold.store.middleware import Dispatch, StoreAPI


@action("timestamps/rung")
class Rung(Action):
    """A bell was rung."""

    bell: str = "door"


@action("timestamps/wrapped")
class Wrapped(Action):
    """Another field than the time is keyword-only, too."""

    note: str = "none"


def make_times() -> Reducer[tuple[int | None, ...]]:
    """Return a reducer that keeps the times of all actions."""
    times = Reducer[tuple[int | None, ...]](())

    @times.on(Rung, Wrapped)
    def _(state: tuple[int | None, ...], action: Action) -> tuple[int | None, ...]:
        return (*state, action.at_ms)

    return times


def test_an_action_gets_the_time_in_milliseconds() -> None:
    """The clock's seconds since the epoch become whole milliseconds in ``at_ms``."""
    clock = VirtualClock(1_700_000_000.25)
    store = Store(make_times(), middleware=[timestamps(clock)])
    store.dispatch(Rung())
    clock.advance(2)
    store.dispatch(Rung())
    assert store.state == (1_700_000_000_250, 1_700_000_002_250)
    assert all(type(at_ms) is int for at_ms in store.state)


def test_a_time_that_is_there_is_kept() -> None:
    """An action that knows its time keeps it, also the time 0, and is passed on unchanged."""
    store = Store(make_times(), middleware=[timestamps(VirtualClock(5.0))])
    timed = Rung(at_ms=0)
    assert store.dispatch(timed) is timed
    store.dispatch(Rung(at_ms=-7))
    assert store.state == (0, -7)


def test_the_action_given_is_not_changed() -> None:
    """Dispatch returns an equal action that has the time; the given one has none still."""
    store = Store(make_times(), middleware=[timestamps(VirtualClock(5.0))])
    untimed = Rung("gate")
    returned = store.dispatch(untimed)
    assert untimed.at_ms is None
    assert returned == untimed
    assert (returned.bell, returned.at_ms) == ("gate", 5000)


def test_two_stamps_are_one() -> None:
    """The outermost of two clocks gives the time."""
    chain = [timestamps(VirtualClock(1.0)), timestamps(VirtualClock(2.0))]
    store = Store(make_times(), middleware=chain)
    store.dispatch(Wrapped())
    assert store.state == (1000,)


def test_the_default_clock_is_the_wall_clock() -> None:
    """Without a clock the time lies between the wall clock's before and after."""
    store = Store(make_times(), middleware=[timestamps()])
    before = int(time.time() * 1000)
    store.dispatch(Rung())
    assert store.state[0] is not None
    assert before <= store.state[0] <= int(time.time() * 1000)


def test_the_time_reaches_inner_middleware_and_not_the_outer() -> None:
    """What is listed after the stamp sees the time, what is listed before does not."""
    seen: list[int | None] = []

    def note(_store: StoreAPI[tuple[int | None, ...]], next_dispatch: Dispatch) -> Dispatch:
        def handle(action: Action, /) -> Action:
            seen.append(action.at_ms)
            return next_dispatch(action)

        return handle

    def note_too(store: StoreAPI[tuple[int | None, ...]], next_dispatch: Dispatch) -> Dispatch:
        return note(store, next_dispatch)

    store = Store(make_times(), middleware=[note, timestamps(VirtualClock(1.0)), note_too])
    store.dispatch(Rung())
    assert seen == [None, 1000]


def test_a_virtual_clock_does_not_run_backwards() -> None:
    """A clock is advanced by 0 seconds or more; anything else is refused and changes nothing."""
    clock = VirtualClock(10.0)
    for seconds in (-1.0, float("nan")):
        with pytest.raises(ValueError, match="advanced by 0 seconds or more"):
            clock.advance(seconds)
    clock.advance(0)
    assert clock() == 10.0
