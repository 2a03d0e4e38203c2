"""A heartbeat of the application's own messages, over sockets: rules 27 and 28.

What belongs here: `options.application_ping`.  What does not: ping frames, see `test_silence`.
"""

from __future__ import annotations

import asyncio
import json
import math
from typing import TYPE_CHECKING, Any, Final

import attrs
import pytest

from refold.actions.connection import ConnectionLostAndRetryScheduled, HeartbeatAnswered
from refold.actions.message import message
from refold.middleware.application_ping import ApplicationPing
from refold.middleware.message_handlers import MessageHandlers
from refold.middleware.websocket_options import WebSocketOptions
from refold.reducers.connection import ConnectionStatus
from tests.connection.sockets.peers import BINARY, CLOSE, PING, PONG, TEXT, Wire, peer
from tests.connection.sockets.running import FAST, eventually, running

if TYPE_CHECKING:
    from collections.abc import Callable

OFTEN: Final = attrs.evolve(FAST, heartbeat_interval=0.02, heartbeat_timeout=5.0)


def is_pong(raw: str | bytes) -> bool:
    """Return whether a message answers."""
    return raw in ("pong", b"pong")


@message("tests.sockets.ping")
@attrs.frozen
class Ping:
    """What the application asks."""

    at: int = 7


@message("tests.sockets.tick")
@attrs.frozen
class Tick:
    """What the peer says besides."""


class Answering:
    """A peer that writes down every frame and answers messages after some seconds."""

    def __init__(self, *, after: float | None = 0.0, answer: bytes = b"pong") -> None:
        self.after = after
        """Seconds; None for no answer."""
        self.answer = answer
        self.frames: list[tuple[int, bytes]] = []
        self.wire: Wire | None = None

    async def __call__(self, wire: Wire) -> None:
        """Serve one link."""
        await wire.handshake()
        self.wire = wire
        while True:
            opcode, payload = await wire.receive()
            if opcode == CLOSE:
                wire.send(CLOSE, payload)
                return
            self.frames.append((opcode, payload))
            if self.after is not None and opcode in (TEXT, BINARY):
                await asyncio.sleep(self.after)
                wire.send(TEXT, self.answer)


def pinging(make: Callable[[], object] = lambda: "ping") -> WebSocketOptions:
    """Return the default durations, with an application's ping."""
    return WebSocketOptions(application_ping=ApplicationPing(make, is_pong))


@pytest.mark.looptime
async def test_rule_27_a_message_goes_out_in_place_of_a_ping_frame() -> None:
    """Rule 27: one per interval, made anew each time, and not a single ping frame."""
    far_end, made = Answering(), list[str]()

    def make() -> str:
        made.append(f"ping {len(made)}")
        return made[-1]

    heard: list[object] = []
    async with (
        peer(far_end) as server,
        running(server.url, options=pinging(make), on_message=heard.append) as scene,
    ):
        await scene.connection.connect(wait=True)
        await asyncio.sleep(601)
        assert [opcode for opcode, _ in far_end.frames] == [TEXT] * 30
        assert [payload.decode() for _, payload in far_end.frames] == made
        assert server.accepted == 1
        assert len(scene.trace.of(HeartbeatAnswered)) == 30
    assert heard == []


@pytest.mark.looptime
async def test_rule_27_an_answer_gives_the_latency() -> None:
    """Rule 27: latency is the time from the message to its answer, on the loop's clock."""
    far_end = Answering(after=3.0)
    async with peer(far_end) as server, running(server.url, options=pinging()) as scene:
        await scene.connection.connect(wait=True)
        state = await scene.until(lambda state: state.latency_seconds is not None, 100)
        assert state.latency_seconds == pytest.approx(3.0, abs=0.1)
        assert state.last_heartbeat_at_ms is not None


@pytest.mark.looptime
async def test_rule_28_silence_after_a_message_is_death() -> None:
    """Rule 28: with no frame at all the link is lost by interval and timeout."""
    far_end = Answering(after=None)
    async with peer(far_end) as server, running(server.url, options=pinging()) as scene:
        await scene.connection.connect(wait=True)
        begun = asyncio.get_running_loop().time()
        await scene.until(lambda state: state.error_count, 1000)
        (lost,) = scene.trace.of(ConnectionLostAndRetryScheduled)
        assert (lost.error.kind, lost.error.close_code) == ("heartbeat_timeout", 1006)
        (at,) = scene.trace.times_of(ConnectionLostAndRetryScheduled)
        assert at - begun <= 20 + 10 + 0.5
        assert [opcode for opcode, _ in far_end.frames] == [TEXT]


