"""`ExpiryTimer`: it does something when the next thing is over, in virtual time."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refold.middleware.expiry_timer import ExpiryTimer
from tests.listeners.virtual_loop import run_in_virtual_time

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable


class Things:
    """Things that are over at some times, by a clock that can be moved beside the loop's."""

    def __init__(self, *over_at_ms: int, forgets: bool = True) -> None:
        """Have these things; unless told so, those that are over are forgotten."""
        self.over_at_ms = list(over_at_ms)
        self.expired_at: list[float] = []
        self.clock_offset = 0.0
        self.after_expiry: Callable[[], None] = lambda: None
        self._forgets = forgets
        self._loop = asyncio.get_running_loop()
        self._start = self._loop.time()
        self.timer = ExpiryTimer(self.now, self.next, self.expire)

    @property
    def passed(self) -> float:
        """Seconds of the loop since the beginning."""
        return self._loop.time() - self._start

    def now(self) -> float:
        """Return the time of the wall clock, which begins at 0."""
        return self.passed + self.clock_offset

    def next(self) -> int | None:
        """Return when the next thing is over."""
        return min(self.over_at_ms, default=None)

    def expire(self) -> None:
        """Forget what is over."""
        self.expired_at.append(self.passed)
        if self._forgets:
            now_ms = int(self.now() * 1000)
            self.over_at_ms = [one for one in self.over_at_ms if one > now_ms]
        self.after_expiry()


@contextlib.asynccontextmanager
async def running(things: Things) -> AsyncGenerator[Things]:
    """Run the timer inside the block; nothing of it is left behind."""
    before = asyncio.all_tasks()
    task = asyncio.create_task(things.timer.run())
    try:
        await asyncio.sleep(0)
        yield things
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert asyncio.all_tasks() == before


@pytest.mark.looptime
async def test_a_thing_expires_when_its_time_has_come_and_not_before() -> None:
    """What is over at 5 s is expired then, once."""
    async with running(Things(5_000)) as things:
        await asyncio.sleep(4.999)
        assert things.expired_at == []
        await asyncio.sleep(100)
        assert things.expired_at == [pytest.approx(5.0, abs=0.02)]


@pytest.mark.looptime
async def test_without_anything_to_wait_for_nothing_is_expired() -> None:
    """Nothing is done while nothing will be over, for days."""
    async with running(Things()) as things:
        await asyncio.sleep(3 * 86_400)
        assert things.expired_at == []


@pytest.mark.looptime
async def test_each_thing_expires_at_its_own_time() -> None:
    """Several things are waited for one after the other, in the order of time."""
    async with running(Things(9_000, 2_000, 5_000, 2_000)) as things:
        await asyncio.sleep(20)
        assert things.expired_at == pytest.approx([2.0, 5.0, 9.0], abs=0.02)
        assert things.over_at_ms == []


@pytest.mark.looptime
async def test_a_nearer_time_that_is_noted_is_waited_for() -> None:
    """Looking again finds what is over earlier than what was waited for."""
    async with running(Things(3_000_000)) as things:
        await asyncio.sleep(1)
        things.over_at_ms.append(2_000)
        things.timer.look_again()
        await asyncio.sleep(2)
        assert things.expired_at == [pytest.approx(2.0, abs=0.02)]


@pytest.mark.looptime
async def test_the_first_thing_may_come_while_nothing_is_waited_for() -> None:
    """Looking again wakes a timer that waits for nothing."""
    async with running(Things()) as things:
        await asyncio.sleep(1_000)
        things.over_at_ms.append(1_001_000)
        things.timer.look_again()
        await asyncio.sleep(2)
        assert things.expired_at == [pytest.approx(1_001.0, abs=0.02)]


@pytest.mark.looptime
async def test_a_time_that_is_gone_is_not_kept_to() -> None:
    """What was taken back, or put off, does not expire at its earlier time."""
    async with running(Things(5_000)) as things:
        await asyncio.sleep(1)
        things.over_at_ms = [8_000]
        things.timer.look_again()
        await asyncio.sleep(20)
        assert things.expired_at == [pytest.approx(8.0, abs=0.02)]


