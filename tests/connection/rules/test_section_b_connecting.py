"""Section B, rules 6 to 13: attempts, what they are made with, and who asks for them."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import socket
from typing import TYPE_CHECKING, Any, Final

import aiohttp
import attrs
import pytest

from refold.actions.connection import ConnectionAttemptStarted, ConnectionLostAndRetryScheduled
from refold.errors import ConnectionFatalError
from refold.middleware.websocket_connection import WebSocketConnection
from refold.middleware.websocket_options import WebSocketOptions
from refold.reducers.connection import ConnectionStatus
from tests.connection.sockets.faults import closes_with, refuses_with
from tests.connection.sockets.peers import Wire, drip, echoes, keeps_silent, peer
from tests.connection.sockets.running import FAST, HASTY, eventually, running

if TYPE_CHECKING:
    from refold.actions.connection import LastError

DEFAULTS: Final = WebSocketOptions()


async def first_failure(url: Any, **settings: Any) -> tuple[float, LastError]:
    """Return how long the first attempt took with the default options, and how it failed."""
    async with running(url, options=DEFAULTS, **settings) as scene:
        await scene.until(lambda state: state.error_count, 1000)
        started = scene.trace.times_of(ConnectionAttemptStarted)[0]
        failed = scene.trace.times_of(ConnectionLostAndRetryScheduled)[0]
        (lost,) = scene.trace.of(ConnectionLostAndRetryScheduled)
    return failed - started, lost.error


async def drips_slowly(wire: Wire) -> None:
    """Answer a byte each second."""
    await wire.reader.readuntil(b"\r\n\r\n")
    for byte in b"HTTP/1.1 101 Switching Protocols\r\n":
        wire.writer.write(bytes([byte]))
        await asyncio.sleep(1)


@pytest.mark.looptime
@pytest.mark.parametrize(
    ("scheme", "behaviour"), [("ws", keeps_silent), ("ws", drips_slowly), ("wss", keeps_silent)]
)
async def test_rule_06_an_attempt_takes_10_s_by_default(scheme: str, behaviour: Any) -> None:
    """Rule 6: silence, a byte per second and a stuck TLS handshake end after 10 to 10.5 s."""
    async with peer(behaviour) as server:
        seconds, error = await first_failure(f"{scheme}://127.0.0.1:{server.port}/")
    assert 10.0 <= seconds <= 10.5
    assert error.kind == "timeout"


@pytest.mark.looptime
async def test_rule_06_looking_up_a_name_is_part_of_the_attempt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Rule 6: a name server that never answers ends the attempt after 10 to 10.5 s."""
    asked: list[object] = []

    async def never(*arguments: object, **_settings: object) -> None:
        asked.append(arguments[0])
        await asyncio.Event().wait()

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", never)
    seconds, error = await first_failure("ws://hub.example/")
    assert asked == ["hub.example"]
    assert 10.0 <= seconds <= 10.5
    assert error.kind == "timeout"


@pytest.mark.looptime
async def test_rule_06_the_parts_of_an_attempt_share_one_limit() -> None:
    """Rule 6: factories of 4 s each and a silent server take 10 s together, not 4 + 4 + 10."""

    async def url() -> str:
        await asyncio.sleep(4)
        return server.url

    async def headers() -> dict[str, str]:
        await asyncio.sleep(4)
        return {}

    async with peer(keeps_silent) as server:
        seconds, error = await first_failure(url, headers=headers)
        assert server.accepted == 1
    assert 10.0 <= seconds <= 10.5
    assert error.kind == "timeout"


@pytest.mark.looptime
@pytest.mark.parametrize("name", ["url", "headers", "protocols"])
async def test_rule_07_every_factory_is_cut_by_the_limit_and_by_leaving(name: str) -> None:
    """Rule 7: each factory runs within the attempt's 10 s, and is cancelled with the store."""
    ended: list[str] = []

    async def never() -> Any:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(name)

    settings: dict[str, Any] = {"url": "ws://127.0.0.1:9/", name: never}
    seconds, error = await first_failure(settings.pop("url"), **settings)
    assert 10.0 <= seconds <= 10.5
    assert error.kind == "timeout"
    assert ended == [name]
    settings = {"url": "ws://127.0.0.1:9/", name: never}
    async with running(settings.pop("url"), options=DEFAULTS, **settings) as scene:
        await scene.until_status(ConnectionStatus.CONNECTING)
        await asyncio.sleep(1)
    assert ended == [name, name]


