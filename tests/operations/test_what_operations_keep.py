"""What a store keeps of its operations once they are over: nothing.

What belongs here: memory and tasks of a store that stays open.  What does not: leaving it
(`test_leaving_during_operations`).
"""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from refold.middleware.operation import operation
from refold.middleware.operations import operations
from refold.reducers.reducer import Reducer
from refold.store.store import Store
from tests.operations.operation_scene import Noted, open_desk, rest

if TYPE_CHECKING:
    from refold.middleware.operation_run import OperationCall

pytestmark = pytest.mark.looptime


@attrs.frozen
class Parcel:
    """An argument that can be watched."""

    grams: int


async def _later(_parcel: Parcel, _call: OperationCall) -> bool:
    await asyncio.sleep(1)
    return True


@operation("what_operations_keep/carry")
async def carry(parcel: Parcel, _call: OperationCall) -> int:
    """Take a second, or fail."""
    await asyncio.sleep(1)
    return 100 // parcel.grams


@operation("what_operations_keep/carry_if", condition=_later)
async def carry_if(parcel: Parcel, _call: OperationCall) -> int:
    """Wait for a condition."""
    await asyncio.sleep(1)
    return parcel.grams


@pytest.mark.parametrize("grams", [0, 1])
async def test_a_run_that_is_over_is_let_go(grams: int) -> None:
    """Neither the run nor its argument outlives whoever holds it, fulfilled or rejected."""
    async with Store(Reducer(0), middleware=[operations()]) as store:
        parcel = Parcel(grams)
        run = store.dispatch(carry(parcel))
        await run
        await rest(1)
        watched: list[weakref.ref[Any]] = [weakref.ref(run), weakref.ref(parcel)]
        del run, parcel
        gc.collect()
        assert [each() for each in watched] == [None, None]


async def test_what_was_rolled_back_is_let_go() -> None:
    """A run of a transaction that was rolled back is kept until the next commit at most."""
    async with Store(Reducer(0), middleware=[operations()]) as store:
        watched: list[weakref.ref[Parcel]] = []

        def block() -> None:
            parcel = Parcel(1)
            watched.append(weakref.ref(parcel))
            with pytest.raises(ZeroDivisionError), store.transaction():  # noqa: PT012  # the block
                store.dispatch(carry(parcel))
                raise ZeroDivisionError

        block()
        await rest(1)
        await store.dispatch(carry(Parcel(2)))
        gc.collect()
        assert watched[0]() is None


async def test_a_signal_that_is_never_set_keeps_no_task() -> None:
    """A run watches its signal only while it runs."""
    signal = asyncio.Event()
    store, _ = open_desk()
    async with store:
        await rest(1)
        before = len(asyncio.all_tasks())
        for _ in range(100):
            await store.dispatch(carry(Parcel(1), signal=signal))
        await rest(1)
        assert len(asyncio.all_tasks()) == before


async def test_a_condition_that_was_never_asked_warns_nobody() -> None:
    """Aborted before its first step, a run never awaits its async condition; nothing warns."""
    store, told = open_desk()
    async with store:
        run = store.dispatch(carry_if(Parcel(1)))
        run.abort()
        await rest(10)
        store.dispatch(Noted("alive"))
    gc.collect()
    assert told.stages == ["noted"]
