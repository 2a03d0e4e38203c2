"""Rules 1 to 5: the status, the state, and the actions that change it."""

from __future__ import annotations

import asyncio
import itertools
import socket
import struct
from typing import TYPE_CHECKING, Any, Final

import attrs
import pytest
from aiohttp import web

from refold.actions.connection import (
    ConnectionLostAndRetryScheduled,
    HeartbeatAnswered,
    SetConnectionStatus,
)
from refold.errors import ConnectionFatalError
from refold.reducers.backoff_delay import Backoff
from refold.reducers.connection import ConnectionStatus
from refold.testing.virtual_clock import VirtualClock
from tests.connection.peers import (
    QUICK,
    connected,
    raw_peer,
    read_request,
    shake_hands,
    websocket_peer,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

D, C, O, R = (  # noqa: E741  # read as a table below
    ConnectionStatus.DISCONNECTED,
    ConnectionStatus.CONNECTING,
    ConnectionStatus.CONNECTED,
    ConnectionStatus.RECONNECTING,
)
ALLOWED_EDGES: Final = {(D, C), (C, O), (C, R), (C, D), (O, R), (O, D), (R, O), (R, D)}

RESET: Final = struct.pack("ii", 1, 0)
"""SO_LINGER on, 0 seconds: closing sends RST."""


async def close_at_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """End the TCP connection before the request is answered."""


async def reset_after_opening(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Open, then send RST."""
    await shake_hands(reader, writer)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


async def end_after_opening(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Open, then send FIN."""
    await shake_hands(reader, writer)
    writer.close()
    await writer.wait_closed()


async def end_in_mid_frame(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Open, send half of a frame, and end."""
    await shake_hands(reader, writer)
    writer.write(b"\x81\x7eABC")
    await writer.drain()


async def answer_garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer the handshake with what is no HTTP."""
    await read_request(reader)
    writer.write(b"\x00\xff nonsense\r\n\r\n")
    await writer.drain()


async def refuse_with_503(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Refuse the handshake."""
    await read_request(reader)
    writer.write(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
    await writer.drain()


async def send_a_bad_frame(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Open, and send a frame with reserved bits."""
    await shake_hands(reader, writer)
    writer.write(b"\xf1\x01x")
    await reader.read()


PASSING: Final = [
    close_at_once,
    reset_after_opening,
    end_after_opening,
    end_in_mid_frame,
    answer_garbage,
    refuse_with_503,
]


def assert_edges_allowed(statuses: list[ConnectionStatus]) -> None:
    """Check every change of status in a trace."""
    assert set(itertools.pairwise(statuses)) <= ALLOWED_EDGES, statuses


@pytest.mark.parametrize("fault", PASSING)
async def test_rule_1_every_fault_leads_along_allowed_edges(
    fault: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> None:
    """Under every fault the trace has allowed edges only, and another attempt follows."""
    async with raw_peer(fault) as url, connected(url) as client:
        await client.until(lambda state: state.reconnect_attempts >= 3)
        await client.connection.disconnect()
        assert client.state.terminal_reason == "closed_by_user"
    assert_edges_allowed(client.statuses)
    assert client.statuses[:2] == ["disconnected", "connecting"]
    assert client.statuses[-1] == "disconnected"
    assert client.statuses.count(ConnectionStatus.CONNECTING) == 1


async def test_rule_1_a_fatal_end_has_its_reason() -> None:
    """A bad frame ends the connection as fatal, in allowed steps."""
    async with raw_peer(send_a_bad_frame) as url, connected(url) as client:
        state = await client.until(lambda state: state.terminal_reason is not None)
        assert (state.status, state.terminal_reason) == ("disconnected", "fatal")
        assert state.last_error is not None
        assert state.last_error.close_code == 1002
    assert_edges_allowed(client.statuses)


async def test_rule_1_nobody_listens() -> None:
    """Where nobody listens, the first attempt is connecting and every later one reconnecting."""
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    async with connected(f"ws://127.0.0.1:{port}/") as client:
        state = await client.until(lambda state: state.reconnect_attempts >= 2)
        assert state.status is ConnectionStatus.RECONNECTING
        assert state.last_error is not None
        assert state.last_error.kind == "connect"
    assert client.statuses == ["disconnected", "connecting", "reconnecting", "disconnected"]


SECRETS: Final = ("hunter2", "tok-3f9a", "Bearer-77aa")


def factories() -> list[Callable[[str], dict[str, Any]]]:
    """Return ways in which a failure's own text holds secrets."""

    def raising(error: Exception) -> Callable[[], str]:
        def factory() -> str:
            raise error

        return factory

    leak = "cannot reach wss://bob:hunter2@host/path?token=tok-3f9a"
    return [
        lambda _url: {"url": raising(ValueError(leak))},
        lambda _url: {"url": raising(OSError(leak))},
        lambda url: {"url": url.replace("//", "//bob:hunter2@") + "?token=tok-3f9a"},
    ]


@pytest.mark.parametrize("arguments", factories())
async def test_rule_2_a_message_is_never_empty_and_tells_no_secret(
    arguments: Callable[[str], dict[str, Any]],
) -> None:
    """The message of last_error has a text without userinfo, query tokens or header values."""
    headers = {"Authorization": SECRETS[2]}
    async with (
        raw_peer(refuse_with_503) as url,
        connected(**arguments(url), headers=headers) as client,
    ):
        state = await client.until(lambda state: state.last_error is not None)
    assert state.last_error is not None
    assert state.last_error.message
    assert not any(secret in repr(client.watch.actions) for secret in SECRETS)


async def test_rule_2_an_error_without_a_text_tells_its_type() -> None:
    """An exception without a text is told by the name of its type."""

    def factory() -> str:
        raise LookupError

    async with connected(factory) as client:
        state = await client.until(lambda state: state.last_error is not None)
    assert state.last_error is not None
    assert (state.last_error.kind, state.last_error.message) == ("factory", "LookupError")


async def test_rule_2_an_http_refusal_keeps_its_status() -> None:
    """A refused handshake tells the HTTP status, and an answer of 404 is fatal."""

    async def welcome(_request: web.Request) -> web.Response:
        raise web.HTTPNotFound

    application = web.Application()
    application.router.add_get("/", welcome)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"ws://127.0.0.1:{runner.addresses[0][1]}/"
    async with connected(url, connects_at_once=False) as client:
        with pytest.raises(ConnectionFatalError, match="404"):
            await client.connection.connect(wait=True)
        assert client.state.last_error is not None
        assert client.state.last_error.http_status == 404
    await runner.cleanup()


async def test_rule_3_a_subscriber_sees_the_new_status_of_each_single_action() -> None:
    """Every change of status is one action, and who reads the state then sees the new one."""
    seen: list[tuple[int, ConnectionStatus]] = []
    async with websocket_peer(_idle) as url, connected(url, connects_at_once=False) as client:
        client.store.subscribe(
            lambda: seen.append((len(client.watch.actions), client.state.status))
        )
        await client.connection.connect(wait=True)
        await client.connection.disconnect()
    assert [status for _, status in seen] == ["connecting", "connected", "disconnected"]
    assert [count for count, _ in seen] == [1, 2, 3]
    assert client.told(SetConnectionStatus) == []
    assert client.watch.origins == {"service:websocket"}


async def test_rule_3_the_state_object_is_never_changed() -> None:
    """A state kept from before a change is as it was."""
    async with websocket_peer(_idle) as url, connected(url, connects_at_once=False) as client:
        before = client.state
        copy = attrs.evolve(before)
        await client.connection.connect(wait=True)
        assert before == copy
        assert client.state is not before


@pytest.mark.looptime
async def test_rule_4_frames_and_heartbeats_cost_no_actions_of_their_own() -> None:
    """A thousand frames and pongs lead to at most one action per heartbeat interval."""

    async def flood(peer: web.WebSocketResponse) -> None:
        for _ in range(500):
            await peer.send_str("x")
            await peer.pong(b"unasked!")
        await _answering(peer)

    options = attrs.evolve(QUICK, heartbeat_interval=20.0, heartbeat_timeout=10.0)
    async with websocket_peer(flood) as url, connected(url, options=options) as client:
        await asyncio.sleep(200)
        assert 9 <= len(client.told(HeartbeatAnswered)) <= 11
        assert len(client.watch.actions) <= 15


@pytest.mark.looptime
@pytest.mark.parametrize("jump", [-3600, 3600])
async def test_rule_5_a_jump_of_the_wall_clock_moves_no_timer(jump: int) -> None:
    """A wall clock that jumps by an hour changes no delay; only stamps show it."""
    now = 1_700_000_000.0
    backoff = Backoff(jitter="none", cap_seconds=4.0)

    def clock() -> float:
        nonlocal now
        now += jump
        return now

    loop, times = asyncio.get_running_loop(), list[float]()

    def factory() -> str:
        times.append(loop.time())
        message = "not today"
        raise ValueError(message)

    options = attrs.evolve(QUICK, backoff=backoff)
    async with connected(factory, options=options, clock=clock) as client:
        await client.until(lambda state: state.reconnect_attempts >= 4)
        stamps = [action.at_ms or 0 for action in client.watch.actions]
    waits = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert waits == pytest.approx([1, 2, 4], abs=0.01)
    assert [later - earlier for earlier, later in itertools.pairwise(stamps)] == [jump * 1000] * 7


async def test_rule_5_stamps_come_from_the_injected_clock() -> None:
    """Times in the state are those of the clock that was given."""
    clock = VirtualClock(1_000.0)
    async with websocket_peer(_idle) as url, connected(url, clock=clock) as client:
        await client.until(lambda state: state.status is ConnectionStatus.CONNECTED)
        assert client.state.last_connected_at_ms == 1_000_000
        clock.advance(2.5)
        await client.connection.disconnect()
        assert client.state.last_disconnected_at_ms == 1_002_500


async def test_rule_2_the_time_of_the_next_attempt_is_told() -> None:
    """While an attempt is waited for, the state tells when it is due."""
    options = attrs.evolve(QUICK, backoff=Backoff(jitter="none"))
    clock = VirtualClock(1_000.0)
    async with (
        raw_peer(refuse_with_503) as url,
        connected(url, options=options, clock=clock) as client,
    ):
        state = await client.until(lambda state: state.status is ConnectionStatus.RECONNECTING)
        assert state.next_retry_at_ms == 1_001_000
        assert [lost.delay_seconds for lost in client.told(ConnectionLostAndRetryScheduled)] == [1]


async def _idle(peer: web.WebSocketResponse) -> None:
    async for _ in peer:
        pass


async def _answering(peer: web.WebSocketResponse) -> None:
    async for frame in peer:
        if frame.type is web.WSMsgType.PING:
            await peer.pong(frame.data)
