"""Operations in a recorded run: what the log says of them, and that a replay asks nobody.

What belongs here: operations with `record` and `replay`.  What does not: what they tell
(`test_operation_behaviours`).
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refold.middleware.listeners import Listeners
from refold.middleware.log_actions import log_actions
from refold.middleware.operation import operation
from refold.middleware.operations import operations
from refold.middleware.record import record
from refold.middleware.timestamps import timestamps
from refold.replay.canonical_digest import state_digest
from refold.replay.replay import replay
from refold.store.store import Store
from tests.connection.chaos.virtual_run import run_virtually
from tests.operations.operation_scene import Desk, Noted, desk, open_desk

if TYPE_CHECKING:
    from refold.middleware.effect import Effect
    from refold.middleware.operation_run import OperationCall
    from refold.replay.log_record import LogRecord
    from refold.store.middleware import Middleware

calls: list[int] = []


@operation("operation_records/weigh")
async def weigh(grams: int, call: OperationCall) -> int:
    """Note on the way, wait, and fail for what weighs nothing."""
    calls.append(grams)
    await asyncio.sleep(grams / 10)
    call.dispatch(Noted(f"{grams} g"))
    if grams == 0:
        message = "it is not there"
        raise ValueError(message)
    return grams * 2


def records_of(path: Path) -> list[LogRecord]:
    """Return all records of a log."""
    return list(replay(path, desk).records)


@settings(max_examples=20)
@given(runs=st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=8))
def test_a_replay_gives_the_same_states_and_runs_nothing(
    tmp_path_factory: pytest.TempPathFactory, runs: list[tuple[int, bool]]
) -> None:
    """Whatever came of the runs, the fold of the log is the live state, and no function ran."""
    path = tmp_path_factory.mktemp("log") / "run.jsonl"

    async def live() -> Desk:
        store, _ = open_desk(record(path))
        async with store:
            for grams, is_aborted in runs:
                run = store.dispatch(weigh(grams))
                await asyncio.sleep(0.1)
                if is_aborted:
                    run.abort()
        return store.state

    final = run_virtually(live)
    calls.clear()
    timeline = replay(path, desk)
    timeline.verify()
    assert timeline.at(timeline.head) == final
    assert state_digest(timeline.at(timeline.head)) == state_digest(final)
    assert final.asking == 0
    assert calls == []


@pytest.mark.looptime
@pytest.mark.parametrize("is_recorded_outside", [True, False])
async def test_the_log_says_what_caused_what(
    tmp_path: Path,
    is_recorded_outside: bool,  # noqa: FBT001  # a case
) -> None:
    """Pending is of who asked; what the run tells and dispatches is of the run, and answers it."""
    listeners = Listeners(Desk)

    @listeners.on(Noted, policy="leading")
    async def ask(_action: Noted, fx: Effect[Desk]) -> None:
        await fx.dispatch(weigh(3))

    path = tmp_path / "run.jsonl"
    both: list[Middleware[Desk]] = [record(path), operations()]
    middleware = both if is_recorded_outside else both[::-1]
    store = Store(desk, middleware=middleware, listeners=[listeners])
    async with store:
        store.dispatch(weigh(1))
        await asyncio.sleep(0.05)
        store.dispatch(Noted("by hand"))
        await asyncio.sleep(10)
    records = records_of(path)
    seqs = {each.id: each.seq for each in records}
    seen = [
        (each.name.partition("/")[2], each.origin.rpartition(".")[2], seqs.get(each.cause or ""))
        for each in records
    ]
    by_run = "operation:operation_records/weigh"
    assert seen == [
        ("weigh_pending", "app", None),
        ("noted", "app", None),
        ("weigh_pending", "ask", 2),
        ("noted", by_run, 1),
        ("weigh_fulfilled", by_run, 1),
        ("noted", by_run, 3),
        ("weigh_fulfilled", by_run, 3),
    ]


@pytest.mark.looptime
async def test_an_abort_is_caused_by_pending_whoever_aborts(tmp_path: Path) -> None:
    """Rejected by abort answers its own pending, and leaves the context of who aborted alone."""
    path = tmp_path / "run.jsonl"
    store, _ = open_desk(record(path))
    async with store:
        run = store.dispatch(weigh(1))
        run.abort()
        store.dispatch(Noted("after"))
    pending, rejected, after = records_of(path)
    assert rejected.cause == pending.id
    assert rejected.origin == "operation:operation_records/weigh"
    assert (after.cause, after.origin) == (None, "app")


@pytest.mark.looptime
async def test_an_operation_asked_for_by_another_is_caused_by_it(tmp_path: Path) -> None:
    """The pending of an inner run names the outer run as its origin and cause."""

    @operation("operation_records/weigh_twice")
    async def weigh_twice(grams: int, call: OperationCall) -> int:
        return await call.dispatch(weigh(grams)).unwrap() + 1

    path = tmp_path / "run.jsonl"
    store, _ = open_desk(record(path))
    async with store:
        assert await store.dispatch(weigh_twice(2)).unwrap() == 5
    outer, inner, noted, inner_end, outer_end = records_of(path)
    assert inner.cause == outer.id
    assert inner.origin == "operation:operation_records/weigh_twice"
    assert {noted.cause, inner_end.cause} == {inner.id}
    assert outer_end.cause == outer.id


@pytest.mark.looptime
async def test_the_times_stand_in_the_log(tmp_path: Path) -> None:
    """With timestamps before it every action of a run has its time, in the log and when awaited."""
    path = tmp_path / "run.jsonl"
    store, told = open_desk(timestamps(lambda: 1_000.0), log_actions(), record(path))
    async with store:
        settled = await store.dispatch(weigh(1))
    assert [each.at_ms for each in records_of(path)] == [1_000_000] * 3
    assert settled is told.actions[-1]
    assert settled.at_ms == 1_000_000


@pytest.mark.looptime
async def test_any_text_of_an_error_can_be_recorded(tmp_path: Path) -> None:
    """A message with a lone surrogate or a null, as bad input gives, is recorded all the same."""

    @operation("operation_records/garble")
    async def garble(number: int, _call: OperationCall) -> int:
        await asyncio.sleep(number)
        message = "name \udc80\x00"
        raise OSError(message)

    path = tmp_path / "run.jsonl"
    store, told = open_desk(record(path))
    async with store:
        settled = await store.dispatch(garble(1))
    assert isinstance(settled, garble.rejected)
    assert settled.error.name == "OSError"
    assert told.stages == ["pending", "rejected"]
    replay(path, desk).verify()
