"""`PacedTelling`: the first is told at once, the rest once per interval, and nothing is lost."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refold.middleware.paced_telling import PacedTelling


@pytest.mark.looptime
async def test_rule_04_the_first_is_told_at_once() -> None:
    """Rule 4: what happens rarely is told the moment it happens."""
    told: list[int] = []
    telling = PacedTelling(20.0, told.append)
    telling.note()
    assert told == [1]
    await asyncio.sleep(21)
    telling.note(3)
    assert told == [1, 3]
    await asyncio.sleep(100)
    assert told == [1, 3]


@pytest.mark.looptime
async def test_rule_04_more_is_told_together_when_the_interval_is_over() -> None:
    """Rule 4: what follows within the interval is told once, in time, with how often it was."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    told: list[tuple[float, int]] = []
    telling = PacedTelling(20.0, lambda count: told.append((round(loop.time() - begun, 3), count)))
    for _ in range(5):
        telling.note()
        await asyncio.sleep(1)
    assert told == [(0.0, 1)]
    await asyncio.sleep(20)
    assert told == [(0.0, 1), (20.0, 4)]
    telling.note(2)
    assert told == [(0.0, 1), (20.0, 4)]
    await asyncio.sleep(50)
    assert told == [(0.0, 1), (20.0, 4), (40.0, 2)]


@pytest.mark.looptime
async def test_a_flush_tells_what_is_untold() -> None:
    """A flush tells at once, leaves no timer, and the next is told at once again."""
    told: list[int] = []
    telling = PacedTelling(20.0, told.append)
    telling.flush()
    assert told == []
    telling.note()
    telling.note(4)
    telling.flush()
    assert told == [1, 4]
    telling.flush()
    assert told == [1, 4]
    telling.note()
    assert told == [1, 4, 1]
    await asyncio.sleep(100)
    assert told == [1, 4, 1]


@pytest.mark.looptime
async def test_telling_may_lead_to_more() -> None:
    """What is noted while it tells is neither lost nor told within the interval."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    told: list[tuple[float, int]] = []

    def tell(count: int) -> None:
        told.append((round(loop.time() - begun, 3), count))
        if len(told) < 3:
            telling.note(10)

    telling = PacedTelling(20.0, tell)
    telling.note()
    await asyncio.sleep(100)
    assert told == [(0.0, 1), (20.0, 10), (40.0, 10)]


@given(
    st.lists(st.tuples(st.floats(0, 30, width=16), st.integers(1, 5)), max_size=30),
    st.sampled_from([0.001, 1.0, 7.0]),
)
def test_nothing_is_lost_and_nothing_told_too_often(
    events: list[tuple[float, int]], interval: float
) -> None:
    """Whatever happens when: the sum is right, and two tellings are an interval apart."""
    loop = _JumpingLoop()
    told: list[tuple[float, int]] = []

    async def run() -> None:
        telling = PacedTelling(interval, lambda count: told.append((loop.time(), count)))
        for pause, count in events:
            await asyncio.sleep(pause)
            telling.note(count)
        await asyncio.sleep(interval * 2)

    try:
        loop.run_until_complete(run())
    finally:
        loop.close()
    assert sum(count for _, count in told) == sum(count for _, count in events)
    assert all(count >= 1 for _, count in told)
    times = [at for at, _ in told]
    gaps = [after - before for before, after in itertools.pairwise(times)]
    assert all(gap >= interval * 0.999 for gap in gaps)


class _JumpingLoop(asyncio.SelectorEventLoop):
    """A loop whose clock jumps to its next timer; there are no sockets to wait for."""

    def __init__(self) -> None:
        super().__init__()
        self._clock = 1000.0

    def time(self) -> float:
        """Return the virtual time."""
        return self._clock

    def _run_once(self) -> None:
        inner: Any = self  # there is no public way to ask a loop for its next timer
        if not inner._ready and inner._scheduled:  # noqa: SLF001  # as above
            self._clock = max(self._clock, float(inner._scheduled[0].when()))  # noqa: SLF001  # as above
        parent: Any = super()
        parent._run_once()  # noqa: SLF001  # as above
