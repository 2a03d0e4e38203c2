"""`WebSocketService`: each method, working alone."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

import attrs
import pytest

from refold.errors import InvalidPayloadError, QueueFullError
from refold.middleware.websocket_service import WebSocketService
from refold.reducers.connection import ConnectionState, ConnectionStatus
from tests.connection.sockets.faults import refuses_with
from tests.connection.sockets.peers import echoes, peer
from tests.connection.sockets.running import (
    FAST,
    eventually,
)
from tests.connection.sockets.speaking import (
    Named,
    Numbered,
    Speaker,
    UnspeakableError,
    clean_run,
    numbered,
    numbers_into,
)

LIMIT: Final = 2 * FAST.close_timeout + 0.5


def make(**settings: Any) -> WebSocketService:
    """Return a service with short durations."""
    chosen: dict[str, Any] = {"options": FAST, **settings}
    return WebSocketService(**chosen)


def raises(_is_connected: bool) -> None:  # noqa: FBT001  # as a handler is called
    """Fail at each change."""
    raise UnspeakableError


async def test_connect_returns_when_a_link_is_open() -> None:
    """`connect` returns with a link, `disconnect` without; the state says so in between."""
    service = make()
    assert service.get_connection_state() == ConnectionState()
    async with peer(Speaker()) as server:
        await service.connect(server.url)
        state = service.get_connection_state()
        assert (state.status, state.total_connects) == (ConnectionStatus.CONNECTED, 1)
        assert state.last_connected_at_ms is not None
        await service.disconnect()
        state = service.get_connection_state()
        assert state.status is ConnectionStatus.DISCONNECTED
        assert state.terminal_reason == "closed_by_user"


async def test_connect_twice_is_one_link() -> None:
    """Rule 12: connecting to the address of the open link does nothing, also at the same time."""
    service = make()
    async with peer(Speaker()) as server:
        await asyncio.gather(*(service.connect(server.url) for _ in range(50)))
        await service.connect(server.url)
        assert (server.accepted, server.most_at_once) == (1, 1)
        await service.disconnect()


async def test_disconnect_before_and_twice_is_nothing() -> None:
    """Rule 49: disconnecting is harmless in every state."""
    service = make()
    await service.disconnect()
    async with peer(Speaker()) as server:
        await service.connect(server.url)
        await asyncio.gather(*(service.disconnect() for _ in range(50)))
        await service.disconnect()
        assert service.get_connection_state().status is ConnectionStatus.DISCONNECTED
        assert server.accepted == 1


async def test_another_address_leaves_the_first() -> None:
    """A second address: the first link is closed by us before the second is opened."""
    service = make()
    changes: list[bool] = []
    first, second = Speaker(), Speaker()
    async with peer(first) as one, peer(second) as other:
        await service.connect(one.url)
        service.on_connection_change(changes.append)
        await service.connect(other.url)
        await eventually(lambda: not one.wires, 5)
        assert (one.accepted, other.accepted) == (1, 1)
        await service.send("hello")
        await eventually(lambda: second.heard == ["hello"], 5)
        assert first.heard == []
        await service.connect(one.url)
        await service.send("back")
        await eventually(lambda: first.heard == ["back"], 5)
        assert changes == [False, True, False, True]
        await service.disconnect()


async def test_the_link_comes_back_after_a_kill() -> None:
    """A link that breaks is opened again, and handlers hear each change in order."""
    service = make()
    changes: list[bool] = []
    states: list[str] = []
    speaker = Speaker()
    service.on_connection_change(changes.append)
    service.on_connection_change(
        lambda is_connected: states.append(
            f"{is_connected} {service.get_connection_state().status}"
        )
    )
    async with peer(speaker) as server:
        await service.connect(server.url)
        for links in (2, 3):
            speaker.kill()
            await eventually(lambda n=links: changes.count(True) == n, 5)  # type: ignore[misc]  # bound now
        await service.disconnect()
        assert changes == [True, False, True, False, True, False]
        assert states == [
            f"{is_connected} {'connected' if is_connected else after}"
            for is_connected, after in zip(
                changes,
                ["", "reconnecting", "", "reconnecting", "", "disconnected"],
                strict=True,
            )
        ]


async def test_failed_attempts_are_no_changes() -> None:
    """A handler is told of links that open and are lost, not of attempts."""
    service = make()
    changes: list[bool] = []
    service.on_connection_change(changes.append)
    async with peer(refuses_with("503 Busy")) as server:
        connecting = asyncio.create_task(service.connect(server.url))
        await eventually(lambda: service.get_connection_state().error_count >= 3, 5)
        assert changes == []
        server.behaviour = echoes
        await connecting
        assert changes == [True]
        await service.disconnect()


async def test_messages_wait_while_there_is_no_link() -> None:
    """What is sent before the first link, between links and after leaving goes out in order."""
    service = make()
    speaker = Speaker()
    await service.send("before")
    async with peer(speaker) as server:
        await service.connect(server.url)
        await eventually(lambda: speaker.heard == ["before"], 5)
        server.behaviour = refuses_with("503 Busy")
        speaker.kill()
        await eventually(lambda: service.get_connection_state().error_count >= 2, 5)
        for number in range(20):
            await service.send({"n": number})
        server.behaviour = speaker
        await eventually(lambda: len(speaker.heard) == 21, 5)
        assert [json.loads(text)["n"] for text in speaker.heard[1:]] == list(range(20))
        await service.disconnect()
        await service.send("after leaving")
        await service.connect(server.url)
        await eventually(lambda: speaker.heard[21:] == ["after leaving"], 5)
        await service.disconnect()


async def test_typed_messages_both_ways() -> None:
    """An object of a message class is sent as its JSON; what arrives is handled as an object."""
    service = make()
    got: list[Numbered] = []
    by_type: list[Any] = []
    end = service.on_message(Numbered, got.append)
    service.on_message("tests.speaking.named", by_type.append)
    async with peer(echoes) as server:
        await service.connect(server.url)
        await service.send(Numbered(7))
        await service.send(Named("Ada"))
        await eventually(lambda: got and by_type, 5)
        assert (got, by_type) == ([Numbered(7)], [Named("Ada")])
        end()
        end()
        service.on_message(Named, by_type.append)
        await service.send(Numbered(8))
        await service.send(Named("Bob"))
        await eventually(lambda: len(by_type) == 3, 5)
        assert got == [Numbered(7)]
        await service.disconnect()
        await service.connect(server.url)
        await service.send(Named("Cem"))
        await eventually(lambda: len(by_type) == 5, 5)
        await service.disconnect()


async def test_handlers_that_raise_harm_nothing() -> None:
    """Rule 45: neither a handler of messages nor one of changes ends a link or stops another."""
    service = make()
    changes: list[bool] = []
    numbers: list[int] = []

    def fail(_arrived: Numbered) -> None:
        raise UnspeakableError

    service.on_connection_change(raises)
    service.on_connection_change(changes.append)
    service.on_message(Numbered, fail)
    service.on_message(Numbered, numbers_into(numbers))
    speaker = Speaker(numbered(1))
    async with peer(speaker) as server:
        await service.connect(server.url)
        await eventually(lambda: numbers == [1], 5)
        speaker.kill()
        await eventually(lambda: numbers == [1, 1], 5)
        assert changes == [True, False, True]
        assert service.get_connection_state().status is ConnectionStatus.CONNECTED
        await service.disconnect()
    assert changes == [True, False, True, False]


@pytest.mark.parametrize("error", [ValueError(), asyncio.CancelledError()], ids=repr)
async def test_rule_45_a_handler_of_changes_ends_no_link(error: BaseException) -> None:
    """Rule 45: a CancelledError of its own is not taken for the end of the connection."""
    service = make()
    changes: list[bool] = []

    def fail(_is_connected: bool) -> None:  # noqa: FBT001  # as a handler is called
        raise error

    service.on_connection_change(fail)
    service.on_connection_change(changes.append)
    speaker = Speaker()
    async with peer(speaker) as server:
        await asyncio.wait_for(service.connect(server.url), 5)
        speaker.kill()
        await eventually(lambda: changes == [True, False, True], 5)
        await asyncio.wait_for(service.disconnect(), LIMIT)
    assert changes == [True, False, True, False]


@pytest.mark.parametrize("is_open", [False, True])
async def test_of_two_addresses_at_once_the_last_one_prevails(is_open: bool) -> None:  # noqa: FBT001  # a case
    """Two tasks connect to two addresses: in the end there is one link, to the later address."""
    service = make()
    first, second, third = Speaker(), Speaker(), Speaker()
    async with peer(first) as one, peer(second) as other, peer(third) as last:
        if is_open:
            await service.connect(one.url)
        async with asyncio.timeout(5):
            await asyncio.gather(
                service.connect(other.url), service.connect(last.url), return_exceptions=True
            )
        await service.send("to the last")
        await eventually(lambda: second.heard or third.heard, 5)
        assert (second.heard, third.heard) == ([], ["to the last"])
        await eventually(lambda: not one.wires and not other.wires, 5)
        await service.disconnect()


async def test_a_handler_of_changes_ends() -> None:
    """What is unsubscribed is not told of the next change, also if a handler ended it."""
    service = make()
    calls: list[str] = []

    def once(_is_connected: bool) -> None:  # noqa: FBT001  # as a handler is called
        calls.append("once")
        end_once()
        end_other()

    end_once = service.on_connection_change(once)
    end_other = service.on_connection_change(lambda _: calls.append("other"))
    service.on_connection_change(lambda _: calls.append("kept"))
    async with peer(Speaker()) as server:
        await service.connect(server.url)
        await service.disconnect()
    end_once()
    assert calls.count("once") == 1
    assert calls.count("other") <= 1
    assert calls[-2:] == ["kept", "kept"] or calls == ["once", "other", "kept", "kept"]


@pytest.mark.parametrize("handler", [None, 7, "handle"], ids=repr)
async def test_table_l_what_is_no_function_is_refused(handler: Any) -> None:
    """Table L: a handler that cannot be called is a TypeError at the call."""
    service = make()
    with pytest.raises(TypeError, match="function"):
        service.on_connection_change(handler)
    with pytest.raises(TypeError, match="function"):
        service.on_message(Numbered, handler)


@pytest.mark.parametrize(
    ("url", "error"),
    [("http//x", ValueError), ("ftp://x/", ValueError), ("ws://", ValueError), (7, TypeError)],
)
def test_table_l_an_address_that_cannot_be_used_leaves_nothing_running(
    url: Any, error: type[Exception]
) -> None:
    """Table L: refused before anything is opened, and the service can be used afterwards."""

    async def main() -> None:
        service = make()
        with pytest.raises(error):
            await service.connect(url)
        async with peer(Speaker()) as server:
            await service.connect(server.url)
            with pytest.raises(error):
                await service.connect(url)
            await service.disconnect()

    clean_run(main)


async def test_table_l_a_payload_that_cannot_be_sent_is_refused() -> None:
    """Table L: the error comes from the call, before the first link and on a link."""
    service = make(options=attrs.evolve(FAST, max_queue=1))
    with pytest.raises(InvalidPayloadError):
        await service.send(float("nan"))
    await service.send("one")
    with pytest.raises(QueueFullError):
        await service.send("two")
    async with peer(Speaker()) as server:
        await service.connect(server.url)
        with pytest.raises(InvalidPayloadError):
            await service.send({"a": object()})
        assert service.get_connection_state().status is ConnectionStatus.CONNECTED
        await service.disconnect()


async def test_rule_33_with_block_a_send_waits_for_room() -> None:
    """Rule 33: with `block` it waits until a link takes what is before it, in order."""
    service = make(options=attrs.evolve(FAST, max_queue=1, overflow="block"))
    speaker = Speaker()
    sends = [asyncio.create_task(service.send(str(number))) for number in range(5)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert [it.done() for it in sends] == [True, False, False, False, False]
    async with peer(speaker) as server:
        await service.connect(server.url)
        await asyncio.wait_for(asyncio.gather(*sends), 5)
        await eventually(lambda: speaker.heard == list("01234"), 5)
        await service.disconnect()
