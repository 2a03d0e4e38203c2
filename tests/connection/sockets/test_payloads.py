"""What may be sent and what may not, and when it is read: rule 34 and the table of bad input.

What belongs here: payloads, and the arguments of sending.  What does not: what becomes of a message
that was taken, see `test_acknowledged` and `test_overflow`.
"""

from __future__ import annotations

import asyncio
import json
import math
from typing import TYPE_CHECKING, Any, Final

import attrs
import pytest

from refold.actions.message import message
from refold.errors import (
    ConnectionClosedError,
    InvalidPayloadError,
    QueueFullError,
    RefoldError,
)
from refold.middleware.acknowledgements import Acknowledgements
from refold.middleware.websocket_options import WebSocketOptions
from tests.connection.sockets.acknowledging import ACKS, AcknowledgingPeer, match, wrap
from tests.connection.sockets.peers import BINARY, CLOSE, TEXT, Wire, echoes, peer
from tests.connection.sockets.running import FAST, Scene, eventually, make_scene, running

if TYPE_CHECKING:
    from collections.abc import Callable

    from refold.middleware.new_link import NewLink

NOWHERE: Final = "ws://127.0.0.1:1/"
SMALL: Final = attrs.evolve(FAST, max_send_bytes=100)


@message("tests.sockets.order")
@attrs.frozen
class Order:
    """A message."""

    item: str


def endless() -> list[Any]:
    """Return a list that contains itself."""
    made: list[Any] = []
    made.append(made)
    return made


class Opaque:
    """What JSON cannot carry."""


BAD: Final[dict[str, Any]] = {
    "nan": math.nan,
    "infinity": math.inf,
    "nan inside": {"a": [1.0, {"b": -math.inf}]},
    "lone surrogate": "\ud800",
    "lone surrogate inside": ["\udfff"],
    "lone surrogate as a key": {"\ud800": 1},
    "an object": Opaque(),
    "an object inside": {"a": Opaque()},
    "a class": Order,
    "a function": len,
    "endless": endless(),
    "bad message": Order("\ud800"),
    "worse message": Order(Opaque()),  # type: ignore[arg-type]  # the point
    "a key that is no text": {(1, 2): 3},
    "long text": "x" * 101,
    "long text in UTF-8": "ü" * 51,
    "long bytes": b"x" * 101,
    "long JSON": ["x" * 97],
    "long message": Order("x" * 100),
}
"""None of these can be sent when the limit is 100 bytes."""


class FrameListener:
    """A peer that writes down opcodes and payloads."""

    def __init__(self) -> None:
        self.heard: list[tuple[int, bytes]] = []

    async def __call__(self, wire: Wire) -> None:
        """Serve one link."""
        await wire.handshake()
        while True:
            opcode, payload = await wire.receive()
            if opcode == CLOSE:
                wire.send(CLOSE, payload)
                return
            self.heard.append((opcode, payload))


