"""Dispatching from other threads: on the store's own thread, in order, with a future of the result.

What belongs here: `dispatch_threadsafe`.  What does not: that `dispatch` itself refuses a foreign
thread, which `test_bad_input` holds.
"""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, cast

import attrs
import pytest

from refold.actions.action import Action, action
from refold.errors import NotAnActionError, RefoldError, StoreClosedError
from refold.reducers.reducer import Reducer
from refold.store.store import Store

if TYPE_CHECKING:
    import concurrent.futures


@attrs.frozen
class Counter:
    """A state with one number."""

    value: int = 0


@action("dispatch_threadsafe/increased")
class Increased(Action):
    """The counter went up."""

    by: int = 1


@action("dispatch_threadsafe/failed")
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


async def test_a_threadsafe_dispatch_is_committed_on_the_loops_thread() -> None:
    """`dispatch_threadsafe` in another thread gives a future of the action, done in our thread."""
    threads: list[int] = []
    async with make_store() as store:
        store.subscribe(lambda: threads.append(threading.get_ident()))
        increased = Increased(3)

        def dispatch_there() -> Action:
            """Dispatch in the thread that calls this, and wait."""
            future: concurrent.futures.Future[Increased] = store.dispatch_threadsafe(increased)
            return future.result()

        assert await asyncio.to_thread(dispatch_there) is increased
        assert store.state == Counter(3)
    assert threads == [threading.get_ident()]


async def test_a_threadsafe_dispatch_from_the_stores_own_thread_works_as_well() -> None:
    """On the store's own thread the future is done once the loop had a turn."""
    async with make_store() as store:
        increased = Increased(2)
        future = store.dispatch_threadsafe(increased)
        assert await asyncio.wrap_future(future) is increased
        assert store.state == Counter(2)


async def test_a_threadsafe_dispatch_keeps_the_order_of_one_thread() -> None:
    """What one thread dispatches is committed in its order."""
    seen: list[int] = []
    async with make_store() as store:
        store.subscribe(lambda new, _old: seen.append(new), select=lambda state: state.value)

        def dispatch_there() -> None:
            """Dispatch three actions in the thread that calls this, and wait."""
            futures = [store.dispatch_threadsafe(Increased(by)) for by in (1, 10, 100)]
            for future in futures:
                future.result()

        await asyncio.to_thread(dispatch_there)
    assert seen == [1, 11, 111]


async def test_what_a_threadsafe_dispatch_raises_comes_out_of_its_future() -> None:
    """A reducer's exception and the refusal of a non-action come out of the future."""
    async with make_store() as store:
        failed = store.dispatch_threadsafe(Failed())
        with pytest.raises(ReducerFailedError):
            await asyncio.wrap_future(failed)
        refused = store.dispatch_threadsafe(cast("Any", 42))
        with pytest.raises(NotAnActionError):
            await asyncio.wrap_future(refused)
        assert store.state == Counter(0)


async def test_a_threadsafe_dispatch_to_a_closed_store_is_refused() -> None:
    """After leaving, a threadsafe dispatch raises or gives a future that does; nothing hangs."""
    async with make_store() as store:
        pass
    with pytest.raises(StoreClosedError):
        await asyncio.wrap_future(store.dispatch_threadsafe(Increased()))
    assert store.state == Counter(0)


def test_a_threadsafe_dispatch_without_a_loop_says_what_to_do() -> None:
    """A store that was never entered has no loop: the error says to enter it."""
    with pytest.raises(RefoldError, match="async with"):
        make_store().dispatch_threadsafe(Increased())
