"""Transactions and `await`: refused unasked, and asked for.

What belongs here: who may dispatch while a block awaits.  What does not: transactions in one step
of the loop (`test_transactions`).
"""

from __future__ import annotations

import asyncio

import attrs
import pytest

from refold.actions.action import Action, action
from refold.errors import TransactionError
from refold.reducers.reducer import Reducer
from refold.store.store import Store


@attrs.frozen
class Sum:
    """A state with one number."""

    total: int = 0


@action("transactions_across_await/added")
class Added(Action):
    """The sum grew."""

    by: int = 1


reducer = Reducer(Sum())


@reducer.on(Added)
def _(state: Sum, action: Added) -> Sum:
    return Sum(state.total + action.by)


async def test_a_block_that_awaits_is_rolled_back() -> None:
    """What was dispatched in a block that awaited unasked is undone, and the error says why."""
    store = Store(reducer)

    async def block() -> None:
        with store.transaction():
            store.dispatch(Added(1))
            await asyncio.sleep(0)

    with pytest.raises(TransactionError, match=r"awaited.*across_await=True"):
        await block()
    assert store.state == Sum(0)
    store.dispatch(Added(2))
    assert store.state == Sum(2)


async def test_nobody_dispatches_after_the_await_unasked() -> None:
    """After the await neither the block nor another task can dispatch, until the block ended."""
    store = Store(reducer)
    refused = asyncio.Event()

    async def other() -> None:
        with pytest.raises(TransactionError, match="open across an await"):
            store.dispatch(Added(10))
        refused.set()

    async def block() -> None:
        with store.transaction():
            store.dispatch(Added(1))
            task = asyncio.create_task(other())
            await refused.wait()
            await task
            store.dispatch(Added(1))

    with pytest.raises(TransactionError, match="Added was dispatched"):
        await block()
    assert store.state == Sum(0)
    store.dispatch(Added(5))
    assert store.state == Sum(5)


async def test_an_await_that_does_not_give_way_is_none() -> None:
    """A block that awaits what is there already runs in one step, and is kept."""
    store = Store(reducer)
    done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    done.set_result(3)
    with store.transaction():
        store.dispatch(Added(await done))
    assert store.state == Sum(3)


async def test_a_block_may_await_if_it_asked() -> None:
    """With across_await one notification follows the whole block, and others are refused in it."""
    store = Store(reducer)
    told: list[int] = []
    store.subscribe(lambda: told.append(store.state.total))

    async def other() -> str:
        with pytest.raises(TransactionError, match="open across an await"):
            store.dispatch(Added(10))
        with pytest.raises(TransactionError, match="a transaction was begun"), store.transaction():
            pass
        return "refused"

    with store.transaction(across_await=True):
        store.dispatch(Added(1))
        assert await asyncio.create_task(other()) == "refused"
        with store.transaction():
            store.dispatch(Added(2))
        assert told == []
    assert told == [3]
    assert store.state == Sum(3)
    store.dispatch(Added(1))
    assert told == [3, 4]


async def test_a_cancelled_block_is_rolled_back() -> None:
    """A task that is cancelled inside its transaction leaves the state as it was before."""
    store = Store(reducer)
    inside = asyncio.Event()

    async def change() -> None:
        with store.transaction(across_await=True):
            store.dispatch(Added(1))
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(change())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert store.state == Sum(0)
    store.dispatch(Added(4))
    assert store.state == Sum(4)


def test_a_transaction_needs_no_event_loop() -> None:
    """Without a loop there is nothing to await, and a transaction works."""
    store = Store(reducer)
    with store.transaction(), store.transaction(across_await=True):
        store.dispatch(Added(1))
    assert store.state == Sum(1)
