"""`WebSocketPipe`: whole messages over a real WebSocket, and every way in which it ends."""

from __future__ import annotations

import asyncio
import signal
import socket
import struct

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refold.errors import PipeClosedError
from refold.middleware.peer_network.dial_websocket import dial_websocket
from refold.middleware.peer_network.websocket_listener import ListenerBounds
from refold.middleware.peer_network.websocket_pipe import MAX_MESSAGE_BYTES, WebSocketPipe
from tests.connection.sockets.running import eventually
from tests.peers.transport_scene import (
    SECONDS,
    leaving_nothing,
    pipe_server,
    pipes,
    running_program,
)

_DIALS = """
import asyncio, sys
from refold.middleware.peer_network.dial_websocket import dial_websocket
async def main():
    pipe = await dial_websocket(sys.argv[1], timeout=10)
    await pipe.send(b"last words")
    await asyncio.Event().wait()
asyncio.run(main())
"""


async def end_of(pipe: WebSocketPipe) -> PipeClosedError:
    """Return how a pipe ends, whatever comes before."""
    async with asyncio.timeout(SECONDS):
        while True:
            try:
                await pipe.receive()
            except PipeClosedError as error:
                return error


@given(st.lists(st.binary(max_size=3000), max_size=10))
@settings(max_examples=20)
async def test_messages_arrive_whole_and_in_order(messages: list[bytes]) -> None:
    """What one end sends the other receives, both ways, empty messages included."""
    async with pipes() as ends:
        for source, sink in (ends, ends[::-1]):
            for message in messages:
                await source.send(message)
            assert [await sink.receive() for _ in messages] == messages


async def test_a_message_of_just_the_longest_size_fits() -> None:
    """The bound is a message that passes; one byte more is a ValueError, and nothing is sent."""
    async with pipes() as (dialer, listener):
        longest = b"x" * MAX_MESSAGE_BYTES
        for source, sink in ((dialer, listener), (listener, dialer)):
            with pytest.raises(ValueError, match=r"65537 bytes, expected at most 65536"):
                await source.send(longest + b"x")
            await source.send(longest)
            assert await sink.receive() == longest


async def test_a_goodbye_is_a_clean_end_at_both_ends() -> None:
    """The other end's receive says that it was said, with the reason; so does one's own."""
    async with leaving_nothing(), pipes() as (dialer, listener):
        own = asyncio.create_task(end_of(dialer))
        await listener.send(b"before")
        await listener.close(reason="no more to say")
        error = await own
        assert error.is_clean
        assert str(error) == "the other end closed the pipe: no more to say"
        assert (await end_of(listener)).is_clean
        await listener.close()
        with pytest.raises(PipeClosedError):
            await dialer.send(b"late")


@pytest.mark.parametrize("closer", [0, 1])
async def test_messages_before_a_goodbye_all_arrive(closer: int) -> None:
    """A close does not overtake what was sent before it."""
    async with pipes() as ends:
        source, sink = ends[closer], ends[1 - closer]
        closing = asyncio.create_task(_send_and_close(source, 50))
        received = [await sink.receive() for _ in range(50)]
        assert received == [b"m"] * 50
        assert (await end_of(sink)).is_clean
        await closing


async def _send_and_close(pipe: WebSocketPipe, count: int) -> None:
    for _ in range(count):
        await pipe.send(b"m")
    await pipe.close()


@pytest.mark.parametrize("breaker", [0, 1])
async def test_an_abort_is_no_clean_end_and_wakes_everybody(breaker: int) -> None:
    """Both ends' receivers wake, neither takes it for a goodbye, nothing is left."""
    async with leaving_nothing(), pipes() as ends:
        waiting = [asyncio.create_task(end_of(pipe)) for pipe in ends]
        await ends[0].send(b"x")
        ends[breaker].abort()
        ends[breaker].abort()
        errors = await asyncio.gather(*waiting)
        assert [error.is_clean for error in errors] == [False, False]
        assert str(errors[breaker]) == "this end broke the pipe"


async def test_a_reset_is_no_clean_end() -> None:
    """A TCP reset, as of a crashed machine, ends the other pipe."""
    async with pipes() as (dialer, listener):
        raw: socket.socket = dialer._transport.get_extra_info("socket")  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        dialer.abort()
        assert not (await end_of(listener)).is_clean


