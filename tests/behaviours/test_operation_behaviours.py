"""Behaviours 188 to 193: operations, told by pending and then fulfilled or rejected.

What belongs here: what every user of an operation relies on.  What does not: leaving the store
while operations run, logs, and types, which `tests/operations` has.
"""

from __future__ import annotations

import asyncio
import itertools
import warnings
from typing import TYPE_CHECKING, Any, NoReturn

import attrs
import pytest

from refold.actions.operation_actions import OperationError
from refold.errors import OperationRejectedError, WrongThreadError
from refold.middleware.operation import operation
from refold.middleware.operations import operations
from refold.store.inputs import Inputs
from refold.store.store import Store
from tests.operations.operation_scene import Desk, Noted, Told, desk, open_desk, rest

if TYPE_CHECKING:
    from collections.abc import Callable

    from refold.middleware.operation_run import OperationCall, OperationRun

pytestmark = pytest.mark.looptime


@attrs.frozen
class Closed:
    """What a shop says that does not serve: a payload."""

    until_hour: int


class CodedError(Exception):
    """An error that has a code of its own."""

    code = "E42"


class StatusError(Exception):
    """An error of HTTP, with a status and an older name for it that warns, as aiohttp's has."""

    status = 503

    @property
    def code(self) -> int:
        """Warn."""
        warnings.warn("use status", DeprecationWarning, stacklevel=2)
        return self.status


class MethodCodeError(Exception):
    """An error whose code is a method, as that of gRPC is."""

    def code(self) -> int:
        """Return the code."""
        return 14


class UnspeakableError(Exception):
    """An error whose text and code cannot be had."""

    def __str__(self) -> str:
        """Fail."""
        raise RuntimeError

    @property
    def code(self) -> int:
        """Fail."""
        raise RuntimeError


@operation("operation_behaviours/double")
async def double(number: int, _call: OperationCall) -> int:
    """Take a second to double a number, or fail for a negative one."""
    await asyncio.sleep(1)
    if number < 0:
        message = f"{number} is negative"
        raise ValueError(message)
    return number * 2


@operation("operation_behaviours/fail")
async def fail(which: str, _call: OperationCall) -> int:
    """Raise one of several errors."""
    await asyncio.sleep(0)
    make: dict[str, Callable[[], BaseException]] = {
        "plain": lambda: LookupError("not there"),
        "coded": lambda: CodedError("no"),
        "status": StatusError,
        "method": MethodCodeError,
        "unspeakable": UnspeakableError,
        "several": lambda: ExceptionGroup("two", [OSError("a"), OSError("b")]),
        "foreign cancellation": lambda: asyncio.CancelledError("something else was cancelled"),
    }
    error = make[which]()
    raise error


@operation("operation_behaviours/buy", rejection=Closed)
async def buy(hour: int, call: OperationCall) -> str:
    """Refuse with a payload before nine."""
    if hour < 9:
        call.reject(Closed(until_hour=9))
    await asyncio.sleep(1)
    return "bought"


# 188


@pytest.mark.parametrize(("number", "last"), [(4, "fulfilled"), (-4, "rejected")])
async def test_b188_pending_comes_first_then_one_that_settles(number: int, last: str) -> None:
    """An operation tells pending, then fulfilled or rejected, of one request and its argument."""
    store, told = open_desk()
    async with store:
        run = store.dispatch(double(number))
        settled = await run
        await rest()
    assert told.stages == ["pending", last]
    assert told.actions[1] is settled
    assert len({each.request_id for each in told.actions}) == 1
    assert [each.argument for each in told.actions] == [number, number]


async def test_b188_fulfilled_has_the_value() -> None:
    """What the function returns is the value of fulfilled and of unwrap."""
    store, _ = open_desk()
    async with store:
        run = store.dispatch(double(4))
        settled = await run
        assert isinstance(settled, double.fulfilled)
        assert settled.value == 8
        assert await run.unwrap() == 8


