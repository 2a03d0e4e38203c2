"""What is inferred of an operation: its call, its run, its actions."""

from __future__ import annotations

import asyncio
from typing import assert_type

from refold import Store, operation
from refold.actions.operation_actions import OperationError, OperationFulfilled, OperationRejected
from refold.middleware.operation import Operation, OperationRequest
from refold.middleware.operation_run import OperationCall, OperationRun
from refold.middleware.operations import operations
from refold.reducers.reducer import Reducer

numbers = Reducer(0)


def is_long(text: str, call: OperationCall) -> bool:
    """A condition."""
    return len(text) > 1 and not call.is_aborted


@operation("typed/measure", condition=is_long, rejection=int, make_id=lambda text: text)
async def measure(text: str, call: OperationCall) -> int:
    """Measure a text, or reject."""
    if not text:
        call.reject(0)
    return len(text)


@numbers.on(measure.pending)
def _(state: int, _action: object) -> int:
    return state


@numbers.on(measure.fulfilled)
def _(_state: int, action: OperationFulfilled[str, int]) -> int:
    return action.value


@numbers.on(measure.rejected)
def _(state: int, action: OperationRejected[str]) -> int:
    assert_type(action.error, OperationError)
    return state


async def a_run_knows_its_types(store: Store[int]) -> None:
    """Dispatch gives the run, unwrap what the function returns, awaiting one of two actions."""
    assert_type(measure, Operation[str, int])
    assert_type(measure("text"), OperationRequest[str, int])
    run = store.dispatch(measure("text", signal=asyncio.Event()))
    assert_type(run, OperationRun[str, int])
    assert_type(await run.unwrap(), int)
    settled = await run
    assert_type(settled, OperationFulfilled[str, int] | OperationRejected[str])
    if isinstance(settled, OperationFulfilled):
        assert_type(settled.value, int)
    else:
        assert_type(settled.argument, str)
    run.abort("not needed")


def a_store_takes_the_middleware() -> None:
    """`operations` fits a store of any state."""
    assert_type(Store(numbers, middleware=[operations(extra=numbers)]), Store[int])


def reason_of(action: OperationRejected[object]) -> str:
    """Take the rejected action of any operation."""
    return action.error.message


def any_operations_actions_fit(rejected: OperationRejected[str]) -> None:
    """Actions are read only, so one of a text is one of an object."""
    assert_type(reason_of(rejected), str)
