"""The server of the `websockets` package as peer: rule 56, and rules 7, 16, 23, 24, 47 and 49."""

from __future__ import annotations

import asyncio
import contextlib
import http
import random
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import attrs
import pytest
from websockets.exceptions import ConnectionClosed

from refold.actions.connection import ConnectionOpened, ConnectionProvedStable, ConnectionStatus
from refold.middleware.websocket_options import WebSocketOptions
from tests.connection.foreign.settings import PATIENT, told_error
from tests.connection.foreign.websockets_server import echoes, reset, websockets_server
from tests.connection.sockets.running import FAST, eventually, running

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from websockets.asyncio.server import ServerConnection
    from websockets.http11 import Request, Response

RETRIED_CODES: Final = (1000, 1001, 1012, 4000)
FATAL_CODES: Final = (1008, 4401)


@pytest.mark.parametrize("compression", [None, "deflate"])
async def test_rule_56_a_thousand_messages_come_back_in_order(compression: str | None) -> None:
    """A thousand numbered messages come back in order, whether the server can compress or not."""
    received: list[object] = []
    async with (
        websockets_server(echoes, compression=compression) as url,
        running(url, options=PATIENT, on_message=received.append) as scene,
    ):
        await scene.connection.connect(wait=True)
        for number in range(1000):
            scene.connection.send(f"{number} {'x' * 100}")
        await eventually(lambda: len(received) == 1000, 10)
        assert [int(str(message).split()[0]) for message in received] == list(range(1000))
        assert scene.state.total_connects == 1


async def test_rule_56_text_and_bytes_of_every_length_come_back_unchanged() -> None:
    """Messages at the borders of the frame's length fields come back as they were sent."""
    lengths = (0, 1, 125, 126, 127, 65_535, 65_536, 200_000)
    sent = [message for size in lengths for message in ("ü" * size, b"\xff" * size)]
    received: list[object] = []
    async with (
        websockets_server(echoes) as url,
        running(url, options=PATIENT, on_message=received.append) as scene,
    ):
        for message in sent:
            scene.connection.send(message)
        await eventually(lambda: len(received) == len(sent), 10)
        assert received == sent


async def test_rule_56_fragments_become_one_message() -> None:
    """A message in fragments arrives whole, with pings between them that are answered."""
    answered: list[float] = []

    async def sends_fragments(connection: ServerConnection) -> None:
        async def parts() -> AsyncGenerator[str]:
            for number in range(20):
                yield f"{number};"
                if number % 5 == 0:
                    answered.append(await (await connection.ping()))

        await connection.send(parts())
        await connection.send([b"\x00", b"", b"\x01\x02"])
        await connection.wait_closed()

    received: list[object] = []
    async with (
        websockets_server(sends_fragments) as url,
        running(url, options=PATIENT, on_message=received.append) as scene,
    ):
        await eventually(lambda: len(received) == 2, 10)
        assert received == ["".join(f"{number};" for number in range(20)), b"\x00\x01\x02"]
        assert len(answered) == 4
        assert scene.state.error_count == 0


async def test_rule_56_the_two_heartbeats_live_together() -> None:
    """Both sides ping each other, and nobody calls the other dead."""
    latencies: list[float] = []

    async def pings(connection: ServerConnection) -> None:
        payloads = ("", "are you there?", "x" * 125)
        latencies.extend([await (await connection.ping(payload)) for payload in payloads])
        await connection.wait_closed()

    options = attrs.evolve(PATIENT, heartbeat_interval=0.02, heartbeat_timeout=5.0)
    async with (
        websockets_server(pings, ping_interval=0.02, ping_timeout=5.0) as url,
        running(url, options=options) as scene,
    ):
        await scene.until(lambda state: state.latency_seconds is not None)
        await eventually(lambda: len(latencies) == 3, 10)
        assert scene.state.total_connects == 1


async def test_rule_07_headers_and_protocols_reach_the_server() -> None:
    """The server sees the headers, and chooses among the subprotocols that are offered."""
    seen: list[tuple[str | None, str | None]] = []

    async def looks(connection: ServerConnection) -> None:
        request = connection.request
        assert request is not None
        seen.append((connection.subprotocol, request.headers.get("X-Api-Key")))
        await connection.wait_closed()

    async with (
        websockets_server(looks, subprotocols=["chat.v2"]) as url,
        running(
            url,
            options=PATIENT,
            headers={"X-Api-Key": "of a test"},
            protocols=("chat.v1", "chat.v2"),
        ) as scene,
    ):
        await scene.connection.connect(wait=True)
        await eventually(lambda: seen == [("chat.v2", "of a test")], 10)


@pytest.mark.parametrize("code", [*RETRIED_CODES, *FATAL_CODES])
async def test_rule_24_the_close_codes_of_the_server(code: int) -> None:
    """A code is recorded, answered with the same code, and followed by a retry or by the end."""
    answers: list[tuple[int | None, bool | None]] = []

    async def closes_once(connection: ServerConnection) -> None:
        if answers:
            await echoes(connection)
            return
        await connection.close(code, "because")
        protocol = connection.protocol
        answer = None if protocol.close_rcvd is None else protocol.close_rcvd.code
        answers.append((answer, protocol.close_rcvd_then_sent))

    async with websockets_server(closes_once) as url, running(url, options=PATIENT) as scene:
        await scene.until(lambda state: state.last_error is not None)
        error = told_error(scene)
        assert (error.kind, error.close_code) == ("closed", code)
        assert "because" in error.message
        if code in FATAL_CODES:
            await scene.until(lambda state: state.terminal_reason == "fatal")
        else:
            await scene.until(lambda state: state.total_connects == 2)
        await eventually(lambda: answers == [(code, False)], 10)


