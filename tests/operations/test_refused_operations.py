"""Operations that cannot be: badly declared, of types no log can carry, or without a store for it.

What belongs here: every refusal, its moment and its words.  What does not: a run that is rejected.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from refold.errors import (
    ActionDeclarationError,
    MiddlewareError,
    NotAnActionError,
    PayloadError,
    RefoldError,
    StoreClosedError,
    SubscriberError,
    ValueTypeError,
    WireNameTakenError,
)
from refold.middleware.default_middleware import default_middleware
from refold.middleware.listener_commands import ClearListeners
from refold.middleware.log_actions import log_actions
from refold.middleware.operation import operation
from refold.middleware.operations import operations
from refold.middleware.record import record
from refold.middleware.thunks import thunks
from refold.middleware.timestamps import timestamps
from refold.reducers.reducer import Reducer
from refold.store.store import Store
from tests.operations.operation_scene import Desk, Noted, Told, desk, open_desk

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

    from refold.actions.action import Action
    from refold.middleware.operation_run import OperationCall
    from refold.store.middleware import Dispatch, Middleware, StoreAPI

pytestmark = pytest.mark.looptime

ran: list[object] = []


@pytest.fixture(autouse=True)
def _nothing_ran() -> None:  # pyright: ignore[reportUnusedFunction]  # autouse
    """Forget what ran in other tests."""
    ran.clear()


@operation("refused_operations/sort")
async def sort(texts: tuple[str, ...], _call: OperationCall) -> tuple[str, ...]:
    """Sort texts."""
    ran.append(texts)
    return tuple(sorted(texts))


@operation("refused_operations/sort_list")
async def sort_list(texts: list[str], _call: OperationCall) -> int:
    """Take what no action may carry."""
    ran.append(texts)
    return len(texts)


@operation("refused_operations/make_list")
async def make_list(count: int, _call: OperationCall) -> list[int]:
    """Give what no action may carry."""
    ran.append(count)
    return list(range(count))


@operation("refused_operations/reject_list", rejection=list)
async def reject_list(count: int, call: OperationCall) -> int:
    """Reject with what no action may carry."""
    ran.append(count)
    call.reject([count])


@operation("refused_operations/lie")
async def lie(count: int, _call: OperationCall) -> int:
    """Give something else than was said."""
    return {0: "text", 1: [1], 2: object()}[count]  # type: ignore[return-value]  # on purpose


# Declaring


def test_a_name_must_be_group_and_name() -> None:
    """A wire name without a group is refused when the operation is declared."""
    with pytest.raises(ActionDeclarationError, match="group/"):

        @operation("nameless")
        async def nameless(text: str, _call: OperationCall) -> str:
            return text


def test_two_operations_of_one_name_are_refused() -> None:
    """Another function under a name that is taken is refused, and the first still works."""
    with pytest.raises(WireNameTakenError, match="refused_operations/sort"):

        @operation("refused_operations/sort")
        async def another(number: int, _call: OperationCall) -> int:
            return number

    assert sort.pending("r", ("a",)).argument == ("a",)


@pytest.mark.parametrize("missing", ["text", "return"])
def test_an_argument_or_result_without_a_type_is_refused(missing: str) -> None:
    """Argument and result need annotations, and the message names the function."""

    async def untyped(text: str, _call: OperationCall) -> str:
        return text

    del untyped.__annotations__[missing]
    with pytest.raises(ActionDeclarationError, match=r"untyped.*annotations|annotations.*untyped"):
        operation("refused_operations/untyped")(untyped)


def test_a_type_that_is_not_there_at_run_time_is_refused() -> None:
    """An annotation imported for the type checker alone is refused, and named."""
    with pytest.raises(ActionDeclarationError, match=r"refused_operations/round|Decimal"):

        @operation("refused_operations/round")
        async def round_it(number: Decimal, _call: OperationCall) -> int:
            return int(number)


@pytest.mark.parametrize("bad", [print, str, "text", None])
def test_what_is_no_async_function_is_refused(bad: object) -> None:
    """Only an `async def` can be an operation."""
    wanted: Any = operation("refused_operations/synchronous")
    with pytest.raises(ActionDeclarationError):
        wanted(bad)


# Types


@pytest.mark.parametrize("stage", ["pending", "fulfilled", "rejected"])
def test_a_reducer_that_handles_a_bad_type_is_refused(stage: str) -> None:
    """`reducer.on` refuses a class with a mutable argument, and names the field and the type."""
    reducer = Reducer(0)
    action_class: Any = getattr(sort_list, stage)
    with pytest.raises(ValueTypeError, match=r"argument.*list"):
        reducer.on(action_class)(lambda state, _action: state)


@pytest.mark.parametrize(
    ("ask", "field"),
    [
        (lambda: sort_list(["b", "a"]), "argument"),
        (lambda: make_list(2), "value"),
        (lambda: reject_list(2), "payload"),
    ],
)
async def test_an_operation_of_a_bad_type_is_refused_when_it_is_asked_for(
    ask: Callable[[], Any], field: str, tmp_path: Path
) -> None:
    """All three classes are checked before anything is told or run, not when a value is there."""
    for middleware in ([], [record(tmp_path / "run.jsonl")]):
        store, told = open_desk(*middleware)
        async with store:
            with pytest.raises(ValueTypeError, match=field) as caught:
                store.dispatch(ask())
            assert "list" in str(caught.value)
            assert "tuple" in str(caught.value)
        assert told.actions == []
        assert ran == []


async def test_an_argument_that_is_not_as_declared_reaches_who_asked(tmp_path: Path) -> None:
    """In a recorded store the log's error is raised by dispatch; nothing was told or run."""
    store, told = open_desk(record(tmp_path / "run.jsonl"))
    async with store:
        with pytest.raises(PayloadError):
            store.dispatch(sort(12))  # type: ignore[arg-type]  # on purpose
        assert await store.dispatch(sort(("b", "a"))).unwrap() == ("a", "b")
    assert told.stages == ["pending", "fulfilled"]
    assert ran == [("b", "a")]


