"""Leaving a store while operations run: everything settles, and nothing is left.

What belongs here: the end of a store with runs in every phase.  What does not: aborting one run
(`test_operation_behaviours`).  Time is virtual.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any, Literal

import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from refold.actions.operation_actions import OperationPending, OperationRejected, is_settled
from refold.errors import StoreClosedError
from refold.middleware.operation import operation
from tests.connection.chaos.virtual_run import run_virtually
from tests.operations.operation_scene import Noted, Told, open_desk, rest

if TYPE_CHECKING:
    from refold.middleware.operation_run import OperationCall, OperationRun
    from refold.store.middleware import Dispatch
    from refold.store.store import Store
    from tests.operations.operation_scene import Desk

Manner = Literal[
    "obeys", "swallows", "swallows slowly", "cleans up", "fails in cleanup", "aborts itself"
]
"""What a function does when it is cancelled, or at its end."""

Way = Literal["leaves", "raises", "is cancelled", "aclose", "aclose elsewhere"]
"""How the store is left."""


@attrs.frozen
class Plan:
    """One run: how long its condition and its function take, and what disturbs it."""

    begin: int
    """Seconds after which it is asked for."""

    condition: int | None
    """Seconds that an async condition takes; None for one that answers at once."""

    seconds: int
    """How long the function takes; 0 for one that does not await."""

    manner: Manner
    """What the function does when it is cancelled."""

    abort: int | None
    """Seconds after it was asked for; None for no abort."""

    signal: int | None
    """The same for its signal; 0 for one set before."""


@operation(
    "leaving_during_operations/work",
    condition=lambda plan, _call: plan.condition is None or _ask(plan.condition),
)
async def work(plan: Plan, call: OperationCall) -> str:
    """Work as planned."""
    try:
        for _ in range(plan.seconds):
            await asyncio.sleep(1)
    except asyncio.CancelledError:
        if plan.manner == "obeys":
            raise
        if plan.manner == "swallows slowly":
            await asyncio.sleep(3)
    finally:
        if plan.manner == "cleans up":
            await asyncio.sleep(2)
        if plan.manner == "fails in cleanup":
            raise OSError(plan.manner)
    if plan.manner == "aborts itself":
        call.abort("by itself")
        await asyncio.sleep(1)
    return "done"


async def _ask(seconds: int) -> bool:
    await asyncio.sleep(seconds)
    return True


few = st.integers(0, 6)
plans = st.builds(
    Plan,
    begin=few,
    condition=st.none() | few,
    seconds=few,
    manner=st.sampled_from(
        ["obeys", "swallows", "swallows slowly", "cleans up", "fails in cleanup", "aborts itself"]
    ),
    abort=st.none() | few,
    signal=st.none() | few,
)
ways = st.sampled_from(["leaves", "raises", "is cancelled", "aclose", "aclose elsewhere"])


class BlockFailedError(Exception):
    """What the block of the store raises."""


@given(todo=st.lists(plans, min_size=1, max_size=5), moment=few, turns=st.integers(0, 4), way=ways)
@example([Plan(0, 0, 0, "obeys", None, None)], 0, 1, "leaves")
@example([Plan(0, 0, 0, "obeys", None, 0)], 0, 0, "leaves")
@example([Plan(0, None, 3, "swallows", None, None)], 1, 0, "is cancelled")
def test_leaving_settles_everything_and_leaves_nothing(
    todo: list[Plan], moment: int, turns: int, way: Way
) -> None:
    """Whenever and however a store is left, each pending has one settling action, and no task.

    Every run that was begun can be awaited, and no action comes after the store was closed.
    """

    async def life() -> None:
        store, told = open_desk()
        runs: list[OperationRun[Plan, str]] = []
        owner = asyncio.create_task(_own(store, todo, runs, way))
        await asyncio.sleep(moment)
        for _ in range(turns):
            await asyncio.sleep(0)
        await _end(store, owner, way)
        count = len(told.actions)
        await rest()
        assert len(told.actions) == count
        assert all(run.is_settled for run in runs)
        for run in runs:
            await asyncio.wait_for(_wait(run), 0.5)
        _check_told(told)
        assert store.state.asking == 0 or _refused_only(told)
        with pytest.raises(StoreClosedError):
            store.dispatch(Noted("late"))
        with pytest.raises(StoreClosedError):
            store.dispatch(work(todo[0]))

    run_virtually(life)


async def _own(
    store: Store[Desk], todo: list[Plan], runs: list[OperationRun[Plan, str]], way: Way
) -> None:
    """Enter the store and ask for the runs until the block ends or is ended."""
    loop = asyncio.get_running_loop()
    timers: list[asyncio.TimerHandle] = []

    def begin(plan: Plan) -> None:
        signal = asyncio.Event()
        if plan.signal is not None:
            signal.set() if plan.signal == 0 else loop.call_later(plan.signal, signal.set)
        run = store.dispatch(work(plan, signal=signal))
        runs.append(run)
        if plan.abort is not None:
            loop.call_later(plan.abort, run.abort)

    try:
        async with store:
            for plan in todo:
                timers.append(loop.call_later(plan.begin, begin, plan))  # noqa: PERF401  # kept if it raises
            _stopped[store] = asyncio.Event()
            await _stopped[store].wait()
            if way == "raises":
                raise BlockFailedError
            if way == "aclose":
                await store.aclose()
    finally:
        for timer in timers:
            timer.cancel()


_stopped: dict[object, asyncio.Event] = {}


async def _end(store: Store[Desk], owner: asyncio.Task[None], way: Way) -> None:
    """Have the store left in this way, and wait until it is."""
    if way == "is cancelled":
        await asyncio.sleep(0)  # it has begun
        owner.cancel()
    elif way == "aclose elsewhere":
        await asyncio.sleep(0)
        await store.aclose()
    stopped = _stopped.pop(store, None)
    while stopped is None:
        await asyncio.sleep(0)
        stopped = _stopped.pop(store, None)
    stopped.set()
    (outcome,) = await asyncio.gather(owner, return_exceptions=True)
    expected = {"raises": BlockFailedError, "is cancelled": asyncio.CancelledError}
    assert isinstance(outcome, expected.get(way, type(None))), repr(outcome)


def _check_told(told: Told) -> None:
    """Assert one settling action after each pending, and none but an abort without one."""
    pending: set[str] = set()
    settled: Counter[str] = Counter()
    for each in told.actions:
        if isinstance(each, OperationPending):
            assert each.request_id not in settled
            pending.add(each.request_id)
        elif is_settled()(each):
            settled[each.request_id] += 1
            if each.request_id not in pending:
                assert isinstance(each, OperationRejected)
                assert each.error.code == "aborted"
    assert set(settled.values()) <= {1}
    assert pending <= settled.keys()


def _refused_only(told: Told) -> bool:
    """Tell whether some rejected had no pending, so that the count of waiting ones went below."""
    return any(
        isinstance(each, OperationRejected)
        and not any(
            isinstance(other, OperationPending) and other.request_id == each.request_id
            for other in told.actions
        )
        for each in told.actions
    )


async def _wait(run: OperationRun[Any, Any]) -> Any:
    return await run


def test_leaving_says_that_the_store_was_left() -> None:
    """A run that leaving ends is rejected with the code `aborted` before the store is closed."""

    async def life() -> None:
        store, told = open_desk()
        async with store:
            run = store.dispatch(work(Plan(0, None, 5, "obeys", None, None)))
            await asyncio.sleep(1)
        settled = await run
        assert told.stages == ["pending", "rejected"]
        assert told.actions[1] is settled
        assert isinstance(settled, work.rejected)
        assert settled.error.code == "aborted"
        assert settled.error.message == "the store was left"
        assert store.state.answered == 1

    run_virtually(life)


def test_asking_again_when_rejected_does_not_keep_the_store_open() -> None:
    """A subscriber that asks again whenever a run is rejected does not stop the store from ending.

    The new run is refused or rejected; leaving raises nothing.
    """

    async def life() -> None:
        store, told = open_desk()
        again: list[OperationRun[Plan, str]] = []
        plan = Plan(0, None, 5, "obeys", None, None)

        def ask_again(answered: int, _before: int) -> None:
            if answered < 10:
                again.append(store.dispatch(work(plan)))

        async with asyncio.timeout(50), store:
            store.subscribe(ask_again, select=lambda state: state.answered)
            store.dispatch(work(plan))
            await asyncio.sleep(1)
        _check_told(told)
        assert again
        assert all(run.is_settled for run in again)
        assert asyncio.get_running_loop().time() == 1

    run_virtually(life)


def test_a_cancelled_block_settles_what_never_took_a_step() -> None:
    """A run is settled whose store was left by a cancellation in the step that asked for it."""

    async def life() -> None:
        store, told = open_desk()
        runs: list[OperationRun[Plan, str]] = []

        async def own() -> None:
            async with store:
                plans = [Plan(0, seconds, 5, "obeys", None, None) for seconds in (None, 1)]
                runs.extend(store.dispatch(work(plan)) for plan in plans)
                raise asyncio.CancelledError

        await asyncio.wait([asyncio.create_task(own())])
        assert [run.is_settled for run in runs] == [True, True]
        assert told.stages == ["pending", "rejected"]

    run_virtually(life)


def test_a_service_that_fails_settles_everything() -> None:
    """When another service of the store fails, all runs are rejected before the store is closed."""

    class Fails:
        def __call__(self, _store: object, next_dispatch: Dispatch, /) -> Dispatch:
            return next_dispatch

        async def run(self) -> None:
            await asyncio.sleep(1)
            raise OSError

    async def life() -> None:
        store, told = open_desk(Fails())
        run = None
        with pytest.raises(ExceptionGroup):  # noqa: PT012  # the store
            async with store:
                run = store.dispatch(work(Plan(0, None, 5, "obeys", None, None)))
                await rest()
        assert run is not None
        assert run.is_settled
        assert told.stages == ["pending", "rejected"]

    run_virtually(life)


def test_two_stores_have_nothing_to_do_with_each_other() -> None:
    """Leaving one store aborts its own runs only; one operation serves both."""

    async def life() -> None:
        first, first_told = open_desk()
        second, second_told = open_desk()
        plan = Plan(0, None, 5, "obeys", None, None)
        async with second:
            async with first:
                first.dispatch(work(plan))
                kept = second.dispatch(work(plan))
                await asyncio.sleep(1)
            assert first_told.stages == ["pending", "rejected"]
            assert second_told.stages == ["pending"]
            assert await kept.unwrap() == "done"
        assert second_told.stages == ["pending", "fulfilled"]

    run_virtually(life)


def test_a_function_may_leave_its_own_store() -> None:
    """`aclose` inside the function of a run ends the store, the run with it, and hangs nobody."""

    async def life() -> None:
        @operation("leaving_during_operations/close")
        async def close(number: int, call: OperationCall) -> int:
            await call.extra[0].aclose()
            return number

        extra: list[Store[Desk]] = []
        store, told = open_desk(extra=extra)
        extra.append(store)
        async with asyncio.timeout(50), store:
            run = store.dispatch(close(1))
            await rest(10)
        assert isinstance(await run, close.rejected)
        assert told.stages == ["pending", "rejected"]

    run_virtually(life)


def test_leaving_cancels_a_function_that_outlived_its_abort() -> None:
    """A function that went on after its abort is cancelled once more when the store is left."""
    ends: list[str] = []

    @operation("leaving_during_operations/outlive")
    async def outlive(number: int, call: OperationCall) -> int:
        for name in ("aborted", "left"):
            try:
                await asyncio.sleep(1000)
            except asyncio.CancelledError:
                ends.append(f"{name} at {asyncio.get_running_loop().time():.0f}")
        assert call.is_aborted
        return number

    async def life() -> None:
        store, told = open_desk()
        async with store:
            run = store.dispatch(outlive(1))
            await asyncio.sleep(1)
            run.abort()
            await asyncio.sleep(1)
        assert told.stages == ["pending", "rejected"]

    run_virtually(life)
    assert ends == ["aborted at 1", "left at 2"]


def test_a_thousand_stores_leave_nothing() -> None:
    """A thousand stores that are left in the middle of a run leave no task and no warning."""

    async def life() -> None:
        for number in range(1000):
            store, told = open_desk()
            async with store:
                store.dispatch(work(Plan(0, number % 2 or None, 5, "obeys", None, None)))
                await asyncio.sleep(number % 3)
            _check_told(told)

    run_virtually(life)


def test_leaving_in_the_first_step_aborts_too() -> None:
    """A store left before its loop took a step does not wait for the function."""

    async def life() -> None:
        store, told = open_desk()
        async with store:
            store.dispatch(work(Plan(0, None, 5, "obeys", None, None)))
        assert asyncio.get_running_loop().time() == 0
        assert told.stages == ["pending", "rejected"]

    run_virtually(life)
