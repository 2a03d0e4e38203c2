"""Addresses, headers and protocols from factories, and sockets without a limit: rules 7 and 9."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from refold.actions.connection import ConnectionAttemptStarted, ConnectionLostAndRetryScheduled
from refold.errors import ConnectionFatalError
from refold.middleware.shared_connector import SharedConnector
from refold.middleware.websocket_dial import new_session
from tests.connection.sockets.faults import refuses_with
from tests.connection.sockets.peers import echoes, peer
from tests.connection.sockets.running import eventually, running


async def test_rule_07_each_factory_is_asked_once_per_attempt() -> None:
    """Sync and async factories alike, whatever became of the attempt before."""
    asked: list[str] = []

    async with peer(refuses_with("503 Busy")) as server:

        async def url() -> str:
            asked.append("url")
            return server.url

        def headers() -> dict[str, str]:
            asked.append("headers")
            return {"X-Attempt": str(asked.count("headers"))}

        def protocols() -> tuple[str, ...]:
            asked.append("protocols")
            return ("chat",)

        async with running(url, headers=headers, protocols=protocols) as scene:
            await scene.until(lambda state: state.reconnect_attempts == 3)
            attempts = len(scene.trace.of(ConnectionAttemptStarted))
    assert asked == ["url", "headers", "protocols"] * attempts


async def test_rule_07_a_factory_that_raises_is_a_failed_attempt() -> None:
    """It is retried like any other, and its own words are not told."""
    async with peer(echoes) as server:
        failures = 2

        def url() -> str:
            nonlocal failures
            if failures:
                failures -= 1
                message = "token abc"
                raise LookupError(message)
            return server.url

        async with running(url) as scene:
            await scene.connection.connect(wait=True)
            lost = scene.trace.of(ConnectionLostAndRetryScheduled)
    assert [(one.error.kind, one.error.type_name) for one in lost] == [
        ("factory", "LookupError")
    ] * 2
    assert all("abc" not in one.error.message for one in lost)


async def test_rule_07_a_factory_may_end_the_connection() -> None:
    """`ConnectionFatalError` says that no other attempt can succeed."""

    def url() -> str:
        message = "the account is closed"
        raise ConnectionFatalError(message)

    async with running(url) as scene:
        with pytest.raises(ConnectionFatalError, match="the account is closed"):
            await scene.connection.connect(wait=True)
        assert scene.state.terminal_reason == "fatal"


async def test_rule_07_a_factory_is_cancelled_when_the_store_is_left() -> None:
    """Nothing waits for a factory that never answers."""
    ended = asyncio.Event()

    async def url() -> str:
        try:
            await asyncio.Event().wait()
            return "never"
        finally:
            ended.set()

    async with running(url) as scene:
        await eventually(lambda: scene.trace.of(ConnectionAttemptStarted), 10)
    assert ended.is_set()


async def test_rule_09_our_session_has_no_limit_of_sockets() -> None:
    """A hundred and fifty links at once on one session; aiohttp's own limit is a hundred."""
    async with peer(echoes) as server, contextlib.AsyncExitStack() as stack:
        shared = SharedConnector.acquire()
        stack.push_async_callback(shared.release)
        session = new_session(shared.connector, follows_redirects=False)
        await stack.enter_async_context(session)
        for _ in range(150):
            await stack.enter_async_context(session.ws_connect(server.url))
        assert server.most_at_once == 150
