"""The lifetime of a store: entering, services, flushing and closing.

What belongs here: what starts and stops.  What does not: other threads (`test_dispatch_threadsafe`)
and readers of changes (`test_store_changes`).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, assert_type

import attrs
import pytest

from refold.actions.action import Action, action
from refold.errors import StoreClosedError
from refold.reducers.reducer import Reducer
from refold.store.store import Store

if TYPE_CHECKING:
    from refold.store.middleware import Dispatch, StoreAPI


@attrs.frozen
class Counter:
    """A state with one number."""

    value: int = 0


@action("store_lifetime/increased")
class Increased(Action):
    """The counter went up."""

    by: int = 1


class ServiceFailedError(Exception):
    """What a service raises."""


class BodyFailedError(Exception):
    """What the body of an `async with` raises."""


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
    """Return a counter."""
    counter = Reducer(Counter())

    @counter.on(Increased)
    def _(state: Counter, action: Increased) -> Counter:
        return Counter(state.value + action.by)

    return counter


def make_store(*middleware: Passing) -> Store[Counter]:
    """Return a store with these middlewares."""
    return Store(make_reducer(), middleware=middleware)


async def let_everything_run() -> None:
    """Give every task that is ready a few turns of the loop."""
    for _ in range(10):
        await asyncio.sleep(0)


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
    """An error of the body is what its caller gets, not a group, and the services are stopped."""
    notes: list[str] = []
    tasks_before = asyncio.all_tasks()
    error = BodyFailedError()

    async def live() -> None:
        """Enter the store and raise."""
        async with make_store(Waiting(notes)):
            await let_everything_run()
            raise error

    with pytest.raises(BodyFailedError) as caught:
        await live()
    assert caught.value is error
    assert notes == ["one started", "one cancelled", "one closed"]
    assert asyncio.all_tasks() == tasks_before


async def test_the_error_of_the_body_comes_out_of_a_store_without_services() -> None:
    """Without any service, too, the caller gets the body's own error."""
    error = BodyFailedError()
    with pytest.raises(BodyFailedError) as caught:
        async with make_store():
            raise error
    assert caught.value is error


async def test_cancelling_the_body_stops_everything_and_stays_a_cancellation() -> None:
    """A cancelled body leaves no service behind, and its task is cancelled."""
    notes: list[str] = []
    tasks_before = asyncio.all_tasks()

    async def live() -> None:
        """Enter the store and stay."""
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