async def test_b188_unwrap_raises_what_rejected() -> None:
    """Of a rejected run unwrap raises, with the rejected action and its message."""
    store, _ = open_desk()
    async with store:
        run = store.dispatch(double(-1))
        with pytest.raises(OperationRejectedError, match="-1 is negative") as caught:
            await run.unwrap()
        assert caught.value.action is await run


async def test_b188_one_run_may_be_awaited_by_many_and_again() -> None:
    """Everybody who awaits a run gets the same action, also after it is over."""
    store, _ = open_desk()
    async with store:
        run = store.dispatch(double(1))
        assert run.is_settled is False
        first, second = await asyncio.gather(_wait(run), _wait(run))
        assert run.is_settled is True
        assert first is second
        assert await run is first


async def test_b188_who_stops_waiting_ends_no_run() -> None:
    """Cancelling one that awaits a run leaves the run and the others alone."""
    store, told = open_desk()
    async with store:
        run = store.dispatch(double(1))
        impatient = asyncio.create_task(_wait(run))
        await asyncio.sleep(0.5)
        impatient.cancel()
        with pytest.raises(asyncio.CancelledError):
            await impatient
        assert await run.unwrap() == 2
    assert told.stages == ["pending", "fulfilled"]


async def test_b188_a_failure_that_nobody_awaits_warns_nobody() -> None:
    """A rejected run may be forgotten: it was told in the store."""
    store, told = open_desk()
    async with store:
        store.dispatch(double(-1))
        await rest()
    assert told.stages == ["pending", "rejected"]


async def test_b188_every_run_has_its_own_request_id() -> None:
    """A hundred runs of one operation with one argument have a hundred request ids."""
    store, told = open_desk()
    async with store:
        await asyncio.gather(*(_wait(store.dispatch(double(1))) for _ in range(100)))
    assert len(told.actions) == 200
    assert len({each.request_id for each in told.actions}) == 100


async def _wait(run: OperationRun[Any, Any]) -> Any:
    return await run


# 189


def _always(_number: int, _call: OperationCall) -> bool:
    return True


@pytest.mark.parametrize("condition", [None, _always])
async def test_b189_pending_is_told_before_the_first_await(condition: Any) -> None:
    """When dispatch returns, pending has been told and the function has not given anything."""

    @operation("operation_behaviours/at_once", condition=condition)
    async def at_once(number: int, _call: OperationCall) -> int:
        return number

    store, told = open_desk()
    async with store:
        run = store.dispatch(at_once(1))
        assert told.stages == ["pending"]
        assert store.state == Desk(asking=1)
        assert await run.unwrap() == 1


# 190


async def test_b190_exactly_false_lets_nothing_happen() -> None:
    """A condition returns False: nothing is told, nothing runs, and awaiting does not raise."""
    asked: list[object] = []
    ran: list[int] = []

    def never(number: int, call: OperationCall) -> bool:
        asked.append((number, call.state))
        return False

    @operation("operation_behaviours/never", condition=never)
    async def never_run(number: int, _call: OperationCall) -> int:
        ran.append(number)
        return number

    store, told = open_desk()
    async with store:
        run = store.dispatch(never_run(3))
        settled = await run
        assert isinstance(settled, never_run.rejected)
        with pytest.raises(OperationRejectedError):
            await run.unwrap()
        await rest()
    assert (asked, ran, told.actions) == ([(3, Desk())], [], [])


@pytest.mark.parametrize("answer", [None, 0, "", (), True])
async def test_b190_whatever_else_lets_it_run(answer: Any) -> None:
    """Only False itself refuses: a condition that forgot to return does not."""

    @operation("operation_behaviours/vague", condition=lambda _number, _call: answer)
    async def vague(number: int, _call: OperationCall) -> int:
        return number

    store, _ = open_desk()
    async with store:
        assert await store.dispatch(vague(3)).unwrap() == 3


