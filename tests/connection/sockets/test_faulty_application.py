"""What the application does wrong in what a connection calls: where rules 45 and 54 begin."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import aiohttp
import attrs
import pytest

from refold.actions.connection import (
    ConnectionAttemptStarted,
    ConnectionOpened,
    ConnectionStatus,
)
from refold.actions.websocket_messages import MessageHandlerFailed
from refold.middleware.websocket_link import WebSocketLink
from refold.reducers.backoff_delay import Backoff
from tests.connection.sockets.faults import RETRIED_FAULTS
from tests.connection.sockets.peers import TEXT, Wire, echoes, peer
from tests.connection.sockets.running import FAST, eventually, running

if TYPE_CHECKING:
    from refold.actions.action import Action
    from refold.middleware.new_link import NewLink


class SilentError(Exception):
    """An error whose text cannot be had."""

    def __str__(self) -> str:
        """Raise."""
        raise ValueError


@pytest.fixture(autouse=True)
def quiet() -> Any:
    """Keep the expected reports off the terminal."""
    logger = logging.getLogger("refold.websocket")
    before, logger.disabled = logger.disabled, True
    yield
    logger.disabled = before


async def says_three_things(wire: Wire) -> None:
    """Send three messages and stay."""
    await wire.handshake()
    for text in (b"one", b"two", b"three"):
        wire.send(TEXT, text)
    await wire.reader.read()


@pytest.mark.parametrize("error", [SilentError, asyncio.CancelledError, RecursionError])
async def test_a_handler_that_raises_is_counted_and_the_connection_stays(
    error: type[BaseException],
) -> None:
    """Rule 45.

    What a handler raises, a CancelledError too, is counted; later messages are handled.
    """
    handled: list[object] = []

    def handle(message: object) -> None:
        handled.append(message)
        if message == "two":
            raise error

    async with (
        peer(says_three_things) as server,
        running(server.url, on_message=handle) as scene,
    ):
        await eventually(lambda: handled == ["one", "two", "three"], 5)
        assert scene.state.error_count == 1
        assert scene.state.status is ConnectionStatus.CONNECTED
        (action,) = scene.trace.of(MessageHandlerFailed)
        assert action.error_type == error.__name__


@pytest.mark.parametrize("error", [SilentError, asyncio.CancelledError, OSError])
async def test_a_greeting_that_raises_ends_the_link_only(error: type[BaseException]) -> None:
    """What `on_open` raises ends the link, is told, and the next link has another chance."""
    errors = [error, error]

    async def greet(link: NewLink) -> None:
        await link.send("hello")
        if errors:
            raise errors.pop()

    async with peer(echoes) as server, running(server.url, on_open=greet) as scene:
        state = await scene.until(lambda state: state.total_connects == 3)
        assert state.last_error is not None
        assert state.last_error.kind == "on_open"
        assert state.last_error.type_name == error.__name__
        assert state.last_error.close_code == 1006


async def test_a_subscriber_that_raises_does_not_stop_the_connection() -> None:
    """Rule 54: Subscribers that raise at every action keep nothing from connecting and closing."""

    def refuse() -> None:
        raise SilentError

    async with peer(echoes) as server, running(server.url, connects_at_once=False) as scene:
        unsubscribe = scene.store.subscribe(refuse)
        await scene.connection.connect(wait=True)
        await scene.connection.disconnect()
        unsubscribe()
        assert scene.state.terminal_reason == "closed_by_user"


@pytest.mark.parametrize("kind", [ConnectionAttemptStarted, ConnectionOpened])
async def test_a_middleware_that_raises_does_not_stop_the_connection(kind: type[Action]) -> None:
    """Rule 54.

    An action that a middleware or a reducer refuses is missing in the state, and that is all.
    """

    def refuse(
        _store: Any, next_dispatch: Callable[[Action], Action]
    ) -> Callable[[Action], Action]:
        def handle(action: Action) -> Action:
            if isinstance(action, kind):
                raise SilentError
            return next_dispatch(action)

        return handle

    received: list[object] = []
    async with (
        peer(echoes) as server,
        running(server.url, middleware=(refuse,), on_message=received.append) as scene,
    ):
        scene.connection.send("through")
        await eventually(lambda: received == ["through"], 5)
        await scene.connection.disconnect()
        assert scene.state.status is ConnectionStatus.DISCONNECTED


@pytest.mark.parametrize("draw", [lambda: 1.0, lambda: 1 / 0, lambda: None])
async def test_chance_that_is_broken_ends_the_connection_not_the_application(
    draw: Callable[[], Any],
) -> None:
    """Rule 54.

    Where the jitter cannot be drawn the connection ends as fatal, and can be asked again.
    """
    async with peer(says_three_things) as server, running(server.url, draw=draw) as scene:
        await scene.connection.connect(wait=True)
        server.wires[0].reset()
        state = await scene.until(lambda state: state.terminal_reason)
        assert state.terminal_reason == "fatal"
        assert state.last_error is not None
        assert state.last_error.kind == "application"
        await scene.connection.connect(wait=True)
        await scene.connection.disconnect()
        assert scene.state.status is ConnectionStatus.DISCONNECTED


async def test_an_error_of_our_own_loses_the_link_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rule 54.

    Should serving a link raise what it never should, the link is lost and another follows.
    """
    errors: list[type[BaseException]] = [ZeroDivisionError, asyncio.CancelledError]
    take_pong: Any = getattr(WebSocketLink, "_take_pong")  # noqa: B009  # where the fault is put

    def fail(self: WebSocketLink, *arguments: Any) -> None:
        if errors:
            raise errors.pop()
        take_pong(self, *arguments)

    monkeypatch.setattr(WebSocketLink, "_take_pong", fail)
    options = attrs.evolve(FAST, heartbeat_interval=0.02)
    async with peer(echoes) as server, running(server.url, options=options) as scene:
        state = await scene.until(lambda state: state.latency_seconds is not None)
        assert state.total_connects == 3
        assert state.last_error is not None
        assert (state.last_error.kind, state.last_error.type_name) == ("lost", "ZeroDivisionError")
        assert len(server.wires) == 1


