"""The debugger's times, in virtual time: when steps come, and which time an event gets.

What belongs here: `step_timer` and `stamp_events` of `examples/connectome_stepper`.  What does not:
how they are shown, see `test_connectome_parts`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from examples.connectome_stepper.feed import FlowEventMessage, event_of
from refold.actions.ledger import AppendRealtimeEventAndUpdateFocusIfNeeded
from tests.examples.stepper_scene import HandClock, new_session

if TYPE_CHECKING:
    from refold.actions.ledger import Speed


@pytest.mark.looptime
@pytest.mark.parametrize(("speed", "steps"), [("pause", 0), ("1x", 6), ("2x", 12), ("3x", 18)])
async def test_b5_steps_come_at_the_nominal_interval(speed: Speed, steps: int) -> None:
    """B5: in 6.05 seconds a speed releases as many steps as its interval says."""
    session = new_session()
    async with session.store:
        session.set_speed(speed)
        await asyncio.sleep(6.05)
    assert session.store.state.ledger.cursor == steps


@pytest.mark.looptime
async def test_the_timer_stands_while_the_view_is_held() -> None:
    """Space halts the steps in the middle of an interval, and lets the rest of it go on."""
    session = new_session()
    async with session.store:
        session.set_speed("1x")
        await asyncio.sleep(0.55)
        session.toggle_local_pause()
        await asyncio.sleep(100)
        assert session.store.state.ledger.cursor == 0
        assert session.store.state.ledger.tick_display.progress_0_1 == 0.5
        session.toggle_local_pause()
        await asyncio.sleep(0.52)
        assert session.store.state.ledger.cursor == 1


def test_events_have_the_time_of_their_action() -> None:
    """A step gets its time from timestamps(); an event that has a time keeps it."""
    clock = HandClock(2.0)
    session = new_session(clock=clock)
    session.release_next()
    dispatch = session.store.dispatch
    for at_ms in (None, 7):
        event = event_of(FlowEventMessage("x", at_ms=at_ms))
        dispatch(AppendRealtimeEventAndUpdateFocusIfNeeded(event))
    assert [e.at_ms for e in session.store.state.ledger.ledger] == [2000, 2000, 2000, 7]