@pytest.mark.parametrize("is_async", [False, True])
async def test_b190_a_refusal_is_told_if_asked(is_async: bool) -> None:  # noqa: FBT001  # a case
    """With tells_refusal a refused run tells rejected, without pending."""

    async def later(_number: int, _call: OperationCall) -> bool:
        await asyncio.sleep(1)
        return False

    def now(_number: int, _call: OperationCall) -> bool:
        return False

    condition = later if is_async else now

    @operation("operation_behaviours/told", condition=condition, tells_refusal=True)
    async def refused(number: int, _call: OperationCall) -> int:
        return number

    store, told = open_desk()
    async with store:
        settled = await store.dispatch(refused(3))
    assert told.stages == ["rejected"]
    assert told.actions == [settled]
    assert settled.argument == 3


@pytest.mark.parametrize("answer", [True, False])
async def test_b190_a_condition_may_be_async(answer: bool) -> None:  # noqa: FBT001  # a case
    """An async condition is awaited before anything is told."""
    ran: list[int] = []

    async def later(_number: int, _call: OperationCall) -> bool:
        await asyncio.sleep(1)
        return answer

    @operation("operation_behaviours/asking", condition=later)
    async def asking(number: int, _call: OperationCall) -> int:
        ran.append(number)
        return number

    store, told = open_desk()
    async with store:
        run = store.dispatch(asking(3))
        await asyncio.sleep(0.9)
        assert told.actions == []
        await run
    assert told.stages == (["pending", "fulfilled"] if answer else [])
    assert ran == ([3] if answer else [])


@pytest.mark.parametrize("is_async", [False, True])
async def test_b190_a_condition_that_raises_rejects(
    is_async: bool,  # noqa: FBT001  # a case
) -> None:
    """A condition's own error is told as rejected, and the function does not run."""

    async def later(_number: int, _call: OperationCall) -> NoReturn:
        await asyncio.sleep(1)
        raise LookupError("nobody knows")  # noqa: EM101, TRY003  # short

    def now(_number: int, _call: OperationCall) -> NoReturn:
        raise LookupError("nobody knows")  # noqa: EM101, TRY003  # short

    ran: list[int] = []

    @operation("operation_behaviours/doubtful", condition=later if is_async else now)
    async def doubtful(number: int, _call: OperationCall) -> int:
        ran.append(number)
        return number

    store, told = open_desk()
    async with store:
        settled = await store.dispatch(doubtful(3))
    assert isinstance(settled, doubtful.rejected)
    assert (settled.error.name, settled.error.message) == ("LookupError", "nobody knows")
    assert told.actions == [settled]
    assert ran == []


# 191


@pytest.mark.parametrize("seconds", [0.0, 0.5])
async def test_b191_aborting_rejects_at_once(seconds: float) -> None:
    """Abort tells rejected before it returns, with the code and the reason."""
    store, told = open_desk()
    async with store:
        run = store.dispatch(double(1))
        if seconds:
            await asyncio.sleep(seconds)
        run.abort("nobody looks any more")
        assert told.stages == ["pending", "rejected"]
        assert run.is_settled is True
        settled = await run
        assert settled is told.actions[1]
        assert isinstance(settled, double.rejected)
        assert (settled.error.code, settled.error.message) == ("aborted", "nobody looks any more")
        await rest()
    assert told.stages == ["pending", "rejected"]


async def test_b191_without_a_reason_it_says_aborted() -> None:
    """The reason is `aborted` if none is given, and only the first abort counts."""
    store, told = open_desk()
    async with store:
        run = store.dispatch(double(1))
        run.abort()
        run.abort("too late")
    assert told.stages == ["pending", "rejected"]
    assert told.actions[1].error.message == "aborted"


async def test_b191_abort_does_not_wait_for_the_function() -> None:
    """A function that goes on when cancelled is not waited for, and its result is dropped."""
    went_on: list[str] = []

    @operation("operation_behaviours/stubborn")
    async def stubborn(number: int, call: OperationCall) -> int:
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            await asyncio.sleep(5)
            went_on.append(f"aborted: {call.is_aborted}")
        return number

    store, told = open_desk()
    async with store:
        run = store.dispatch(stubborn(1))
        await asyncio.sleep(1)
        run.abort()
        began = asyncio.get_running_loop().time()
        assert isinstance(await run, stubborn.rejected)
        assert asyncio.get_running_loop().time() == began
        await rest()
    assert went_on == ["aborted: True"]
    assert told.stages == ["pending", "rejected"]


