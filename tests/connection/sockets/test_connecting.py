"""Attempts to connect: rules 6, 11, 12 and 13, and what the functions asked for them may do."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Generator
from typing import Any

import attrs
import pytest

from refold.actions.connection import (
    ConnectionAttemptStarted,
    ConnectionLostAndRetryScheduled,
    ConnectionOpened,
    ConnectionStatus,
)
from refold.errors import ConnectionFatalError, MiddlewareError, StoreClosedError
from refold.middleware.websocket_connection import WebSocketConnection
from refold.reducers.backoff_delay import Backoff
from refold.store.store import Store
from tests.connection.sockets.faults import refuses_with
from tests.connection.sockets.peers import drip, echoes, keeps_silent, peer
from tests.connection.sockets.running import (
    FAST,
    HASTY,
    eventually,
    make_scene,
    root_reducer,
    running,
)

SLOW_RETRY = attrs.evolve(FAST, backoff=Backoff(initial_seconds=60, cap_seconds=60))


@contextlib.contextmanager
def full_backlog() -> Generator[str]:
    """Listen where no connection is ever taken, with so many waiting that SYNs are dropped."""
    with contextlib.ExitStack() as open_sockets:
        listening = open_sockets.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for _ in range(4):
            waiting = open_sockets.enter_context(socket.socket())
            waiting.settimeout(0)
            with contextlib.suppress(BlockingIOError):
                waiting.connect(listening.getsockname())
        yield f"ws://127.0.0.1:{listening.getsockname()[1]}/"


async def seconds_to_fail(url: Any) -> float:
    """Return how long the first attempt took, and check that it timed out."""
    options = attrs.evolve(SLOW_RETRY, connect_timeout=HASTY.connect_timeout)
    async with running(url, options=options) as scene:
        state = await scene.until(lambda state: state.last_error is not None)
        assert state.last_error is not None
        assert state.last_error.kind == "timeout"
        started = scene.trace.times_of(ConnectionAttemptStarted)[0]
        return scene.trace.times_of(ConnectionLostAndRetryScheduled)[0] - started


@pytest.mark.parametrize(
    ("scheme", "behaviour"), [("ws", keeps_silent), ("ws", drip), ("wss", keeps_silent)]
)
async def test_rule_06_a_peer_that_never_answers_ends_the_attempt(
    scheme: str, behaviour: Any
) -> None:
    """Silence, single bytes and a TLS handshake that gets stuck end with the attempt's time."""
    async with peer(behaviour) as server:
        url = f"{scheme}://127.0.0.1:{server.port}/"
        assert await seconds_to_fail(url) <= HASTY.connect_timeout + 0.5


async def test_rule_06_dropped_packets_end_the_attempt() -> None:
    """An address that answers no SYN ends with the attempt's time."""
    with full_backlog() as url:
        assert await seconds_to_fail(url) <= HASTY.connect_timeout + 0.5


async def test_rule_06_a_slow_factory_ends_with_the_attempt() -> None:
    """A factory of the address counts into the attempt's time and is cancelled by its end."""
    ended = asyncio.Event()

    async def never() -> str:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return ""

    assert await seconds_to_fail(never) <= HASTY.connect_timeout + 0.5
    assert ended.is_set()


async def test_rule_11_many_callers_make_one_connection() -> None:
    """However many connect at once, the peer sees one connection."""
    async with peer(echoes) as server, running(server.url, connects_at_once=False) as scene:
        await asyncio.gather(*(scene.connection.connect(wait=True) for _ in range(100)))
        assert server.accepted == 1
        assert len(scene.trace.of(ConnectionAttemptStarted)) == 1


@pytest.mark.parametrize("raises", [False, True])
async def test_rule_11_a_given_up_dial_never_becomes_a_second_link(*, raises: bool) -> None:
    """A factory that takes no notice of its cancellation delays the next dial and opens nothing."""
    asked, release = asyncio.Event(), asyncio.Event()
    greeted: list[object] = []

    async def stubborn() -> str:
        if not asked.is_set():
            asked.set()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
            await release.wait()
            if raises:
                raise OSError
        return server.url

    async def greet(link: object) -> None:
        greeted.append(link)

    options = attrs.evolve(FAST, close_timeout=0.05, connect_timeout=2.0)
    async with peer(echoes) as server, running(stubborn, options=options, on_open=greet) as scene:
        await asked.wait()
        await scene.connection.disconnect()
        await scene.connection.connect()
        with pytest.raises(TimeoutError):
            await scene.until(lambda state: state.total_connects, 0.1)
        assert server.accepted == 0
        release.set()
        await scene.connection.connect(wait=True)
        await eventually(lambda: len(server.wires) == len(greeted) == 1, 5)
        assert (scene.state.total_connects, scene.state.error_count) == (1, 0)


async def test_rule_12_connecting_again_changes_nothing() -> None:
    """Connecting while that is under way or done dispatches nothing."""
    async with peer(echoes) as server, running(server.url) as scene:
        await scene.connection.connect()
        await scene.until_status(ConnectionStatus.CONNECTED)
        steps = len(scene.trace.steps)
        await scene.connection.connect(wait=True)
        assert len(scene.trace.steps) == steps
        assert server.accepted == 1


