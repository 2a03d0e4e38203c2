"""Section J, rule 55: what can be injected.

Rule 56 asks for peers that are not ours; its tests are in `tests/connection/foreign`.
"""

from __future__ import annotations

import ast
import asyncio
import itertools
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import aiohttp
import pytest

import refold.middleware.websocket_connection
from refold.actions.connection import ConnectionLostAndRetryScheduled
from refold.middleware.websocket_options import WebSocketOptions
from tests.connection.sockets.faults import refuses_with
from tests.connection.sockets.peers import Peer, echoes, peer
from tests.connection.sockets.running import eventually, running

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOM: Final = Path(refold.middleware.websocket_connection.__file__).parent


async def test_rule_55_the_transport_can_be_injected(tmp_path: Path) -> None:
    """Rule 55: a session whose connector dials something else makes the connection use that."""
    received: list[object] = []
    made, path = Peer(echoes), str(tmp_path / "socket")
    server = await asyncio.start_unix_server(made.accept, path)
    async with server, aiohttp.ClientSession(connector=aiohttp.UnixConnector(path)) as session:
        async with running(
            "ws://nowhere.invalid/", session=session, on_message=received.append
        ) as scene:
            await scene.connection.connect(wait=True)
            scene.connection.send("through a pipe")
            await eventually(lambda: received == ["through a pipe"], 10)
        await made.stop()


@pytest.mark.looptime
async def test_rule_55_with_clock_and_chance_injected_two_runs_are_the_same() -> None:
    """Rule 55: the actions of an outage of 10 min are equal, with all their times and draws."""

    async def outage() -> list[object]:
        ticks = itertools.count(1_000_000)
        draw = random.Random(55).random  # noqa: S311  # no secret
        async with (
            peer(refuses_with("503 Busy")) as server,
            running(
                server.url, options=WebSocketOptions(), clock=lambda: next(ticks), draw=draw
            ) as scene,
        ):
            await asyncio.sleep(600)
            lost: list[Any] = scene.trace.of(ConnectionLostAndRetryScheduled)
            assert len(lost) > 20
            return [step.action for step in scene.trace.steps]

    first = await outage()
    assert first == await outage()


def files_of_the_connection() -> Iterator[Path]:
    """Yield the files that a connection is made of."""
    for pattern in ("websocket_*.py", "heartbeat.py", "reconnect_driver.py", "outbound_*.py"):
        yield from sorted(ROOM.glob(pattern))


def test_rule_55_no_part_of_a_connection_asks_the_system_for_time_or_chance() -> None:
    """Rule 55: but for a message that is queued where no loop runs, there is no such call."""
    found: list[str] = []
    for path in files_of_the_connection():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(
                    func=ast.Attribute(value=ast.Name(id="time" | "random" | "datetime" as module))
                ):
                    found.append(f"{path.name}: {module}")
                case _:
                    pass
    assert len(list(files_of_the_connection())) >= 10
    assert found == ["websocket_outbox.py: time"]
