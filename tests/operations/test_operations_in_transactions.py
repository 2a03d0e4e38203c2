"""Operations and transactions: what is asked for in a block, and what ends while one is open.

What belongs here: the rule that pending belongs to the transaction, and its consequences.  What
does not: transactions (`tests/store/test_transactions`).
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from refold.errors import StoreClosedError, TransactionError
from refold.middleware.operation import operation
from refold.middleware.record import record
from refold.replay.replay import replay
from tests.operations.operation_scene import Desk, Noted, desk, open_desk, rest

if TYPE_CHECKING:
    from refold.actions.action import Action
    from refold.middleware.operation_run import OperationCall
    from refold.store.middleware import Dispatch, Middleware, StoreAPI

pytestmark = pytest.mark.looptime

ran: list[int] = []


@pytest.fixture(autouse=True)
def _nothing_ran() -> None:  # pyright: ignore[reportUnusedFunction]  # autouse
    """Forget what ran in other tests."""
    ran.clear()


@operation("operations_in_transactions/count")
async def count(number: int, _call: OperationCall) -> int:
    """Take a second."""
    ran.append(number)
    await asyncio.sleep(1)
    return number + 1


class BlockFailedError(Exception):
    """What a block raises."""


async def test_pending_is_committed_with_its_transaction(tmp_path: Path) -> None:
    """Asked for in a block, an operation begins when the block is committed, and tells as ever."""
    path = tmp_path / "run.jsonl"
    store, told = open_desk(record(path))
    async with store:
        with store.transaction():
            store.dispatch(Noted("before"))
            run = store.dispatch(count(1))
            assert store.state == Desk(asking=1, texts=("before",))
            assert told.actions == []
        assert [each.wire_name.rpartition("/")[2] for each in told.actions] == [
            "noted",
            "count_pending",
        ]
        assert await run.unwrap() == 2
    assert told.stages[-1] == "fulfilled"
    timeline = replay(path, desk)
    timeline.verify()
    records = list(timeline.records)
    assert records[2].cause in {records[0].id, records[1].id}


async def test_rolled_back_nothing_is_told_and_nothing_runs() -> None:
    """When the block raises, its pending never was: no function, no settling action."""
    store, told = open_desk()
    async with store:
        run = None
        with pytest.raises(BlockFailedError), store.transaction():  # noqa: PT012  # the block
            run = store.dispatch(count(1))
            raise BlockFailedError
        assert run is not None
        settled = await run
        assert isinstance(settled, count.rejected)
        assert settled.error.code == "rolled_back"
        await rest()
        assert store.state == Desk()
    assert (told.actions, ran) == ([], [])


async def test_an_inner_block_that_raises_takes_its_operation_along() -> None:
    """Of a nested transaction only what it keeps begins."""
    store, told = open_desk()
    async with store:
        lost = None
        with store.transaction():
            kept = store.dispatch(count(1))
            with pytest.raises(BlockFailedError), store.transaction():  # noqa: PT012  # the block
                lost = store.dispatch(count(10))
                raise BlockFailedError
        assert await kept.unwrap() == 2
        assert lost is not None
        settled = await lost
        assert isinstance(settled, count.rejected)
        assert settled.error.code == "rolled_back"
    assert told.stages == ["pending", "fulfilled"]
    assert ran == [1]


async def test_an_abort_in_the_block_is_told_after_it() -> None:
    """Aborted before its block ends, it is rejected when pending is committed; nothing runs."""
    store, told = open_desk()
    async with store:
        with store.transaction():
            run = store.dispatch(count(1))
            run.abort("changed my mind")
        settled = await run
        assert isinstance(settled, count.rejected)
        assert settled.error.message == "changed my mind"
    assert told.stages == ["pending", "rejected"]
    assert ran == []


async def test_an_abort_that_is_rolled_back_leaves_the_run_aborted() -> None:
    """An abort within a block that raises: the run stays over, and its end is told after all."""
    store, told = open_desk()
    async with store:
        run = store.dispatch(count(1))
        await asyncio.sleep(0.5)
        with pytest.raises(BlockFailedError), store.transaction():  # noqa: PT012  # the block
            run.abort("enough")
            raise BlockFailedError
        await rest()
        assert store.state == Desk(answered=1)
    assert told.stages == ["pending", "rejected"]
    assert told.actions[1].error.message == "enough"
    assert ran == [1]


async def test_a_block_that_awaits_gets_no_run() -> None:
    """In a block that awaits before its end the run is rejected, which the error explains.

    Awaiting it there hangs nobody; pending and rejected are told when the block is committed.
    """
    store, told = open_desk()
    async with store:
        with store.transaction(across_await=True):
            settled = await store.dispatch(count(1))
            assert isinstance(settled, count.rejected)
            assert settled.error.code == "rolled_back"
            assert "after the block" in settled.error.message
            assert told.actions == []
        await rest()
    assert told.stages == ["pending", "rejected"]
    assert ran == []


async def test_a_block_that_awaited_unasked_takes_its_operation_along() -> None:
    """A block that may not await is rolled back with its pending, and nothing runs."""
    store, told = open_desk()
    async with store:
        with pytest.raises(TransactionError), store.transaction():  # the block
            await store.dispatch(count(1))
        await rest()
    assert (told.actions, ran) == ([], [])


async def test_across_await_rolled_back_nothing_runs() -> None:
    """When a block that awaited raises, whoever awaits the run gets an answer, and nothing ran."""
    store, told = open_desk()
    async with store:
        run = None
        across = store.transaction(across_await=True)
        with pytest.raises(BlockFailedError), across:  # noqa: PT012  # the block
            run = store.dispatch(count(1))
            await asyncio.sleep(5)
            raise BlockFailedError
        assert run is not None
        async with asyncio.timeout(10):
            settled = await run
        assert isinstance(settled, count.rejected)
        assert settled.error.code == "rolled_back"
    assert (told.actions, ran) == ([], [])


async def test_what_ends_while_anothers_block_is_open_is_told_after_it() -> None:
    """A run that ends while another task's block awaits is told once that block is over."""
    store, told = open_desk()
    async with store:
        run = store.dispatch(count(1))
        with store.transaction(across_await=True):
            await asyncio.sleep(5)
            assert told.stages == ["pending"]
            store.dispatch(Noted("in the block"))
        async with asyncio.timeout(10):
            assert await run.unwrap() == 2
        await rest(1)
    assert told.stages == ["pending", "noted", "fulfilled"]


