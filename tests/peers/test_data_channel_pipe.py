"""`DataChannelPipe` over real data channels: whole messages, room, and the ways to end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refold.errors import PipeClosedError
from refold.middleware.peer_network.data_channel_pipe import DataChannelPipe
from tests.connection.sockets.running import eventually, open_descriptors
from tests.peers.webrtc_scene import channel_ends, needs_aiortc

if TYPE_CHECKING:
    from tests.peers.webrtc_scene import ChannelEnd

pytestmark = needs_aiortc

LONGEST = 1024 * 1024 + 64 * 1024
PART, LAST_PART, TAKEN, GOODBYE = b"\x00", b"\x01", b"\x02", b"\x03"

sizes = st.sampled_from([0, 1, 59_999, 60_000, 60_001, 120_000, 120_001]) | st.integers(0, 200_000)


def pipe_at(
    end: ChannelEnd, *, send_timeout: float = 10.0, close_timeout: float = 5.0
) -> DataChannelPipe:
    """Return a pipe over one end."""
    return DataChannelPipe(
        end.channel, end.hang_up, send_timeout=send_timeout, close_timeout=close_timeout
    )


@asynccontextmanager
async def pipes() -> AsyncGenerator[tuple[DataChannelPipe, DataChannelPipe]]:
    """Give both ends of a pipe."""
    async with channel_ends() as (left, right):
        yield pipe_at(left), pipe_at(right)


def text_of(number: int, size: int) -> bytes:
    """Return a message whose bytes tell its number and the place in it."""
    return (number.to_bytes(4, "big") + bytes(range(251)) * (size // 251 + 1))[:size]


@settings(max_examples=10)
@given(there=st.lists(sizes, max_size=6), back=st.lists(sizes, max_size=6))
async def test_messages_come_whole_and_in_order_both_ways(
    there: list[int], back: list[int]
) -> None:
    """Whatever sizes two peers send each other at once, each receives what the other sent."""
    async with pipes() as (left, right):
        sent_right = [text_of(*each) for each in enumerate(there)]
        sent_left = [text_of(*each) for each in enumerate(back)]
        await asyncio.gather(
            *(left.send(message) for message in sent_right),
            *(right.send(message) for message in sent_left),
        )
        assert [await right.receive() for _ in there] == sent_right
        assert [await left.receive() for _ in back] == sent_left


async def test_the_longest_message_passes_and_a_longer_one_is_refused() -> None:
    """A message has at most 1 MiB and 64 KiB; after a refusal the pipe goes on."""
    async with pipes() as (left, right):
        with pytest.raises(ValueError, match=r"at most 1,114,112 bytes; this one has 1,114,113"):
            await left.send(bytes(LONGEST + 1))
        await left.send(text_of(7, LONGEST))
        assert await right.receive() == text_of(7, LONGEST)


async def full_window(left: DataChannelPipe, end: ChannelEnd) -> asyncio.Task[None]:
    """Send three of the longest, which fit, and one more, which has to wait."""
    for number in range(3):
        await left.send(text_of(number, LONGEST))
        await eventually(lambda: end.channel.bufferedAmount == 0, 30)
    fourth = asyncio.create_task(left.send(text_of(3, LONGEST)))
    await asyncio.sleep(0)
    assert not fourth.done()
    return fourth


async def test_a_message_waits_until_the_other_end_has_taken_earlier_ones() -> None:
    """A pipe holds a few MiB; nothing more is sent to who does not receive."""
    async with channel_ends() as (left_end, right_end):
        left, right = pipe_at(left_end), pipe_at(right_end)
        fourth = await full_window(left, left_end)
        assert await right.receive() == text_of(0, LONGEST)
        await fourth
        assert [(await right.receive())[:4] for _ in range(3)] == [
            number.to_bytes(4, "big") for number in (1, 2, 3)
        ]


async def test_a_cancelled_send_sends_nothing_and_leaves_the_pipe_whole() -> None:
    """No half message remains on the way."""
    async with channel_ends() as (left_end, right_end):
        left, right = pipe_at(left_end), pipe_at(right_end)
        fourth = await full_window(left, left_end)
        fourth.cancel()
        for number in range(3):
            assert await right.receive() == text_of(number, LONGEST)
        await left.send(b"after it")
        assert await right.receive() == b"after it"


async def test_a_cancelled_receive_loses_no_message() -> None:
    """Who waits may stop waiting."""
    async with pipes() as (left, right):
        waiting = asyncio.create_task(right.receive())
        await asyncio.sleep(0)
        waiting.cancel()
        await left.send(b"kept")
        assert await right.receive() == b"kept"


async def test_an_end_that_takes_nothing_breaks_the_pipe_in_a_bounded_time() -> None:
    """A send that makes no progress for its time ends the pipe and says so."""
    async with channel_ends() as (left_end, right_end):
        left, right = pipe_at(left_end, send_timeout=0.3), pipe_at(right_end)
        fourth = await full_window(left, left_end)
        with pytest.raises(PipeClosedError, match=r"took nothing for 0\.3 s") as caught:
            await fourth
        assert not caught.value.is_clean
        await eventually(lambda: right_end.channel.readyState == "closed", 5)
        assert len(await right.receive()) == LONGEST


async def test_close_lets_earlier_messages_arrive_and_is_told_apart_from_a_loss() -> None:
    """What was sent before a goodbye is received before the clean end."""
    async with pipes() as (left, right):
        await left.send(text_of(0, 500_000))
        await left.send(b"last")
        await left.close()
        assert await right.receive() == text_of(0, 500_000)
        assert await right.receive() == b"last"
        for _ in range(2):
            with pytest.raises(PipeClosedError, match="the other end closed the pipe") as caught:
                await right.receive()
            assert caught.value.is_clean
        with pytest.raises(PipeClosedError, match="the other end closed the pipe"):
            await right.send(b"nobody")
        await right.close()


async def test_close_may_be_called_more_than_once_and_by_both_ends_at_once() -> None:
    """All calls return, and nothing goes through any more."""
    async with pipes() as (left, right):
        await asyncio.gather(left.close(), right.close(), left.close())
        await left.close()
        left.abort()
        with pytest.raises(PipeClosedError):
            await left.receive()
        with pytest.raises(PipeClosedError):
            await left.send(b"late")


async def test_nothing_is_sent_after_the_goodbye() -> None:
    """Who sends while the pipe closes is told that it is closed."""
    async with pipes() as (left, right):
        closing = asyncio.create_task(left.close())
        await asyncio.sleep(0)
        with pytest.raises(PipeClosedError, match="closed at this end") as caught:
            await left.send(b"late")
        assert caught.value.is_clean
        await closing
        with pytest.raises(PipeClosedError):
            await right.receive()


async def test_close_ends_in_a_bounded_time_if_the_other_end_says_nothing() -> None:
    """An end that never answers a goodbye is not waited for longer than allowed."""
    async with channel_ends() as (left_end, right_end):
        await pipe_at(left_end, close_timeout=0.1).close()
        assert left_end.connection.connectionState == "closed"
        await eventually(lambda: right_end.channel.readyState == "closed", 5)


async def test_closing_wakes_who_waits_to_send_or_to_receive() -> None:
    """Neither a full window nor an empty one keeps a task waiting after the end."""
    async with channel_ends() as (left_end, right_end):
        left, right = pipe_at(left_end), pipe_at(right_end)
        fourth = await full_window(left, left_end)
        receiving = asyncio.create_task(left.receive())
        await right.close()
        for task in (fourth, receiving):
            with pytest.raises(PipeClosedError, match="the other end closed the pipe"):
                await task


async def test_an_aborted_pipe_is_no_clean_end_for_either() -> None:
    """`abort` says nothing to the other end, and frees this one by itself."""
    async with channel_ends() as (left_end, right_end):
        left, right = pipe_at(left_end), pipe_at(right_end)
        left.abort()
        with pytest.raises(PipeClosedError, match="aborted at this end") as here:
            await left.receive()
        with pytest.raises(PipeClosedError, match="without a goodbye") as there:
            await right.receive()
        assert not here.value.is_clean
        assert not there.value.is_clean
        await eventually(lambda: left_end.connection.connectionState == "closed", 5)


@pytest.mark.parametrize(
    "chunk",
    [b"", "text", b"\x04?", b"\xff", PART, TAKEN + (1).to_bytes(8, "big")],
    ids=["empty", "text", "unknown", "unknown and empty", "part of nothing", "taken before sent"],
)
async def test_a_chunk_without_a_meaning_breaks_the_pipe(chunk: bytes | str) -> None:
    """Whoever breaks the rules of the pipe is no longer listened to."""
    async with channel_ends() as (left, right):
        pipe = pipe_at(right)
        left.channel.send(LAST_PART + b"before")
        left.channel.send(chunk)
        left.channel.send(LAST_PART + b"after")
        await eventually(lambda: left.channel.readyState == "closed", 5)
        with pytest.raises(PipeClosedError, match="a chunk that means nothing"):
            await pipe.receive()


async def test_a_message_that_never_ends_breaks_the_pipe_at_the_bound() -> None:
    """Parts are put together up to the longest message and no further."""
    async with channel_ends() as (left, right):
        pipe = pipe_at(right)
        for _ in range(LONGEST // 60_000 + 1):
            left.channel.send(PART + bytes(60_000))
        with pytest.raises(PipeClosedError, match="a message of more than 1,114,112 bytes"):
            await pipe.receive()


async def test_who_ignores_the_room_that_is_left_is_cut_off() -> None:
    """An end that sends on while nothing is taken cannot fill this one's memory."""
    async with channel_ends() as (left, right):
        pipe = pipe_at(right)
        for _ in range(5 * 1024 * 1024 // 60_000):
            left.channel.send(LAST_PART + bytes(60_000))
        await eventually(lambda: left.channel.readyState == "closed", 20)
        with pytest.raises(PipeClosedError, match="more than there was room for"):
            await pipe.receive()


async def test_a_goodbye_is_answered_by_itself() -> None:
    """The other end need not wait for somebody here to call `close`."""
    async with channel_ends() as (left, right):
        heard: list[bytes] = []
        left.channel.on("message", heard.append)
        pipe = pipe_at(right)
        left.channel.send(GOODBYE)
        await eventually(lambda: heard == [GOODBYE], 5)
        with pytest.raises(PipeClosedError):
            await pipe.receive()


async def test_a_closed_pipe_leaves_no_task_and_no_descriptor() -> None:
    """All that the connection below needed goes with the pipe."""
    before = asyncio.all_tasks(), open_descriptors()
    async with pipes() as (left, right):
        await left.send(b"hello")
        await right.receive()
        await asyncio.gather(left.close(), right.close())
        assert asyncio.all_tasks() == before[0]
        assert open_descriptors() == before[1]
