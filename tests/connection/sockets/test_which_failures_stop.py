"""What ends a connection for good, and what waits longer: rules 8, 10, 17, 18, 19, 22."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import attrs
import pytest

from refold.actions.connection import ConnectionEnded, ConnectionLostAndRetryScheduled
from refold.errors import ConnectionFatalError
from refold.middleware.websocket_options import WebSocketOptions
from refold.reducers.classify_failure import Failure, Verdict
from refold.reducers.connection import ConnectionState, ConnectionStatus
from tests.connection.sockets.faults import closes_with, refuses_with
from tests.connection.sockets.peers import CLOSE, Wire, echoes, peer
from tests.connection.sockets.running import FAST, running

if TYPE_CHECKING:
    from collections.abc import Callable


def has_ended(state: ConnectionState) -> bool:
    """Tell whether a run has ended for good."""
    return state.terminal_reason is not None


async def test_rule_08_new_credentials_are_used_at_the_next_attempt() -> None:
    """A 401 calls `refresh_auth` once, and the factory gives the next attempt what it fetched."""
    key, calls = "old", 0

    async def refresh() -> None:
        nonlocal key, calls
        calls += 1
        key = "new"

    async def asks(wire: Wire) -> None:
        await (refuses_with("401 Unauthorized") if key == "old" else echoes)(wire)

    async with (
        peer(asks) as server,
        running(server.url, headers=lambda: {"Authorization": key}, refresh_auth=refresh) as scene,
    ):
        await scene.until_status(ConnectionStatus.CONNECTED)
        assert (calls, server.accepted) == (1, 2)


@pytest.mark.parametrize("behaviour", [refuses_with("403 Forbidden"), closes_with(4401)])
async def test_rule_08_credentials_that_are_refused_again_end_it(
    behaviour: Callable[[Wire], object],
) -> None:
    """The second failure about authentication in a row is fatal; nobody is asked a third time."""
    calls: list[None] = []
    async with (
        peer(behaviour) as server,  # type: ignore[arg-type]
        running(server.url, refresh_auth=lambda: calls.append(None)) as scene,
    ):
        state = await scene.until(has_ended)
        assert (state.terminal_reason, len(calls), server.accepted) == ("fatal", 1, 2)


async def test_rule_08_a_refresh_that_fails_is_a_failed_attempt() -> None:
    """What `refresh_auth` raises is a failure to retry, and told without its text."""

    def refresh() -> None:
        message = "secret"
        raise RuntimeError(message)

    async with (
        peer(refuses_with("401 Unauthorized")) as server,
        running(server.url, refresh_auth=refresh) as scene,
    ):
        await scene.until(lambda state: state.reconnect_attempts == 2)
        lost = scene.trace.of(ConnectionLostAndRetryScheduled)[1]
        assert (lost.error.kind, lost.error.type_name) == ("factory", "RuntimeError")
        assert "secret" not in lost.error.message


async def test_rule_10_a_redirect_is_refused() -> None:
    """The headers that were meant for one server never reach another."""

    async def redirects(wire: Wire) -> None:
        await wire.refuse(f"302 Found\r\nLocation: http://127.0.0.1:{other.port}/")

    async with (
        peer(echoes) as other,
        peer(redirects) as server,
        running(server.url, headers={"X-Api-Key": "k"}) as scene,
    ):
        state = await scene.until(has_ended)
        assert state.terminal_reason == "fatal"
        assert state.last_error is not None
        assert "302" in state.last_error.message
        assert other.accepted == 0


async def test_rule_10_a_redirect_is_followed_when_asked_to() -> None:
    """`follows_redirects` is the opt-in."""

    async def redirects(wire: Wire) -> None:
        await wire.refuse(f"302 Found\r\nLocation: http://127.0.0.1:{other.port}/")

    options = attrs.evolve(FAST, follows_redirects=True)
    async with (
        peer(echoes) as other,
        peer(redirects) as server,
        running(server.url, options=options) as scene,
    ):
        await scene.until_status(ConnectionStatus.CONNECTED)
        assert other.accepted == 1


@pytest.mark.looptime
@pytest.mark.parametrize(
    ("answer", "least", "most"),
    [
        ("503 Busy\r\nRetry-After: 40", 40.0, 44.0),
        ("429 Busy\r\nRetry-After: 100000", 300.0, 330.0),
        ("503 Busy\r\nRetry-After: soon", 1.0, 30.0),
        ("500 Broken\r\nRetry-After: 40", 1.0, 30.0),
    ],
)
async def test_rule_17_a_busy_server_is_left_alone_as_long_as_it_asks(
    answer: str, least: float, most: float
) -> None:
    """`Retry-After` is a floor for the next delay, up to a limit; garbage is ignored."""
    async with (
        peer(refuses_with(answer)) as server,
        running(server.url, options=WebSocketOptions()) as scene,
    ):
        await scene.until(lambda state: state.reconnect_attempts == 1, 1000)
        (lost,) = scene.trace.of(ConnectionLostAndRetryScheduled)
        assert least <= lost.delay_seconds <= most


@pytest.mark.looptime
async def test_rule_18_a_peer_that_says_try_later_gets_five_seconds() -> None:
    """Close code 1013 has a floor of 5 s."""
    async with (
        peer(closes_with(1013)) as server,
        running(server.url, options=WebSocketOptions()) as scene,
    ):
        await scene.until(lambda state: state.reconnect_attempts == 1, 1000)
        (lost,) = scene.trace.of(ConnectionLostAndRetryScheduled)
        assert lost.delay_seconds >= 5.0


async def test_rule_19_it_gives_up_with_one_action_and_keeps_the_queue() -> None:
    """After `max_attempts` failures it is disconnected, and what waits is still there."""
    options = attrs.evolve(FAST, max_attempts=3)
    async with (
        peer(refuses_with("503 Busy")) as server,
        running(server.url, options=options) as scene,
    ):
        scene.connection.send("kept")
        state = await scene.until(has_ended)
        assert (state.terminal_reason, server.accepted) == ("gave_up", 3)
        assert len(scene.trace.of(ConnectionEnded)) == 1
        assert scene.connection.queue_size == state.queue_size == 1
        with pytest.raises(ConnectionFatalError):
            await scene.connection.connect(wait=True)


async def test_rule_22_the_application_decides_with_all_that_is_known() -> None:
    """The classifier sees the failure, and its word counts before every policy."""
    seen: list[Failure] = []

    def classify(failure: Failure) -> Verdict:
        seen.append(failure)
        return Verdict.RETRY if failure.attempt < 3 else Verdict.FATAL

    async with (
        peer(refuses_with("404 Nowhere\r\nX-Why: moved")) as server,
        running(server.url, classify=classify) as scene,
    ):
        state = await scene.until(has_ended)
        assert (state.terminal_reason, server.accepted) == ("fatal", 3)
        assert [failure.attempt for failure in seen] == [1, 2, 3]
        assert (seen[0].http_status, seen[0].headers["X-Why"]) == (404, "moved")


async def test_rule_22_the_application_sees_why_a_link_was_closed() -> None:
    """Of an open link it gets the code, the reason and how long the link was open."""
    seen: list[Failure] = []

    async def says_why(wire: Wire) -> None:
        await wire.handshake()
        wire.send(CLOSE, (4002).to_bytes(2, "big") + b"too many sessions")
        await wire.reader.read()

    def classify(failure: Failure) -> Verdict:
        seen.append(failure)
        return Verdict.FATAL

    async with peer(says_why) as server, running(server.url, classify=classify) as scene:
        await scene.until(has_ended)
    (failure,) = seen
    assert (failure.phase, failure.close_code) == ("open", 4002)
    assert failure.reason == "too many sessions"
    assert failure.uptime_seconds > 0


@pytest.mark.parametrize("answer", ["raises", "nonsense"])
async def test_rule_22_a_broken_classifier_means_retry(
    answer: str, caplog: pytest.LogCaptureFixture
) -> None:
    """What it raises or returns in error is logged, and the failure is retried."""

    def classify(_failure: Failure) -> Verdict:
        if answer == "raises":
            raise ZeroDivisionError
        return "FATAL"  # type: ignore[return-value]  # pyright: ignore[reportReturnType]

    async with (
        peer(refuses_with("404 Nowhere")) as server,
        running(server.url, classify=classify) as scene,
    ):
        await scene.until(lambda state: state.reconnect_attempts == 2)
    assert "classifier" in caplog.text


async def test_rule_22_a_classifier_may_leave_it_to_the_policy() -> None:
    """None means that it has no opinion."""

    def classify(_failure: Failure) -> None:
        return None

    async with (
        peer(refuses_with("404 Nowhere")) as server,
        running(server.url, classify=classify) as scene,
    ):
        assert (await scene.until(has_ended)).terminal_reason == "fatal"


async def test_a_greeting_that_can_never_succeed_ends_the_connection() -> None:
    """`ConnectionFatalError` from `on_open` is as terminal as from a factory."""

    async def greet(_link: object) -> None:
        message = "the server speaks another version"
        raise ConnectionFatalError(message)

    async with peer(echoes) as server, running(server.url, on_open=greet) as scene:
        state = await scene.until(has_ended)
        assert (state.terminal_reason, server.accepted) == ("fatal", 1)


@pytest.mark.looptime
async def test_rule_37_a_message_that_cannot_leave_ends_the_link_and_stays() -> None:
    """A peer that reads nothing makes the connection fail after `send_timeout`; nothing is lost."""

    async def takes_nothing(wire: Wire) -> None:
        await wire.handshake()
        wire.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.Event().wait()

    options = WebSocketOptions(
        heartbeat_interval=None, max_queue_bytes=256 * 2**20, max_queue=100_000
    )
    async with (
        peer(takes_nothing) as server,
        running(server.url, options=options) as scene,
    ):
        await scene.until_status(ConnectionStatus.CONNECTED)
        for _ in range(64):
            scene.connection.send(b"x" * 2**20)
        await scene.until(lambda state: state.reconnect_attempts == 1, 1000)
        (lost,) = scene.trace.of(ConnectionLostAndRetryScheduled)
        assert (lost.error.kind, lost.error.close_code) == ("send", 1006)
        assert "10 s" in lost.error.message
        assert 1 <= scene.connection.queue_size < 64