async def test_a_store_that_is_left_inside_a_block_does_not_hang(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Leaving waits a while for a block of its own, and says in the log whose end is not told."""
    store, told = open_desk()
    await store.__aenter__()
    run = store.dispatch(count(1))
    async with asyncio.timeout(20):
        with pytest.raises(StoreClosedError), store.transaction(across_await=True):  # noqa: PT012  # the block
            await asyncio.sleep(0.5)
            await store.aclose()
            store.dispatch(Noted("too late"))
    assert run.is_settled
    assert told.stages == ["pending"]
    assert "a transaction is open" in caplog.text
    await store.__aexit__(None, None, None)


async def test_what_a_middleware_keeps_from_the_reducer_ends_no_loop() -> None:
    """A middleware that drops actions drops those of operations too; the run settles all the same.

    Without its pending nothing runs; without its end nothing is tried for ever.
    """
    for stage, expected in (("pending", []), ("fulfilled", ["pending"])):
        store, told = open_desk(_dropping(stage))
        async with store, asyncio.timeout(20):
            assert (await store.dispatch(count(1))).argument == 1
            await rest(10)
        assert told.stages == expected


def _dropping(stage: str) -> Middleware[Desk]:
    def set_up(_store: StoreAPI[Desk], next_dispatch: Dispatch, /) -> Dispatch:
        def handle(action: Action, /) -> Action:
            is_dropped = getattr(action, "wire_name", "").endswith(f"_{stage}")
            return action if is_dropped else next_dispatch(action)

        return handle

    return set_up