@pytest.mark.parametrize("which", [0, 1, 2])
async def test_a_value_that_is_not_as_declared_rejects(which: int, tmp_path: Path) -> None:
    """A value that the log cannot take is no fulfilment: rejected says why, and is in the log."""
    store, told = open_desk(record(tmp_path / "run.jsonl"))
    async with store:
        settled = await store.dispatch(lie(which))
        assert isinstance(settled, lie.rejected)
        assert settled.error.name == "PayloadError"
        assert await store.dispatch(sort(("a",))).unwrap() == ("a",)
    assert told.stages == ["pending", "rejected", "pending", "fulfilled"]


@pytest.mark.parametrize("payload", [5, None])
async def test_a_payload_that_was_not_declared_rejects(payload: object, tmp_path: Path) -> None:
    """`reject` without a declared rejection type still settles, in a recorded store too."""

    @operation("refused_operations/undeclared")
    async def undeclared(number: int, call: OperationCall) -> int:
        call.reject(payload)
        return number

    store, told = open_desk(record(tmp_path / "run.jsonl"))
    async with store:
        settled = await store.dispatch(undeclared(1))
    assert isinstance(settled, undeclared.rejected)
    assert told.stages == ["pending", "rejected"]


# The store


async def test_a_store_without_the_middleware_says_which_is_missing() -> None:
    """Without operations() an operation is refused with advice that names it."""
    store = Store(desk)
    async with store:
        with pytest.raises(NotAnActionError, match=r"operations\(\).*middleware") as caught:
            store.dispatch(sort(("a",)))
        assert "refused_operations/sort" in str(caught.value)
    assert ran == []


def test_a_command_that_nobody_obeys_is_refused_as_one() -> None:
    """A command for listeners in a store without any is refused as a command, by its name."""
    with pytest.raises(NotAnActionError, match=r"command ClearListeners"):
        Store(desk).dispatch(ClearListeners())


async def test_before_the_store_is_entered_it_is_refused() -> None:
    """An operation needs the store's task group: the error says to enter the store."""
    store, told = open_desk()
    with pytest.raises(RefoldError, match="async with"):
        store.dispatch(sort(("a",)))
    assert (told.actions, ran) == ([], [])
    async with store:
        assert await store.dispatch(sort(("a",))).unwrap() == ("a",)