@pytest.mark.parametrize("name", ["url", "headers", "protocols"])
@pytest.mark.parametrize("is_fatal", [False, True])
async def test_rule_07_what_any_factory_raises_is_retried_unless_it_is_fatal(
    name: str,
    is_fatal: bool,  # noqa: FBT001  # a case
) -> None:
    """Rule 7: an ordinary error is a failed attempt, `ConnectionFatalError` is the end."""

    async def fail() -> Any:
        raise ConnectionFatalError if is_fatal else OSError

    settings: dict[str, Any] = {"url": "ws://127.0.0.1:9/", name: fail}
    async with running(settings.pop("url"), **settings) as scene:
        await scene.until(lambda state: state.terminal_reason or state.error_count == 3)
        assert scene.state.terminal_reason == ("fatal" if is_fatal else None)
        assert scene.state.last_error is not None
        assert scene.state.last_error.kind == "factory"


REFUSALS: Final = {
    "401": refuses_with("401 Unauthorized"),
    "403": refuses_with("403 Forbidden"),
    **{str(code): closes_with(code) for code in (3000, 3003, 4401, 4403)},
}
"""Every failure that is about credentials by default."""


@pytest.mark.looptime
@pytest.mark.parametrize("name", REFUSALS)
async def test_rule_08_each_refusal_asks_for_credentials_once(name: str) -> None:
    """Rule 8: one call, at the next delay and not before; the second refusal in a row is fatal."""
    called: list[float] = []

    def refresh() -> None:
        called.append(asyncio.get_running_loop().time())

    async with (
        peer(REFUSALS[name]) as server,
        running(server.url, options=DEFAULTS, refresh_auth=refresh, draw=lambda: 0.0) as scene,
    ):
        await scene.until(lambda state: state.terminal_reason == "fatal", 1000)
        (lost,) = scene.trace.times_of(ConnectionLostAndRetryScheduled)
        assert server.accepted == 2
    assert [at - lost for at in called] == [pytest.approx(1.0, abs=0.1)]


@pytest.mark.parametrize("name", REFUSALS)
async def test_rule_08_without_a_way_to_refresh_each_refusal_is_fatal(name: str) -> None:
    """Rule 8: nobody tries the same credentials again."""
    async with peer(REFUSALS[name]) as server, running(server.url) as scene:
        await scene.until(lambda state: state.terminal_reason == "fatal")
        assert server.accepted == 1


@pytest.mark.looptime
async def test_rule_08_credentials_are_never_fetched_twice_at_once() -> None:
    """Rule 8: callers who hurry, connect and reconnect while it runs start no second call."""
    running_now, most, calls = 0, 0, 0
    begun = asyncio.Event()

    async def refresh() -> None:
        nonlocal running_now, most, calls
        calls += 1
        running_now += 1
        most = max(most, running_now)
        begun.set()
        with contextlib.suppress(asyncio.CancelledError):  # a call that cannot be stopped
            await asyncio.Event().wait()
        await asyncio.sleep(0.05)
        running_now -= 1

    options = attrs.evolve(FAST, close_timeout=0.01, connect_timeout=5.0)
    async with (
        peer(REFUSALS["401"]) as server,
        running(server.url, options=options, refresh_auth=refresh) as scene,
    ):
        for _ in range(3):
            begun.clear()
            await asyncio.wait_for(begun.wait(), 10)
            scene.connection.reconnect_now()
            await asyncio.gather(*(scene.connection.connect() for _ in range(10)))
            await scene.connection.disconnect()
            await scene.connection.connect()
    assert calls >= 3
    assert most == 1


def test_rule_09_the_limit_of_a_session_that_is_given_is_documented() -> None:
    """Rule 9: the documentation of `session` says that its limit counts, and that it stays open."""
    told = " ".join((inspect.getdoc(WebSocketConnection) or "").split())
    assert "session: used and never closed, its connection limit counts" in told


async def test_rule_09_150_connections_are_open_at_once() -> None:
    """Rule 9: 150 connections, each with a session of its own, are all open together."""
    async with peer(echoes) as server, contextlib.AsyncExitStack() as stack:
        for _ in range(150):
            await stack.enter_async_context(running(server.url))
        await eventually(lambda: server.most_at_once == 150, 20)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_rule_10_no_redirect_is_followed_with_our_headers(status: int) -> None:
    """Rule 10: whichever way a server redirects, it is fatal and says so; nobody else is asked."""

    async def redirects(wire: Wire) -> None:
        await wire.refuse(f"{status} Elsewhere\r\nLocation: http://127.0.0.1:{other.port}/")

    async with (
        peer(echoes) as other,
        peer(redirects) as server,
        running(server.url, headers={"X-Api-Key": "k"}) as scene,
    ):
        state = await scene.until(lambda state: state.terminal_reason)
        assert state.terminal_reason == "fatal"
        assert state.last_error is not None
        assert "redirected" in state.last_error.message
        assert (server.accepted, other.accepted) == (1, 0)