async def test_b191_a_late_error_is_dropped_too() -> None:
    """What a function raises after it was aborted is told to nobody."""

    @operation("operation_behaviours/cleanup_fails")
    async def cleanup_fails(number: int, _call: OperationCall) -> int:
        try:
            await asyncio.sleep(10)
        finally:
            await asyncio.sleep(1)
            raise OSError(number)

    store, told = open_desk()
    async with store:
        run = store.dispatch(cleanup_fails(1))
        await asyncio.sleep(1)
        run.abort()
        await rest()
    assert told.stages == ["pending", "rejected"]
    assert told.actions[1].error.code == "aborted"


@pytest.mark.parametrize("by_signal", [False, True])
async def test_b191_aborting_in_the_condition_runs_nothing(
    by_signal: bool,  # noqa: FBT001  # a case
) -> None:
    """An abort while an async condition is asked: the function never runs."""
    ran: list[int] = []

    async def later(_number: int, _call: OperationCall) -> bool:
        await asyncio.sleep(2)
        return True

    @operation("operation_behaviours/asked_in_vain", condition=later)
    async def asked_in_vain(number: int, _call: OperationCall) -> int:
        ran.append(number)
        return number

    store, told = open_desk()
    signal = asyncio.Event()
    async with store:
        run = store.dispatch(asked_in_vain(1, signal=signal))
        await asyncio.sleep(1)
        signal.set() if by_signal else run.abort("enough")
        settled = await run
        await rest()
    assert isinstance(settled, asked_in_vain.rejected)
    assert settled.error.code == "aborted"
    assert ran == []
    assert told.stages in ([], ["rejected"])


async def test_b191_abort_in_a_synchronous_condition_runs_nothing() -> None:
    """A condition may abort its own run."""
    ran: list[int] = []

    @operation(
        "operation_behaviours/aborted_by_condition",
        condition=lambda _number, call: call.abort("not now"),
    )
    async def unwanted(number: int, _call: OperationCall) -> int:
        ran.append(number)
        return number

    store, told = open_desk()
    async with store:
        settled = await store.dispatch(unwanted(1))
        await rest()
    assert isinstance(settled, unwanted.rejected)
    assert (settled.error.code, settled.error.message) == ("aborted", "not now")
    assert ran == []
    assert "pending" not in told.stages


async def test_b191_a_signal_aborts_when_it_is_set() -> None:
    """An event given with the argument aborts all runs that it was given to."""
    store, told = open_desk()
    signal = asyncio.Event()
    async with store:
        runs = [store.dispatch(double(number, signal=signal)) for number in range(3)]
        await asyncio.sleep(0.5)
        signal.set()
        for run in runs:
            settled = await run
            assert isinstance(settled, double.rejected)
            assert settled.error.code == "aborted"
        await rest()
    assert told.stages == ["pending"] * 3 + ["rejected"] * 3


async def test_b191_a_signal_already_set_is_honoured() -> None:
    """Of a signal that was set before, the function does not run."""
    ran: list[int] = []

    @operation("operation_behaviours/too_late")
    async def too_late(number: int, _call: OperationCall) -> int:
        ran.append(number)
        return number

    store, told = open_desk()
    signal = asyncio.Event()
    signal.set()
    async with store:
        settled = await store.dispatch(too_late(1, signal=signal))
        await rest()
    assert isinstance(settled, too_late.rejected)
    assert settled.error.code == "aborted"
    assert ran == []
    assert told.stages in ([], ["rejected"], ["pending", "rejected"])


async def test_b191_abort_after_the_end_changes_nothing() -> None:
    """Whoever aborts too late is too late, also by a signal."""
    store, told = open_desk()
    signal = asyncio.Event()
    async with store:
        run = store.dispatch(double(1, signal=signal))
        settled = await run
        run.abort()
        signal.set()
        await rest()
        assert await run is settled
    assert told.stages == ["pending", "fulfilled"]


