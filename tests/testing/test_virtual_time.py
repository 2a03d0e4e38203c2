"""The time of a loop under a `TestStore`: it stands still, moves by `advance`, and is put back."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refold import Action, Effect, Listeners
from refold.testing.test_store import TestStore
from refold.testing.virtual_clock import VirtualClock
from tests.testing.failure_texts import fails_with
from tests.testing.todo_scene import Count, count

HOUR = 3600.0


def now() -> float:
    """Return the running loop's time."""
    return asyncio.get_running_loop().time()


milliseconds = st.integers(0, 100_000)


@given(delays=st.lists(milliseconds, max_size=10), steps=st.lists(milliseconds, max_size=5))
def test_timers_fire_in_order_each_at_its_moment(delays: list[int], steps: list[int]) -> None:
    """However time is advanced, each timer finds the loop's time at its own, and none is late."""
    fired: list[tuple[int, float]] = []

    def note(delay: int, begin: float) -> None:
        fired.append((delay, now() - begin))

    async def watch() -> None:
        async with TestStore(count) as store:
            loop, begin, passed = asyncio.get_running_loop(), now(), 0
            for delay in delays:
                loop.call_later(delay / 1000, note, delay, begin)
            for step in steps:
                await store.advance(step / 1000)
                passed += step
                assert [due for due, _ in fired] == sorted(d for d in delays if d <= passed)
                assert now() - begin == pytest.approx(passed / 1000)

    asyncio.run(watch())
    assert [at * 1000 for _, at in fired] == pytest.approx([due for due, _ in fired])