WAYS: Final[dict[str, Callable[[Scene, Any], Any]]] = {
    "send": lambda scene, bad: scene.connection.send(bad),
    "send with a time to live": lambda scene, bad: scene.connection.send(bad, ttl=5.0),
    "send volatile": lambda scene, bad: scene.connection.send(bad, volatile=True),
    "send to be acknowledged": lambda scene, bad: scene.connection.send(bad, ack=True),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", BAD)
async def test_rule_34_a_bad_payload_is_refused_at_the_call(name: str, way: str) -> None:
    """Rule 34: `InvalidPayloadError` is raised before anything is queued, in any state."""
    before = make_scene(NOWHERE, options=SMALL, acknowledgements=ACKS)
    with pytest.raises(InvalidPayloadError):
        WAYS[way](before, BAD[name])
    assert before.connection.queue_size == 0
    async with running(
        NOWHERE, options=SMALL, acknowledgements=ACKS, connects_at_once=False
    ) as scene:
        with pytest.raises(InvalidPayloadError):
            WAYS[way](scene, BAD[name])
        assert scene.connection.queue_size == 0
        assert scene.state.dropped_count == 0
        assert await scene.connection.drain(1) == 0


@pytest.mark.parametrize("name", BAD)
async def test_rule_34_who_waits_for_room_is_refused_at_once(name: str) -> None:
    """Rule 34: a bad payload does not wait for room that it will never use."""
    options = attrs.evolve(SMALL, max_queue=1, overflow="block")
    async with running(NOWHERE, options=options, connects_at_once=False) as scene:
        scene.connection.send("full")
        with pytest.raises(InvalidPayloadError):
            await asyncio.wait_for(scene.connection.send_when_room(BAD[name]), 5)
        assert scene.connection.clear_queue() == ["full"]


@pytest.mark.parametrize("payload", ["x" * 100, "ü" * 50, b"x" * 100, ["x" * 96], {"a": "x" * 92}])
async def test_rule_34_the_limit_is_exact(payload: Any) -> None:
    """Rule 34: what has as many bytes as `max_send_bytes` says is sent, in whatever form."""
    listener = FrameListener()
    async with peer(listener) as server, running(server.url, options=SMALL) as scene:
        scene.connection.send(payload)
        await eventually(lambda: listener.heard, 5)
        assert len(listener.heard[0][1]) == 100


async def test_rule_34_the_limit_counts_what_wrapping_adds() -> None:
    """Rule 34: a payload that fits alone, and not with its id, is refused and leaves no trace."""
    acks = Acknowledgements(lambda ack_id, body: f"{ack_id:>50}{body}", match)
    async with running(
        NOWHERE, options=SMALL, acknowledgements=acks, connects_at_once=False
    ) as scene:
        scene.connection.send("x" * 50, ack=True)
        with pytest.raises(InvalidPayloadError):
            scene.connection.send("x" * 51, ack=True)
        assert scene.connection.queue_size == 1
        assert await scene.connection.drain(0.01) == 1


async def test_rule_34_a_wrap_function_that_fails_leaves_no_trace() -> None:
    """Rule 34: what it raises reaches the caller; no message is counted, and the next one works."""
    far_end = AcknowledgingPeer()

    def moody(ack_id: str, payload: Any) -> object:
        if payload == "raise":
            raise LookupError(payload)
        return wrap(ack_id, math.nan if payload == "spoil" else payload)

    acks = Acknowledgements(moody, match, window=1)
    async with (
        peer(far_end) as server,
        running(server.url, acknowledgements=acks) as scene,
    ):
        for _ in range(3):
            with pytest.raises(LookupError):
                scene.connection.send("raise", ack=True)
            with pytest.raises(InvalidPayloadError):
                scene.connection.send("spoil", ack=True)
        assert await scene.connection.drain(1) == 0
        await asyncio.wait_for(scene.connection.send("good", ack=True).future, 5)
        assert list(far_end.first_seen.values()) == ["good"]


async def test_rule_34_every_kind_of_payload_leaves_as_it_should() -> None:
    """Rule 34: text and bytes as they are, declared messages and plain values as JSON."""
    listener = FrameListener()
    values: list[object] = [{"a": [1, None, True]}, [], 5, None]
    payloads = ["text", "", b"bytes", b"", *values, Order("tea")]
    async with peer(listener) as server, running(server.url) as scene:
        for payload in payloads:
            scene.connection.send(payload)
        await eventually(lambda: len(listener.heard) == 9, 5)
    assert [opcode for opcode, _ in listener.heard] == [TEXT, TEXT, BINARY, BINARY, *[TEXT] * 5]
    raw = [payload for _, payload in listener.heard]
    assert raw[:4] == [b"text", b"", b"bytes", b""]
    decoded = [json.loads(payload) for payload in raw[4:]]
    order = {"type": "tests.sockets.order", "item": "tea"}
    assert decoded == [*values, order]


@pytest.mark.parametrize("ack", [False, True])
async def test_rule_34_mutation_after_the_call_changes_nothing(ack: bool) -> None:  # noqa: FBT001  # a case
    """Rule 34: payloads are read at the call, also those that wait or are sent again."""
    far_end = AcknowledgingPeer(acknowledges=False)
    plain, deep = [1, 2], {"a": {"b": [3]}}
    async with (
        peer(far_end) as server,
        running(server.url, acknowledgements=ACKS, connects_at_once=False) as scene,
    ):
        for payload in (plain, deep):
            if ack:
                scene.connection.send(payload, ack=True)
            else:
                scene.connection.send(payload)
        plain.clear()
        deep["a"]["b"].append(4)
        await scene.connection.connect()
        await eventually(lambda: len(far_end.received) == 2, 5)
        far_end.break_link()
        await eventually(lambda: len(far_end.received) == (4 if ack else 2), 5)
    bodies = [it["body"] if ack else it for it in far_end.received]
    assert bodies == [[1, 2], {"a": {"b": [3]}}] * (2 if ack else 1)


async def test_rule_34_mutation_while_waiting_for_room_changes_nothing() -> None:
    """Rule 34: `send_when_room` reads its payload when it is called, not when there is room."""
    options = attrs.evolve(FAST, max_queue=1, overflow="block")
    async with running(NOWHERE, options=options, connects_at_once=False) as scene:
        scene.connection.send("full")
        plain = [1]
        waiting = asyncio.create_task(scene.connection.send_when_room(plain))
        await asyncio.sleep(0)
        plain.append(2)
        assert scene.connection.clear_queue() == ["full"]
        await waiting
        assert scene.connection.clear_queue() == ["[1]"]


@pytest.mark.parametrize("kind", [bytearray, memoryview])
async def test_rule_34_a_buffer_is_refused_or_copied(kind: Any) -> None:
    """Rule 34: bytes that can be changed are never sent in their later state."""
    below = bytearray(b"before")
    async with running(NOWHERE, connects_at_once=False) as scene:
        try:
            scene.connection.send(kind(below))
        except InvalidPayloadError:
            assert scene.connection.queue_size == 0
            return
        below[:] = b"after!"
        (kept,) = scene.connection.clear_queue()
        assert bytes(kept) == b"before"  # type: ignore[arg-type]  # not text


@pytest.mark.parametrize("name", [name for name in BAD if not name.startswith("long")])
async def test_rule_34_the_greeting_cannot_send_a_bad_payload_either(name: str) -> None:
    """Rule 34: `link.send` raises `InvalidPayloadError`, and the link is none the worse for it."""
    listener, refused = FrameListener(), list[InvalidPayloadError]()

    async def greet(link: NewLink) -> None:
        try:
            await link.send(BAD[name])
        except InvalidPayloadError as error:
            refused.append(error)
        await link.send({"good": 1})

    async with peer(listener) as server, running(server.url, on_open=greet) as scene:
        await scene.connection.connect(wait=True)
        await eventually(lambda: listener.heard, 5)
        assert [json.loads(payload) for _, payload in listener.heard] == [{"good": 1}]
        assert len(refused) == 1
        assert scene.state.error_count == 0


async def test_rule_41_acknowledgement_needs_to_be_set_up() -> None:
    """Without `acknowledgements` the call says what is missing, and queues nothing."""
    async with running(NOWHERE, connects_at_once=False) as scene:
        with pytest.raises(ValueError, match="acknowledgements"):
            scene.connection.send("a", ack=True)
        assert scene.connection.queue_size == 0


async def test_rule_41_a_volatile_message_cannot_be_acknowledged() -> None:
    """What is given up at the first trouble has no place among what must arrive."""
    async with running(NOWHERE, acknowledgements=ACKS, connects_at_once=False) as scene:
        send: Any = scene.connection.send
        with pytest.raises((TypeError, ValueError)):
            send("a", ack=True, volatile=True)
        assert scene.connection.queue_size == 0


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"window": 0}, ValueError),
        ({"window": -1}, ValueError),
        ({"window": 1.5}, TypeError),
        ({"window": True}, TypeError),
        ({"window": "64"}, TypeError),
        ({"timeout": 0}, ValueError),
        ({"timeout": -1.0}, ValueError),
        ({"timeout": math.nan}, ValueError),
        ({"timeout": math.inf}, ValueError),
        ({"timeout": True}, TypeError),
        ({"timeout": "30"}, TypeError),
        ({"timeout": None}, TypeError),
        ({"max_resends": -1}, ValueError),
        ({"max_resends": 1.0}, TypeError),
        ({"max_resends": True}, TypeError),
        ({"wrap": None}, TypeError),
        ({"match": "id"}, TypeError),
    ],
)
def test_table_l_bounds_of_acknowledgements_are_checked(
    settings: dict[str, Any], expected: type[Exception]
) -> None:
    """Table L: a wrong argument is refused when it is given, and the message names it."""
    chosen: dict[str, Any] = {"wrap": wrap, "match": match, **settings}
    with pytest.raises(expected, match=next(iter(settings))):
        Acknowledgements(**chosen)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (-1, ValueError),
        (math.nan, ValueError),
        (math.inf, ValueError),
        (True, TypeError),
        ("1", TypeError),
        ([], TypeError),
    ],
)
@pytest.mark.parametrize("name", ["timeout", "ttl"])
async def test_table_l_durations_of_sending_are_checked(
    name: str, value: Any, expected: type[Exception]
) -> None:
    """Table L: a duration that is none is refused at the call, with its name, and with room too."""
    options = attrs.evolve(FAST, overflow="block")
    async with running(NOWHERE, options=options, connects_at_once=False) as scene:
        with pytest.raises(expected, match=name):
            await asyncio.wait_for(scene.connection.send_when_room("a", **{name: value}), 5)
        assert scene.connection.queue_size == 0


