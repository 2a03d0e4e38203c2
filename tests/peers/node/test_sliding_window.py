"""`sliding_window`: how many at once, in which order, and a result for each.

What belongs here: the window alone.  What does not: peers.
"""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refold.middleware.peer_network.sliding_window import sliding_window
from tests.listeners.virtual_loop import run_in_virtual_time


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans())), st.integers(1, 4))
def test_each_key_has_a_result_and_no_more_than_allowed_run_at_once(
    jobs: list[tuple[int, bool]], at_once: int
) -> None:
    """Keys are done once, begin in order, never too many at once; one that raises has a result."""
    fails = dict(jobs)
    begun: list[int] = []
    most = running = 0

    async def work(key: int) -> str:
        nonlocal most, running
        begun.append(key)
        running += 1
        most = max(most, running)
        await asyncio.sleep(key)
        running -= 1
        if fails[key]:
            raise LookupError(key)
        return f"done {key}"

    keys = [key for key, _ in jobs]
    results = run_in_virtual_time(
        sliding_window(keys, work, at_once=at_once, on_error=lambda _key, error: repr(error))
    )
    distinct = list(dict.fromkeys(keys))
    assert begun == list(results) == distinct
    assert most == min(at_once, len(distinct))
    for key, result in results.items():
        assert result == (f"LookupError({key})" if fails[key] else f"done {key}")


@pytest.mark.looptime
async def test_the_next_begins_as_soon_as_any_is_done() -> None:
    """A slow one does not hold up a batch: with 3 at once, 1 of 9 s and 9 of 1 s take 9 s."""
    seconds = [9.0, *([1.0] * 9)]

    async def work(number: int) -> None:
        await asyncio.sleep(seconds[number])

    await sliding_window(range(10), work, at_once=3, on_error=lambda _key, _error: None)
    assert asyncio.get_running_loop().time() == pytest.approx(9.0)


@pytest.mark.looptime
async def test_cancelling_it_cancels_what_is_under_way_and_begins_nothing_more() -> None:
    """Who gives up waits for the end of those that were begun."""
    begun: list[int] = []
    cancelled: list[int] = []

    async def work(key: int) -> None:
        begun.append(key)
        try:
            await asyncio.sleep(100.0)
        except asyncio.CancelledError:
            cancelled.append(key)
            raise

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1.0):
            await sliding_window(range(9), work, at_once=3, on_error=lambda _key, _error: None)
    assert begun == sorted(cancelled) == [0, 1, 2]


@pytest.mark.looptime
async def test_work_that_somebody_else_cancelled_has_a_result_too() -> None:
    """A `CancelledError` out of what the work awaits is an error like others."""

    async def work(_key: int) -> str:
        raise asyncio.CancelledError

    results = await sliding_window(
        [1, 2], work, at_once=3, on_error=lambda _key, error: type(error).__name__
    )
    assert results == {1: "CancelledError", 2: "CancelledError"}