@pytest.mark.looptime
async def test_looking_again_before_it_runs_is_not_lost() -> None:
    """What changes before the timer runs is found when it does."""
    things = Things()
    things.over_at_ms.append(1_000)
    things.timer.look_again()
    async with running(things):
        await asyncio.sleep(2)
        assert things.expired_at == [pytest.approx(1.0, abs=0.02)]


@pytest.mark.looptime
async def test_what_is_over_already_expires_at_once() -> None:
    """A time in the past is not waited for."""
    async with running(Things(-1_000, 0)) as things:
        await asyncio.sleep(0.1)
        assert things.expired_at == [pytest.approx(0.0, abs=0.02)]


@pytest.mark.looptime
async def test_what_does_not_go_away_does_not_keep_the_program_busy() -> None:
    """A thing that is over and stays is expired again, but at most 100 times per second."""
    async with running(Things(1_000, forgets=False)) as things:
        await asyncio.sleep(2)
        assert 1 <= len(things.expired_at) <= 101


@pytest.mark.looptime
async def test_a_clock_that_was_put_forward_is_noticed_within_an_hour() -> None:
    """The wall clock jumps a day ahead: what is over by then expires within the hour."""
    async with running(Things(86_400_000)) as things:
        await asyncio.sleep(10)
        things.clock_offset = 86_400.0
        await asyncio.sleep(3_601)
        assert len(things.expired_at) == 1


@pytest.mark.looptime
async def test_a_clock_that_was_put_back_makes_nothing_expire_early() -> None:
    """The wall clock goes back by 10 s: what is over at 5 s by that clock waits for 15 s."""
    async with running(Things(5_000)) as things:
        await asyncio.sleep(1)
        things.clock_offset = -10.0
        await asyncio.sleep(13)
        assert things.expired_at == []
        await asyncio.sleep(2)
        assert things.expired_at == [pytest.approx(15.0, abs=0.02)]


@pytest.mark.looptime
async def test_a_time_far_away_is_waited_for_in_one_piece_or_many() -> None:
    """A time of days ahead, longer than any single wait, is kept to."""
    async with running(Things(200_000_000)) as things:
        await asyncio.sleep(199_999)
        assert things.expired_at == []
        await asyncio.sleep(2)
        assert things.expired_at == [pytest.approx(200_000.0, abs=0.02)]


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 1000)), max_size=12))
def test_nothing_expires_early_or_late(comings: list[tuple[int, int]]) -> None:
    """Whatever comes when, each thing is expired within 20 ms of its time, or of its coming."""

    async def live() -> None:
        due: dict[int, float] = {}
        expired: dict[int, float] = {}
        async with running(Things()) as things:

            def note() -> None:
                for over_at in due:
                    if over_at not in things.over_at_ms:
                        expired.setdefault(over_at, things.passed * 1000)

            things.after_expiry = note
            for comes_at, over_at in sorted(comings):
                await asyncio.sleep(comes_at / 1000 - things.passed)
                if over_at not in due:
                    due[over_at] = max(comes_at, over_at)
                    things.over_at_ms.append(over_at)
                    things.timer.look_again()
            await asyncio.sleep(2)
        assert expired == {over_at: pytest.approx(at, abs=20) for over_at, at in due.items()}
        assert all(expired[over_at] >= over_at for over_at in due)

    run_in_virtual_time(live())


@pytest.mark.looptime
async def test_what_comes_without_end_does_not_hold_up_what_is_over() -> None:
    """A new thing every few milliseconds lets those that are over expire all the same."""
    async with running(Things(5)) as things:
        for number in range(200):
            things.over_at_ms.append(10_000 + number)
            things.timer.look_again()
            await asyncio.sleep(0.003)
        assert things.expired_at == [pytest.approx(0.005, abs=0.02)]
