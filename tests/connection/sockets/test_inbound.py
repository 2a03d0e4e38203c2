"""What arrives before an end, after it, and in quiet logs: rules 21, 26, 47, 48, 53."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import pytest

from refold.actions.connection import ConnectionLostAndRetryScheduled, ConnectionOpened
from refold.errors import WrongThreadError
from refold.reducers.connection import ConnectionStatus
from tests.connection.sockets.faults import closes_with, refuses_with
from tests.connection.sockets.peers import TEXT, Wire, echoes, peer
from tests.connection.sockets.running import running

if TYPE_CHECKING:
    from collections.abc import Callable

ENDS: dict[str, Callable[[Wire], object]] = {
    "a close frame": lambda wire: wire.say_goodbye(1011),
    "FIN": lambda wire: wire.writer.close(),
    "half a frame": lambda wire: wire.writer.write(b"\x81\x7e\x01"),
}


@pytest.mark.parametrize("end", ENDS)
async def test_rule_47_all_that_arrived_before_an_end_is_delivered(end: str) -> None:
    """Fifty messages and the end in one go: fifty are delivered."""
    heard: list[str | bytes] = []

    async def speaks_and_ends(wire: Wire) -> None:
        await wire.handshake()
        for number in range(50):
            wire.send(TEXT, str(number).encode())
        ENDS[end](wire)

    async with (
        peer(speaks_and_ends) as server,
        running(server.url, on_message=heard.append) as scene,
    ):
        await scene.until(lambda state: state.error_count == 1)
        server.behaviour = echoes
        assert heard[:50] == [str(number) for number in range(50)]


async def test_rule_48_an_old_link_says_nothing_once_a_new_one_is_open() -> None:
    """Each message comes between the opening of its own link and that of the next one."""
    links = 0
    heard: list[tuple[str | bytes, int]] = []

    async def says_its_number(wire: Wire) -> None:
        nonlocal links
        links += 1
        mine = links
        await wire.handshake()
        for _ in range(20):
            wire.send(TEXT, str(mine).encode())
        wire.say_goodbye(1011)

    def hear(message: str | bytes) -> None:
        heard.append((message, len(scene.trace.of(ConnectionOpened))))

    async with peer(says_its_number) as server, running(server.url, on_message=hear) as scene:
        await scene.until(lambda state: state.total_connects == 5)
    assert len(heard) >= 80
    assert all(int(message) == opened for message, opened in heard)


async def test_rule_26_the_cause_that_is_told_is_the_first_one_known() -> None:
    """A peer that says why before it breaks off is quoted, not the broken pipe that follows."""
    async with peer(closes_with(1011)) as server, running(server.url) as scene:
        scene.connection.send("x" * 100_000)
        await scene.until(lambda state: state.reconnect_attempts == 3)
        lost = scene.trace.of(ConnectionLostAndRetryScheduled)
    assert {(one.error.kind, one.error.close_code) for one in lost} <= {("closed", 1011)}


async def test_rule_21_an_outage_writes_no_line_above_info(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What fails is told in the state; the log of the program stays readable."""
    caplog.set_level(logging.DEBUG)
    async with peer(refuses_with("503 Busy")) as server, running(server.url) as scene:
        await scene.until(lambda state: state.reconnect_attempts == 25)
    assert [record for record in caplog.records if record.levelno > logging.INFO] == []


async def test_rule_53_another_loop_is_refused() -> None:
    """A thread with a loop of its own, or without one, learns whose connection it is."""
    async with peer(echoes) as server, running(server.url) as scene:
        await scene.until_status(ConnectionStatus.CONNECTED)
        connection = scene.connection

        def use_elsewhere() -> None:
            for use in (connection.connect, connection.disconnect):
                with pytest.raises(WrongThreadError, match="another loop"):
                    asyncio.run(use())
            with pytest.raises(WrongThreadError, match="call_soon_threadsafe"):
                connection.send("x")
            with pytest.raises(WrongThreadError):
                connection.reconnect_now()

        await asyncio.to_thread(use_elsewhere)
        assert scene.state.status is ConnectionStatus.CONNECTED
        assert connection.queue_size == 0
