"""Sending over sockets: rules 32 and 35, and messages whose sending failed."""

from __future__ import annotations

import asyncio
import itertools
import logging
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from websockets.asyncio.server import ServerConnection, serve

from refold.actions.connection import ConnectionOpened, ConnectionStatus
from refold.errors import QueueFullError
from refold.middleware.owning_loop import OwningLoop
from refold.middleware.websocket_options import WebSocketOptions
from refold.middleware.websocket_outbox import WebSocketOutbox
from refold.middleware.websocket_writer import WebSocketWriter
from tests.connection.sockets.peers import CLOSE, PING, TEXT, Wire, echoes, peer
from tests.connection.sockets.running import FAST, eventually, make_scene, running

if TYPE_CHECKING:
    from refold.middleware.new_link import NewLink


async def test_rule_32_sending_works_in_any_state_within_exact_bounds() -> None:
    """Messages can be queued before, during and between links, up to both bounds exactly."""
    options = attrs.evolve(FAST, max_queue=3, max_queue_bytes=10)
    received: list[object] = []
    async with peer(echoes) as server:
        scene = make_scene(server.url, options=options, on_message=received.append)
        connection = scene.connection
        connection.send("12345")
        connection.send(b"1234")
        with pytest.raises(QueueFullError):
            connection.send("ü")
        connection.send("1")
        with pytest.raises(QueueFullError):
            connection.send("")
        assert connection.queue_size == 3
        async with scene.store:
            await eventually(lambda: len(received) == 3, 5)
            assert received == ["12345", b"1234", "1"]
            assert scene.trace.of(ConnectionOpened)[0].queue_size == 3
            await connection.disconnect()
            connection.send("kept")
            assert scene.connection.clear_queue() == ["kept"]


async def test_rule_32_without_room_to_wait_a_message_can_only_leave_at_once() -> None:
    """With a bound of 0 a message is taken while the link is open and idle, and refused else."""
    received: list[object] = []
    options = attrs.evolve(FAST, max_queue=0)
    async with (
        peer(echoes) as server,
        running(server.url, options=options, on_message=received.append) as scene,
    ):
        with pytest.raises(QueueFullError):
            scene.connection.send("too early")
        await scene.until(lambda state: state.status is ConnectionStatus.CONNECTED)
        await scene.until(lambda _: True)
        await eventually(lambda: _is_taken(scene.connection, "now"), 5)
        await eventually(lambda: received == ["now"], 5)


def _is_taken(connection: Any, message: str) -> bool:
    try:
        connection.send(message)
    except QueueFullError:
        return False
    return True


