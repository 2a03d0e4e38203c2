"""`changes()`: what an asynchronous reader gets, when it ends, and when it is too slow.

What belongs here: readers of changes.  What does not: plain and selecting subscribers.
"""

from __future__ import annotations

import asyncio
from typing import assert_type

import attrs
import pytest

from refold.actions.action import Action, action
from refold.errors import SubscriberTooSlowError
from refold.reducers.reducer import Reducer
from refold.store.store import Store


@attrs.frozen
class Counter:
    """A state with one number."""

    value: int = 0


@action("store_changes/increased")
class Increased(Action):
    """The counter went up."""

    by: int = 1


@action("store_changes/failed")
class Failed(Action):
    """The reducer raises."""


class ReducerFailedError(Exception):
    """What a reducer raises."""


def make_store(state: Counter | None = None) -> Store[Counter]:
    """Return a store of a counter that can fail."""
    counter = Reducer(Counter())

    @counter.on(Increased)
    def _(state: Counter, action: Increased) -> Counter:
        return Counter(state.value + action.by)

    @counter.on(Failed)
    def _(_state: Counter, _action: Failed) -> Counter:
        raise ReducerFailedError

    return Store(counter, state=state)


async def let_everything_run() -> None:
    """Give every task that is ready a few turns of the loop."""
    for _ in range(10):
        await asyncio.sleep(0)


async def collect(store: Store[Counter]) -> list[int]:
    """Return the numbers of every state until the store ends them."""
    return [state.value async for state in store.changes()]


async def test_changes_end_when_the_store_ends() -> None:
    """A task that goes through the changes ends by itself when the store is left."""
    tasks_before = asyncio.all_tasks()
    async with make_store() as store:
        collecting = asyncio.create_task(collect(store))
        await let_everything_run()
        store.dispatch(Increased(1))
        store.dispatch(Increased(2))
        await let_everything_run()
    assert await collecting == [0, 1, 3]
    assert asyncio.all_tasks() == tasks_before


async def test_changes_that_came_before_the_end_are_still_yielded() -> None:
    """What was pending when the store was left comes out before the changes end."""
    async with make_store() as store:
        changes = store.changes()
        assert await anext(changes) == Counter(0)
        store.dispatch(Increased(1))
        store.dispatch(Increased(2))
    assert [state.value async for state in changes] == [1, 3]


async def test_a_waiting_reader_of_changes_is_woken_by_a_dispatch() -> None:
    """A reader that waits gets the next state when it is dispatched."""
    async with make_store() as store:
        changes = store.changes()
        await anext(changes)
        waiting = asyncio.ensure_future(anext(changes))
        await let_everything_run()
        assert not waiting.done()
        store.dispatch(Increased(4))
        assert await waiting == Counter(4)


async def test_an_action_that_changes_nothing_yields_nothing() -> None:
    """`changes()` yields no state twice in a row."""
    async with make_store() as store:
        changes = store.changes()
        await anext(changes)
        with pytest.raises(ReducerFailedError):
            store.dispatch(Failed())
        store.dispatch(Increased(0))
        store.dispatch(Increased(7))
        assert await anext(changes) == Counter(7)


async def test_a_reader_that_was_left_does_not_grow_or_disturb() -> None:
    """A loop that is broken off and closed hears no more, and the others go on."""
    async with make_store() as store:
        left = store.changes(max_pending=1)
        async for state in left:
            assert state == Counter(0)
            break
        await left.aclose()
        for _ in range(5):
            store.dispatch(Increased())
        assert store.state == Counter(5)
        fresh = store.changes()
        assert await anext(fresh) == Counter(5)


async def test_a_reader_that_is_too_slow_is_told_and_the_store_goes_on() -> None:
    """More changes than `max_pending` without a read: the reader gets an error, dispatch none."""
    async with make_store() as store:
        slow, quick = store.changes(max_pending=2), store.changes()
        assert await anext(slow) == await anext(quick) == Counter(0)
        for _ in range(5):
            store.dispatch(Increased())
        assert store.state == Counter(5)
        assert [(await anext(quick)).value for _ in range(5)] == [1, 2, 3, 4, 5]

        seen: list[int] = []
        with pytest.raises(SubscriberTooSlowError, match="2") as caught:
            seen.extend([state.value async for state in slow])
        assert "max_pending" in str(caught.value)
        assert seen == []
        store.dispatch(Increased())
        assert await anext(quick) == Counter(6)


async def test_a_reader_as_slow_as_allowed_is_not_too_slow() -> None:
    """As many changes as `max_pending` may wait."""
    async with make_store() as store:
        changes = store.changes(max_pending=3)
        assert await anext(changes) == Counter(0)
        for _ in range(3):
            store.dispatch(Increased())
        assert [(await anext(changes)).value for _ in range(3)] == [1, 2, 3]


async def test_a_store_can_be_entered_with_a_given_state_and_typed_changes() -> None:
    """The types of `changes` follow the state and the selector."""
    async with make_store(Counter(9)) as store:
        states, texts = store.changes(), store.changes(lambda state: str(state.value))
        assert assert_type(await anext(states), Counter) == Counter(9)
        assert assert_type(await anext(texts), str) == "9"
