"""`TestStore`: listeners of every policy, their waits and forks, and operations."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import pytest

from refold import Action, Effect, Listeners, Reducer, action, operation
from refold.errors import TestStoreError
from refold.middleware.operation_call import OperationCall  # noqa: TC001  # an operation's types are read
from refold.middleware.operations import operations
from refold.testing.test_store import TestStore
from tests.testing.failure_texts import fails_with, written

if TYPE_CHECKING:
    from refold.actions.operation_actions import OperationFulfilled
    from refold.middleware.listener_declaration import Policy


@action("test_store_listeners/typed")
class Typed(Action):
    """Somebody typed."""

    text: str = ""


@action("test_store_listeners/found")
class Found(Action):
    """Something was found."""

    text: str = ""


texts = Reducer("")


@texts.on(Typed, Found)
def _(_state: str, action: Typed | Found) -> str:
    return action.text


def searching(
    policy: Policy, seconds: float | None = None, *, takes: float = 0.0
) -> Listeners[str]:
    """Return a listener that finds what was typed, after some seconds."""
    listeners = Listeners(str)

    @listeners.on(Typed, policy=policy, seconds=seconds)
    async def search(action: Typed, fx: Effect[str]) -> None:
        await fx.sleep(takes)
        fx.dispatch(Found(f"{action.text}!"))

    return listeners


async def test_every_action_begins_a_run() -> None:
    """With the policy `every`, runs go beside each other and end in their own time."""
    async with TestStore(texts, listeners=[searching("every", takes=1)]) as store:
        await store.send(Typed("a"), "a")
        await store.advance(0.4)
        await store.send(Typed("b"), "b")
        await store.advance(1)
        await store.receive(Found("a!"), "a!")
        await store.receive(Found("b!"), "b!")


async def test_the_latest_action_ends_the_run_before() -> None:
    """With the policy `latest`, only the last of a row is answered."""
    async with TestStore(texts, listeners=[searching("latest", takes=1)]) as store:
        await store.send(Typed("a"), "a")
        await store.advance(0.9)
        await store.send(Typed("b"), "b")
        await store.advance(1)
        await store.receive(Found("b!"), "b!")


async def test_a_leading_run_lets_no_other_begin() -> None:
    """With the policy `leading`, what comes meanwhile is not answered."""
    async with TestStore(texts, listeners=[searching("leading", takes=1)]) as store:
        await store.send(Typed("a"), "a")
        await store.send(Typed("b"), "b")
        await store.advance(1)
        await store.receive(Found("a!"), "a!")


async def test_debounce_waits_for_a_pause() -> None:
    """With the policy `debounce`, the run begins when nothing came for its seconds."""
    async with TestStore(texts, listeners=[searching("debounce", 0.3)]) as store:
        await store.send(Typed("a"), "a")
        await store.advance(0.2)
        await store.send(Typed("b"), "b")
        await store.advance(0.1)
        await store.advance(0.1)
        with pytest.raises(TestStoreError) as failure:
            await store.receive(Found)
        await store.advance(0.1)
        await store.receive(Found("b!"), "b!")
    assert str(failure.value) == written("""
        expected to receive Found, but no such action was dispatched
        still running:
          listener search (debounce, 0.3 s), which waits for its time
        the next timer stands 0.1 s ahead: await store.advance(0.1)
        """)


async def test_throttle_runs_at_once_and_then_at_most_once_in_its_seconds() -> None:
    """With the policy `throttle`, the first is answered at once, the last at the window's end."""
    async with TestStore(texts, listeners=[searching("throttle", 1)]) as store:
        await store.send(Typed("a"), "a")
        await store.receive(Found("a!"), "a!")
        await store.send(Typed("b"), "b")
        await store.send(Typed("c"), "c")
        await store.advance(1)
        await store.receive(Found("c!"), "c!")
        # the window that is open now leads to nothing


