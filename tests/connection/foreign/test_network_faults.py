"""A network that drops and refuses packets: rule 56, and rules 6, 28, 29, 30 and 49."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import attrs
import pytest

from refold.actions.connection import ConnectionEnded, ConnectionLostAndRetryScheduled
from tests.connection.foreign.namespaces import FarServer, far_server
from tests.connection.foreign.settings import (
    PATIENT,
    SHORT,
    seconds_of_the_first_attempt,
    told_error,
)
from tests.connection.sockets.running import Scene, eventually, open_descriptors, running

if TYPE_CHECKING:
    from refold.middleware.websocket_link import WebSocketLink

WATCHFUL: Final = attrs.evolve(SHORT, heartbeat_interval=0.1, heartbeat_timeout=0.3)
"""Finds a dead peer in 0.4 to 0.9 s."""


async def echo_arrives(scene: Scene, received: list[object], text: str) -> None:
    """Check that the link works: what is sent comes back."""
    scene.connection.send(text)
    await eventually(lambda: text in received, 10)


async def test_rule_06_an_attempt_whose_packets_are_dropped_ends_with_its_time() -> None:
    """A black hole ends an attempt by its time limit, and the healed network is found again."""
    async with far_server() as server:
        server.drop_everything()
        async with running(server.url, options=SHORT) as scene:
            await scene.until(lambda state: state.reconnect_attempts == 1)
            assert told_error(scene).kind == "timeout"
            assert seconds_of_the_first_attempt(scene) <= SHORT.connect_timeout + 0.5
            server.heal()
            await scene.until(lambda state: state.total_connects == 1)
            assert {it.error.kind for it in scene.trace.of(ConnectionLostAndRetryScheduled)} == {
                "timeout"
            }


@pytest.mark.parametrize("answer", ["tcp-reset", "icmp-host-unreachable", "icmp-port-unreachable"])
async def test_rule_56_a_refusing_network_is_tried_again(answer: str) -> None:
    """An attempt that the network refuses fails at once, and the next one may succeed."""
    async with far_server() as server:
        server.reject(answer)
        async with running(server.url, options=PATIENT) as scene:
            await scene.until(lambda state: state.reconnect_attempts == 2)
            assert told_error(scene).kind == "connect"
            assert told_error(scene).message
            server.heal()
            await scene.until(lambda state: state.total_connects == 1)


async def test_rule_28_a_half_open_link_is_found_dead_and_replaced() -> None:
    """A link whose packets are dropped both ways is found dead; the next one works."""
    received: list[object] = []
    async with (
        far_server() as server,
        running(server.url, options=WATCHFUL, on_message=received.append) as scene,
    ):
        await scene.until(lambda state: state.latency_seconds is not None)
        heartbeats = scene.state.last_heartbeat_at_ms
        assert heartbeats is not None
        server.drop_everything()
        await scene.until(lambda state: state.error_count >= 2)
        first, second, *_ = scene.trace.of(ConnectionLostAndRetryScheduled)
        assert (first.error.kind, first.error.close_code) == ("heartbeat_timeout", 1006)
        assert second.error.kind == "timeout"
        server.heal()
        await scene.until(lambda state: state.total_connects == 2)
        await echo_arrives(scene, received, "still there?")


async def test_rule_30_a_half_open_link_wakes_its_senders_and_frees_its_descriptor() -> None:
    """Whoever is blocked on a dead link is woken, and the descriptor is free within a second."""
    woken: list[float] = []
    loop = asyncio.get_running_loop()

    async def floods(link: WebSocketLink) -> None:
        try:
            while True:
                await link.send("x" * 100_000)
        finally:
            woken.append(loop.time())

    once = attrs.evolve(
        WATCHFUL, backoff=attrs.evolve(SHORT.backoff, initial_seconds=60, cap_seconds=60)
    )
    async with far_server() as server, running(server.url, options=once, on_open=floods) as scene:
        await scene.connection.connect(wait=True)
        descriptors = open_descriptors()
        server.drop_everything()
        await scene.until(lambda state: state.last_error is not None)
        await eventually(lambda: open_descriptors() == descriptors - 1, 1.0)
        assert (told_error(scene).kind, told_error(scene).close_code) == ("heartbeat_timeout", 1006)
        lost = scene.trace.times_of(ConnectionLostAndRetryScheduled)[0]
        assert len(woken) == 1
        assert abs(woken[0] - lost) <= 0.1


async def test_rule_29_a_blip_keeps_the_connection_and_what_was_sent_in_it() -> None:
    """A second without packets, shorter than the limit, costs neither the link nor a message."""
    received: list[object] = []
    options = attrs.evolve(PATIENT, heartbeat_interval=0.1, heartbeat_timeout=10.0)
    loop = asyncio.get_running_loop()
    async with (
        far_server() as server,
        running(server.url, options=options, on_message=received.append) as scene,
    ):
        await scene.until(lambda state: state.latency_seconds is not None)
        server.drop_everything()
        began = loop.time()
        for number in range(20):
            scene.connection.send(str(number))
        await eventually(lambda: loop.time() - began >= 1 and server.packets_lost() >= 3, 10)
        assert received == []
        server.heal()
        await eventually(lambda: len(received) == 20, 10)
        assert received == [str(number) for number in range(20)]
        assert (scene.state.total_connects, scene.state.error_count) == (1, 0)


async def test_rule_56_a_link_that_the_network_resets_is_replaced() -> None:
    """A reset in the middle of a link is a loss, and the connection comes back after it."""
    async with far_server() as server, running(server.url, options=WATCHFUL) as scene:
        await scene.until(lambda state: state.latency_seconds is not None)
        server.reject("tcp-reset")
        await scene.until(lambda state: state.error_count >= 2)
        first, second, *_ = scene.trace.of(ConnectionLostAndRetryScheduled)
        assert (first.error.kind, first.error.close_code) == ("lost", 1006)
        assert second.error.kind == "connect"
        server.heal()
        await scene.until(lambda state: state.total_connects == 2)


@pytest.mark.parametrize("waits_for", ["an open link", "an attempt"])
async def test_rule_49_disconnecting_through_a_black_hole_ends_in_time(waits_for: str) -> None:
    """A disconnect that no packet answers ends with its time limit, and nothing reconnects."""
    async with far_server() as server:
        if waits_for == "an attempt":
            server.drop_everything()
        async with running(server.url, options=attrs.evolve(SHORT, connect_timeout=10)) as scene:
            await _reach(scene, server, waits_for)
            loop = asyncio.get_running_loop()
            started = loop.time()
            await asyncio.gather(*(scene.connection.disconnect() for _ in range(100)))
            assert loop.time() - started <= SHORT.close_timeout + 0.5
            assert scene.state.terminal_reason == "closed_by_user"
            assert isinstance(scene.trace.steps[-1].action, ConnectionEnded)
            server.heal()


async def _reach(scene: Scene, server: FarServer, waits_for: str) -> None:
    """Wait until the connection stands where a test wants it, with a network that is broken."""
    if waits_for == "an attempt":
        await eventually(server.packets_lost, 10)
    else:
        await scene.connection.connect(wait=True)
        server.drop_everything()
