"""The end of listeners: leaving the store cancels every run and waits for it.

What belongs here: leaving, closing, and what is still under way then.  What does not: thousands of
stores in a row (`test_listener_cycles`).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from refold.errors import StoreClosedError
from refold.middleware.listeners import Listeners
from refold.store.store import Store
from tests.listeners.listener_scene import (
    Asked,
    Board,
    Counted,
    Noted,
    Troubles,
    board,
    noting_cancellation,
    rest,
)

if TYPE_CHECKING:
    from refold.actions.action import Action
    from refold.middleware.effect import Effect

pytestmark = pytest.mark.looptime


@pytest.fixture(autouse=True)
async def nothing_is_left() -> Any:
    """Prove after each test that no task is left and that nobody complained to the loop."""
    complaints: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _loop, what: complaints.append(what))
    tasks = asyncio.all_tasks()
    yield
    await asyncio.sleep(0)
    assert asyncio.all_tasks() <= tasks | {task for task in [asyncio.current_task()] if task}
    assert complaints == []


class BodyFailedError(Exception):
    """What the body of an `async with` raises."""


async def test_leaving_cancels_all_runs_and_waits_for_their_ends() -> None:
    """A ``finally`` that takes its time is over when the store is left, and may still dispatch."""
    listeners = Listeners(Board)

    @listeners.on(Asked)
    async def _(action: Asked, fx: Effect[Board]) -> None:
        try:
            await fx.sleep(100)
        finally:
            fx.dispatch(Noted(f"{action.number} at once"))
            await asyncio.sleep(3)
            fx.dispatch(Noted(f"{action.number} later"))

    async with Store(board, listeners=[listeners]) as store:
        for number in (1, 2):
            store.dispatch(Asked(number))
        await rest()
    assert store.state.texts == ("1 at once", "2 at once", "1 later", "2 later")
    with pytest.raises(StoreClosedError):
        store.dispatch(Asked())


async def test_forks_are_waited_for_too() -> None:
    """What runs beside a run is over as well when the store is left."""
    listeners = Listeners(Board)

    @listeners.on(Asked)
    async def _(_action: Asked, fx: Effect[Board]) -> None:
        async def beside() -> None:
            try:
                await asyncio.sleep(100)
            finally:
                await asyncio.sleep(2)
                fx.dispatch(Noted("fork"))

        fx.fork(beside)
        await fx.sleep(100)

    async with Store(board, listeners=[listeners]) as store:
        store.dispatch(Asked())
        await rest()
    assert store.state.texts == ("fork",)


async def test_a_run_that_swallows_its_cancellation_for_a_while_is_waited_for() -> None:
    """Leaving takes as long as the run does; its error afterwards is reported."""
    troubles = Troubles()
    notes: list[str] = []

    @troubles.listeners.on(Asked)
    async def _(_action: Asked, _fx: Effect[Board]) -> None:
        for _ in range(2):
            try:
                await asyncio.sleep(5)
                notes.append("slept")
            except asyncio.CancelledError:
                notes.append("swallowed")
        raise ZeroDivisionError

    async with Store(board, listeners=[troubles.listeners]) as store:
        store.dispatch(Asked())
        await rest()
    assert notes == ["swallowed", "slept"]
    assert [error for _, error, _ in troubles.errors] == ["ZeroDivisionError()"]


async def test_what_was_dispatched_last_begins_nothing_late() -> None:
    """An action just before leaving begins at most a run that is cancelled at once."""
    listeners = Listeners(Board)
    notes: list[str] = []

    @listeners.on(Asked)
    async def _(_action: Asked, fx: Effect[Board]) -> None:
        with noting_cancellation(notes):
            await fx.sleep(1)

    async with Store(board, listeners=[listeners]) as store:
        store.dispatch(Asked())
    await rest(10)
    assert notes in ([], ["closed"])


async def test_what_is_dispatched_while_leaving_begins_no_run() -> None:
    """A dispatch in a ``finally`` is folded, and answered by nobody."""
    listeners = Listeners(Board)
    heard: list[Action] = []

    @listeners.on(Asked)
    async def _(_action: Asked, fx: Effect[Board]) -> None:
        try:
            await fx.sleep(100)
        finally:
            fx.dispatch(Counted())
            await asyncio.sleep(5)

    listeners.add(Counted, lambda action, _fx: heard.append(action))
    async with Store(board, listeners=[listeners]) as store:
        store.dispatch(Asked())
        await rest()
    assert store.state.count == 1
    assert heard == []


@pytest.mark.parametrize("policy", ["debounce", "throttle"])
async def test_a_waiting_run_is_dropped(policy: Any) -> None:
    """What debounce and throttle still wait with never begins."""
    listeners = Listeners(Board)
    heard: list[Action] = []
    listeners.add(Asked, lambda action, _fx: heard.append(action), policy=policy, seconds=5)
    async with Store(board, listeners=[listeners]) as store:
        store.dispatch(Asked(1))
        store.dispatch(Asked(2))
        await rest()
    heard.clear()
    await rest(20)
    assert heard == []


async def test_a_body_that_raises_ends_the_runs() -> None:
    """The caller gets the body's own error, after all runs ended."""
    listeners = Listeners(Board)
    notes: list[str] = []

    @listeners.on(Asked)
    async def _(_action: Asked, fx: Effect[Board]) -> None:
        with noting_cancellation(notes):
            await fx.sleep(100)

    async def live() -> None:
        async with Store(board, listeners=[listeners]) as store:
            store.dispatch(Asked())
            await rest()
            raise BodyFailedError

    with pytest.raises(BodyFailedError):
        await live()
    assert notes == ["closed"]


