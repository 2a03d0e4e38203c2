"""`InboundQueue`: order, an exact bound, backpressure, and waits that can be cancelled."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, cast, get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from refold.middleware.inbound_queue import InboundQueue, InboundQueueClosedError, Overflow

steps = st.lists(
    st.sampled_from(["put", "put", "get", "cancel put", "cancel get", "turn", "clear"]),
    max_size=60,
)
"""What may be done to a queue; nothing runs between two steps but by a turn of the loop."""


async def turn() -> None:
    """Let everything run that can."""
    for _ in range(6):
        await asyncio.sleep(0)


async def drained(queue: InboundQueue[int]) -> list[int]:
    """Return what is left in a closed queue, up to its end."""
    items: list[int] = []
    while True:
        try:
            items.append(await queue.get())
        except InboundQueueClosedError as end:
            assert "nothing is left" in str(end)  # noqa: PT017  # it ends what is counted
            return items


async def take(queue: InboundQueue[int], came: list[int]) -> None:
    """Get one message, and note it in the order in which messages leave the queue."""
    came.append(await queue.get())


@given(steps, st.integers(1, 4))
@example(["put", "put", "turn", "get", "cancel put", "put", "turn"], 1)
@example(["get", "turn", "put", "cancel get", "get", "turn"], 1)
@example(["put", "put", "turn", "get", "get"], 1)
@example(["put", "put", "put", "turn", "clear", "cancel put", "put", "turn"], 1)
def test_no_message_is_lost_doubled_or_overtaken(chosen: list[str], bound: int) -> None:
    """Rule 43: whatever waits and is cancelled, what was put comes out once and in order.

    The messages that came out, were cleared and are left are exactly those whose `put` returned,
    in the order of the calls; a `put` that was cancelled left nothing behind.
    """

    async def run() -> None:
        queue: InboundQueue[int] = InboundQueue(bound)
        putting: dict[int, asyncio.Task[None]] = {}
        getting: list[asyncio.Task[None]] = []
        came: list[int] = []
        cleared = 0
        for step in chosen:
            if step == "put":
                number = len(putting)
                putting[number] = asyncio.create_task(queue.put(number))
            elif step == "get":
                getting.append(asyncio.create_task(take(queue, came)))
            elif step == "cancel put" and putting:
                putting[len(putting) - 1].cancel()
            elif step == "cancel get" and getting:
                getting[-1].cancel()
            elif step == "turn":
                await turn()
            elif step == "clear":
                cleared += queue.clear()
            assert len(queue) <= bound
        queue.close()
        left = await asyncio.wait_for(drained(queue), 10)
        await turn()
        assert all(task.done() for task in (*putting.values(), *getting))
        closed = [task for task in putting.values() if not task.cancelled() and task.exception()]
        assert all(isinstance(task.exception(), InboundQueueClosedError) for task in closed)
        came += left
        ends = [task.exception() for task in getting if not task.cancelled()]
        assert {type(end) for end in ends} <= {type(None), InboundQueueClosedError}
        assert came == sorted(set(came))
        was_put = {n for n, t in putting.items() if not t.cancelled() and t not in closed}
        assert set(came) <= was_put
        assert len(came) + cleared == len(was_put)

    asyncio.run(run())


@given(
    st.lists(st.booleans(), max_size=40),
    st.integers(1, 5),
    st.sampled_from(["drop_oldest", "drop_newest"]),
)
def test_dropping_is_that_of_a_naive_queue(
    puts: list[bool], bound: int, overflow: Overflow
) -> None:
    """Rule 43: a full queue gives up its oldest or the newest message, and counts each."""

    async def run() -> None:
        queue: InboundQueue[int] = InboundQueue(bound, overflow)
        model: deque[int] = deque()
        dropped = told = 0
        for number, is_put in enumerate(puts):
            if is_put:
                if len(model) == bound:
                    dropped += 1
                if len(model) < bound or overflow == "drop_oldest":
                    model.append(number)
                await asyncio.wait_for(queue.put(number), 1)
                if len(model) > bound:
                    model.popleft()
            elif model:
                assert await queue.get() == model.popleft()
                told += queue.take_new_drops()
            assert len(queue) == len(model)
            assert queue.is_full == (len(model) == bound)
            assert not queue.is_blocking
            assert queue.dropped_count == dropped
        assert told + queue.take_new_drops() == dropped
        assert queue.take_new_drops() == 0
        queue.close()
        assert await drained(queue) == list(model)

    asyncio.run(run())


async def test_put_returns_at_once_while_there_is_room() -> None:
    """Without waiting, and without a turn of the loop, exactly as many as allowed are taken."""
    queue: InboundQueue[int] = InboundQueue()
    for number in range(1000):
        assert not queue.is_full
        with pytest.raises(StopIteration):
            queue.put(number).send(None)
    assert queue.is_full
    assert not queue.is_blocking
    last = asyncio.create_task(queue.put(1000))
    await turn()
    assert not last.done()
    assert queue.is_blocking
    assert await queue.get() == 0
    assert queue.is_blocking  # it has room, and did not run yet
    await last
    assert not queue.is_blocking
    assert queue.is_full
    assert queue.dropped_count == 0


async def test_a_put_never_overtakes_one_that_waits() -> None:
    """A message that comes when there is room again goes behind those that waited for it."""
    queue: InboundQueue[int] = InboundQueue(2)
    await queue.put(0)
    await queue.put(1)
    waiting = [asyncio.create_task(queue.put(number)) for number in (2, 3)]
    await turn()
    late = asyncio.create_task(queue.put(4))
    assert [await queue.get() for _ in range(5)] == [0, 1, 2, 3, 4]
    await asyncio.gather(*waiting, late)


async def test_a_put_does_not_use_the_room_of_one_that_was_let_in() -> None:
    """Also in the very turn in which there is room for both, the one that waited goes first."""
    queue: InboundQueue[int] = InboundQueue(2)
    await queue.put(0)
    await queue.put(1)
    waiting = asyncio.create_task(queue.put(2))
    await turn()
    assert [await queue.get(), await queue.get()] == [0, 1]
    await queue.put(3)  # begins in the turn in which the other was let in
    assert [await queue.get(), await queue.get()] == [2, 3]
    await waiting


async def test_a_message_goes_to_another_if_its_getter_was_cancelled() -> None:
    """A consumer that is cancelled when a message has come for it leaves it to the next."""
    queue: InboundQueue[int] = InboundQueue()
    first, second = asyncio.create_task(queue.get()), asyncio.create_task(queue.get())
    await turn()
    await queue.put(7)
    first.cancel()
    assert await second == 7
    assert first.cancelled()


async def test_close_lets_the_consumer_finish() -> None:
    """Rule 47: what is there, and what waits in `put`, is got after a close; then comes the end."""
    queue: InboundQueue[int] = InboundQueue(1)
    await queue.put(0)
    late = asyncio.create_task(queue.put(1))
    await turn()
    queue.close()
    queue.close()
    with pytest.raises(InboundQueueClosedError, match="a new link needs a queue of its own"):
        await queue.put(2)
    assert await drained(queue) == [0, 1]
    await late


async def test_close_wakes_whoever_waits_for_a_message() -> None:
    """All consumers of an empty queue come to the end when it is closed."""
    queue: InboundQueue[int] = InboundQueue()
    waiting = [asyncio.create_task(queue.get()) for _ in range(3)]
    await turn()
    queue.close()
    ends = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(end) for end in ends] == [InboundQueueClosedError] * 3


async def test_the_end_comes_also_if_the_last_put_is_cancelled() -> None:
    """A consumer that waits for a message let in after the close is told if it never comes."""
    queue: InboundQueue[int] = InboundQueue(1)
    await queue.put(0)
    late = asyncio.create_task(queue.put(1))
    await turn()
    queue.close()
    assert await queue.get() == 0
    late.cancel()
    assert await drained(queue) == []
    assert late.cancelled()


async def test_clear_returns_how_many_went_and_makes_room() -> None:
    """Rule 48: what was not handled in time can be given up; nobody is left waiting for room."""
    queue: InboundQueue[int] = InboundQueue(2)
    await queue.put(0)
    await queue.put(1)
    late = asyncio.create_task(queue.put(2))
    await turn()
    assert queue.clear() == 2
    await late
    queue.close()
    assert await drained(queue) == [2]


@pytest.mark.parametrize("max_messages", [True, 1.0, "1", None])
def test_a_bound_that_is_no_int_is_refused(max_messages: object) -> None:
    """Table L: the message names the argument."""
    with pytest.raises(TypeError, match=r"max_messages must be an int, got"):
        InboundQueue[int](cast("Any", max_messages))


@pytest.mark.parametrize("max_messages", [0, -1])
def test_a_bound_below_one_is_refused(max_messages: int) -> None:
    """A queue without room would hand on nothing."""
    with pytest.raises(ValueError, match="max_messages must be 1 or more, got"):
        InboundQueue[int](max_messages)


@pytest.mark.parametrize("overflow", ["raise", "", None, 1, []])
def test_an_unknown_overflow_is_refused(overflow: object) -> None:
    """Table L: the message lists the choices."""
    with pytest.raises(ValueError, match="block, drop_oldest, drop_newest") as raised:
        InboundQueue[int](overflow=cast("Any", overflow))
    assert repr(overflow) in str(raised.value)
    for choice in get_args(Overflow):
        InboundQueue[int](overflow=choice)
