"""Many runs at once: others get their turn in between, and nothing is kept of what is over.

What belongs here: pace and leftovers.  What does not: milliseconds, which are measured by
``bench/listener_load.py``.
"""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import TYPE_CHECKING

import pytest

from refold.middleware.listeners import Listeners
from refold.store.store import Store
from tests.listeners.listener_scene import Answered, Asked, Board, Counted, board, rest

if TYPE_CHECKING:
    from refold.actions.action import Action
    from refold.middleware.effect import Effect

pytestmark = pytest.mark.looptime

MANY = 1000


async def largest_leap(notes: list[int]) -> int:
    """Return how many notes came at most in one step of the loop, until all have come."""
    leap = seen = 0
    while seen < MANY:
        await asyncio.sleep(0)
        leap, seen = max(leap, len(notes) - seen), len(notes)
    return leap


async def test_runs_of_one_action_begin_some_at_a_time() -> None:
    """A thousand listeners of one action begin in their order, over several steps of the loop."""
    listeners = Listeners(Board)
    notes: list[int] = []

    def noting(number: int) -> object:
        return listeners.add(Asked, lambda _action, _fx: notes.append(number))

    for number in range(MANY):
        noting(number)
    async with Store(board, listeners=[listeners]) as store:
        store.dispatch(Asked())
        assert await largest_leap(notes) <= MANY / 5
    assert notes == list(range(MANY))


@pytest.mark.parametrize("by_leaving", [True, False])
async def test_waiting_runs_go_on_some_at_a_time(*, by_leaving: bool) -> None:
    """A thousand runs that one action answers, or that leaving ends, wake over several steps."""
    listeners = Listeners(Board)
    notes: list[int] = []

    @listeners.on(Asked)
    async def _(action: Asked, fx: Effect[Board]) -> None:
        try:
            await fx.take(Answered)
        finally:
            notes.append(action.number)

    async with Store(board, listeners=[listeners]) as store:
        for number in range(MANY):
            store.dispatch(Asked(number))
        await rest()
        leap = asyncio.create_task(largest_leap(notes))
        if not by_leaving:
            store.dispatch(Answered())
            assert await leap <= MANY / 5
    assert await leap <= MANY / 5
    assert notes == list(range(MANY))


async def test_a_sleep_of_zero_lets_the_runs_begin_that_are_due() -> None:
    """A run that dispatches much and sleeps for 0 seconds goes on when all have begun."""
    listeners = Listeners(Board)
    begun: list[int] = []
    counts: list[int] = []
    listeners.add(Counted, lambda action, _fx: begun.append(action.by))

    @listeners.on(Asked)
    async def _(_action: Asked, fx: Effect[Board]) -> None:
        for number in range(MANY):
            fx.dispatch(Counted(number))
        await fx.sleep(0)
        counts.append(len(begun))

    async with Store(board, listeners=[listeners]) as store:
        store.dispatch(Asked())
        await rest()
    assert counts[0] > MANY - MANY / 5


async def test_who_has_ended_is_not_asked_any_more() -> None:
    """A take that a run left behind is dropped with the run."""
    listeners = Listeners(Board)
    asked: list[Action] = []

    def question(action: Action) -> bool:
        asked.append(action)
        return False

    @listeners.on(Asked)
    async def _(_action: Asked, fx: Effect[Board]) -> None:
        fx.take(question)
        fx.take(question, timeout=100)

    async with Store(board, listeners=[listeners]) as store:
        store.dispatch(Asked())
        await rest()
        store.dispatch(Counted())
    assert asked == []


async def test_a_removed_listener_is_forgotten_with_its_last_run() -> None:
    """Nothing keeps the function of a listener that was removed and has ended."""
    listeners = Listeners(Board)

    def add_and_remove(store: Store[Board]) -> weakref.ref[object]:
        async def answer(_action: Asked, fx: Effect[Board]) -> None:
            await fx.sleep(1)

        remove = listeners.add(Asked, answer)
        store.dispatch(Asked())
        assert remove()
        return weakref.ref(answer)

    async with Store(board, listeners=[listeners]) as store:
        found = add_and_remove(store)
        assert found() is not None
        await rest(5)
        gc.collect()
        assert found() is None