async def test_b191_a_function_may_abort_its_own_run() -> None:
    """`call.abort` rejects at once, and the function stops at its next await."""
    steps: list[str] = []

    @operation("operation_behaviours/abort_itself")
    async def abort_itself(number: int, call: OperationCall) -> int:
        await asyncio.sleep(1)
        call.abort("not needed")
        steps.append(f"aborted: {call.is_aborted}")
        await asyncio.sleep(1)
        steps.append("went on")
        return number

    store, told = open_desk()
    async with store:
        settled = await store.dispatch(abort_itself(1))
        await rest()
    assert isinstance(settled, abort_itself.rejected)
    assert settled.error.message == "not needed"
    assert told.actions[1] is settled
    assert told.stages == ["pending", "rejected"]
    assert steps == ["aborted: True"]


async def test_b191_abort_from_another_thread_is_refused() -> None:
    """Abort belongs to the loop's thread: elsewhere it raises, and changes nothing."""
    store, told = open_desk()
    async with store:
        run = store.dispatch(double(1))
        with pytest.raises(WrongThreadError, match="call_soon_threadsafe"):
            await asyncio.to_thread(run.abort)
        assert run.is_settled is False
        assert await run.unwrap() == 2
    assert told.stages == ["pending", "fulfilled"]


# 192


async def test_b192_an_error_is_plain_data() -> None:
    """Rejected has the exception's class name, text and stack as texts, and no exception."""
    store, _ = open_desk()
    async with store:
        settled = await store.dispatch(fail("plain"))
    assert isinstance(settled, fail.rejected)
    error = settled.error
    assert isinstance(error, OperationError)
    assert not isinstance(error, BaseException)
    assert (error.name, error.message, error.code) == ("LookupError", "not there", None)
    assert error.stack is not None
    assert "LookupError" in error.stack
    assert all(type(part) in {str, type(None)} for part in attrs.astuple(error))


@pytest.mark.parametrize(
    ("which", "name", "code"),
    [
        ("coded", "CodedError", "E42"),
        ("status", "StatusError", "503"),
        ("method", "MethodCodeError", None),
        ("unspeakable", "UnspeakableError", None),
        ("several", "ExceptionGroup", None),
        ("foreign cancellation", "CancelledError", None),
    ],
)
async def test_b192_whatever_is_raised_rejects(which: str, name: str, code: str | None) -> None:
    """Also an error with a code, one without a text, a group, and a cancellation from elsewhere."""
    store, told = open_desk()
    async with store:
        async with asyncio.timeout(10):
            settled = await store.dispatch(fail(which))
        assert isinstance(settled, fail.rejected)
        assert (settled.error.name, settled.error.code) == (name, code)
    assert told.stages == ["pending", "rejected"]


async def test_b192_reject_carries_a_payload() -> None:
    """What `call.reject` is given stands in the rejected action, of its own type."""
    store, _ = open_desk()
    async with store:
        run = store.dispatch(buy(8))
        settled = await run
        assert isinstance(settled, buy.rejected)
        assert settled.payload == Closed(until_hour=9)
        with pytest.raises(OperationRejectedError) as caught:
            await run.unwrap()
        assert caught.value.action is settled
        assert await store.dispatch(buy(9)).unwrap() == "bought"


async def test_b192_what_was_raised_has_no_payload() -> None:
    """A payload is only what the function said by reject."""
    store, _ = open_desk()
    async with store:
        settled = await store.dispatch(double(-1))
    assert isinstance(settled, double.rejected)
    assert settled.payload is None


# 193


