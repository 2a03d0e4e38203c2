"""An operation's argument, value and functions must fit each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_type

from refold import Store, operation
from typing_tests.accepted.operations import measure, numbers

if TYPE_CHECKING:
    from refold.middleware.operation_run import OperationCall

store = Store(numbers)


async def use_it() -> None:
    """Call it, and take what it gives."""
    run = store.dispatch(measure(7))  # expect-error
    text: str = await run.unwrap()  # expect-error
    settled = await run
    print(text, settled.value)  # expect-error
    run.abort(7)  # expect-error
    assert_type(await run.unwrap(), str)  # expect-error


measure("text", signal=True)  # expect-error
measure.pending("request", 7)  # expect-error
measure.fulfilled("request", "text", "seven")  # expect-error


@operation("typed/of_no_call")  # expect-error
async def of_no_call(text: str) -> str:
    """Lack the second argument."""
    return text


@operation("typed/synchronous")  # expect-error
def synchronous(text: str, _call: OperationCall) -> str:
    """Be no coroutine function."""
    return text


operation("typed/wrong_condition", condition=True)  # expect-error
operation("typed/wrong_id", make_id=len)  # expect-error
operation("typed/wrong_rejection", rejection=7)  # expect-error