async def test_rule_12_connecting_after_the_end_starts_afresh() -> None:
    """After a fatal end, and after a disconnect, connecting begins with attempt 1."""
    async with peer(refuses_with("404 Not Found")) as server, running(server.url) as scene:
        await scene.until(lambda state: state.terminal_reason == "fatal")
        server.behaviour = echoes
        await scene.connection.connect(wait=True)
        await scene.connection.disconnect()
        await scene.connection.connect(wait=True)
        assert scene.state.terminal_reason is None
        assert scene.state.reconnect_attempts == 0
        assert [it.attempt for it in scene.trace.of(ConnectionAttemptStarted)] == [1, 1, 1]


async def test_rule_12_the_last_word_of_connect_and_disconnect_counts() -> None:
    """A connect that waits for a closing link gives way to a later disconnect, and the reverse."""
    async with peer(echoes) as server, running(server.url) as scene:
        connection = scene.connection
        await connection.connect(wait=True)
        calls = [connection.disconnect(), connection.connect(), connection.disconnect()]
        async with asyncio.timeout(5):
            await asyncio.gather(*calls)
        assert scene.trace.last_status() is ConnectionStatus.DISCONNECTED
        await connection.connect(wait=True)
        async with asyncio.timeout(5):
            calls = [connection.disconnect(), connection.connect(wait=True)]
            await asyncio.gather(*calls, connection.disconnect(), connection.connect())
        await connection.connect(wait=True)
        assert scene.trace.last_status() is ConnectionStatus.CONNECTED
        assert server.accepted == 3


async def test_rule_13_a_wait_can_be_cut_short() -> None:
    """Reconnecting now ends the wait between two attempts, and elsewhere does nothing."""
    async with (
        peer(refuses_with("503 Busy")) as server,
        running(server.url, options=SLOW_RETRY) as scene,
    ):
        await scene.until(lambda state: state.next_retry_at_ms is not None)
        server.behaviour = echoes
        scene.connection.reconnect_now()
        await scene.connection.connect(wait=True)
        scene.connection.reconnect_now()
        assert [it.attempt for it in scene.trace.of(ConnectionOpened)] == [2]


async def test_rule_13_waiting_for_a_connection_that_ends_raises() -> None:
    """Who waits for a link learns that the connection ended, and why."""
    async with peer(refuses_with("404 Not Found")) as server, running(server.url) as scene:
        with pytest.raises(ConnectionFatalError, match="404"):
            await scene.connection.connect(wait=True)
    async with peer(keeps_silent) as server, running(server.url) as scene:
        waiting = asyncio.create_task(scene.connection.connect(wait=True))
        await scene.until_status(ConnectionStatus.CONNECTING)
        await scene.connection.disconnect()
        with pytest.raises(ConnectionFatalError, match="it was disconnected"):
            await waiting


async def test_a_connection_ends_with_its_store() -> None:
    """After its store was left a connection refuses to connect and to send, and belongs to it."""
    async with peer(keeps_silent) as server, running(server.url) as scene:
        waiting = asyncio.create_task(scene.connection.connect(wait=True))
        await scene.until_status(ConnectionStatus.CONNECTING)
    with pytest.raises(StoreClosedError):
        await waiting
    with pytest.raises(StoreClosedError):
        await scene.connection.connect()
    with pytest.raises(StoreClosedError):
        scene.connection.send("too late")
    await scene.connection.disconnect()
    with pytest.raises(MiddlewareError, match="one store"):
        Store(root_reducer, middleware=[scene.connection])


async def test_before_its_store_is_entered_a_connection_only_remembers() -> None:
    """What is asked before the store is entered is done when it is."""
    async with peer(echoes) as server:
        scene = make_scene(server.url)
        await scene.connection.disconnect()
        async with scene.store:
            assert scene.trace.steps == []
            await scene.connection.connect(wait=True)
        scene = make_scene(server.url, connects_at_once=False)
        waiting = asyncio.create_task(scene.connection.connect(wait=True))
        scene.connection.send("hello")
        async with scene.store:
            await waiting
        assert server.accepted == 2


async def test_a_factory_that_was_cancelled_from_elsewhere_is_a_failed_attempt() -> None:
    """A CancelledError that a factory lets out counts as its failure, not as a shutdown."""

    async def cancelled() -> str:
        raise asyncio.CancelledError

    async with running(cancelled) as scene:
        state = await scene.until(lambda state: state.error_count >= 2)
        assert state.last_error is not None
        assert (state.last_error.kind, state.last_error.type_name) == ("factory", "CancelledError")


def test_a_coroutine_function_cannot_take_messages() -> None:
    """A handler that would never be awaited is refused at once."""

    async def handle(_message: object) -> None:
        pass

    with pytest.raises(TypeError, match="plain function"):
        WebSocketConnection("ws://127.0.0.1/", on_message=handle)  # type: ignore[arg-type]  # that is the point