@pytest.mark.looptime
async def test_table_l_who_waits_for_room_waits_for_the_timeout() -> None:
    """Rule 33: after exactly the timeout it gets `QueueFullError`, and nothing is queued."""
    options = attrs.evolve(WebSocketOptions(), max_queue=1, overflow="block")
    loop = asyncio.get_running_loop()
    async with running(NOWHERE, options=options, connects_at_once=False) as scene:
        scene.connection.send("full")
        begun = loop.time()
        with pytest.raises(QueueFullError):
            await scene.connection.send_when_room("late", timeout=7.5)
        assert loop.time() - begun == pytest.approx(7.5, abs=0.1)
        assert scene.connection.clear_queue() == ["full"]
        assert (await scene.connection.send_when_room("next", timeout=7.5)).result == "queued"


async def test_table_l_sending_after_the_store_was_left_is_refused() -> None:
    """Table L: no way of sending buffers in silence once nothing will ever be sent."""
    options = attrs.evolve(FAST, overflow="block")
    async with peer(echoes) as server:
        async with running(server.url, options=options, acknowledgements=ACKS) as scene:
            await scene.connection.connect(wait=True)
        for way in WAYS.values():
            with pytest.raises(ConnectionClosedError):
                way(scene, "never")
        with pytest.raises(ConnectionClosedError):
            await asyncio.wait_for(scene.connection.send_when_room("never"), 5)
        assert scene.connection.queue_size == 0


async def test_rule_38_leaving_the_store_answers_every_waiting_sender() -> None:
    """Rule 38: who waits for room or for an acknowledgement learns that none will come."""
    far_end = AcknowledgingPeer(acknowledges=False)
    options = attrs.evolve(FAST, max_queue=1, overflow="block")
    acks = Acknowledgements(wrap, match, window=1)
    async with peer(far_end) as server:
        async with running(server.url, options=options, acknowledgements=acks) as scene:
            in_flight = scene.connection.send("a", ack=True)
            await eventually(lambda: far_end.received, 5)
            queued = scene.connection.send("b", ack=True)
            waiting = asyncio.create_task(scene.connection.send_when_room("c"))
            await asyncio.sleep(0)
        pending: Any
        for pending in (in_flight.future, queued.future, waiting):
            with pytest.raises(RefoldError):
                await asyncio.wait_for(pending, 5)
