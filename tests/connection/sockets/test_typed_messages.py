"""What arrives as JSON reaches the handlers of its type as objects: rules 4, 43 and 44."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import attrs
import pytest

from refold.actions.connection import SetConnectionStatus
from refold.actions.message import MessageRegistry, message
from refold.middleware.message_decoder import MessageDecoder
from refold.middleware.message_handlers import MessageHandlers
from refold.middleware.websocket_connection import WebSocketConnection
from refold.middleware.websocket_options import WebSocketOptions
from refold.reducers.connection import ConnectionStatus
from tests.connection.sockets.peers import peer
from tests.connection.sockets.running import FAST, eventually, running
from tests.connection.sockets.speaking import Named, Numbered, Speaker, numbered, numbers_into

OTHERS = MessageRegistry()
"""Another table of types than the usual one."""


@message("numbered", registry=OTHERS)
class Other:
    """A message of a peer that speaks otherwise."""

    number: int


NAMED = b'{"type":"tests.speaking.named","name":"Ada \xc3\xbc"}'


@pytest.mark.parametrize("is_async", [False, True])
async def test_rule_44_messages_arrive_as_objects_in_order(is_async: bool) -> None:  # noqa: FBT001  # a case
    """Rule 44: each message is an object of its class, and each type's come in their order."""
    got: list[Any] = []

    async def later(arrived: Any) -> None:
        await asyncio.sleep(0)
        got.append(arrived)

    handlers = MessageHandlers()
    handlers.on(Numbered, later if is_async else got.append)
    handlers.on("tests.speaking.named", got.append)
    speaker = Speaker(*(numbered(number) for number in range(100)), NAMED)
    async with peer(speaker) as server, running(server.url, handlers=handlers) as scene:
        await eventually(lambda: len(got) == 101, 5)
        assert scene.state.bad_message_count == scene.state.error_count == 0
    assert [it for it in got if isinstance(it, Numbered)] == [Numbered(it) for it in range(100)]
    assert [it for it in got if isinstance(it, Named)] == [Named("Ada ü")]


async def test_raw_messages_and_objects_are_both_given() -> None:
    """`on_message` gets the text of each message, those for the handlers and the bad ones too."""
    raw: list[str | bytes] = []
    numbers: list[int] = []
    handlers = MessageHandlers()
    handlers.on(Numbered, numbers_into(numbers))
    texts = [numbered(1), b"no JSON", numbered(2)]
    async with (
        peer(Speaker(*texts)) as server,
        running(server.url, handlers=handlers, on_message=raw.append),
    ):
        await eventually(lambda: numbers == [1, 2], 5)
    assert raw == [text.decode() for text in texts]


async def test_a_decoder_of_ones_own_says_where_types_stand() -> None:
    """A decoder with another registry and another key is used in place of the usual one."""
    got: list[Other] = []
    handlers = MessageHandlers()
    handlers.on(Other, got.append)
    decoder = MessageDecoder(OTHERS, key="kind")
    speaker = Speaker(b'{"kind":"numbered","number":7}', numbered(1))
    async with (
        peer(speaker) as server,
        running(server.url, handlers=handlers, decoder=decoder) as scene,
    ):
        await scene.until(lambda state: state.bad_message_count == 1)
    assert got == [Other(7)]
    assert decoder.bad_count == 1


@pytest.mark.looptime
async def test_rule_04_a_handled_message_makes_no_action() -> None:
    """Rule 4: a thousand messages change nothing in the store by themselves."""
    numbers: list[int] = []
    handlers = MessageHandlers()
    handlers.on(Numbered, numbers_into(numbers))
    options = WebSocketOptions()
    speaker = Speaker()
    async with (
        peer(speaker) as server,
        running(server.url, handlers=handlers, options=options) as scene,
    ):
        await scene.connection.connect(wait=True)
        await asyncio.sleep(6)
        steps = len(scene.trace.steps)
        speaker.say(*(numbered(number) for number in range(1000)))
        await asyncio.sleep(10)
        assert len(numbers) == 1000
        assert len(scene.trace.steps) == steps


async def test_table_l_two_handlers_of_a_type_are_called_in_their_order() -> None:
    """Table L: all handlers of a type get each message, in the order of registration."""
    calls: list[tuple[str, int]] = []

    async def second(arrived: Numbered) -> None:
        await asyncio.sleep(0)
        calls.append(("second", arrived.number))

    handlers = MessageHandlers()
    handlers.on(Numbered, lambda it: calls.append(("first", it.number)))
    handlers.on("tests.speaking.numbered", second)
    handlers.on(Numbered, lambda it: calls.append(("third", it.number)))
    speaker = Speaker(numbered(0), numbered(1))
    async with peer(speaker) as server, running(server.url, handlers=handlers):
        await eventually(lambda: len(calls) == 6, 5)
    assert calls == [(name, n) for n in (0, 1) for name in ("first", "second", "third")]


async def test_a_handler_is_registered_and_ended_while_the_link_is_open() -> None:
    """A message that comes after the end of a registration is not given to it."""
    first: list[int] = []
    second: list[int] = []
    handlers = MessageHandlers()
    end_first = handlers.on(Numbered, numbers_into(first))
    speaker = Speaker(numbered(1))
    async with peer(speaker) as server, running(server.url, handlers=handlers) as scene:
        await eventually(lambda: first == [1], 5)
        end_first()
        handlers.on(Numbered, numbers_into(second))
        speaker.say(numbered(2))
        await eventually(lambda: second == [2], 5)
        assert scene.state.bad_message_count == 0
    assert first == [1]