async def test_after_the_store_is_closed_it_is_refused() -> None:
    """A closed store refuses an operation as it refuses an action."""
    store, told = open_desk()
    async with store:
        pass
    with pytest.raises(StoreClosedError):
        store.dispatch(sort(("a",)))
    assert (told.actions, ran) == ([], [])


async def test_one_operations_object_serves_one_store() -> None:
    """The same object in a second store is refused: its runs would belong to neither."""
    middleware = operations()
    Store(desk, middleware=[middleware])
    with pytest.raises(MiddlewareError, match=r"operations\(\)"):
        Store(desk, middleware=[middleware])


async def test_the_operation_itself_is_not_what_is_dispatched() -> None:
    """Dispatching the operation instead of a call of it says to call it."""
    store, _ = open_desk()
    async with store:
        with pytest.raises(NotAnActionError, match=r"call"):
            store.dispatch(sort)


@pytest.mark.parametrize("is_behind", [True, False])
@pytest.mark.parametrize("name", ["timestamps", "thunks", "record", "default", "log_actions"])
async def test_the_middleware_that_refold_ships_lets_operations_through(
    name: str,
    is_behind: bool,  # noqa: FBT001  # a case
    tmp_path: Path,
) -> None:
    """Operations work behind each other middleware, and before it."""
    logger = logging.getLogger("refused_operations")
    shipped: dict[str, Callable[[], list[Any]]] = {
        "timestamps": lambda: [timestamps()],
        "thunks": lambda: [thunks],
        "record": lambda: [record(tmp_path / "run.jsonl")],
        "default": default_middleware,
        "log_actions": lambda: [log_actions(logger, level=logging.ERROR)],
    }
    others = shipped[name]()
    told = Told()
    middleware = [*others, operations()] if is_behind else [operations(), *others]
    async with Store(desk, middleware=[*middleware, told]) as store:
        assert await store.dispatch(sort(("b", "a"))).unwrap() == ("a", "b")
    assert told.stages == ["pending", "fulfilled"]


# What others raise when they are told


def refusing(*stages: str) -> Middleware[Any]:
    """Return a middleware that raises for settling actions of these stages."""

    def set_up(_store: StoreAPI[Any], next_dispatch: Dispatch, /) -> Dispatch:
        def handle(action: Action, /) -> Action:
            name = getattr(action, "wire_name", "")
            if name.rpartition("_")[2] in stages:
                message = f"no {name}"
                raise OSError(message)
            return next_dispatch(action)

        return handle

    return set_up


async def test_a_fulfilled_that_cannot_be_committed_is_rejected() -> None:
    """What a reducer or middleware raises for fulfilled becomes the error of rejected."""
    store, told = open_desk(refusing("fulfilled"))
    async with store:
        settled = await store.dispatch(sort(("a",)))
        assert isinstance(settled, sort.rejected)
        assert settled.error.name == "OSError"
    assert told.stages == ["pending", "rejected"]