@pytest.mark.parametrize("waits", [False, True])
async def test_rule_11_the_server_sees_one_of_a_hundred_connects(*, waits: bool) -> None:
    """Rule 11: 100 concurrent calls, in 100 tasks, during the dial and after it: 1 connection."""
    async with peer(echoes) as server, running(server.url, connects_at_once=False) as scene:
        async with asyncio.TaskGroup() as group:
            for _ in range(100):
                group.create_task(scene.connection.connect(wait=waits))
        await scene.until_status(ConnectionStatus.CONNECTED)
        await asyncio.gather(*(scene.connection.connect(wait=waits) for _ in range(100)))
        assert (server.accepted, server.most_at_once) == (1, 1)


async def test_rule_11_no_dial_begins_while_a_socket_is_open() -> None:
    """Rule 11: over 20 links that are lost, left and asked for anew, each dial finds none open."""
    open_at_dial: list[int] = []

    def url() -> str:
        open_at_dial.append(len(vars(connector)["_acquired"]))
        return server.url

    async with peer(closes_with(1011)) as server, aiohttp.ClientSession() as session:
        connector = session.connector
        async with running(url, session=session) as scene:
            for number in range(10):
                await scene.until(lambda state: state.total_connects >= number)  # noqa: B023  # now
                assert len(vars(connector)["_acquired"]) <= 1
                await asyncio.gather(
                    *(scene.connection.connect() for _ in range(100)), scene.connection.disconnect()
                )
                scene.connection.reconnect_now()
                await scene.connection.connect()
            await scene.until(lambda state: state.total_connects >= 20)
    assert len(open_at_dial) >= 20
    assert set(open_at_dial) == {0}


async def test_rule_12_after_giving_up_a_new_run_counts_from_0() -> None:
    """Rule 12: connecting after `gave_up` begins with attempt 1 and no failures."""
    options = attrs.evolve(FAST, max_attempts=2)
    async with (
        peer(refuses_with("503 Busy")) as server,
        running(server.url, options=options) as scene,
    ):
        await scene.until(lambda state: state.terminal_reason == "gave_up")
        server.behaviour = keeps_silent
        await scene.connection.connect()
        state = await scene.until_status(ConnectionStatus.CONNECTING)
        assert (state.reconnect_attempts, state.terminal_reason) == (0, None)
        assert [it.attempt for it in scene.trace.of(ConnectionAttemptStarted)] == [1, 2, 1]


@pytest.mark.looptime
async def test_rule_13_cutting_a_wait_short_dials_in_the_same_moment() -> None:
    """Rule 13: in the middle of a wait of 30 s the next attempt begins at once, and only one."""
    async with (
        peer(refuses_with("503 Busy\r\nRetry-After: 30")) as server,
        running(server.url, options=DEFAULTS) as scene,
    ):
        await scene.until(lambda state: state.next_retry_at_ms is not None)
        await asyncio.sleep(10)
        now = asyncio.get_running_loop().time()
        for _ in range(10):
            scene.connection.reconnect_now()
        assert scene.trace.times_of(ConnectionAttemptStarted)[1:] == [now]
        await scene.until(lambda state: state.reconnect_attempts == 2)
        assert server.accepted == 2


@pytest.mark.parametrize("end", ["disconnect", "aclose"])
async def test_rule_13_whoever_waits_is_told_of_every_end(end: str) -> None:
    """Rule 13: `connect(wait=True)` during an outage raises when the run ends, however it does."""
    async with peer(drip) as server, running(server.url, options=HASTY) as scene:
        waiting = [asyncio.create_task(scene.connection.connect(wait=True)) for _ in range(10)]
        await scene.until(lambda state: state.error_count == 2)
        assert not any(task.done() for task in waiting)
        await (scene.connection.disconnect() if end == "disconnect" else scene.store.aclose())
        results = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 10)
    assert all(isinstance(result, Exception) for result in results)


def free_port() -> int:
    """Return a port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port: int = reserved.getsockname()[1]
        return port


async def test_rule_13_waiting_lasts_until_a_server_is_there() -> None:
    """Rule 13: `connect(wait=True)` outlives refused attempts and returns when one opens."""
    port = free_port()
    async with running(f"ws://127.0.0.1:{port}/") as scene:
        waiting = asyncio.create_task(scene.connection.connect(wait=True))
        await scene.until(lambda state: state.error_count >= 3)
        assert not waiting.done()
        async with peer(echoes, port=port):
            await asyncio.wait_for(waiting, 10)
            assert scene.state.status is ConnectionStatus.CONNECTED