@pytest.mark.looptime
@pytest.mark.parametrize("frame", [TEXT, BINARY, PING, PONG])
async def test_rule_28_any_frame_proves_life_without_being_an_answer(frame: int) -> None:
    """Rule 28: a peer that talks and never answers is alive, and its latency stays unknown."""
    far_end, heard = Answering(after=None), list[str | bytes]()

    async def talks(wire: Wire) -> None:
        async def say() -> None:
            while True:
                await asyncio.sleep(9)
                wire.send(frame, b"news")

        async with asyncio.TaskGroup() as group:
            saying = group.create_task(say())
            await far_end(wire)
            saying.cancel()

    async with (
        peer(talks) as server,
        running(server.url, options=pinging(), on_message=heard.append) as scene,
    ):
        await scene.connection.connect(wait=True)
        await asyncio.sleep(300)
        assert scene.state.status is ConnectionStatus.CONNECTED
        assert scene.state.latency_seconds is None
        assert server.accepted == 1
        assert scene.trace.of(HeartbeatAnswered) == []
        assert bool(heard) is (frame in (TEXT, BINARY))


async def test_rule_27_an_answer_goes_no_further() -> None:
    """Rule 27: neither handlers nor `on_message` nor the count of bad messages see an answer."""
    far_end = Answering()
    handlers, ticks, heard = MessageHandlers(), list[Tick](), list[str | bytes]()
    handlers.on(Tick, ticks.append)
    options = attrs.evolve(OFTEN, application_ping=ApplicationPing(lambda: "ping", is_pong))
    async with (
        peer(far_end) as server,
        running(server.url, options=options, handlers=handlers, on_message=heard.append) as scene,
    ):
        await scene.until(lambda state: state.latency_seconds is not None)
        assert far_end.wire is not None
        far_end.wire.send(TEXT, b"pong")  # nobody asked
        far_end.wire.send(TEXT, b'{"type":"tests.sockets.tick"}')
        await eventually(lambda: ticks, 5)
        assert heard == ['{"type":"tests.sockets.tick"}']
        assert scene.state.bad_message_count == 0
        assert scene.state.error_count == 0


@pytest.mark.parametrize(
    ("payload", "frame"),
    [
        ("text", (TEXT, b"text")),
        (b"bytes", (BINARY, b"bytes")),
        ({"op": "ping"}, (TEXT, b'{"op":"ping"}')),
        (Ping(), (TEXT, json.dumps({"type": "tests.sockets.ping", "at": 7}).encode())),
    ],
    ids=["text", "bytes", "value", "message"],
)
async def test_rule_27_a_ping_may_be_whatever_can_be_sent(
    payload: object, frame: tuple[int, bytes]
) -> None:
    """Rule 27: text, bytes, plain values and declared messages leave as with `send`."""
    far_end = Answering()
    options = attrs.evolve(OFTEN, application_ping=ApplicationPing(lambda: payload, is_pong))
    async with peer(far_end) as server, running(server.url, options=options):
        await eventually(lambda: far_end.frames, 5)
        opcode, sent = far_end.frames[0]
        assert opcode == frame[0]
        if isinstance(payload, str | bytes):
            assert sent == frame[1]
        else:
            assert json.loads(sent) == json.loads(frame[1])


async def test_rule_27_ping_frames_of_the_peer_are_answered_all_the_same() -> None:
    """Rule 27: a ping frame is answered by a pong frame with its payload."""
    far_end = Answering(after=None)
    async with (
        peer(far_end) as server,
        running(server.url, options=attrs.evolve(pinging(), close_timeout=0.3)) as scene,
    ):
        await scene.connection.connect(wait=True)
        assert far_end.wire is not None
        far_end.wire.send(PING, b"there?")
        await eventually(lambda: far_end.frames, 5)
        assert far_end.frames == [(PONG, b"there?")]