async def test_a_body_that_is_cancelled_ends_the_runs() -> None:
    """A cancelled body stays cancelled, after all runs ended."""
    listeners = Listeners(Board)
    notes: list[str] = []

    @listeners.on(Asked)
    async def _(_action: Asked, fx: Effect[Board]) -> None:
        with noting_cancellation(notes):
            await fx.sleep(100)

    async def live() -> None:
        async with Store(board, listeners=[listeners]) as store:
            store.dispatch(Asked())
            await rest(50)

    task = asyncio.create_task(live())
    await rest()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert notes == ["closed"]


async def test_aclose_from_another_task_ends_the_runs() -> None:
    """`aclose` returns when every run is over, and leaving the block later is harmless."""
    listeners = Listeners(Board)
    notes: list[str] = []

    @listeners.on(Asked)
    async def _(_action: Asked, fx: Effect[Board]) -> None:
        try:
            with noting_cancellation(notes):
                await fx.sleep(100)
        finally:
            await asyncio.sleep(2)
            fx.dispatch(Noted("last words"))

    async with Store(board, listeners=[listeners]) as store:
        store.dispatch(Asked())
        await rest()
        await asyncio.create_task(store.aclose())
        assert notes == ["closed"]
        assert store.state.texts == ("last words",)
        with pytest.raises(StoreClosedError):
            store.dispatch(Asked())


@pytest.mark.parametrize("in_fork", [True, False])
async def test_a_listener_that_closes_its_own_store_does_not_hang(*, in_fork: bool) -> None:
    """`aclose` inside a run ends that run too, at this very await; leaving waits for all ends."""
    troubles = Troubles()
    notes: list[str] = []

    @troubles.listeners.on(Asked)
    async def _(_action: Asked, fx: Effect[Board]) -> None:
        with noting_cancellation(notes):
            await (fx.fork(store.aclose) if in_fork else store.aclose())

    @troubles.listeners.on(Asked)
    async def _(_action: Asked, fx: Effect[Board]) -> None:
        try:
            with noting_cancellation(notes):
                await fx.sleep(100)
        finally:
            await asyncio.sleep(20)
            notes.append("cleaned up")

    async with asyncio.timeout(50):
        async with Store(board, listeners=[troubles.listeners]) as store:
            store.dispatch(Asked())
            await rest(5)
            assert notes == ["closed", "closed"]
    assert notes == ["closed", "closed", "cleaned up"]
    with pytest.raises(StoreClosedError):
        store.dispatch(Counted())
    assert troubles.errors == []


async def test_what_runs_goes_on_until_it_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """Thousands of runs are cancelled in turn, all with their reason, and all ends are awaited."""
    listeners = Listeners(Board)
    notes: list[str] = []

    @listeners.on(Asked)
    async def _(_action: Asked, fx: Effect[Board]) -> None:
        with noting_cancellation(notes):
            await fx.take(Counted)

    async with Store(board, listeners=[listeners]) as store:
        for number in range(2000):
            store.dispatch(Asked(number))
        await rest()
    assert notes == ["closed"] * 2000
    assert caplog.records == []


async def test_leaving_does_not_warn_of_a_store_that_is_not_entered() -> None:
    """What is dispatched while leaving and would have been heard gives no warning."""
    troubles = Troubles()

    @troubles.listeners.on(Asked)
    async def _(_action: Asked, fx: Effect[Board]) -> None:
        try:
            await fx.sleep(100)
        finally:
            fx.dispatch(Asked())

    async with Store(board, listeners=[troubles.listeners]) as store:
        store.dispatch(Asked())
        await rest()
    assert troubles.errors == []