async def test_rule_24_too_large_a_message_is_refused_by_either_side() -> None:
    """Either side closes with 1009 over a message beyond its bound, and that is fatal."""
    seen: list[int | None] = []

    async def sends_too_much(connection: ServerConnection) -> None:
        await connection.send("x" * 2000)
        await connection.wait_closed()
        seen.append(connection.close_code)

    small = attrs.evolve(PATIENT, max_message_bytes=1000)
    async with websockets_server(sends_too_much) as url, running(url, options=small) as scene:
        await scene.until(lambda state: state.terminal_reason == "fatal")
        assert (told_error(scene).kind, told_error(scene).close_code) == ("protocol", 1009)
        await eventually(lambda: seen == [1009], 10)
    async with websockets_server(echoes, max_size=1000) as url, running(url) as scene:
        scene.connection.send("x" * 2000)
        await scene.until(lambda state: state.terminal_reason == "fatal")
        assert (told_error(scene).kind, told_error(scene).close_code) == ("closed", 1009)


@pytest.mark.parametrize(("status", "reason"), [(401, "fatal"), (404, "fatal"), (503, None)])
async def test_rule_23_the_statuses_of_the_server(status: int, reason: str | None) -> None:
    """What the server refuses the handshake with is recorded, and ends the run or is retried."""
    refusals: list[int] = []

    def refuse_once(connection: ServerConnection, _request: Request) -> Response | None:
        if refusals:
            return None
        refusals.append(status)
        return connection.respond(http.HTTPStatus(status), "no")

    async with (
        websockets_server(echoes, process_request=refuse_once) as url,
        running(url, options=PATIENT) as scene,
    ):
        await scene.until(lambda state: state.terminal_reason or state.total_connects)
        assert (told_error(scene).kind, told_error(scene).http_status) == ("http", status)
        assert scene.state.terminal_reason == reason
        assert scene.state.error_count == 1


async def _says_goodbye(connection: ServerConnection) -> None:
    await connection.close(1000)


async def _ends_by_fin(connection: ServerConnection) -> None:
    connection.transport.close()


async def _ends_by_rst(connection: ServerConnection) -> None:
    reset(connection)


@pytest.mark.parametrize("end", [_says_goodbye, _ends_by_fin, _ends_by_rst])
async def test_rule_47_all_that_was_received_before_the_end_is_delivered(
    end: Callable[[ServerConnection], Any],
) -> None:
    """Fifty messages that arrived before a close, a FIN or an RST are all delivered."""
    written = asyncio.Event()

    async def sends_and_ends(connection: ServerConnection) -> None:
        if written.is_set():
            await connection.wait_closed()
            return
        for number in range(50):
            await connection.send(str(number))
        written.set()
        await end(connection)

    received: list[object] = []
    async with (
        websockets_server(sends_and_ends) as url,
        running(url, options=PATIENT, on_message=received.append) as scene,
    ):
        await scene.until(lambda state: state.total_connects == 2)
        assert received == [str(number) for number in range(50)]


@pytest.mark.looptime
@pytest.mark.parametrize("code", [1000, 1012, 4000])
async def test_rule_16_a_flapping_server_is_not_stormed(code: int) -> None:
    """Accept-then-close brings at most 10 connections in 10 s and 80 in 10 minutes."""
    accepted: list[int] = []

    async def closes(connection: ServerConnection) -> None:
        accepted.append(code)
        await connection.close(code)

    draw = random.Random(56).random  # noqa: S311  # no secret
    async with (
        websockets_server(closes) as url,
        running(url, options=WebSocketOptions(), draw=draw) as scene,
    ):
        await asyncio.sleep(10)
        assert 2 <= len(accepted) <= 10
        await asyncio.sleep(590)
        assert 20 <= len(accepted) <= 80
        assert scene.trace.of(ConnectionProvedStable) == []


async def test_rule_16_a_server_that_restarts_is_found_again() -> None:
    """A server that shuts down says 1001, and its successor on the same port gets the messages."""
    received: list[object] = []
    async with contextlib.AsyncExitStack() as successor:
        async with websockets_server(echoes) as url:
            scene = await successor.enter_async_context(
                running(url, options=PATIENT, on_message=received.append)
            )
            await scene.connection.connect(wait=True)
        await scene.until(lambda state: state.status is ConnectionStatus.RECONNECTING)
        scene.connection.send("sent during the outage")
        assert scene.trace.of(ConnectionOpened) != []
        await successor.enter_async_context(websockets_server(echoes, port=urlsplit(url).port or 0))
        await eventually(lambda: received == ["sent during the outage"], 10)


async def test_rule_49_a_server_that_keeps_sending_is_left_in_time() -> None:
    """A hundred disconnects against a chatty server return in time, and nothing reconnects."""
    codes: list[int | None] = []

    async def chatters(connection: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                await connection.send("and another thing")
                await asyncio.sleep(0)  # a send that need not wait lets nobody else run
        codes.append(connection.close_code)

    loop = asyncio.get_running_loop()
    received: list[object] = []
    async with (
        websockets_server(chatters) as url,
        running(url, on_message=received.append) as scene,
    ):
        await eventually(lambda: len(received) > 100, 10)
        started = loop.time()
        await asyncio.gather(*(scene.connection.disconnect() for _ in range(100)))
        assert loop.time() - started <= FAST.close_timeout + 0.5
        assert scene.state.terminal_reason == "closed_by_user"
        await eventually(lambda: len(codes) == 1, 10)
        assert scene.state.total_connects == 1