@pytest.mark.looptime
async def test_rule_27_a_late_answer_is_still_no_message() -> None:
    """Rule 27: an answer that comes when the peer has proved itself otherwise goes no further."""
    far_end = Answering(after=15.0)
    heard: list[str | bytes] = []

    async def late(wire: Wire) -> None:
        async with asyncio.TaskGroup() as group:
            answering = group.create_task(far_end(wire))

            async def chat() -> None:
                while True:
                    await asyncio.sleep(4)
                    wire.send(PONG, b"")

            chatting = group.create_task(chat())
            await answering
            chatting.cancel()

    async with (
        peer(late) as server,
        running(server.url, options=pinging(), on_message=heard.append) as scene,
    ):
        await scene.connection.connect(wait=True)
        await asyncio.sleep(200)
        assert server.accepted == 1
        assert heard == []


@pytest.mark.looptime
async def test_rule_27_without_an_interval_nothing_is_made() -> None:
    """Rule 27: interval None is no heartbeat, of the application's own neither."""
    far_end, made = Answering(), list[None]()
    ping = ApplicationPing(lambda: made.append(None), is_pong)
    options = WebSocketOptions(heartbeat_interval=None, application_ping=ping)
    async with peer(far_end) as server, running(server.url, options=options) as scene:
        await scene.connection.connect(wait=True)
        await asyncio.sleep(3600)
        assert made == []
        assert far_end.frames == []


def raises() -> object:
    """Fail, as an application does."""
    text = "no ping today"
    raise LookupError(text)


@pytest.mark.parametrize(
    "make",
    [raises, lambda: math.nan, lambda: "\ud800", object, lambda: "x" * 5_000_000],
    ids=["raises", "nan", "surrogate", "object", "too long"],
)
async def test_rule_54_a_ping_that_cannot_be_made_never_raises_into_the_loop(
    make: Callable[[], object],
) -> None:
    """Rule 54: a ping frame goes out in its place, and the link lives on."""
    far_end, complaints = Answering(), list[dict[str, Any]]()
    asyncio.get_running_loop().set_exception_handler(lambda _loop, it: complaints.append(it))
    options = attrs.evolve(OFTEN, application_ping=ApplicationPing(make, is_pong))
    async with peer(far_end) as server, running(server.url, options=options) as scene:
        await eventually(lambda: far_end.frames, 5)
        assert {opcode for opcode, _ in far_end.frames} == {PING}
        assert scene.state.status is ConnectionStatus.CONNECTED
    assert complaints == []


async def test_rule_54_a_matcher_that_raises_costs_no_message() -> None:
    """Rule 54: the message goes on, and the link stays."""
    far_end, heard = Answering(after=None), list[str | bytes]()

    def moody(raw: str | bytes) -> bool:
        if raw == "boom":
            raise LookupError(raw)
        return is_pong(raw)

    ping = ApplicationPing(lambda: "ping", moody)
    options = attrs.evolve(OFTEN, application_ping=ping)
    async with (
        peer(far_end) as server,
        running(server.url, options=options, on_message=heard.append) as scene,
    ):
        await scene.connection.connect(wait=True)
        assert far_end.wire is not None
        for text in (b"before", b"boom", b"after"):
            far_end.wire.send(TEXT, text)
        await eventually(lambda: "after" in heard, 5)
        assert heard == ["before", "boom", "after"]
        assert scene.state.status is ConnectionStatus.CONNECTED
        assert server.accepted == 1


@pytest.mark.parametrize(
    ("make", "is_answer", "name"), [("ping", is_pong, "make"), (raises, "pong", "is_answer")]
)
def test_table_l_both_must_be_functions(make: Any, is_answer: Any, name: str) -> None:
    """Table L: what is no function is refused by name when it is given."""
    with pytest.raises(TypeError, match=name):
        ApplicationPing(make, is_answer)


@pytest.mark.parametrize("ping", ["ping", lambda: "ping", ("ping", is_pong), True])
def test_table_l_the_option_takes_nothing_else(ping: Any) -> None:
    """Table L: options refuse what is no `ApplicationPing`."""
    with pytest.raises(TypeError, match="application_ping"):
        WebSocketOptions(application_ping=ping)
