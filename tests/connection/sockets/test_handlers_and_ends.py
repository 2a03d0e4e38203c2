"""Handlers that fail and that are slow, at the end of a link and before it: rules 45, 47, 48."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import pytest

from refold.actions.connection import ConnectionOpened
from refold.actions.websocket_messages import InboundMessagesDropped, MessageHandlerFailed
from refold.middleware.message_handlers import MessageHandlers
from refold.middleware.websocket_options import WebSocketOptions
from refold.reducers.connection import ConnectionStatus
from tests.connection.sockets.peers import TEXT, Wire, echoes, peer
from tests.connection.sockets.running import Scene, eventually, running
from tests.connection.sockets.speaking import (
    Numbered,
    Speaker,
    UnspeakableError,
    number_of,
    numbered,
    numbers_into,
)

if TYPE_CHECKING:
    from collections.abc import Callable

ENDS: Final[dict[str, Callable[[Wire], object]]] = {
    "a close frame": lambda wire: wire.say_goodbye(1011),
    "FIN": lambda wire: wire.writer.close(),
    "half a frame": lambda wire: wire.writer.write(b"\x81\x7e\x01"),
}


class OddError(BaseException):
    """No `Exception`, and no wish to end the program either."""


def last_opened(scene: Scene) -> int:
    """Return how many links were told as open."""
    return len(scene.trace.of(ConnectionOpened))


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize(
    "error",
    [ValueError("no"), UnspeakableError(), asyncio.CancelledError(), TimeoutError(), OddError()],
    ids=repr,
)
async def test_rule_45_a_handler_that_raises_harms_nothing_else(
    error: BaseException,
    is_async: bool,  # noqa: FBT001  # a case
) -> None:
    """Rule 45: one action per failure, counted, the next message is handled, the link stays."""
    numbers: list[int] = []

    def fail(arrived: Numbered) -> None:
        numbers.append(arrived.number)
        raise error

    async def fail_later(arrived: Numbered) -> None:
        await asyncio.sleep(0)
        fail(arrived)

    handlers = MessageHandlers()
    handlers.on(Numbered, fail_later if is_async else fail)
    async with (
        peer(Speaker(numbered(1), numbered(2))) as server,
        running(server.url, handlers=handlers) as scene,
    ):
        state = await scene.until(lambda state: state.error_count == 2)
        assert state.last_error is not None
        assert state.last_error.kind == "application"
        assert state.last_error.type_name == type(error).__name__
        assert state.last_error.message
        assert (state.status, state.total_connects) == (ConnectionStatus.CONNECTED, 1)
        told = scene.trace.of(MessageHandlerFailed)
        assert [it.message_type for it in told] == ["tests.speaking.numbered"] * 2
        assert {it.error_type for it in told} == {type(error).__name__}
    assert numbers == [1, 2]


async def test_rule_45_the_other_handlers_of_the_message_are_called() -> None:
    """Rule 45: of three handlers, the second of which raises, the third is called too."""
    numbers: list[int] = []

    async def fail(_arrived: Numbered) -> None:
        raise asyncio.CancelledError

    handlers = MessageHandlers()
    handlers.on(Numbered, numbers_into(numbers))
    handlers.on(Numbered, fail)
    handlers.on(Numbered, numbers_into(numbers))
    async with (
        peer(Speaker(numbered(1), numbered(2))) as server,
        running(server.url, handlers=handlers) as scene,
    ):
        await scene.until(lambda state: state.error_count == 2)
        await eventually(lambda: numbers == [1, 1, 2, 2], 5)


async def test_rule_45_what_identify_raises_is_told() -> None:
    """Rule 45: a failing `identify` counts as a failing handler; the message is handled."""
    numbers: list[int] = []

    def identify(_arrived: object) -> int:
        raise UnspeakableError

    handlers = MessageHandlers(identify=identify)
    handlers.on(Numbered, numbers_into(numbers))
    async with (
        peer(Speaker(numbered(1))) as server,
        running(server.url, handlers=handlers) as scene,
    ):
        await scene.until(lambda state: state.error_count == 1)
        await eventually(lambda: numbers == [1], 5)


@pytest.mark.parametrize("end", ENDS)
async def test_rule_47_all_that_came_with_the_end_is_handled(end: str) -> None:
    """Rule 47: fifty messages and the end in one read: fifty go through an async handler."""
    numbers: list[int] = []

    async def slow(arrived: Numbered) -> None:
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        numbers.append(arrived.number)

    async def speaks_and_ends(wire: Wire) -> None:
        await wire.handshake()
        for number in range(50):
            wire.send(TEXT, numbered(number))
        ENDS[end](wire)

    handlers = MessageHandlers(max_pending=5)
    handlers.on(Numbered, slow)
    async with (
        peer(speaks_and_ends) as server,
        running(server.url, handlers=handlers) as scene,
    ):
        await scene.until(lambda state: state.error_count == 1)
        server.behaviour = echoes
        await scene.until(lambda state: state.status is ConnectionStatus.CONNECTED)
        assert numbers[:50] == list(range(50))
        assert scene.state.inbound_dropped_count == 0


@pytest.mark.looptime
async def test_rule_48_nothing_of_an_old_link_begins_after_the_new_one_is_told() -> None:
    """Rule 48: each message begins between the opening of its own link and that of the next."""
    links = 0
    began: list[tuple[int, int]] = []

    async def says_its_number(wire: Wire) -> None:
        nonlocal links
        links += 1
        mine = links
        await wire.handshake()
        for _ in range(20):
            wire.send(TEXT, numbered(mine))
        wire.say_goodbye(1011)

    async def slow(arrived: Numbered) -> None:
        began.append((arrived.number, last_opened(scene)))
        await asyncio.sleep(0.001)

    handlers = MessageHandlers()
    handlers.on(Numbered, slow)
    async with (
        peer(says_its_number) as server,
        running(server.url, handlers=handlers) as scene,
    ):
        await scene.until(lambda state: state.total_connects == 5)
        assert scene.state.inbound_dropped_count == 0
    assert len(began) >= 80
    assert all(number == opened for number, opened in began)


@pytest.mark.looptime
@pytest.mark.parametrize("overflow", ["block", "drop_oldest"])
async def test_rule_48_what_cannot_begin_in_time_is_given_up(overflow: Any) -> None:
    """Rule 48: within `close_timeout` it is dropped and told; what runs is not cancelled."""
    began: list[tuple[int, int]] = []
    ended: list[int] = []
    release = asyncio.Event()

    async def slow(arrived: Numbered) -> None:
        began.append((arrived.number, last_opened(scene)))
        if arrived.number == 1:
            await release.wait()
        ended.append(arrived.number)

    handlers = MessageHandlers(identify=number_of, overflow=overflow)
    handlers.on(Numbered, slow)
    speaker = Speaker(numbered(1), numbered(2), numbered(3), goodbye=1011)
    async with (
        peer(speaker) as server,
        running(server.url, handlers=handlers, options=WebSocketOptions()) as scene,
    ):
        await scene.until(lambda state: state.error_count == 1, 100)
        speaker.goodbye = None
        speaker.greeting = (numbered(2), numbered(3), numbered(4))
        await scene.until(lambda state: state.total_connects == 2, 100)
        assert began == [(1, 1)]
        assert scene.state.inbound_dropped_count == handlers.dropped_count == 2
        (told,) = scene.trace.of(InboundMessagesDropped)
        assert (told.count, told.policy) == (2, "link_ended")
        steps = [type(step.action) for step in scene.trace.steps]
        assert steps.index(InboundMessagesDropped) < len(steps) - 1 - steps[::-1].index(
            ConnectionOpened
        )
        await asyncio.sleep(1)
        assert ended == []
        release.set()
        await asyncio.sleep(1)
    assert ended == [1, 2, 3, 4]  # the ids of the dropped are new again
    assert began[1:] == [(2, 2), (3, 2), (4, 2)]
    assert scene.trace.of(MessageHandlerFailed) == []


@pytest.mark.looptime
async def test_rule_48_the_wait_for_handlers_is_bounded() -> None:
    """Rule 48: a handler that never returns delays the new link by `close_timeout` at most."""
    loop = asyncio.get_running_loop()

    async def never(_arrived: Numbered) -> None:
        await asyncio.Event().wait()

    handlers = MessageHandlers()
    handlers.on(Numbered, never)
    options = WebSocketOptions(close_timeout=5.0)
    speaker = Speaker(numbered(1), numbered(2), goodbye=1011)
    async with (
        peer(speaker) as server,
        running(server.url, handlers=handlers, options=options) as scene,
    ):
        state = await scene.until(lambda state: state.error_count == 1, 100)
        began = loop.time()
        speaker.goodbye, speaker.greeting = None, ()
        assert state.reconnect_attempts == 1
        await scene.until(lambda state: state.total_connects == 2, 100)
        assert loop.time() - began <= 3.0 + 5.0 + 0.5  # the delay of a first retry, and the wait
