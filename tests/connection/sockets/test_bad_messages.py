"""What arrives and is no message: the inbound rows of table L."""

from __future__ import annotations

import asyncio
import itertools
import logging
import struct
from typing import TYPE_CHECKING, Final

import attrs
import pytest

from refold.actions.connection import ConnectionEnded, ConnectionLostAndRetryScheduled
from refold.actions.websocket_messages import BadMessageReceived
from refold.middleware.message_handlers import MessageHandlers
from refold.middleware.record import record
from refold.middleware.websocket_options import WebSocketOptions
from refold.reducers.classify_failure import FailurePolicy
from refold.reducers.connection import ConnectionStatus
from refold.replay.canonical_digest import state_digest
from refold.replay.replay import replay
from tests.connection.sockets.peers import BINARY, TEXT, Wire, peer
from tests.connection.sockets.running import FAST, eventually, root_reducer, running
from tests.connection.sockets.speaking import (
    Numbered,
    Speaker,
    UnspeakableError,
    numbered,
    numbers_into,
)

if TYPE_CHECKING:
    from pathlib import Path

_OPEN: Final = b'{"type":"tests.speaking.numbered","number":'
_DEEP: Final = 30_000

BAD: Final[dict[str, bytes]] = {
    "empty": b"",
    "no JSON": b"hello",
    "half": b'{"type":"tests.speaking.numbered"',
    "two texts": numbered(1) + numbered(2),
    "a list": b"[1, 2]",
    "a number": b"7",
    "null": b"null",
    "a string": b'"tests.speaking.numbered"',
    "no type": b'{"number":1}',
    "a type that is no text": b'{"type":7,"number":1}',
    "a type that is null": b'{"type":null,"number":1}',
    "unknown type": b'{"type":"tests.speaking.unheard_of"}',
    "a field is missing": b'{"type":"tests.speaking.numbered"}',
    "a field of another type": _OPEN + b'"one"}',
    "a float for a whole number": _OPEN + b"1.5}",
    "true for a whole number": _OPEN + b"true}",
    "null for a whole number": _OPEN + b"null}",
    "NaN": _OPEN + b"NaN}",
    "infinity": _OPEN + b"1e999}",
    "deep": b"[" * _DEEP + b"]" * _DEEP,
    "deep in a field": _OPEN + b'{"a":' * 8_000 + b"1" + b"}" * 8_001,
    "a long integer": _OPEN + b"1" * 60_000 + b"}",
    "a key twice": _OPEN + b'1,"number":2}',
    "the type twice": b'{"type":"a","type":"tests.speaking.numbered","number":1}',
    "long": b"x" * 60_000,
}


@pytest.mark.parametrize("name", BAD)
async def test_table_l_a_bad_message_is_told_and_the_connection_stays(name: str) -> None:
    """Table L: told at once with a sample, counted, given to no handler; the next is handled."""
    numbers: list[int] = []
    handlers = MessageHandlers()
    handlers.on(Numbered, numbers_into(numbers))
    async with (
        peer(Speaker(BAD[name], numbered(7))) as server,
        running(server.url, handlers=handlers) as scene,
    ):
        await eventually(lambda: numbers, 5)
        state = await scene.until(lambda state: state.bad_message_count == 1)
        assert state.status is ConnectionStatus.CONNECTED
        assert (state.total_connects, state.error_count) == (1, 0)
        (told,) = scene.trace.of(BadMessageReceived)
    assert numbers == [7]
    assert told.count == 1
    assert told.reason
    assert len(told.sample) <= 200
    assert BAD[name].decode().startswith(told.sample)
    assert told.sample or name == "empty"


async def test_table_l_an_integer_of_a_hundred_thousand_digits() -> None:
    """Table L: it is larger than a frame of 64 KiB, and told like any other."""
    numbers: list[int] = []
    text = _OPEN + b"1" * 100_000 + b"}"

    async def speaks(wire: Wire) -> None:
        await wire.handshake()
        wire.writer.write(bytes([0x80 | TEXT, 127]) + struct.pack("!Q", len(text)) + text)
        wire.send(TEXT, numbered(7))
        await wire.reader.read()

    handlers = MessageHandlers()
    handlers.on(Numbered, numbers_into(numbers))
    async with peer(speaks) as server, running(server.url, handlers=handlers) as scene:
        await eventually(lambda: numbers == [7], 5)
        assert scene.state.bad_message_count == 1
        assert scene.state.status is ConnectionStatus.CONNECTED