async def test_waiting_for_an_action_a_condition_and_a_fork() -> None:
    """`fx.take`, `fx.condition`, their time limits and `fx.fork` need no real time either."""
    listeners = Listeners(str)
    seen: list[object] = []

    @listeners.on(Found)
    async def wait(_action: Found, fx: Effect[str]) -> None:
        async def count() -> int:
            await asyncio.sleep(5)
            return 5

        fork = fx.fork(count)
        seen.append(await fx.take(Typed, timeout=2))
        taken = await fx.take(Typed, timeout=2)
        seen.append(taken and taken.action)
        seen.append(await fx.condition(lambda state: state == "late", timeout=1))
        seen.append(await fx.condition(lambda state: state == "now", timeout=1))
        seen.append(getattr(await fork, "value", None))
        async with asyncio.timeout(60):
            await fx.sleep(59)

    async with TestStore(texts, listeners=[listeners]) as store:
        await store.send(Found("go"), "go")
        await store.advance(2)
        await store.send(Typed("a"), "a")
        await store.advance(1)
        await store.send(Typed("now"), "now")
        await store.advance(2)
        assert seen == [None, Typed("a"), False, True, 5]
        await store.advance(59)


async def test_a_run_that_has_not_ended_fails_the_test() -> None:
    """All that runs or is to begin is named, with what leads on."""
    with fails_with("""
        the test ended before everything in its store had come to its end
        still running:
          2 times a run of listener search (every)
          listener search (debounce, 0.3 s), which waits for its time
          a run of listener search (throttle, 0.5 s)
          listener search (throttle, 0.5 s), which waits for its time
        the next timer stands 0.00025 s ahead: await store.advance(0.00025)
        """):
        async with TestStore(
            texts,
            listeners=[
                searching("every", takes=0.000_25),
                searching("debounce", 0.3),
                searching("throttle", 0.5, takes=9),
            ],
        ) as store:
            await store.send(Typed("a"), "a")
            await store.send(Typed("b"), "b")


async def test_a_run_that_waits_for_an_action_fails_the_test() -> None:
    """What no time ends, another action has to; unreceived actions stand in the same text."""
    listeners = Listeners(str)

    @listeners.on(Found)
    async def wait(_action: Found, fx: Effect[str]) -> None:
        fx.dispatch(Typed("a"))
        await fx.take(Found)

    with fails_with("""
        the test ended before these actions were received:
          1. Typed(text='a'), from listener:wait
        at its end, write:
          await store.receive(Typed(text='a'), 'a')

        the test ended before everything in its store had come to its end
        still running:
          a run of listener wait (every)
        no timer is set: only another action, or something from outside, leads on
        """):
        async with TestStore(texts, listeners=[listeners]) as store:
            await store.send(Found())


async def test_without_exhaustiveness_a_run_is_cancelled_at_the_end() -> None:
    """It is noted as skipped, and cleans up as it does when a store is left."""
    listeners = Listeners(str)
    cleaned: list[object] = []

    @listeners.on(Typed)
    async def work(_action: Typed, fx: Effect[str]) -> None:
        try:
            await fx.sleep(60)
        finally:
            await asyncio.sleep(3)  # time passes while the store is left
            cleaned.append(fx.cancel_reason)

    async with TestStore(texts, listeners=[listeners], exhaustive=False) as store:
        await store.send(Typed("a"), "a")
    assert cleaned == ["closed"]
    assert [(part.kind, part.text) for part in store.skipped] == [
        ("run", "a run of listener work (every) was cancelled at the end")
    ]


# --- listeners that raise -------------------------------------------------------------------------


def failing(**settings: Any) -> Listeners[str]:
    """Return a listener that raises, and a predicate that does."""
    listeners = Listeners(str, **settings)

    def is_mine(_action: Action) -> bool:
        raise KeyError("key")  # noqa: EM101  # its text is its representation

    @listeners.on(is_mine)
    async def never(_action: Action, _fx: Effect[str]) -> None:
        """Do nothing."""

    @listeners.on(Typed)
    async def fail(_action: Action, _fx: Effect[str]) -> None:
        message = "no such file"
        raise OSError(message)

    return listeners


async def test_what_a_listener_raises_fails_the_test(caplog: pytest.LogCaptureFixture) -> None:
    """A program would find it in its log; the first error is the cause."""
    with fails_with("""
        the predicate of listener never raised KeyError: 'key'
        the effect of listener fail raised OSError: no such file
        if the program handles this, give the listeners their function: \
Listeners(State, on_error=...)
        """) as failure:
        async with TestStore(texts, listeners=[failing()]) as store:
            await store.send(Typed("a"), "a")
    assert isinstance(failure.value.__cause__, KeyError)
    assert len(caplog.messages) == 2