async def test_a_killed_process_is_seen_after_its_last_message() -> None:
    """SIGKILL ends the pipe without a goodbye, and what was sent before is received."""
    async with pipe_server() as server, running_program(_DIALS, server.url) as program:
        async with asyncio.timeout(SECONDS):
            pipe = await server.came.get()
            assert await pipe.receive() == b"last words"
        program.send_signal(signal.SIGKILL)
        assert not (await end_of(pipe)).is_clean


async def test_a_reader_that_takes_nothing_breaks_a_send_in_time() -> None:
    """A send that is stuck ends after send_timeout, with a text that says so; nothing is left."""
    async with leaving_nothing(), pipes(ListenerBounds(send_timeout=0.1)) as (_, listener):
        with pytest.raises(PipeClosedError, match=r"did not take a message for 0\.1 s"):
            await _flood(listener)


async def _flood(pipe: WebSocketPipe) -> None:
    for _ in range(2000):
        await pipe.send(b"x" * MAX_MESSAGE_BYTES)


async def test_a_close_is_bounded_when_the_other_end_takes_nothing() -> None:
    """With all buffers full and nobody reading, close returns, and the descriptor goes."""
    async with leaving_nothing(), pipes() as (_, listener):
        flooding = asyncio.create_task(_flood(listener))
        listener._close_timeout = 0.1  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        transport = listener._transport  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        await eventually(lambda: transport.get_write_buffer_size() > 0, SECONDS)
        async with asyncio.timeout(SECONDS):
            await listener.close()
            with pytest.raises(PipeClosedError):
                await flooding


async def test_a_cancelled_send_does_not_end_another() -> None:
    """Two senders wait for a slow reader; cancelling one leaves the pipe and the other whole."""
    async with pipes() as (dialer, listener):
        senders = [asyncio.create_task(_flood(listener)) for _ in range(2)]
        transport = listener._transport  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        await eventually(lambda: transport.get_write_buffer_size() > 2**17, SECONDS)
        senders[0].cancel()
        await asyncio.wait(senders[:1])
        for _ in range(100):
            assert len(await dialer.receive()) == MAX_MESSAGE_BYTES
        assert senders[0].cancelled()
        assert not senders[1].done()
        dialer.abort()
        with pytest.raises(PipeClosedError):
            await senders[1]


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (b"\x81\x85\0\0\0\0hello", "sent a text, expected binary messages"),
        (b"\x82\xff\0\0\0\0\0\x7f\xff\xff\0\0\0\0", "broke the protocol"),
        (b"\xf3\x80\0\0\0\0", "broke the protocol"),
    ],
    ids=["text", "8 MiB", "reserved bits"],
)
async def test_what_is_no_binary_message_ends_the_pipe(frame: bytes, words: str) -> None:
    """A frame that the pipe does not carry ends it, with a text that says which."""
    async with leaving_nothing(), pipes() as (dialer, listener):
        transport = dialer._transport  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        transport.write(frame)
        error = await end_of(listener)
        assert words in str(error)
        assert not error.is_clean


async def test_pings_are_answered_while_somebody_receives() -> None:
    """A foreign client's ping gets its pong, and is no message."""
    async with (
        pipe_server() as server,
        aiohttp.ClientSession() as session,
        session.ws_connect(server.url, autoping=False) as foreign,
    ):
        pipe = await server.came.get()
        reading = asyncio.create_task(pipe.receive())
        await foreign.ping(b"there?")
        answer = await foreign.receive(timeout=SECONDS)
        assert (answer.type, answer.data) == (aiohttp.WSMsgType.PONG, b"there?")
        await foreign.send_bytes(b"yes")
        assert await reading == b"yes"
        pipe.abort()


async def test_many_pipes_leave_nothing() -> None:
    """Pipes that are closed or broken, by either end, leave no task and no descriptor."""
    async with leaving_nothing(), pipe_server() as server:
        for number in range(20):
            dialer = await dial_websocket(server.url, timeout=SECONDS)
            listener = await server.came.get()
            ends = (dialer, listener) if number % 2 else (listener, dialer)
            if number % 4 < 2:
                await asyncio.gather(ends[0].close(), end_of(ends[1]))
            else:
                ends[0].abort()
                await end_of(ends[1])
