"""The context of a dispatch: what caused it, and who dispatched it.

What belongs here: the fields ``cause`` and ``origin`` of the log, and `dispatching_as`.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest

from refold.errors import SubscriberError
from refold.middleware.record import record
from refold.replay.replay import replay
from refold.store.dispatch_context import (
    DispatchContext,
    current_dispatch_context,
    dispatching_as,
)
from refold.store.store import Store
from tests.strategies.observatory_actions import (
    NobodyCares,
    PartFailed,
    SessionEnded,
    SessionOpened,
)
from tests.strategies.observatory_reducer import PartFailedError, make_observatory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from refold.actions.action import Action
    from refold.replay.log_record import LogRecord
    from refold.store.middleware import Dispatch, Middleware, StoreAPI
    from tests.strategies.observatory_states import Observatory


@pytest.fixture(autouse=True)
def outside_any_dispatch() -> Iterator[None]:
    """Let each test begin where nothing is being handled."""
    with dispatching_as("app"):
        yield


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a log that is not there yet."""
    return tmp_path / "run.jsonl"


def records_of(path: Path) -> list[LogRecord]:
    """Return all records of a log."""
    return list(replay(path, make_observatory()).records)


def causes(path: Path) -> list[int | None]:
    """Return for each record the seq of its cause, or None."""
    records = records_of(path)
    seqs = {one.id: one.seq for one in records}
    return [None if one.cause is None else seqs[one.cause] for one in records]


def test_what_nobody_caused_has_no_cause(path: Path) -> None:
    """Actions dispatched one after the other have nothing to do with each other."""
    store = Store(make_observatory(), middleware=[record(path)])
    for _ in range(3):
        store.dispatch(NobodyCares())
    assert causes(path) == [None, None, None]
    assert [one.origin for one in records_of(path)] == ["app"] * 3


def test_a_dispatch_in_a_subscriber_is_caused_by_what_it_heard_of(path: Path) -> None:
    """Nested dispatches name the record during whose handling they happen, level by level."""
    store = Store(make_observatory(), middleware=[record(path)])
    depth: list[int] = []

    def follow() -> None:
        if len(depth) < 3:
            depth.append(1)
            store.dispatch(NobodyCares())

    store.subscribe(follow)
    store.dispatch(SessionOpened("Ada"))
    store.dispatch(SessionEnded())
    assert causes(path) == [None, 1, 2, 3, None]


def test_two_dispatches_in_one_subscriber_have_the_same_cause(path: Path) -> None:
    """After a nested dispatch the cause is again what it was before it."""
    store = Store(make_observatory(), middleware=[record(path)])

    def answer(new: object, _old: object) -> None:
        if new is not None:
            store.dispatch(NobodyCares(1.0))
            store.dispatch(NobodyCares(2.0))

    store.subscribe(answer, select=lambda state: state.fleet.session)
    store.dispatch(SessionOpened("Ada"))
    store.dispatch(NobodyCares(3.0))
    assert causes(path) == [None, 1, 1, None]


def answer_opening(store: StoreAPI[Observatory], next_dispatch: Dispatch) -> Dispatch:
    """Dispatch something before and something after each opening of a session."""

    def handle(action: Action, /) -> Action:
        if not isinstance(action, SessionOpened):
            return next_dispatch(action)
        store.dispatch(NobodyCares(1.0))
        result = next_dispatch(action)
        store.dispatch(NobodyCares(2.0))
        return result

    return handle


@pytest.mark.parametrize("is_first", [True, False])
def test_middleware_that_dispatches_after_next_is_caused_by_its_action(
    path: Path, *, is_first: bool
) -> None:
    """What middleware dispatches before the commit has no cause, what it adds after it has."""
    chain: list[Middleware[Observatory]] = [answer_opening, record(path)]
    store = Store(make_observatory(), middleware=chain if is_first else chain[::-1])
    store.dispatch(SessionOpened("Ada"))
    store.dispatch(SessionEnded())
    assert causes(path) == [None, None, 2, None]


async def test_a_task_started_while_handling_carries_the_cause(path: Path) -> None:
    """A task that a subscriber starts dispatches later, and names the record that started it."""
    async with Store(make_observatory(), middleware=[record(path)]) as store:
        tasks: list[asyncio.Task[None]] = []
        go_on = asyncio.Event()

        async def answer() -> None:
            await go_on.wait()
            store.dispatch(NobodyCares())
            store.dispatch(NobodyCares())

        unsubscribe = store.subscribe(lambda: tasks.append(asyncio.create_task(answer())))
        store.dispatch(SessionOpened("Ada"))
        unsubscribe()
        store.dispatch(SessionEnded())
        go_on.set()
        await asyncio.gather(*tasks)
        store.dispatch(SessionEnded())
    assert causes(path) == [None, None, 1, 1, None]