async def test_a_declared_type_without_a_handler_is_no_bad_message() -> None:
    """What nobody asked for is ignored, and counted nowhere."""
    numbers: list[int] = []
    handlers = MessageHandlers()
    handlers.on(Numbered, numbers_into(numbers))
    async with (
        peer(Speaker(NAMED, numbered(1))) as server,
        running(server.url, handlers=handlers) as scene,
    ):
        await eventually(lambda: numbers == [1], 5)
        assert scene.state.bad_message_count == scene.state.inbound_dropped_count == 0


async def test_rule_44_a_slow_type_holds_up_no_other() -> None:
    """Rule 44: while a handler of one type runs, messages of another type are handled."""
    release = asyncio.Event()
    began: list[int] = []
    names: list[str] = []

    async def slow(arrived: Numbered) -> None:
        began.append(arrived.number)
        await release.wait()

    handlers = MessageHandlers()
    handlers.on(Numbered, slow)
    handlers.on(Named, lambda named: names.append(named.name))
    async with (
        peer(Speaker(numbered(1), numbered(2), NAMED)) as server,
        running(server.url, handlers=handlers),
    ):
        await eventually(lambda: names and began, 5)
        assert began == [1]
        release.set()
        await eventually(lambda: began == [1, 2], 5)


async def test_rule_44_overlapping_calls_have_to_be_asked_for() -> None:
    """Rule 44: a concurrent handler begins with each message at once."""
    release = asyncio.Event()
    began: list[int] = []

    async def slow(arrived: Numbered) -> None:
        began.append(arrived.number)
        await release.wait()

    handlers = MessageHandlers()
    handlers.on(Numbered, slow, concurrent=True)
    async with (
        peer(Speaker(*(numbered(number) for number in range(20)))) as server,
        running(server.url, handlers=handlers),
    ):
        await eventually(lambda: began == list(range(20)), 5)
        release.set()


async def test_a_handler_may_dispatch_and_see_the_state() -> None:
    """A handler runs outside of every reducer: it dispatches, and reads what that led to."""
    seen: list[ConnectionStatus] = []

    def handle(_arrived: Numbered) -> None:
        seen.append(scene.state.status)
        scene.store.dispatch(SetConnectionStatus(ConnectionStatus.CONNECTED))

    handlers = MessageHandlers()
    handlers.on(Numbered, handle)
    async with (
        peer(Speaker(numbered(1))) as server,
        running(server.url, handlers=handlers) as scene,
    ):
        await eventually(lambda: scene.trace.of(SetConnectionStatus), 5)
        assert scene.state.error_count == 0
    assert seen == [ConnectionStatus.CONNECTED]


@pytest.mark.parametrize(
    "settings", [{"handlers": {}}, {"handlers": print}, {"decoder": "json"}, {"decoder": print}]
)
def test_table_l_wrong_settings_are_refused_by_their_name(settings: dict[str, Any]) -> None:
    """Table L: at construction, and the error names the argument."""
    with pytest.raises(TypeError, match=next(iter(settings))):
        WebSocketConnection("ws://127.0.0.1:1/", **settings)


def test_one_set_of_handlers_serves_one_connection() -> None:
    """Two connections with the same handlers would mix their links; the second is refused."""
    handlers = MessageHandlers()
    first = WebSocketConnection("ws://127.0.0.1:1/", handlers=handlers)
    with pytest.raises(ValueError, match="handlers"):
        WebSocketConnection("ws://127.0.0.1:2/", handlers=handlers)
    assert first.queue_size == 0


async def test_without_handlers_nothing_is_decoded() -> None:
    """A connection that was given no handlers takes every text, JSON or not."""
    raw: list[str | bytes] = []
    async with (
        peer(Speaker(b"no JSON", numbered(1))) as server,
        running(server.url, on_message=cast("Any", raw.append)) as scene,
    ):
        await eventually(lambda: len(raw) == 2, 5)
        assert scene.state.bad_message_count == 0


async def test_rule_46_a_handler_that_takes_too_long_is_cancelled_and_told() -> None:
    """Rule 46: with a limit it is cancelled and counted, and the next message is handled."""
    cancelled: list[int] = []
    done: list[int] = []

    async def handle(arrived: Numbered) -> None:
        try:
            if arrived.number == 1:
                await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(arrived.number)
            raise
        done.append(arrived.number)

    handlers = MessageHandlers(handler_timeout=0.05)
    handlers.on(Numbered, handle)
    options = attrs.evolve(FAST, stable_after=5.0)
    async with (
        peer(Speaker(numbered(1), numbered(2))) as server,
        running(server.url, handlers=handlers, options=options) as scene,
    ):
        state = await scene.until(lambda state: state.error_count == 1)
        await eventually(lambda: done == [2], 5)
        assert state.last_error is not None
        assert (state.last_error.kind, state.last_error.type_name) == (
            "application",
            "TimeoutError",
        )
        assert state.status is ConnectionStatus.CONNECTED
    assert cancelled == [1]
    assert handlers.timed_out_count == 1