async def test_a_run_that_cannot_be_told_of_settles_all_the_same(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """If rejected cannot be told either, awaiting still ends, the store lives, and it is logged."""
    store, told = open_desk(refusing("fulfilled", "rejected"))
    with caplog.at_level(logging.ERROR):
        async with store:
            async with asyncio.timeout(5):
                settled = await store.dispatch(sort(("a",)))
            assert isinstance(settled, sort.rejected)
            store.dispatch(Noted("alive"))
    assert told.stages == ["pending", "noted"]
    assert "refused_operations/sort" in caplog.text


async def test_a_refused_pending_reaches_who_asked() -> None:
    """What a middleware raises for pending is raised by dispatch, and nothing runs."""
    store, told = open_desk(refusing("pending"))
    async with store:
        with pytest.raises(OSError, match="sort_pending"):
            store.dispatch(sort(("a",)))
    assert (told.actions, ran) == ([], [])


async def test_a_subscriber_that_raises_disturbs_no_run(caplog: pytest.LogCaptureFixture) -> None:
    """A subscriber's error at the end of a run is logged; the run keeps what was told."""
    store, told = open_desk()

    def grumble(answered: int, _before: int) -> None:
        message = f"{answered} is too many"
        raise ValueError(message)

    with caplog.at_level(logging.ERROR):
        async with store:
            store.subscribe(grumble, select=lambda state: state.answered)
            run = store.dispatch(sort(("a",)))
            assert isinstance(await run, sort.fulfilled)
            store.dispatch(Noted("alive"))
    assert told.stages[:2] == ["pending", "fulfilled"]
    assert "1 is too many" in caplog.text


async def test_a_subscriber_that_raises_at_pending_does_not_lose_the_run() -> None:
    """Pending was committed: dispatch raises the subscriber's error, and the run goes on."""
    store, told = open_desk()

    def grumble(asking: int, _before: int) -> None:
        if asking:
            raise ValueError(asking)

    async with store:
        store.subscribe(grumble, select=lambda state: state.asking)
        with pytest.raises(SubscriberError):
            store.dispatch(sort(("a",)))
        await asyncio.sleep(1)
    assert told.stages == ["pending", "fulfilled"]


async def _later(_texts: tuple[str, ...], _call: OperationCall) -> bool:
    await asyncio.sleep(1)
    return True


@operation("refused_operations/sort_later", condition=_later)
async def sort_later(texts: tuple[str, ...], _call: OperationCall) -> tuple[str, ...]:
    """Sort texts after an async condition."""
    ran.append(texts)
    return tuple(sorted(texts))


async def test_what_pending_raises_after_an_async_condition_has_no_caller(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Nobody waits for dispatch then: a refused pending rejects, a subscriber's error is logged."""
    store, told = open_desk(refusing("pending"))
    async with store:
        settled = await store.dispatch(sort_later(("a",)))
        assert isinstance(settled, sort_later.rejected)
        assert settled.error.name == "OSError"
    assert ran == []
    store, told = open_desk()

    def grumble(asking: int, _before: int) -> None:
        message = f"asking {asking}"
        raise ValueError(message)

    async with store:
        store.subscribe(grumble, select=lambda state: state.asking)
        assert await store.dispatch(sort_later(("a",))).unwrap() == ("a",)
    assert told.stages == ["pending", "fulfilled"]
    assert "asking 1" in caplog.text


async def test_a_group_that_takes_no_more_tasks_rejects(caplog: pytest.LogCaptureFixture) -> None:
    """A store whose task group is shutting down starts no run, and tells of none."""
    middleware, told = operations(), Told()
    store = Store(desk, middleware=[middleware, told])
    async with asyncio.TaskGroup() as group:
        pass
    middleware.open(group)
    for request in (sort(("a",)), sort_later(("a",))):
        settled = await store.dispatch(request)
        assert isinstance(settled, (sort.rejected, sort_later.rejected))
        assert settled.error.name == "RuntimeError"
    assert (told.actions, ran, caplog.text) == ([], [], "")


async def test_a_bad_abort_reason_does_not_hang() -> None:
    """Whatever reason is given, the run settles with it as text."""
    store, told = open_desk()
    async with store:
        run = store.dispatch(sort(("a",)))
        run.abort(attrs.NOTHING)  # type: ignore[arg-type]  # on purpose
        settled = await run
    assert isinstance(settled, sort.rejected)
    assert type(settled.error.message) is str
    assert told.stages == ["pending", "rejected"]


async def test_an_abort_inside_a_reducer_is_told_after_it() -> None:
    """A reducer must not abort, but if one does, the end is told once the reducer is done."""
    aborting: list[Callable[[], object]] = []
    reducer = Reducer(Desk())

    @reducer.on(Noted)
    def _(state: Desk, action: Noted) -> Desk:
        aborting[0]()
        return attrs.evolve(state, texts=(action.text,))

    store, told = open_desk(reducer=reducer)
    async with store:
        run = store.dispatch(sort(("a",)))
        aborting.append(run.abort)
        store.dispatch(Noted("meanwhile"))
        assert run.is_settled
        assert isinstance(await run, sort.rejected)
        await asyncio.sleep(1)
    assert told.stages == ["pending", "noted", "rejected"]