@pytest.mark.looptime
async def test_rule_04_many_bad_messages_make_few_actions() -> None:
    """Rule 4: the first is told at once, then one action per heartbeat interval says how many."""
    options = WebSocketOptions(heartbeat_interval=20.0)
    loop = asyncio.get_running_loop()
    speaker = Speaker()
    async with (
        peer(speaker) as server,
        running(server.url, handlers=MessageHandlers(), options=options) as scene,
    ):
        await scene.connection.connect(wait=True)
        begun = loop.time()
        for number in range(60):
            speaker.say(b"bad %d" % number)
            await asyncio.sleep(1)
        await asyncio.sleep(25)
        told = scene.trace.of(BadMessageReceived)
        times = scene.trace.times_of(BadMessageReceived)
        assert scene.state.bad_message_count == 60
    assert sum(one.count for one in told) == 60
    assert told[0].count == 1
    assert told[0].sample == "bad 0"
    assert told[-1].sample == "bad 59"
    assert times[0] - begun < 1.5
    assert all(b - a >= 19.9 for a, b in itertools.pairwise(times))
    assert len(told) <= 5


@pytest.mark.parametrize("heartbeat", [None, 20.0])
async def test_rule_04_what_is_untold_is_told_at_the_end(heartbeat: float | None) -> None:
    """Nothing is left out: the rest is told before the connection is told as ended."""
    speaker = Speaker(*[b"bad"] * 30, numbered(1))
    numbers: list[int] = []
    handlers = MessageHandlers()
    handlers.on(Numbered, numbers_into(numbers))
    options = attrs.evolve(FAST, heartbeat_interval=heartbeat)
    async with (
        peer(speaker) as server,
        running(server.url, handlers=handlers, options=options) as scene,
    ):
        await eventually(lambda: numbers, 5)
        assert [it.count for it in scene.trace.of(BadMessageReceived)] == [1]
        await scene.connection.disconnect()
        assert [it.count for it in scene.trace.of(BadMessageReceived)] == [1, 29]
        assert scene.state.bad_message_count == 30
        assert len(scene.trace.of(ConnectionEnded)) == 1