async def test_what_a_listener_raises_may_be_handled() -> None:
    """Listeners with an `on_error` of their own tell it alone."""
    told: list[str] = []

    def tell(_error: Exception, _raised_by: str, name: str) -> None:
        told.append(name)

    listeners = failing(on_error=tell)
    async with TestStore(texts, listeners=[listeners]) as store:
        await store.send(Typed("a"), "a")
    assert [name.rpartition(".")[2] for name in told] == ["never", "fail"]


async def test_without_exhaustiveness_what_a_listener_raises_is_noted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is one of the things that were not looked at."""
    caplog.set_level(logging.CRITICAL, "refold.listeners")
    async with TestStore(texts, listeners=[failing()], exhaustive=False) as store:
        await store.send(Typed("a"), "a")
    (part,) = store.skipped
    assert part.kind == "listener error"
    assert part.text.startswith("the predicate of listener never raised KeyError: 'key'\n")


async def test_what_raises_later_fails_where_time_passes() -> None:
    """An error that comes with time fails `advance`."""
    listeners = Listeners(str)

    @listeners.on(Typed, policy="debounce", seconds=1)
    async def fail(_action: Action, _fx: Effect[str]) -> None:
        raise LookupError

    async with TestStore(texts, listeners=[listeners]) as store:
        await store.send(Typed("a"), "a")
        with pytest.raises(TestStoreError, match="the effect of listener fail raised LookupError"):
            await store.advance(1)


# --- operations -----------------------------------------------------------------------------------


@operation("test_store_listeners/load", make_id=lambda name: f"load {name}")
async def load(name: str, call: OperationCall) -> str:
    """Load something, which takes two seconds."""
    await asyncio.sleep(2)
    if not name:
        call.reject(None)
    return f"content of {name}"


@texts.on(load.pending)
def _(_state: str, _action: object) -> str:
    return "loading"


@texts.on(load.fulfilled)
def _(_state: str, action: OperationFulfilled[str, str]) -> str:
    return action.value


@texts.on(load.rejected)
def _(_state: str, _action: object) -> str:
    return "failed"


async def test_an_operation_that_succeeds() -> None:
    """Its pending and its fulfilled action are received; sending it gives the run."""
    async with TestStore(texts, middleware=[operations()]) as store:
        run = await store.send(load("a"))
        await store.receive(load.pending, "loading")
        await store.advance(2)
        received = await store.receive(load.fulfilled, "content of a")
        assert received.value == "content of a"
        assert await run.unwrap() == "content of a"


async def test_an_operation_that_fails() -> None:
    """Its rejected action is received."""
    async with TestStore(texts, middleware=[operations()]) as store:
        await store.send(load(""))
        await store.receive(load.pending(request_id="load ", argument=""), "loading")
        await store.advance(2)
        received = await store.receive(load.rejected, "failed")
        assert received.error.name == "Rejected"


async def test_an_operation_that_is_cancelled() -> None:
    """Aborting it by its run tells at once that it was rejected."""
    async with TestStore(texts, middleware=[operations()]) as store:
        run = await store.send(load("a"))
        await store.receive(load.pending, "loading")
        await store.advance(1)
        run.abort("enough")
        assert (await store.receive(load.rejected, "failed")).error.message == "enough"


async def test_an_operation_that_has_not_ended_fails_the_test() -> None:
    """It is named by its wire name."""
    with fails_with("""
        the test ended before everything in its store had come to its end
        still running:
          operation 'test_store_listeners/load'
        the next timer stands 2 s ahead: await store.advance(2)
        """):
        async with TestStore(texts, middleware=[operations()]) as store:
            await store.send(load("a"))
            await store.receive(load.pending, "loading")


async def test_a_command_changes_nothing_by_itself() -> None:
    """A change is stated of the actions that follow; unreceived actions refuse commands too."""
    with fails_with(
        "the command to run the operation 'test_store_listeners/load' changes nothing by itself;"
        " state the changes of the actions that follow where they are received"
    ):
        async with TestStore(texts, middleware=[operations()]) as store:
            await store.send(load("a"), "loading")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]  # refused at run time too
    with fails_with("""
        the command to run the operation 'test_store_listeners/load' was sent before these actions \
were received:
          1. load.pending(request_id='load a', argument='a'), from app
        before it, write:
          await store.receive(load.pending, 'loading')
        """):
        async with TestStore(texts, middleware=[operations()]) as store:
            await store.send(load("a"))
            await store.send(load("b"))
