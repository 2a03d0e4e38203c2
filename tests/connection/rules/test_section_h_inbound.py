"""Section H, rules 47 and 48: what arrives around the end of a link."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import attrs
import pytest

from refold.actions.connection import ConnectionLostAndRetryScheduled, ConnectionOpened
from refold.reducers.backoff_delay import Backoff
from tests.connection.sockets.peers import PING, PONG, TEXT, Wire, peer
from tests.connection.sockets.running import FAST, eventually, running

if TYPE_CHECKING:
    from collections.abc import Callable

ENDS: Final[dict[str, Callable[[Wire], object]]] = {
    "a close frame": lambda wire: wire.say_goodbye(1000),
    "FIN": lambda wire: wire.writer.close(),
    "RST": Wire.reset,
}


@pytest.mark.parametrize("end", ENDS)
async def test_rule_47_fifty_of_fifty_are_delivered_before_the_end_is_told(end: str) -> None:
    """Rule 47: what the socket had before a close, a FIN or an RST is delivered, then the loss."""
    received: list[object] = []

    async def speaks_and_ends(wire: Wire) -> None:
        await wire.handshake()
        for number in range(50):
            wire.send(TEXT, str(number).encode())
        wire.send(PING, b"have you read it?")  # an RST takes back what was not read
        assert await wire.receive() == (PONG, b"have you read it?")
        ENDS[end](wire)

    patient = attrs.evolve(FAST, backoff=Backoff(initial_seconds=60, cap_seconds=60))
    async with (
        peer(speaks_and_ends) as server,
        running(server.url, options=patient, on_message=received.append) as scene,
    ):
        await scene.until(lambda state: state.error_count == 1)
        await eventually(lambda: len(received) == 50, 10)
        assert received == [str(number) for number in range(50)]


async def test_rule_48_no_message_of_a_lost_link_comes_after_the_next_one_is_connected() -> None:
    """Rule 48: over ten links that end in mid-stream, each message is that of the open link."""
    links = 0
    heard: list[tuple[int, int]] = []

    async def says_its_number_and_breaks(wire: Wire) -> None:
        nonlocal links
        links += 1
        mine = str(links).encode()
        await wire.handshake()
        for _ in range(200):
            wire.send(TEXT, mine)
        await wire.writer.drain()
        await asyncio.sleep(0)
        wire.reset()

    def hear(message: str | bytes) -> None:
        heard.append((int(message), len(scene.trace.of(ConnectionOpened))))

    async with (
        peer(says_its_number_and_breaks) as server,
        running(server.url, on_message=hear) as scene,
    ):
        await scene.until(lambda state: state.total_connects == 10)
        assert len(scene.trace.of(ConnectionLostAndRetryScheduled)) >= 9
    assert heard
    assert [one for one in heard if one[0] != one[1]] == []