async def test_what_a_timer_leads_to_comes_before_the_next_timer() -> None:
    """Between two timers everything runs that can, over many turns of the loop."""
    order: list[str] = []

    async def work(name: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        for _ in range(50):
            await asyncio.sleep(0)
        order.append(name)
        await asyncio.sleep(0.5)
        order.append(f"{name} again")

    async with TestStore(count) as store:
        tasks = [asyncio.create_task(work(name, at)) for name, at in (("b", 1.000_01), ("a", 1))]
        await store.advance(2)
        assert order == ["a", "b", "a again", "b again"]
        await asyncio.gather(*tasks)


async def test_an_hour_takes_no_time() -> None:
    """`asyncio.sleep`, time limits and callbacks all move, and no real time has to pass."""
    async with TestStore(count) as store:
        slept = asyncio.create_task(asyncio.sleep(HOUR, "slept"))
        limited = asyncio.create_task(asyncio.wait_for(asyncio.Event().wait(), HOUR / 2))
        await store.advance(HOUR)
        assert await slept == "slept"
        with pytest.raises(TimeoutError):
            await limited


async def test_sums_of_durations_are_what_one_writes() -> None:
    """A timer at 0.1 + 0.2 seconds fires at 0.3."""
    async with TestStore(count) as store:

        async def work() -> None:
            await asyncio.sleep(0.1)
            await asyncio.sleep(0.2)

        task = asyncio.create_task(work())
        await store.advance(0.3)
        assert task.done()


async def test_many_small_steps_lead_to_the_same_time_as_a_large_one() -> None:
    """The clock gathers no errors, so that times in milliseconds can be foreseen."""
    async with TestStore(count) as store:
        for _ in range(1000):
            await store.advance(0.001)
        assert store.clock() == 1_700_000_001.0


async def test_time_stands_still_while_real_time_passes() -> None:
    """A timer that is due soon does not fire, however long the test works."""
    fired: list[object] = []
    async with TestStore(count) as store:
        asyncio.get_running_loop().call_later(0.001, fired.append, None)
        begin = time.perf_counter()
        while time.perf_counter() - begin < 0.002:  # noqa: ASYNC110  # real time has no event
            await asyncio.sleep(0)
        await store.advance(0.000_9)
        assert not fired
        await store.advance(0.000_1)
        assert fired


async def test_time_cannot_run_backwards() -> None:
    """Neither by a negative duration, nor by one that is no number."""
    async with TestStore(count) as store:
        for seconds in (-1.0, float("nan")):
            with pytest.raises(ValueError, match="time can only be advanced by 0 seconds or more"):
                await store.advance(seconds)
        await store.advance(0)


async def test_functions_in_threads_are_waited_for() -> None:
    """What a listener does in a thread has happened when `send` returns."""
    listeners = Listeners(int)

    @listeners.on(Count)
    async def work(_action: Action, fx: Effect[int]) -> None:
        if fx.state == 1:
            await asyncio.to_thread(threading.Event().wait, 0.02)  # real work takes real time
            fx.dispatch(Count(10))

    async with TestStore(count, listeners=[listeners]) as store:
        await store.send(Count(1), 1)
        await store.receive(Count(10), 11)


async def test_a_loop_that_never_rests_fails() -> None:
    """A listener that goes on for ever without waiting is found out."""
    listeners = Listeners(int)

    @listeners.on(Count)
    async def work(_action: Action, fx: Effect[int]) -> None:
        while True:
            await fx.sleep(0)

    with fails_with(
        "the event loop did not come to rest in 100000 turns: something runs on without ever"
        " waiting, such as a loop around fx.sleep(0); give it a duration, or end it"
    ):
        async with TestStore(count, listeners=[listeners]) as store:
            await store.send(Count(1), 1)


# --- the loop afterwards --------------------------------------------------------------------------


def attributes_of(loop: Any) -> list[object]:
    """Return what a `TestStore` replaces of a loop."""
    own: dict[str, Any] = loop.__dict__
    names = ("time", "run_in_executor", "_clock_resolution")
    return [*(own.get(name) for name in names), own["_selector"].__dict__.get("select")]


async def test_the_loop_gets_its_own_time_back() -> None:
    """Nothing of it stays replaced, and each timer is as far ahead as it was."""
    loop = asyncio.get_running_loop()
    before = attributes_of(loop)
    fired = asyncio.Event()
    late = loop.call_later(HOUR * 2, fired.set)
    begin = now()
    with contextlib.suppress(LookupError):
        async with TestStore(count) as store:
            loop.call_later(HOUR + 0.01, fired.set)
            await store.advance(HOUR)
            assert now() - begin >= HOUR
            assert attributes_of(loop) != before
            raise LookupError
    assert attributes_of(loop) == before
    assert now() - begin < HOUR
    assert late.when() - now() == pytest.approx(HOUR, abs=60)
    late.cancel()
    await fired.wait()


async def test_a_store_that_cannot_be_entered_leaves_the_loop_alone() -> None:
    """A middleware that raises when the store opens is met by the test, in real time."""

    class Broken:
        """A middleware that does not open."""

        def __call__(self, _store: object, next: Any, /) -> Any:  # noqa: A002  # its usual name
            return next

        def open(self, _group: object, /) -> None:
            raise LookupError

    before = attributes_of(asyncio.get_running_loop())
    with pytest.raises(LookupError):
        async with TestStore(count, middleware=[Broken()]):
            pass
    assert attributes_of(asyncio.get_running_loop()) == before


async def test_two_test_stores_share_the_time_of_their_loop() -> None:
    """Each turns its own clock; what one advances passes for both, until the last is left."""

    def ticking(log: list[float]) -> Listeners[int]:
        listeners = Listeners(int)

        @listeners.on(Count, policy="debounce", seconds=5)
        async def tick(_action: Action, fx: Effect[int]) -> None:
            log.append(fx.inputs.now())

        return listeners

    first_log: list[float] = []
    second_log: list[float] = []
    before = attributes_of(asyncio.get_running_loop())
    async with TestStore(count, listeners=[ticking(first_log)], clock=VirtualClock(0)) as first:
        await first.send(Count(), 1)
        await first.advance(3)
        async with TestStore(count, listeners=[ticking(second_log)]) as second:
            second.clock.advance(60)  # somebody sets a clock
            await second.send(Count(), 1)
            await second.advance(5)
        assert (first_log, second_log) == ([5.0], [1_700_000_065.0])
        assert first.clock() == 8.0
        await first.advance(1)
    assert second.clock() == 1_700_000_065.0
    assert attributes_of(asyncio.get_running_loop()) == before


async def test_test_stores_in_two_tasks_do_not_disturb_each_other() -> None:
    """Both come to rest, and each gets its own follow-ups."""

    async def run(number: int) -> int:
        listeners = Listeners(int)

        @listeners.on(Count)
        async def answer(action: Count, fx: Effect[int]) -> None:
            if action.by == 1:
                await fx.sleep(number)
                fx.dispatch(Count(number))

        async with TestStore(count, listeners=[listeners]) as store:
            await store.send(Count(1), 1)
            await store.advance(number)
            await store.receive(Count(number), 1 + number)
            return store.state

    assert [*await asyncio.gather(run(2), run(3), run(4))] == [3, 4, 5]


def test_any_loop_of_asyncio_will_do() -> None:
    """A plain `asyncio.run`, also in debug mode, needs no plugin."""

    async def main() -> int:
        async with TestStore(count) as store:
            await store.send(Count(), 1)
            await store.advance(HOUR)
            return store.state

    assert asyncio.run(main()) == 1
    assert asyncio.run(main(), debug=True) == 1


async def test_another_loop_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A loop whose time cannot be stopped is named, and the text says what to use."""

    class Loop:
        """Some other loop."""

    monkeypatch.setattr(asyncio, "get_running_loop", Loop)
    with fails_with(
        "a TestStore needs an event loop of asyncio itself, to stop its time; this is a"
        " tests.testing.test_virtual_time.test_another_loop_is_refused.<locals>.Loop: run the test"
        " by asyncio.run or pytest-asyncio, without another loop's policy"
    ):
        await TestStore(count).__aenter__()


@pytest.mark.looptime
async def test_under_looptime_a_wait_of_the_tests_own_moves_the_time() -> None:
    """`advance` works as ever, and between its calls time jumps as that plugin has it."""
    listeners = Listeners(int)

    @listeners.on(Count, policy="debounce", seconds=5)
    async def answer(action: Count, fx: Effect[int]) -> None:
        if action.by == 1:
            fx.dispatch(Count(10))

    async with TestStore(count, listeners=[listeners]) as store:
        begin = now()
        await store.send(Count(1), 1)
        await store.advance(4)
        assert now() - begin == pytest.approx(4)
        await asyncio.sleep(1)
        await store.receive(Count(10), 11)
        assert now() - begin == pytest.approx(5)
        await asyncio.sleep(5)
    await asyncio.sleep(HOUR)


async def test_a_test_that_waits_in_vain_is_told_why(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After some real time without anything to do, the log says that time stands still."""
    monkeypatch.setattr("refold.testing.virtual_time._STALL_SECONDS", 0.001)
    caplog.set_level(logging.WARNING, "refold.testing")
    woken = asyncio.Event()
    loop = asyncio.get_running_loop()

    async def wait() -> None:
        wake_up = threading.Timer(0.1, loop.call_soon_threadsafe, [woken.set])
        wake_up.start()
        await woken.wait()
        wake_up.join()
        woken.clear()

    async with TestStore(count):
        await wait()
        await wait()
    async with TestStore(count):
        timer = loop.call_later(1.5, woken.set)
        await wait()
        timer.cancel()
    stands = "the test waits, while the time of its event loop stands still for a TestStore; "
    ahead = "the next timer stands 1.5 s ahead, and 'await store.advance(1.5)' leads there"
    assert caplog.messages == [f"{stands}no timer is set", f"{stands}{ahead}"]


# --- errors and cancellation ----------------------------------------------------------------------


class Service:
    """A service that does what it is told."""

    def __init__(self, work: Any) -> None:
        """Keep an async function."""
        self.run = work

    def __call__(self, _store: object, next: Any, /) -> Any:  # noqa: A002  # its usual name
        """Let all pass."""
        return next


async def test_a_service_that_fails_ends_the_test() -> None:
    """Its error leaves the store as it leaves any store, not hidden by what was left."""

    async def fail() -> None:
        await asyncio.sleep(1)
        raise LookupError

    async def test() -> None:
        async with TestStore(count, middleware=[Service(fail)]) as store:
            store.store.dispatch(Count())
            await store.advance(2)

    with pytest.raises(ExceptionGroup) as failure:
        await test()
    assert isinstance(failure.value.exceptions[0], LookupError)


async def test_a_service_may_take_its_time_to_stop() -> None:
    """Whatever it waits for while the store is left passes by itself."""
    stopped: list[float] = []

    async def serve() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            await asyncio.sleep(HOUR)
            stopped.append(now())

    async with TestStore(count, middleware=[Service(serve)]):
        begin = now()
    assert stopped == pytest.approx([begin + HOUR])


async def test_a_test_that_is_cancelled_is_cancelled() -> None:
    """The store is left, and the loop has its time back, whatever was left."""
    before = attributes_of(asyncio.get_running_loop())

    async def test(seconds: float) -> None:
        async with TestStore(count) as store:
            store.store.dispatch(Count())
            await store.advance(seconds)
            await asyncio.get_running_loop().create_future()

    task = asyncio.create_task(test(1))
    while attributes_of(asyncio.get_running_loop()) == before:  # noqa: ASYNC110  # nobody tells
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert attributes_of(asyncio.get_running_loop()) == before
