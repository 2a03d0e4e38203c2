"""`WebSocketService`: what is left after it, and how it lives as middleware of a store."""

from __future__ import annotations

import asyncio
import gc
from typing import Any, Final

import attrs
import pytest

from refold.errors import ConnectionFatalError
from refold.middleware.message_handlers import MessageHandlers
from refold.middleware.websocket_service import WebSocketService
from refold.reducers.connection import ConnectionState, ConnectionStatus, connection_reducer
from refold.store.store import Store
from tests.connection.sockets.faults import closes_with, refuses_with
from tests.connection.sockets.peers import peer
from tests.connection.sockets.running import (
    FAST,
    Root,
    eventually,
    open_descriptors,
    root_reducer,
)
from tests.connection.sockets.speaking import (
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


@pytest.mark.parametrize("behaviour", [refuses_with("404 Not Found"), closes_with(1008)])
def test_a_fatal_refusal_raises_and_leaves_nothing(behaviour: Any) -> None:
    """A failure that another attempt would not change raises, and nothing runs on."""

    async def main() -> None:
        service = make()
        tasks = asyncio.all_tasks()
        async with peer(behaviour) as server:
            try:
                await service.connect(server.url)
            except ConnectionFatalError:
                assert service.get_connection_state().terminal_reason == "fatal"
            else:  # it was open for a moment
                await eventually(lambda: service.get_connection_state().terminal_reason, 5)
                await service.disconnect()
            await server.stop()
            await eventually(lambda: asyncio.all_tasks() <= tasks, 5)
            server.behaviour = Speaker()
            await service.connect(server.url)
            assert service.get_connection_state().status is ConnectionStatus.CONNECTED
            await service.disconnect()

    clean_run(main)


def test_rule_19_giving_up_raises_and_leaves_nothing() -> None:
    """Rule 19: when the attempts are used up, `connect` says so."""

    async def main() -> None:
        service = make(options=attrs.evolve(FAST, max_attempts=2))
        async with peer(refuses_with("503 Busy")) as server:
            with pytest.raises(ConnectionFatalError):
                await asyncio.wait_for(service.connect(server.url), 5)
            assert service.get_connection_state().terminal_reason == "gave_up"

    clean_run(main)


@pytest.mark.parametrize("is_open", [False, True])
def test_rule_51_a_cancelled_connect_leaves_a_service_that_works(is_open: bool) -> None:  # noqa: FBT001  # a case
    """Rule 51: cancelling at any step harms nothing; disconnecting leaves no task."""

    async def main() -> None:
        service = make()
        speaker = Speaker()
        async with peer(speaker) as server:
            for step in range(40):
                if is_open:
                    await service.connect(server.url)
                    await service.disconnect()
                connecting = asyncio.create_task(service.connect(server.url))
                for _ in range(step):
                    await asyncio.sleep(0)
                connecting.cancel()
                await asyncio.gather(connecting, return_exceptions=True)
            await service.connect(server.url)
            await service.send("works")
            await eventually(lambda: speaker.heard == ["works"], 5)
            await service.disconnect()

    clean_run(main)


def test_rule_49_disconnect_during_connect_ends_both() -> None:
    """Rule 49: a `connect` that waits for a link that never comes is told, within the limits."""

    async def main() -> None:
        service = make()
        async with peer(refuses_with("503 Busy")) as server:
            connecting = asyncio.create_task(service.connect(server.url))
            await eventually(lambda: service.get_connection_state().error_count >= 1, 5)
            await asyncio.wait_for(service.disconnect(), LIMIT)
            (result,) = await asyncio.wait_for(
                asyncio.gather(connecting, return_exceptions=True), 5
            )
            assert isinstance(result, Exception)
            assert service.get_connection_state().status is ConnectionStatus.DISCONNECTED

    clean_run(main)


@pytest.mark.parametrize("is_middleware", [False, True])
def test_rule_49_a_handler_may_disconnect_the_service(is_middleware: bool) -> None:  # noqa: FBT001  # a case
    """Rule 49: `disconnect` from inside an async handler returns, and the handler goes on."""

    async def main() -> None:
        service = make(select=select_connection if is_middleware else None)
        done = asyncio.Event()

        async def leave(_arrived: Numbered) -> None:
            await service.disconnect()
            await asyncio.sleep(0)
            done.set()

        service.on_message(Numbered, leave)
        async with peer(Speaker(numbered(1))) as server:
            if is_middleware:
                async with Store(root_reducer, middleware=[service]):
                    await service.connect(server.url)
                    await asyncio.wait_for(done.wait(), LIMIT)
            else:
                await service.connect(server.url)
                await asyncio.wait_for(done.wait(), LIMIT)
                assert service.get_connection_state().status is ConnectionStatus.DISCONNECTED
                await service.disconnect()

    clean_run(main)


def test_rule_50_twenty_cycles_leak_nothing() -> None:
    """Rule 50: connecting and disconnecting 20 times leaves no task and no descriptor."""

    async def main() -> None:
        service = make()
        async with peer(Speaker(numbered(1))) as server:
            await service.connect(server.url)  # what is made once is made now
            await service.disconnect()
            await eventually(lambda: not server.wires, 5)
            tasks, descriptors = asyncio.all_tasks(), open_descriptors()
            for _ in range(20):
                await service.connect(server.url)
                await service.disconnect()
                assert {it for it in asyncio.all_tasks() - tasks if "refold" in repr(it)} == set()
            await eventually(lambda: not server.wires, 5)
            assert asyncio.all_tasks() <= tasks
            await eventually(lambda: open_descriptors() <= descriptors, 5)
            assert service.get_connection_state().total_connects == 21

    clean_run(main)
    gc.collect()


def select_connection(root: Root) -> ConnectionState:
    """Return the slice of the service."""
    return root.connection


async def test_as_middleware_its_state_is_a_slice() -> None:
    """As middleware: the store's slice is the service's state, and the store ends the link."""
    service = make(select=select_connection)
    changes: list[bool] = []
    numbers: list[int] = []
    service.on_connection_change(changes.append)
    service.on_message(Numbered, numbers_into(numbers))
    speaker = Speaker(numbered(1))
    async with peer(speaker) as server:
        await service.send("before")
        async with Store(root_reducer, middleware=[service]) as store:
            assert service.get_connection_state() is store.state.connection
            assert server.accepted == 0
            await service.connect(server.url)
            assert store.state.connection.status is ConnectionStatus.CONNECTED
            assert service.get_connection_state() is store.state.connection
            await eventually(lambda: numbers == [1] and speaker.heard == ["before"], 5)
            speaker.kill()
            await eventually(lambda: changes == [True, False, True], 5)
            await service.disconnect()
            assert store.state.connection.terminal_reason == "closed_by_user"
            await service.connect(server.url)
        assert store.state.connection.terminal_reason == "closed_by_user"
        await eventually(lambda: not server.wires, 5)
        assert changes == [True, False, True, False, True, False]


async def test_as_middleware_the_whole_state_may_be_its_own() -> None:
    """Without `select` the root state is the connection's."""
    service = make()
    async with (
        peer(Speaker()) as server,
        Store(connection_reducer, middleware=[service]) as store,
    ):
        await service.connect(server.url)
        assert service.get_connection_state() is store.state
        assert store.state.status is ConnectionStatus.CONNECTED


async def test_as_middleware_nothing_is_connected_to_by_itself() -> None:
    """Entering the store opens nothing, and leaving it without a link is quiet."""
    service = make(select=select_connection)
    async with Store(root_reducer, middleware=[service]) as store:
        await asyncio.sleep(0)
        assert store.state.connection == ConnectionState()


@pytest.mark.parametrize(
    "settings",
    [
        {"select": "connection"},
        {"handlers": []},
        {"handlers": print},
        {"options": {}},
        {"headers": {"X": "a\r\nb"}},
        {"protocols": "chat"},
    ],
    ids=repr,
)
def test_table_l_wrong_settings_are_refused(settings: dict[str, Any]) -> None:
    """Table L: at construction, and the error names the argument."""
    with pytest.raises((TypeError, ValueError), match=next(iter(settings)).rstrip("s")):
        WebSocketService(**settings)


async def test_a_service_uses_the_handlers_it_is_given() -> None:
    """`handlers=` brings bounds and functions of its own, for one address after the other."""
    numbers: list[int] = []
    handlers = MessageHandlers(max_pending=5)
    handlers.on(Numbered, numbers_into(numbers))
    service = make(handlers=handlers)
    async with peer(Speaker(numbered(1))) as one, peer(Speaker(numbered(2))) as other:
        await service.connect(one.url)
        await eventually(lambda: numbers == [1], 5)
        await service.connect(other.url)
        await eventually(lambda: numbers == [1, 2], 5)
        await service.disconnect()