def test_what_comes_after_a_transaction_is_not_caused_by_it(path: Path) -> None:
    """A transaction that ended is no cause of what is dispatched later."""
    store = Store(make_observatory(), middleware=[record(path)])
    with store.transaction():
        store.dispatch(SessionOpened("Ada"))
        store.dispatch(SessionEnded())
    store.dispatch(NobodyCares())
    assert causes(path) == [None, None, None]
    assert current_dispatch_context() == DispatchContext()


def test_what_answers_a_transaction_is_caused_by_its_last_action(path: Path) -> None:
    """A subscriber that is told of a transaction dispatches in answer to it."""
    store = Store(make_observatory(), middleware=[record(path)])

    def answer(new: object, _old: object) -> None:
        if new is not None:
            store.dispatch(NobodyCares())

    store.subscribe(answer, select=lambda state: state.fleet.session)
    with store.transaction():
        store.dispatch(NobodyCares())
        store.dispatch(SessionOpened("Ada"))
    assert causes(path) == [None, None, 2]


def test_a_transaction_inside_a_subscriber_has_its_cause(path: Path) -> None:
    """All actions of a transaction that answers a record name it."""
    store = Store(make_observatory(), middleware=[record(path)])

    def answer(new: object, _old: object) -> None:
        if new is not None:
            with store.transaction():
                store.dispatch(NobodyCares())
                store.dispatch(NobodyCares())

    store.subscribe(answer, select=lambda state: state.fleet.session)
    store.dispatch(SessionOpened("Ada"))
    store.dispatch(NobodyCares())
    assert causes(path) == [None, 1, 1, None]


def test_errors_leave_no_cause_behind(path: Path) -> None:
    """After a reducer or a subscriber raised, the next action has no cause."""
    store = Store(make_observatory(), middleware=[record(path)])
    unsubscribe = store.subscribe(lambda: 1 / 0)
    with pytest.raises(SubscriberError):
        store.dispatch(NobodyCares())
    unsubscribe()
    with pytest.raises(PartFailedError):
        store.dispatch(PartFailed())
    with contextlib.suppress(PartFailedError), store.transaction():
        store.dispatch(PartFailed())
    store.dispatch(NobodyCares())
    assert causes(path) == [None, None]


def test_the_origin_is_what_was_said(path: Path) -> None:
    """Inside `dispatching_as` the origin is the given one, outside it is the application."""
    store = Store(make_observatory(), middleware=[record(path)])
    with dispatching_as("service:clock"):
        store.dispatch(NobodyCares())
        with dispatching_as("listener:answer", cause="elsewhere-7"):
            store.dispatch(NobodyCares())
        store.dispatch(NobodyCares())
    store.dispatch(NobodyCares())
    origins = [one.origin for one in records_of(path)]
    assert origins == ["service:clock", "listener:answer", "service:clock", "app"]
    assert [one.cause for one in records_of(path)] == [None, "elsewhere-7", None, None]


def test_the_origin_is_said_for_a_transaction_too(path: Path) -> None:
    """The actions of a transaction carry the origin of the block that they are in."""
    store = Store(make_observatory(), middleware=[record(path)])
    with dispatching_as("service:clock"), store.transaction():
        store.dispatch(NobodyCares())
        store.dispatch(NobodyCares())
    assert [one.origin for one in records_of(path)] == ["service:clock"] * 2


def test_an_error_ends_the_origin() -> None:
    """Leaving the block by an error puts the context back."""

    def fail() -> None:
        with dispatching_as("service:clock"):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert current_dispatch_context() == DispatchContext(origin="app", cause=None)


async def test_each_task_has_its_own_origin(path: Path) -> None:
    """Tasks that dispatch by turns under different names do not mix them up."""
    async with Store(make_observatory(), middleware=[record(path)]) as store:

        async def work(name: str) -> None:
            with dispatching_as(f"service:{name}"):
                for _ in range(3):
                    store.dispatch(SessionOpened(name))
                    await asyncio.sleep(0)

        await asyncio.gather(work("left"), work("right"))
    found = [(one.origin, one.payload["observer"]) for one in records_of(path)]
    assert len(found) == 6
    assert all(origin == f"service:{observer}" for origin, observer in found)