async def test_what_a_subscriber_asks_comes_after_what_it_was_told() -> None:
    """A subscriber that acts on the connection while it is told does not upset the order."""

    def hurry(new: int | None, _old: int | None) -> None:
        if new is not None:
            scene.connection.reconnect_now()

    async with peer(RETRIED_FAULTS["reset"]) as server:
        options = attrs.evolve(FAST, backoff=Backoff(initial_seconds=60, cap_seconds=60))
        async with running(server.url, options=options) as scene:
            unsubscribe = scene.store.subscribe(
                hurry, select=lambda root: root.connection.next_retry_at_ms
            )
            await scene.until(lambda state: state.total_connects == 3)
            unsubscribe()


async def test_a_session_that_is_given_is_used_and_not_closed() -> None:
    """Rule 9: A session of the application's serves the connection, and stays open after it."""
    async with peer(echoes) as server, aiohttp.ClientSession(headers={"X-From": "me"}) as session:
        async with running(server.url, session=session) as scene:
            await scene.connection.connect(wait=True)
            assert b"X-From: me" in server.wires[0].request
        assert not session.closed
        async with running(server.url, session=session) as scene:
            await scene.connection.connect(wait=True)
            await session.close()
            await scene.until(lambda state: state.error_count)


async def test_a_write_interrupted_from_elsewhere_fails_the_link() -> None:
    """A greeting whose write was cut short by its own time limit leaves no half-dead link."""
    is_first = True

    async def greet(link: NewLink) -> None:
        nonlocal is_first
        if is_first:
            is_first = False
            try:
                async with asyncio.timeout(0.05):
                    while True:
                        await link.send("x" * 100_000)
            except TimeoutError:
                server.behaviour = echoes

    async def never_reads(wire: Wire) -> None:
        await wire.handshake()
        wire.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a transport that reads
        await asyncio.Event().wait()

    received: list[object] = []
    async with (
        peer(never_reads) as server,
        running(server.url, on_open=greet, on_message=received.append) as scene,
    ):
        for _ in range(5):
            scene.connection.send("y" * 60_000)
        scene.connection.send("after")
        await eventually(lambda: received[-1:] == ["after"], 5)
        assert scene.state.total_connects == 2
