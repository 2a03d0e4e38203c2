"""Debian's haproxy between the two ends: rule 56, and rules 6, 16, 17, 23 and 24."""

from __future__ import annotations

import os
import socket
from typing import Final

import pytest

from refold.actions.connection import ConnectionLostAndRetryScheduled, ConnectionStatus
from tests.connection.foreign.haproxy import haproxy
from tests.connection.foreign.settings import (
    PATIENT,
    SHORT,
    seconds_of_the_first_attempt,
    told_error,
)
from tests.connection.sockets.peers import echoes, peer
from tests.connection.sockets.running import eventually, running

WISHES: Final = {429, 503}
"""Statuses whose Retry-After counts; the proxy sends 7 s with each."""


ONLY_ROOT: Final = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root's haproxy can drop a connection without an RST"
)


def unused_port() -> int:
    """Return a port on loopback where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


async def test_rule_56_a_thousand_messages_pass_in_order() -> None:
    """A thousand numbered messages come back in order through the proxy."""
    received: list[object] = []
    async with (
        peer(echoes) as server,
        haproxy(server.port) as proxy,
        running(proxy.url, options=PATIENT, on_message=received.append) as scene,
    ):
        await scene.connection.connect(wait=True)
        for number in range(1000):
            scene.connection.send(str(number))
        await eventually(lambda: len(received) == 1000, 10)
        assert received == [str(number) for number in range(1000)]


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
async def test_rules_17_and_23_a_status_that_may_pass_is_retried(status: int) -> None:
    """The status is recorded, Retry-After is heeded, and an attempt that is let through opens."""
    async with (
        peer(echoes) as server,
        haproxy(server.port) as proxy,
        running(proxy.url, options=PATIENT, connects_at_once=False) as scene,
    ):
        await proxy.begin(str(status))
        await scene.connection.connect()
        await scene.until(lambda state: state.status is ConnectionStatus.RECONNECTING)
        assert (told_error(scene).kind, told_error(scene).http_status) == ("http", status)
        assert str(status) in told_error(scene).message
        delay = scene.trace.of(ConnectionLostAndRetryScheduled)[0].delay_seconds
        assert 7 <= delay <= 7.7 if status in WISHES else delay < 1
        assert server.accepted == 0
        await proxy.end_fault()
        scene.connection.reconnect_now()
        await scene.until(lambda state: state.total_connects == 1)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
async def test_rule_23_a_status_that_would_repeat_is_fatal(status: int) -> None:
    """The status is recorded and ends the run; asked again, the connection opens."""
    async with (
        peer(echoes) as server,
        haproxy(server.port) as proxy,
        running(proxy.url, options=PATIENT, connects_at_once=False) as scene,
    ):
        await proxy.begin(str(status))
        await scene.connection.connect()
        await scene.until(lambda state: state.terminal_reason == "fatal")
        assert (told_error(scene).kind, told_error(scene).http_status) == ("http", status)
        assert (scene.state.error_count, server.accepted) == (1, 0)
        await proxy.end_fault()
        await scene.connection.connect(wait=True)
        assert scene.state.terminal_reason is None


@pytest.mark.parametrize("fault", ["refuse the connection", "hang up"])
async def test_rule_23_a_proxy_that_hangs_up_is_tried_again(fault: str) -> None:
    """A connection that is broken without an answer carries no status and is retried."""
    async with peer(echoes) as server, haproxy(server.port) as proxy:
        await proxy.begin(fault)
        async with running(proxy.url, options=PATIENT) as scene:
            await scene.until(lambda state: state.reconnect_attempts == 2)
            assert (told_error(scene).kind, told_error(scene).http_status) == ("connect", None)
            assert server.accepted == 0
            await proxy.end_fault()
            await scene.until(lambda state: state.total_connects == 1)


@pytest.mark.parametrize("fault", [pytest.param("drop the request", marks=ONLY_ROOT), "tarpit"])
async def test_rule_06_a_proxy_that_falls_silent_ends_the_attempt(fault: str) -> None:
    """A request that is dropped in silence or held in a tarpit ends with the attempt's time."""
    async with peer(echoes) as server, haproxy(server.port) as proxy:
        await proxy.begin(fault)
        async with running(proxy.url, options=SHORT) as scene:
            await scene.until(lambda state: state.reconnect_attempts == 1)
            assert (told_error(scene).kind, told_error(scene).http_status) == ("timeout", None)
            assert seconds_of_the_first_attempt(scene) <= SHORT.connect_timeout + 0.5
            await proxy.end_fault()
            await scene.until(lambda state: state.total_connects == 1)


async def test_rule_23_a_tarpit_that_answers_in_time_is_a_server_error() -> None:
    """A tarpit that answers 500 before the attempt's time is over is an HTTP refusal."""
    async with peer(echoes) as server, haproxy(server.port, tarpit_milliseconds=50) as proxy:
        await proxy.begin("tarpit")
        async with running(proxy.url, options=PATIENT) as scene:
            await scene.until(lambda state: state.reconnect_attempts == 2)
            assert (told_error(scene).kind, told_error(scene).http_status) == ("http", 500)
            await proxy.end_fault()
            await scene.until(lambda state: state.total_connects == 1)


async def test_rule_16_a_backend_that_comes_back_is_found() -> None:
    """While the backend is down the proxy answers 503, and then the connection opens."""
    port = unused_port()
    async with haproxy(port) as proxy, running(proxy.url, options=PATIENT) as scene:
        await scene.until(lambda state: state.reconnect_attempts == 2)
        assert (told_error(scene).kind, told_error(scene).http_status) == ("http", 503)
        async with peer(echoes, port=port):
            await scene.until(lambda state: state.total_connects == 1)


async def test_rule_16_a_backend_that_is_taken_out_at_run_time_is_found_again() -> None:
    """A backend taken out keeps its open link; when that is cut, 503s follow until it is back."""
    received: list[object] = []
    async with (
        peer(echoes) as server,
        haproxy(server.port) as proxy,
        running(proxy.url, options=PATIENT, on_message=received.append) as scene,
    ):
        await scene.connection.connect(wait=True)
        await proxy.disable_backend()
        scene.connection.send("still open")
        await eventually(lambda: received == ["still open"], 10)
        await proxy.cut_links()
        await scene.until(lambda state: state.reconnect_attempts >= 2)
        cut, refused, *_ = scene.trace.of(ConnectionLostAndRetryScheduled)
        assert (cut.error.kind, cut.error.close_code) == ("lost", 1006)
        assert (refused.error.kind, refused.error.http_status) == ("http", 503)
        scene.connection.send("sent during the outage")
        await proxy.enable_backend()
        await eventually(lambda: received == ["still open", "sent during the outage"], 10)


async def test_rule_24_a_link_that_the_proxy_cuts_for_idleness_is_replaced() -> None:
    """An idle link that the proxy cuts without a goodbye is 1006, and another one follows."""
    async with (
        peer(echoes) as server,
        haproxy(server.port, tunnel_milliseconds=100) as proxy,
        running(proxy.url, options=PATIENT) as scene,
    ):
        await scene.until(lambda state: state.total_connects == 2)
        assert (told_error(scene).kind, told_error(scene).close_code) == ("lost", 1006)
