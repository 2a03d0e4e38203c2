"""The server of the npm package `ws` as peer: rule 56, and rules 6, 24, 28, 47 and 49."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final
from urllib.parse import urlsplit

import attrs
import pytest

from refold.actions.connection import ConnectionLostAndRetryScheduled, ConnectionStatus
from tests.connection.foreign.npm_ws_server import npm_ws_server
from tests.connection.foreign.settings import (
    PATIENT,
    SHORT,
    seconds_of_the_first_attempt,
    told_error,
)
from tests.connection.sockets.running import eventually, running

FATAL_CODES: Final = (1008, 3000)

IMPATIENT: Final = attrs.evolve(
    PATIENT, connect_timeout=0.4, close_timeout=0.3, heartbeat_interval=0.1, heartbeat_timeout=0.3
)


async def test_rule_56_a_thousand_messages_come_back_in_order() -> None:
    """A thousand numbered messages are echoed in order."""
    received: list[object] = []
    async with (
        npm_ws_server() as (url, _),
        running(url, options=PATIENT, on_message=received.append) as scene,
    ):
        await scene.connection.connect(wait=True)
        for number in range(1000):
            scene.connection.send(f"{number}".encode() if number % 2 else f"{number}")
        await eventually(lambda: len(received) == 1000, 10)
        assert received == [str(n).encode() if n % 2 else str(n) for n in range(1000)]
        assert scene.state.total_connects == 1


async def test_rule_56_fragments_and_pings_are_understood() -> None:
    """A message in fragments arrives whole, and each ping is answered with its payload."""
    received: list[object] = []
    async with (
        npm_ws_server() as (url, program),
        running(url, options=PATIENT, on_message=received.append) as scene,
    ):
        scene.connection.send("!fragments")
        await program.wait_for(lambda line: line.get("pong") == "in the middle")
        scene.connection.send("!ping later")  # of two at once, only the latest need be answered
        await program.wait_for(lambda line: line.get("pong") == "later")
        assert received == ["one two three"]


@pytest.mark.parametrize("code", [1000, 1001, 1012, 4000, *FATAL_CODES])
async def test_rule_24_the_close_codes_of_the_server(code: int) -> None:
    """A code is recorded, answered with the same code, and followed by a retry or by the end."""
    async with npm_ws_server() as (url, program), running(url, options=PATIENT) as scene:
        scene.connection.send(f"!close {code} because")
        await scene.until(lambda state: state.last_error is not None)
        assert (told_error(scene).kind, told_error(scene).close_code) == ("closed", code)
        assert "because" in told_error(scene).message
        await program.wait_for(lambda line: line.get("closed") == code)
        if code in FATAL_CODES:
            await scene.until(lambda state: state.terminal_reason == "fatal")
        else:
            await scene.until(lambda state: state.total_connects == 2)


@pytest.mark.parametrize(
    ("command", "kind", "code"),
    [("closeWithoutCode", "closed", 1005), ("terminate", "lost", 1006), ("reset", "lost", 1006)],
)
async def test_rule_24_an_end_without_a_code_is_retried(command: str, kind: str, code: int) -> None:
    """A close frame without a code is 1005, an abrupt end 1006, and both are retried."""
    async with npm_ws_server() as (url, _), running(url, options=PATIENT) as scene:
        scene.connection.send(f"!{command}")
        await scene.until(lambda state: state.total_connects == 2)
        assert (told_error(scene).kind, told_error(scene).close_code) == (kind, code)
        assert scene.state.error_count == 1


@pytest.mark.parametrize("end", ["close 1000", "close 1012", "terminate"])
async def test_rule_47_all_that_was_received_before_the_end_is_delivered(end: str) -> None:
    """Fifty messages that were sent before a close or an abrupt end are all delivered."""
    received: list[object] = []
    async with (
        npm_ws_server() as (url, _),
        running(url, options=PATIENT, on_message=received.append) as scene,
    ):
        scene.connection.send(f"!burst 50 {end}")
        await scene.until(lambda state: state.total_connects == 2)
        assert received == [str(number) for number in range(50)]


async def test_rule_06_a_stopped_server_ends_the_attempt() -> None:
    """A server whose process stands still ends an attempt by its time limit; later it is found."""
    async with npm_ws_server() as (url, program):
        program.pause()
        async with running(url, options=SHORT) as scene:
            await scene.until(lambda state: state.reconnect_attempts == 1)
            assert told_error(scene).kind == "timeout"
            assert seconds_of_the_first_attempt(scene) <= SHORT.connect_timeout + 0.5
            program.resume()
            await scene.until(lambda state: state.total_connects == 1)


async def test_rule_28_a_stopped_server_is_found_dead_and_replaced() -> None:
    """A server that stops under an open link is found dead; when it goes on it is used again."""
    received: list[object] = []
    async with (
        npm_ws_server() as (url, program),
        running(url, options=IMPATIENT, on_message=received.append) as scene,
    ):
        await scene.until(lambda state: state.latency_seconds is not None)
        connects = scene.state.total_connects
        program.pause()
        await scene.until(lambda state: state.status is ConnectionStatus.RECONNECTING)
        error = told_error(scene)
        assert (error.kind, error.close_code) == ("heartbeat_timeout", 1006)
        scene.connection.send("are you back?")
        program.resume()
        await scene.until(lambda state: state.total_connects > connects)
        await eventually(lambda: received == ["are you back?"], 10)


async def test_rule_28_a_server_that_does_not_read_is_found_dead() -> None:
    """A server that reads no frame any more answers no ping: it is dead, however open its link."""
    async with npm_ws_server() as (url, _), running(url, options=IMPATIENT) as scene:
        await scene.until(lambda state: state.latency_seconds is not None)
        scene.connection.send("!stopReading")
        await scene.until(lambda state: state.error_count)
        lost = scene.trace.of(ConnectionLostAndRetryScheduled)
        assert lost[-1].error.kind == "heartbeat_timeout"


@pytest.mark.parametrize("fault", ["stopped", "does not read"])
async def test_rule_49_a_server_that_ignores_the_goodbye_is_left_in_time(fault: str) -> None:
    """A hundred disconnects against a deaf server return in time, and nothing reconnects."""
    options = attrs.evolve(IMPATIENT, connect_timeout=10.0, heartbeat_interval=None)
    received: list[object] = []
    async with (
        npm_ws_server() as (url, program),
        running(url, options=options, on_message=received.append) as scene,
    ):
        scene.connection.send("hello")
        await eventually(lambda: received == ["hello"], 10)
        if fault == "stopped":
            program.pause()
        else:
            scene.connection.send("!burst 1 stopReading")
            await eventually(lambda: received == ["hello", "0"], 10)
        loop = asyncio.get_running_loop()
        started = loop.time()
        await asyncio.gather(*(scene.connection.disconnect() for _ in range(100)))
        assert loop.time() - started <= options.close_timeout + 0.5
        assert scene.state.terminal_reason == "closed_by_user"
        assert scene.state.total_connects == 1


async def test_rule_49_a_polite_server_sees_the_goodbye() -> None:
    """A disconnect says 1000 to the server, and no other connection follows."""
    async with npm_ws_server() as (url, program), running(url, options=PATIENT) as scene:
        await scene.connection.connect(wait=True)
        await scene.connection.disconnect()
        await program.wait_for(lambda line: line.get("closed") == 1000)
        assert [line for line in program.told if "accepted" in line] == [{"accepted": True}]


async def test_rule_56_a_killed_server_is_found_again() -> None:
    """A server that is killed is missed at once, and its successor gets what was queued."""
    received: list[object] = []
    async with contextlib.AsyncExitStack() as successor:
        async with npm_ws_server() as (url, _):
            scene = await successor.enter_async_context(
                running(url, options=PATIENT, on_message=received.append)
            )
            await scene.connection.connect(wait=True)
        await scene.until(lambda state: state.reconnect_attempts >= 2)
        lost, refused, *_ = scene.trace.of(ConnectionLostAndRetryScheduled)
        assert (lost.error.kind, refused.error.kind) == ("lost", "connect")
        scene.connection.send("sent during the outage")
        await successor.enter_async_context(npm_ws_server(urlsplit(url).port or 0))
        await eventually(lambda: received == ["sent during the outage"], 10)
