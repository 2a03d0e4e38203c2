"""Section F, rules 32 to 38: the outbound queue of a connection."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import attrs
import pytest

from refold.errors import ConnectionFatalError, QueueFullError
from refold.middleware.websocket_options import WebSocketOptions
from tests.connection.sockets.faults import refuses_with
from tests.connection.sockets.peers import CLOSE, TEXT, Wire, echoes, keeps_silent, peer
from tests.connection.sockets.running import FAST, eventually, make_scene, running

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from refold.reducers.connection import ConnectionState
    from tests.connection.sockets.peers import Behaviour
    from tests.connection.sockets.running import Scene

DEFAULTS: Final = WebSocketOptions()


def test_rule_32_by_default_1000_messages_wait_and_not_one_more() -> None:
    """Rule 32: before any link there is room for exactly 1,000 messages."""
    connection = make_scene("ws://127.0.0.1:9/", options=DEFAULTS).connection
    for number in range(1000):
        connection.send(str(number))
    with pytest.raises(QueueFullError):
        connection.send("one more")
    assert connection.queue_size == 1000
    assert connection.clear_queue() == [str(number) for number in range(1000)]


@pytest.mark.parametrize("unit", ["x", "é", b"x"], ids=["text", "two bytes each", "bytes"])
def test_rule_32_by_default_4_mib_wait_and_not_one_byte_more(unit: str | bytes) -> None:
    """Rule 32: exactly 4,194,304 bytes fit, in UTF-8 where they are text."""
    connection = make_scene("ws://127.0.0.1:9/", options=DEFAULTS).connection
    size = len(unit.encode()) if isinstance(unit, str) else len(unit)
    for _ in range(4):
        connection.send(unit * (2**20 // size))
    with pytest.raises(QueueFullError):
        connection.send("x")
    connection.send("")
    assert connection.queue_size == 5


@pytest.mark.parametrize("name", ["never entered", "dialing", "waiting", "ended"])
async def test_rule_32_sending_takes_no_turn_of_the_loop_in_any_state(name: str) -> None:
    """Rule 32: whatever the state, `send` is a plain call that leaves the message in the queue."""
    behaviours: dict[str, tuple[Behaviour, Callable[[ConnectionState], object]]] = {
        "never entered": (echoes, lambda _state: True),
        "dialing": (keeps_silent, lambda state: state.status == "connecting"),
        "waiting": (refuses_with("503 No"), lambda state: state.next_retry_at_ms is not None),
        "ended": (refuses_with("404 No"), lambda state: state.terminal_reason == "fatal"),
    }
    behaviour, reached = behaviours[name]
    async with peer(behaviour) as server:
        scene = make_scene(server.url)
        if name == "never entered":
            assert scene.connection.send("x").result == "queued"
            return
        async with scene.store:
            await scene.until(reached)
            before = scene.connection.queue_size
            assert scene.connection.send("x").result == "queued"
            assert scene.connection.queue_size == before + 1


async def test_rule_35_what_is_sent_during_the_flush_goes_last() -> None:
    """Rule 35: a message sent when the first of 500 arrives comes after all that waited."""
    received: list[int] = []

    async def collects(wire: Wire) -> None:
        await wire.handshake()
        while True:
            opcode, payload = await wire.receive()
            if opcode == CLOSE:
                return
            received.append(int(payload[:6]))
            if len(received) == 1:
                wire.send(TEXT, b"go on")

    def go_on(_message: object) -> None:
        for number in range(500, 510):
            scene.connection.send(f"{number:06}")

    async with peer(collects) as server:
        scene = make_scene(server.url, on_message=go_on)
        for number in range(500):
            scene.connection.send(f"{number:06}" + "." * 4000)
        async with scene.store:
            await eventually(lambda: len(received) == 510, 10)
    assert received == list(range(510))


async def test_rule_35_what_waited_goes_before_what_is_new_on_every_link() -> None:
    """Rule 35: on each of six links the greeting comes first, and the numbers only rise."""
    received: list[list[bytes]] = []

    async def takes_five(wire: Wire) -> None:
        await wire.handshake()
        mine: list[bytes] = []
        received.append(mine)
        while len(mine) < 5:
            mine.extend([(await wire.receive())[1]])
        wire.reset()

    async def greet(link: Any) -> None:
        await link.send("hello")

    options = attrs.evolve(FAST, max_queue=100_000)
    async with peer(takes_five) as server:
        scene = make_scene(server.url, on_open=greet, options=options)
        sent = 0
        async with scene.store:
            while scene.state.total_connects < 6:
                scene.connection.send(str(sent))
                sent += 1
                await asyncio.sleep(0)
    first, *others = [link for link in received if link]
    assert first == [b"hello", b"0", b"1", b"2", b"3"]
    assert [link[0] for link in others] == [b"hello"] * len(others)
    numbers = [int(message) for link in received for message in link[1:] if message.isdigit()]
    assert numbers == sorted(set(numbers))
    assert len(numbers) >= 5 * 4


@pytest.mark.looptime
async def test_rule_36_an_hour_of_outage_sends_only_what_is_worth_sending() -> None:
    """Rule 36: after 1 h only messages that live longer leave; cleared ones come back to us."""
    received: list[str] = []
    async with (
        peer(refuses_with("503 Busy")) as server,
        running(server.url, options=DEFAULTS, on_message=received.append) as scene,
    ):
        dead = [scene.connection.send(f"dead {number}", ttl=number + 1) for number in range(10)]
        scene.connection.send("cleared")
        assert scene.connection.clear_queue()[-1] == "cleared"
        dead += [scene.connection.send("dies", ttl=3599.0)]
        lives = scene.connection.send("lives", ttl=7200.0)
        gone = scene.connection.send("volatile", volatile=True)
        assert gone.result == "dropped"
        await asyncio.sleep(3600)
        server.behaviour = echoes
        await scene.connection.connect(wait=True)
        await eventually(lambda: received == ["lives"], 10)
    assert lives.result == "handed_to_socket"
    assert dead[-1].result == "expired"
    assert {message.result for message in dead[:-1]} == {"cleared"}


@pytest.mark.looptime
async def test_rule_37_a_message_that_was_stuck_is_sent_whole_on_the_next_link() -> None:
    """Rule 37: after 10 s the link fails, and the message that was cut comes first, complete."""
    received: list[bytes] = []

    async def takes_nothing(wire: Wire) -> None:
        await wire.handshake()
        wire.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a transport that reads
        await asyncio.Event().wait()

    async def collects(wire: Wire) -> None:
        await wire.handshake()
        while True:
            opcode, payload = await wire.receive()
            if opcode == TEXT:
                received.append(payload)

    options = attrs.evolve(DEFAULTS, heartbeat_interval=None, max_queue_bytes=2**26)
    async with peer(takes_nothing) as server, running(server.url, options=options) as scene:
        loop = asyncio.get_running_loop()
        await scene.connection.connect(wait=True)
        begun = loop.time()
        for number in range(300):
            scene.connection.send(f"{number:06}" * 10_000)
        await scene.until(lambda state: state.error_count == 1, 1000)
        assert 10 <= loop.time() - begun <= 10.5
        left = scene.connection.queue_size
        assert 0 < left < 300
        server.behaviour = collects
        await scene.connection.connect(wait=True)
        await eventually(lambda: len(received) == left, 100)
    assert [int(payload[:6]) for payload in received] == list(range(300 - left, 300))
    assert {len(payload) for payload in received} == {60_000}


async def _is_refused(scene: Scene) -> None:
    await scene.until(lambda state: state.terminal_reason == "fatal")


async def _gives_up(scene: Scene) -> None:
    await scene.until(lambda state: state.terminal_reason == "gave_up")


async def _is_disconnected(scene: Scene) -> None:
    await scene.until(lambda state: state.error_count == 1)
    await scene.connection.disconnect()


ENDS: Final[dict[str, tuple[str, Callable[[Scene], Awaitable[None]]]]] = {
    "fatal": ("404 Nowhere", _is_refused),
    "gave_up": ("503 Busy", _gives_up),
    "closed_by_user": ("503 Busy", _is_disconnected),
}


@pytest.mark.parametrize("name", ENDS)
async def test_rule_38_every_end_keeps_the_queue_and_answers_who_waits(name: str) -> None:
    """Rule 38: what waited is sent by the next run, and no sender is left without an answer."""
    status, end = ENDS[name]
    received: list[object] = []
    options = attrs.evolve(FAST, max_queue=2, overflow="block", max_attempts=3)
    async with (
        peer(refuses_with(status)) as server,
        running(
            server.url, options=options, connects_at_once=False, on_message=received.append
        ) as scene,
    ):
        kept = [scene.connection.send("first"), scene.connection.send("second")]
        settled = [asyncio.create_task(message.settled()) for message in kept]
        waiting = asyncio.create_task(scene.connection.send_when_room("third"))
        await asyncio.sleep(0)
        await scene.connection.connect()
        await end(scene)
        assert scene.state.terminal_reason == name
        with pytest.raises(ConnectionFatalError):
            await asyncio.wait_for(waiting, 10)
        assert await asyncio.wait_for(asyncio.gather(*settled), 10) == ["queued", "queued"]
        assert scene.connection.queue_size == 2
        server.behaviour = echoes
        await scene.connection.connect(wait=True)
        await eventually(lambda: received == ["first", "second"], 10)
        assert {message.result for message in kept} == {"handed_to_socket"}