async def test_rule_35_order_survives_twenty_kills() -> None:
    """Of 10,000 numbered messages over 20 kills, what arrives is strictly increasing."""
    received: list[int] = []
    news = asyncio.Event()
    kills = 0

    async def kill_at_times(connection: ServerConnection) -> None:
        nonlocal kills
        async for message in connection:
            received.append(int(message[:6]))
            news.set()
            if kills < 20 and received[-1] >= kills * 500 + 250:
                kills += 1
                connection.transport.abort()

    logger = logging.getLogger("tests.quiet")
    logger.disabled = True
    async with serve(kill_at_times, "127.0.0.1", 0, logger=logger, compression=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with running(f"ws://127.0.0.1:{port}/") as scene:
            for batch in range(20):
                for number in range(batch * 500, batch * 500 + 500):
                    scene.connection.send(f"{number:06}" + "." * 1000)
                while kills <= batch:
                    news.clear()
                    await asyncio.wait_for(news.wait(), 10)
            await scene.until(lambda state: state.total_connects == 21)
            scene.connection.send("010000")
            await eventually(lambda: received[-1] == 10_000, 10)
            assert scene.connection.queue_size == 0
    assert kills == 20
    assert all(earlier < later for earlier, later in itertools.pairwise(received))
    assert len(received) > 20 * 250


async def test_rule_35_the_greeting_goes_first_on_every_link() -> None:
    """What `on_open` sends comes before what waits, on each link; text and bytes alike."""
    received: list[bytes] = []

    async def resets_after_three(wire: Wire) -> None:
        await wire.handshake()
        received.extend([(await wire.receive())[1] for _ in range(3)])
        wire.reset()

    async def greet(link: NewLink) -> None:
        scene.connection.send("sent in the greeting")
        await link.send("hello")
        await link.send(b"token")

    async with peer(resets_after_three) as server:
        scene = make_scene(server.url, on_open=greet)
        scene.connection.send("waits")
        async with scene.store:
            await eventually(lambda: len(received) >= 6, 5)
    assert received[:3] == [b"hello", b"token", b"waits"]
    assert received[3:5] == [b"hello", b"token"]


async def test_clearing_the_queue_during_a_blocked_write_harms_nothing() -> None:
    """A queue cleared while its first message is being written loses no later message."""
    go_on = asyncio.Event()
    last: list[bytes] = []

    async def reads_late(wire: Wire) -> None:
        await wire.handshake()
        wire.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a transport that reads
        await go_on.wait()
        wire.writer.transport.resume_reading()  # type: ignore[attr-defined]  # as above
        while True:
            last[:] = [(await wire.receive())[1]]

    options = attrs.evolve(FAST, max_queue_bytes=2**25)
    async with peer(reads_late) as server, running(server.url, options=options) as scene:
        for _ in range(300):
            scene.connection.send("x" * 60_000)
        await scene.until_status(ConnectionStatus.CONNECTED)
        await eventually(lambda: 0 < scene.connection.queue_size < 300, 5)
        assert scene.connection.clear_queue()
        scene.connection.send("after")
        go_on.set()
        await eventually(lambda: last == [b"after"], 10)
        assert scene.connection.queue_size == 0
        assert scene.state.error_count == 0


async def test_a_flood_of_pings_that_cannot_be_answered_takes_no_memory() -> None:
    """While writing is blocked only the latest ping waits for its answer: RFC 6455, 5.5.3."""
    tasks: list[int] = []
    flooded = asyncio.Event()

    async def floods(wire: Wire) -> None:
        await wire.handshake()
        wire.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a transport that reads
        await blocked.wait()
        for number in range(5000):
            wire.send(PING, str(number).encode())
        wire.send(TEXT, b"done")
        await flooded.wait()

    def note(_message: object) -> None:
        tasks.append(len(asyncio.all_tasks()))
        flooded.set()

    blocked = asyncio.Event()
    options = WebSocketOptions(max_queue_bytes=2**25, close_timeout=0.2)
    async with (
        peer(floods) as server,
        running(server.url, options=options, on_message=note) as scene,
    ):
        for _ in range(300):
            scene.connection.send("x" * 60_000)
        await scene.until_status(ConnectionStatus.CONNECTED)
        before = len(asyncio.all_tasks())
        await eventually(lambda: 0 < scene.connection.queue_size < 300, 5)
        blocked.set()
        await asyncio.wait_for(flooded.wait(), 10)
    assert tasks[0] <= before + 3


@pytest.mark.parametrize("text", ["x" * 60_000, b"x" * 60_000])
async def test_a_goodbye_that_cannot_be_answered_ends_the_link_in_time(text: str | bytes) -> None:
    """Rule 49: a peer that says goodbye and reads nothing does not keep a blocked link open."""

    async def closes_unread(wire: Wire) -> None:
        await wire.handshake()
        wire.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a transport that reads
        await blocked.wait()
        wire.say_goodbye(1012)
        await asyncio.Event().wait()

    blocked = asyncio.Event()
    options = attrs.evolve(FAST, max_queue_bytes=2**25)
    async with peer(closes_unread) as server, running(server.url, options=options) as scene:
        for _ in range(300):
            scene.connection.send(text)
        await scene.until_status(ConnectionStatus.CONNECTED)
        await eventually(lambda: 0 < scene.connection.queue_size < 300, 5)
        blocked.set()
        state = await scene.until(lambda state: state.last_error, FAST.close_timeout + 0.5)
        assert state.last_error is not None
        assert (state.last_error.kind, state.last_error.close_code) == ("closed", 1012)
        assert scene.connection.queue_size > 0


async def test_a_message_that_was_written_is_not_sent_again() -> None:
    """A write that is done when the link ends counts as done, so that nothing arrives twice."""

    class Socket:
        """A socket whose writes end when the test says so."""

        def __init__(self) -> None:
            self.written = asyncio.get_running_loop().create_future()

        async def send_str(self, _text: str) -> None:
            """Wait for the test."""
            await self.written

    socket: Any = Socket()
    options, owner = WebSocketOptions(max_queue=2), OwningLoop("the outbox")
    outbox = WebSocketOutbox(
        options=options, acknowledgements=None, owner=owner, tell=lambda _action: None
    )
    for text in ("written", "not written"):
        outbox.push(text, ttl=None, volatile=False, can_leave_now=False)
    async with asyncio.TaskGroup() as group:
        writer = WebSocketWriter(
            socket, group, lambda _failure: None, send_timeout=10.0, on_stuck=lambda: None
        )
        writer.start(outbox)
        await asyncio.sleep(0)
        socket.written.set_result(None)
        await writer.stop(1.0)
    assert outbox.clear() == ["not written"]


async def test_nothing_follows_the_goodbye() -> None:
    """After a close frame neither a message nor a pong is sent, and sending by hand fails."""
    frames: list[int] = []
    links: list[NewLink] = []

    async def pings_after_the_goodbye(wire: Wire) -> None:
        await wire.handshake()
        while True:
            opcode, payload = await wire.receive()
            frames.append(opcode)
            if opcode == CLOSE:
                scene.connection.send("late")
                wire.send(PING, b"late")
                wire.send(TEXT, b"late")
                with pytest.raises(ConnectionResetError):
                    await links[0].send("by hand")
                wire.send(CLOSE, payload)
                await wire.reader.read()
                return

    async def keep(link: NewLink) -> None:
        links.append(link)

    async with (
        peer(pings_after_the_goodbye) as server,
        running(server.url, on_open=keep) as scene,
    ):
        await scene.connection.connect(wait=True)
        await scene.connection.disconnect()
        await scene.connection.disconnect()
        assert frames == [CLOSE]
        assert scene.connection.queue_size == 1