async def test_table_l_a_hundred_in_a_row_are_warned_of_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Table L: one warning per row, whatever its length; a good message begins another row."""
    caplog.set_level(logging.WARNING, "refold.websocket")
    numbers: list[int] = []
    handlers = MessageHandlers()
    handlers.on(Numbered, numbers_into(numbers))
    speaker = Speaker(*[b"bad"] * 99, numbered(1))
    async with peer(speaker) as server, running(server.url, handlers=handlers) as scene:
        await eventually(lambda: numbers == [1], 5)
        assert caplog.records == []
        for number, warnings in ((2, 1), (3, 2)):
            speaker.say(*[b"bad"] * 250, numbered(number))
            await eventually(lambda n=number: numbers[-1] == n, 5)  # type: ignore[misc]  # bound now
            assert len(caplog.records) == warnings
        assert scene.state.status is ConnectionStatus.CONNECTED
    assert {it.levelno for it in caplog.records} == {logging.WARNING}


async def test_table_l_invalid_utf8_ends_the_link() -> None:
    """Table L: a text frame that is no UTF-8 is 1007, which by rule 24 is fatal."""

    async def speaks(wire: Wire) -> None:
        await wire.handshake()
        wire.send(TEXT, b'{"type":"\xff"}')
        await wire.reader.read()

    async with (
        peer(speaks) as server,
        running(server.url, handlers=MessageHandlers()) as scene,
    ):
        state = await scene.until(lambda state: state.terminal_reason)
        assert state.terminal_reason == "fatal"
        assert state.last_error is not None
        assert state.last_error.close_code == 1007
        assert state.bad_message_count == 0


@pytest.mark.parametrize("frame", [b"\x83\x01x", b"\x89\x7e\x00\x7e", b"\xc1\x01x", b"\x80\x01x"])
async def test_table_l_a_bad_frame_ends_the_link(frame: bytes) -> None:
    """Table L: an unknown opcode, a long ping, a reserved bit or a stray continuation is 1002."""

    async def speaks(wire: Wire) -> None:
        await wire.handshake()
        wire.writer.write(frame + bytes(200))
        await wire.reader.read()

    async with (
        peer(speaks) as server,
        running(server.url, handlers=MessageHandlers()) as scene,
    ):
        state = await scene.until(lambda state: state.terminal_reason)
        assert state.terminal_reason == "fatal"
        assert state.last_error is not None
        assert state.last_error.close_code == 1002


async def test_table_l_too_large_a_message_is_fatal() -> None:
    """Table L: what is larger than the bound is 1009, and fatal, because it would come again."""
    numbers: list[int] = []
    handlers = MessageHandlers()
    handlers.on(Numbered, numbers_into(numbers))
    options = attrs.evolve(FAST, max_message_bytes=2000)
    speaker = Speaker(numbered(1, "x" * 1500), numbered(2, "x" * 3000))
    async with (
        peer(speaker) as server,
        running(server.url, handlers=handlers, options=options) as scene,
    ):
        state = await scene.until(lambda state: state.terminal_reason)
        assert state.terminal_reason == "fatal"
        assert state.last_error is not None
        assert state.last_error.close_code == 1009
    assert numbers == [1]


async def test_table_l_too_large_a_message_may_be_retried() -> None:
    """Table L: the policy of failures can say otherwise."""
    policy = attrs.evolve(
        FailurePolicy(), fatal_close_codes=FailurePolicy().fatal_close_codes - {1009}
    )
    options = attrs.evolve(FAST, max_message_bytes=2000, failure_policy=policy)
    async with (
        peer(Speaker(numbered(2, "x" * 3000))) as server,
        running(server.url, handlers=MessageHandlers(), options=options) as scene,
    ):
        await scene.until(lambda state: state.total_connects == 3)
        lost = scene.trace.of(ConnectionLostAndRetryScheduled)
        assert {it.error.close_code for it in lost} == {1009}


async def test_binary_that_is_no_message_harms_nothing() -> None:
    """Binary frames with any bytes are told at most; the link stays."""
    numbers: list[int] = []

    async def speaks(wire: Wire) -> None:
        await wire.handshake()
        for payload in (b"", b"\xff\xfe\x00", bytes(range(256)), b"\x80" * 60_000):
            wire.send(BINARY, payload)
        wire.send(TEXT, numbered(1))
        await wire.reader.read()

    handlers = MessageHandlers()
    handlers.on(Numbered, numbers_into(numbers))
    async with peer(speaks) as server, running(server.url, handlers=handlers) as scene:
        await eventually(lambda: numbers == [1], 5)
        assert scene.state.status is ConnectionStatus.CONNECTED
        assert all(len(it.sample) <= 200 for it in scene.trace.of(BadMessageReceived))


async def test_a_run_with_bad_messages_and_failures_replays(tmp_path: Path) -> None:
    """A recorded run gives the same digest again, calls no handler and opens nothing."""
    path = tmp_path / "run.jsonl"
    calls: list[int] = []

    def fail(arrived: Numbered) -> None:
        calls.append(arrived.number)
        raise UnspeakableError

    async def fail_later(arrived: Numbered) -> None:
        await asyncio.sleep(0)
        fail(arrived)

    handlers = MessageHandlers()
    handlers.on(Numbered, fail)
    handlers.on(Numbered, fail_later)
    speaker = Speaker(b"\xed\x9f\xbf bad", *BAD.values(), numbered(1), numbered(2))
    async with peer(speaker) as server:
        async with running(server.url, handlers=handlers, middleware=(record(path),)) as scene:
            await scene.until(lambda state: state.error_count == 4)
            speaker.kill()
            await scene.until(lambda state: state.error_count == 9)
        before = (server.accepted, list(calls))
        timeline = replay(path, root_reducer)
        timeline.verify()
        assert state_digest(timeline.at(timeline.head)) == state_digest(scene.store.state)
        assert [it.name for it in timeline.records] == [
            step.action.wire_name for step in scene.trace.steps
        ]
        assert (server.accepted, calls) == before
    assert scene.state.bad_message_count == 2 * (len(BAD) + 1)
