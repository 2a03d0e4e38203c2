"""The lifetime of a store: entering, services, other threads, changes, flushing and closing.

What belongs here: all that needs an event loop.  What does not: what a single dispatch does.
"""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, assert_type, cast

import attrs
import pytest

from refold.actions.action import Action, action
from refold.errors import NotAnActionError, RefoldError, StoreClosedError, SubscriberTooSlowError
from refold.reducers.reducer import Reducer
from refold.store.store import Store

if TYPE_CHECKING:
    import concurrent.futures

    from refold.store.middleware import Dispatch, StoreAPI


@attrs.frozen
class Counter:
    """A state with one number."""

    value: int = 0


@action("store_lifetime/increased")
class Increased(Action):
    """The counter went up."""

    by: int = 1


@action("store_lifetime/failed")
class Failed(Action):
    """The reducer raises."""


class ServiceFailedError(Exception):
    """What a service raises."""


class BodyFailedError(Exception):
    """What the body of an `async with` raises."""


class ReducerFailedError(Exception):
    """What a reducer raises."""


class Passing:
    """A middleware that changes nothing on an action's way."""

    def __init__(self, notes: list[str], name: str = "one") -> None:
        """Keep the list of what happens."""
        self.notes = notes
        self.name = name

    def __call__(self, store: StoreAPI[Counter], next_dispatch: Dispatch, /) -> Dispatch:
        """Keep the store's API."""
        self.store = store
        return next_dispatch

    def note(self, what: str) -> None:
        """Note what happened to this middleware."""
        self.notes.append(f"{self.name} {what}")


class Waiting(Passing):
    """A service that runs until it is cancelled."""

    async def run(self) -> None:
        """Wait without end and note the cancellation."""
        self.note("started")
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            self.note("cancelled")
            raise

    def close(self) -> None:
        """Note the closing."""
        self.note("closed")


class Flushing(Passing):
    """A middleware that has something to flush."""

    async def flushed(self) -> None:
        """Note that it was waited for."""
        self.note("begins to flush")
        await asyncio.sleep(0)
        self.note("flushed")

    def close(self) -> None:
        """Note the closing."""
        self.note("closed")


class Increasing(Passing):
    """A service that dispatches once and ends."""

    async def run(self) -> None:
        """Dispatch one action."""
        self.store.dispatch(Increased(5))
        self.note("ended")


class Failing(Passing):
    """A service that raises at once."""

    async def run(self) -> None:
        """Raise."""
        await asyncio.sleep(0)
        raise ServiceFailedError


def make_reducer() -> Reducer[Counter]:
    """Return a counter that can fail."""
    counter = Reducer(Counter())

    @counter.on(Increased)
    def _(state: Counter, action: Increased) -> Counter:
        return Counter(state.value + action.by)

    @counter.on(Failed)
    def _(_state: Counter, _action: Failed) -> Counter:
        raise ReducerFailedError

    return counter


def make_store(*middleware: Passing) -> Store[Counter]:
    """Return a store with these middlewares."""
    return Store(make_reducer(), middleware=middleware)


async def let_everything_run() -> None:
    """Give every task that is ready a few turns of the loop."""
    for _ in range(10):
        await asyncio.sleep(0)


async def collect(store: Store[Counter]) -> list[int]:
    """Return the numbers of every state until the store ends them."""
    return [state.value async for state in store.changes()]


async def test_entering_gives_the_store_itself() -> None:
    """`async with` gives the store, typed by its state."""
    store = make_store()
    async with store as entered:
        assert assert_type(entered, Store[Counter]) is store
        assert assert_type(entered.state, Counter) == Counter(0)
        assert assert_type(entered.dispatch(Increased()), Increased) == Increased()


def test_a_store_works_without_being_entered() -> None:
    """Dispatch and subscribe need no event loop, and services are not started."""
    notes: list[str] = []
    store = make_store(Waiting(notes))
    store.dispatch(Increased())
    assert store.state == Counter(1)
    assert notes == []


async def test_a_service_runs_from_entering_to_leaving() -> None:
    """A service is started on entering, cancelled on leaving, then closed; no task is left."""
    notes: list[str] = []
    tasks_before = asyncio.all_tasks()
    async with make_store(Waiting(notes)):
        await let_everything_run()
        assert notes == ["one started"]
        assert len(asyncio.all_tasks()) > len(tasks_before)
    assert notes == ["one started", "one cancelled", "one closed"]
    assert asyncio.all_tasks() == tasks_before


async def test_a_service_that_did_not_get_a_turn_is_stopped_too() -> None:
    """Leaving at once leaves no task either, and the middleware is closed."""
    notes: list[str] = []
    tasks_before = asyncio.all_tasks()
    async with make_store(Waiting(notes)):
        pass
    assert asyncio.all_tasks() == tasks_before
    assert notes[-1] == "one closed"


async def test_all_services_are_stopped_before_any_middleware_is_closed() -> None:
    """Every service is cancelled and waited for before the first `close`."""
    notes: list[str] = []
    async with make_store(Waiting(notes, "first"), Waiting(notes, "second")):
        await let_everything_run()
    assert sorted(notes[:2]) == ["first started", "second started"]
    assert sorted(notes[2:4]) == ["first cancelled", "second cancelled"]
    assert sorted(notes[4:]) == ["first closed", "second closed"]