async def test_b193_the_id_generator_is_replaceable_and_gets_the_argument() -> None:
    """With make_id the request's id is what it makes of the argument."""
    numbers = itertools.count(1)
    seen: list[str] = []

    @operation("operation_behaviours/numbered", make_id=lambda number: f"{number}-{next(numbers)}")
    async def numbered(number: int, call: OperationCall) -> int:
        seen.append(call.request_id)
        return number

    store, told = open_desk()
    async with store:
        await store.dispatch(numbered(7))
        await store.dispatch(numbered(8))
    assert [each.request_id for each in told.actions] == ["7-1", "7-1", "8-2", "8-2"]
    assert seen == ["7-1", "8-2"]


async def test_b193_without_a_generator_ids_come_from_the_inputs_of_the_store() -> None:
    """The ids of a store whose inputs a test replaced are the test's, as is the function's time."""
    numbers = itertools.count(1)
    inputs = Inputs(now=lambda: 7.5, new_id=lambda: f"id-{next(numbers)}")

    @operation("operation_behaviours/tell_time")
    async def tell_time(number: int, call: OperationCall) -> float:
        return number + call.inputs.now()

    told = Told()
    async with Store(desk, middleware=[operations(), told], inputs=inputs) as store:
        assert await store.dispatch(tell_time(1)).unwrap() == 8.5
        assert await store.dispatch(tell_time(2)).unwrap() == 9.5
    assert [each.request_id for each in told.actions] == ["id-1", "id-1", "id-2", "id-2"]


async def test_b193_runs_with_the_same_id_all_settle() -> None:
    """An id generator that gives one id for several runs confuses no run."""

    @operation("operation_behaviours/same_id", make_id=lambda _number: "same")
    async def same_id(number: int, _call: OperationCall) -> int:
        await asyncio.sleep(number)
        return number

    store, told = open_desk()
    async with store:
        runs = [store.dispatch(same_id(number)) for number in (3, 1, 2)]
        assert [await run.unwrap() for run in runs] == [3, 1, 2]
    assert told.stages == ["pending"] * 3 + ["fulfilled"] * 3


async def test_b193_an_id_generator_that_raises_tells_nothing() -> None:
    """Its error reaches whoever asked; nothing is told, and the next run works."""
    ids = iter(["first"])

    @operation("operation_behaviours/once", make_id=lambda _number: next(ids))
    async def once(number: int, _call: OperationCall) -> int:
        return number

    store, told = open_desk()
    async with store:
        await store.dispatch(once(1))
        with pytest.raises(StopIteration):
            store.dispatch(once(2))
        assert await store.dispatch(double(2)).unwrap() == 4
    assert told.stages == ["pending", "fulfilled"] * 2


async def test_b193_the_next_condition_sees_what_pending_changed() -> None:
    """Of two runs asked for in one step, a condition on the state lets only one through."""

    @operation(
        "operation_behaviours/one_at_a_time",
        condition=lambda _number, call: call.state.asking == 0,
    )
    async def one_at_a_time(number: int, _call: OperationCall) -> int:
        await asyncio.sleep(1)
        return number

    store, told = open_desk()
    async with store:
        first, second = store.dispatch(one_at_a_time(1)), store.dispatch(one_at_a_time(2))
        assert isinstance(await first, one_at_a_time.fulfilled)
        assert isinstance(await second, one_at_a_time.rejected)
        assert await store.dispatch(one_at_a_time(3)).unwrap() == 3
    assert [each.argument for each in told.actions] == [1, 1, 3, 3]


async def test_b193_what_a_subscriber_dispatches_on_pending_is_seen_too() -> None:
    """An action dispatched while pending is told is visible to the next operation's condition."""

    @operation(
        "operation_behaviours/unless_noted",
        condition=lambda _number, call: "busy" not in call.state.texts,
    )
    async def unless_noted(number: int, _call: OperationCall) -> int:
        await asyncio.sleep(1)
        return number

    store, _ = open_desk()

    def note(asking: int, _before: int) -> None:
        if asking:
            store.dispatch(Noted("busy"))

    async with store:
        store.subscribe(note, select=lambda state: state.asking)
        first, second = store.dispatch(unless_noted(1)), store.dispatch(unless_noted(2))
        assert isinstance(await first, unless_noted.fulfilled)
        assert isinstance(await second, unless_noted.rejected)