async def test_a_service_may_dispatch_and_may_end_early() -> None:
    """A service dispatches through the store; one that ends early does not end the store."""
    notes: list[str] = []
    async with make_store(Increasing(notes)) as store:
        await let_everything_run()
        assert notes == ["one ended"]
        assert store.state == Counter(5)
        store.dispatch(Increased())
    assert store.state == Counter(6)


async def test_the_error_of_a_service_ends_the_store_and_comes_out() -> None:
    """A service that raises cancels the body and the other services; its error comes out."""
    notes: list[str] = []
    tasks_before = asyncio.all_tasks()
    with pytest.RaisesGroup(ServiceFailedError, flatten_subgroups=True):
        async with make_store(Waiting(notes, "other"), Failing(notes, "failing")):
            await asyncio.get_running_loop().create_future()
    assert notes == ["other started", "other cancelled", "other closed"]
    assert asyncio.all_tasks() == tasks_before


async def test_the_error_of_the_body_comes_out_and_everything_is_stopped() -> None:
    """An error of the body is the one that its caller gets, and the services are stopped."""
    notes: list[str] = []
    tasks_before = asyncio.all_tasks()
    error = BodyFailedError()
    with pytest.raises(BodyFailedError) as caught:
        async with make_store(Waiting(notes)):
            await let_everything_run()
            raise error
    assert caught.value is error
    assert notes == ["one started", "one cancelled", "one closed"]
    assert asyncio.all_tasks() == tasks_before


async def test_cancelling_the_body_stops_everything_and_stays_a_cancellation() -> None:
    """A cancelled body leaves no service behind, and its task is cancelled."""
    notes: list[str] = []
    tasks_before = asyncio.all_tasks()

    async def live() -> None:
        async with make_store(Waiting(notes)):
            await asyncio.get_running_loop().create_future()

    task = asyncio.create_task(live())
    await let_everything_run()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert notes == ["one started", "one cancelled", "one closed"]
    assert asyncio.all_tasks() == tasks_before


async def test_after_leaving_dispatch_raises_and_the_state_is_readable() -> None:
    """A store that was left refuses to dispatch and still shows its last state."""
    async with make_store() as store:
        store.dispatch(Increased())
    with pytest.raises(StoreClosedError):
        store.dispatch(Increased())
    assert store.state == Counter(1)


async def test_aclose_closes_a_store_that_was_never_entered() -> None:
    """`aclose` closes the middleware once and refuses later dispatches, `async with` or not."""
    notes: list[str] = []
    store = make_store(Flushing(notes))
    store.dispatch(Increased())
    await store.aclose()
    assert notes.count("one closed") == 1
    with pytest.raises(StoreClosedError):
        store.dispatch(Increased())
    assert store.state == Counter(1)


async def test_aclose_inside_the_block_stops_the_services_and_closes_once() -> None:
    """`aclose` inside `async with` stops the services; leaving then closes nothing again."""
    notes: list[str] = []
    tasks_before = asyncio.all_tasks()
    async with make_store(Waiting(notes)) as store:
        await let_everything_run()
        await store.aclose()
        assert notes == ["one started", "one cancelled", "one closed"]
        with pytest.raises(StoreClosedError):
            store.dispatch(Increased())
        await store.aclose()
    assert notes == ["one started", "one cancelled", "one closed"]
    assert asyncio.all_tasks() == tasks_before


async def test_aclose_twice_is_harmless() -> None:
    """A second `aclose` does nothing."""
    notes: list[str] = []
    store = make_store(Flushing(notes))
    await store.aclose()
    await store.aclose()
    assert notes.count("one closed") == 1


async def test_flushed_waits_for_every_middleware_that_offers_it() -> None:
    """`flushed` returns after each middleware's own `flushed` did, and closes nothing."""
    notes: list[str] = []
    async with make_store(
        Flushing(notes, "first"), Passing(notes), Flushing(notes, "second")
    ) as store:
        await store.flushed()
        assert sorted(notes) == [
            "first begins to flush",
            "first flushed",
            "second begins to flush",
            "second flushed",
        ]
        store.dispatch(Increased())
    assert store.state == Counter(1)


async def test_flushed_of_a_store_without_such_middleware_returns_at_once() -> None:
    """`flushed` needs neither a middleware nor an entered store."""
    await make_store().flushed()


async def test_a_threadsafe_dispatch_is_committed_on_the_loops_thread() -> None:
    """`dispatch_threadsafe` from another thread gives a future of the action, done on our thread."""
    threads: list[int] = []
    async with make_store() as store:
        store.subscribe(lambda: threads.append(threading.get_ident()))
        increased = Increased(3)

        def dispatch_there() -> Action:
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
    async with Store(make_reducer(), state=Counter(9)) as store:
        states, texts = store.changes(), store.changes(lambda state: str(state.value))
        assert assert_type(await anext(states), Counter) == Counter(9)
        assert assert_type(await anext(texts), str) == "9"
