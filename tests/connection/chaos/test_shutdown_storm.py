"""Calls in great number and from every place, and the end of a whole program.

Rules 11, 49 and 53.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import pytest

from refold.errors import ConnectionFatalError, StoreClosedError
from refold.middleware.websocket_options import WebSocketOptions
from refold.reducers.connection import ConnectionStatus
from tests.connection.chaos.interrupted_program import ENDINGS, PLACES
from tests.connection.chaos.test_chaos import check_status
from tests.connection.chaos.virtual_run import run_virtually
from tests.connection.sockets.faults import FATAL_FAULTS, RETRIED_FAULTS
from tests.connection.sockets.peers import CLOSE, TEXT, Behaviour, Wire, echoes, keeps_silent, peer
from tests.connection.sockets.running import Scene, make_scene

OPTIONS: Final = WebSocketOptions()

LIMIT_SECONDS: Final = OPTIONS.close_timeout + 0.5


async def never_says_goodbye(wire: Wire) -> None:
    """Open a link, and hear no goodbye."""
    await wire.handshake()
    await wire.reader.read()


async def chats(wire: Wire) -> None:
    """Talk all the time, and hear no goodbye; in virtual time it must pause to let time pass."""
    await wire.handshake()
    while True:
        wire.send(TEXT, b"and another thing")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.1):
                if not await wire.reader.read(65536):
                    return


async def is_new(_scene: Scene) -> None:
    """Wait for nothing: the service has not begun."""


async def is_dialing(scene: Scene) -> None:
    """Wait for the first attempt."""
    await scene.until_status(ConnectionStatus.CONNECTING)
    await asyncio.sleep(1)


async def is_open(scene: Scene) -> None:
    """Wait for a link."""
    await scene.until_status(ConnectionStatus.CONNECTED)


async def is_waiting(scene: Scene) -> None:
    """Wait for the pause after a failure."""
    await scene.until(lambda state: state.next_retry_at_ms is not None)


async def is_closing(scene: Scene) -> None:
    """Wait until a goodbye is on its way."""
    await is_open(scene)
    closing = asyncio.create_task(scene.connection.disconnect())
    await asyncio.sleep(1)
    assert not closing.done()
    closing.add_done_callback(lambda task: task.result())


async def has_ended(scene: Scene) -> None:
    """Wait for the end."""
    await scene.until(lambda state: state.terminal_reason)


PHASES: dict[str, tuple[Behaviour, Callable[[Scene], Awaitable[None]]]] = {
    "new": (echoes, is_new),
    "dialing": (keeps_silent, is_dialing),
    "open": (echoes, is_open),
    "open, silent peer": (never_says_goodbye, is_open),
    "open, chatty peer": (chats, is_open),
    "waiting": (RETRIED_FAULTS["reset"], is_waiting),
    "closing": (never_says_goodbye, is_closing),
    "ended": (FATAL_FAULTS["404"], has_ended),
}
"""How to reach each phase of a connection."""


async def disconnects(scene: Scene, count: int) -> None:
    """Disconnect so often at once, within the limit of rule 49."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    await asyncio.gather(*(scene.connection.disconnect() for _ in range(count)))
    assert loop.time() - started <= LIMIT_SECONDS


@pytest.mark.parametrize("name", PHASES)
def test_rule_49_a_hundred_disconnects_from_any_phase(name: str) -> None:
    """A hundred disconnects at once, from any phase, return in time and stay disconnected."""
    behaviour, reached = PHASES[name]

    async def storm() -> None:
        async with peer(behaviour) as server:
            scene = make_scene(server.url, options=OPTIONS)
            async with scene.store:
                await reached(scene)
                await disconnects(scene, 100)
                check_status(scene)
                assert scene.state.status is ConnectionStatus.DISCONNECTED
                accepted, steps = server.accepted, len(scene.trace.steps)
                await asyncio.sleep(300)
                assert (server.accepted, len(scene.trace.steps)) == (accepted, steps)
                await disconnects(scene, 1)
                server.behaviour = echoes
                await scene.connection.connect(wait=True)

    run_virtually(storm)


def test_rule_49_a_hundred_disconnects_from_inside_a_handler() -> None:
    """A handler that asks for a hundred disconnects at each message ends one connection once."""
    closing: list[asyncio.Task[None]] = []

    async def storm() -> None:
        def handle(_message: object) -> None:
            closing.extend(asyncio.create_task(scene.connection.disconnect()) for _ in range(100))

        async with peer(talks_until_goodbye) as server:
            scene = make_scene(server.url, options=OPTIONS, on_message=handle)
            async with scene.store:
                await has_ended(scene)
                await asyncio.gather(*closing)
                assert [step.after for step in scene.trace.steps].count(
                    ConnectionStatus.DISCONNECTED
                ) == 1
                await scene.connection.connect(wait=True)
                await asyncio.gather(*closing)

    run_virtually(storm)
    assert len(closing) >= 100


@pytest.mark.parametrize("name", PHASES)
def test_rule_49_connects_and_disconnects_at_once_end_as_the_last_one_says(name: str) -> None:
    """Of many calls at once the last prevails, none hangs, and the peer sees one link at most."""
    behaviour, reached = PHASES[name]

    async def storm() -> None:
        for last in ("connect", "disconnect"):
            async with peer(behaviour) as server:
                scene = make_scene(server.url, options=OPTIONS)
                async with scene.store:
                    await reached(scene)
                    server.behaviour = echoes
                    calls: list[asyncio.Task[None]] = []
                    for _ in range(50):
                        calls.append(asyncio.create_task(scene.connection.disconnect()))
                        calls.append(asyncio.create_task(scene.connection.connect()))
                        calls.append(asyncio.create_task(scene.connection.connect(wait=True)))
                    if last == "disconnect":
                        calls.append(asyncio.create_task(scene.connection.disconnect()))
                    async with asyncio.timeout(100):
                        results = await asyncio.gather(*calls, return_exceptions=True)
                    await asyncio.sleep(100)
                    check_status(scene)
                    expected = {"connect": "connected", "disconnect": "disconnected"}[last]
                    assert scene.state.status == expected
                    assert server.most_at_once == (0 if server.accepted == 0 else 1)
                kinds = {type(result) for result in results}
                assert kinds <= {type(None), ConnectionFatalError}

    run_virtually(storm)


@pytest.mark.parametrize("name", PHASES)
def test_rule_11_a_hundred_connects_at_once_make_one_link(name: str) -> None:
    """A hundred connects at once from any phase reach the server as one connection."""
    behaviour, reached = PHASES[name]

    async def storm() -> None:
        async with peer(behaviour) as server:
            scene = make_scene(server.url, options=OPTIONS)
            async with scene.store:
                await reached(scene)
                before = len(server.wires) if scene.state.status == "connected" else 0
                was_closing = name == "closing"
                accepted, server.behaviour = server.accepted, echoes
                async with asyncio.timeout(100):
                    await asyncio.gather(*(scene.connection.connect(wait=True) for _ in range(100)))
                assert server.accepted - accepted == (0 if before and not was_closing else 1)
                assert server.most_at_once == 1
                assert scene.state.status is ConnectionStatus.CONNECTED

    run_virtually(storm)


@pytest.mark.parametrize("how", ["leave", "aclose", "aclose without entering"])
def test_leaving_a_store_at_once_lets_nobody_wait(how: str) -> None:
    """A store left in the turn of its entering, or never entered, lets nobody wait and refuses."""

    async def main() -> None:
        async with peer(echoes) as server:
            scene = make_scene(server.url, options=OPTIONS)
            waiting = asyncio.create_task(scene.connection.connect(wait=True))
            if how == "aclose without entering":
                await asyncio.sleep(0)
                await scene.store.aclose()
            else:
                async with scene.store:
                    if how == "aclose":
                        await scene.store.aclose()
            async with asyncio.timeout(60):
                with pytest.raises(StoreClosedError):
                    await waiting
                with pytest.raises(StoreClosedError):
                    await scene.connection.connect(wait=True)
                with pytest.raises(StoreClosedError):
                    scene.connection.send("too late")
            assert scene.state.status is ConnectionStatus.DISCONNECTED

    run_virtually(main)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("place", PLACES)
def test_rule_53_a_program_that_ends_says_nothing(place: str, ending: str) -> None:
    """However a program ends, from whatever phase, nothing is complained of on its stderr."""
    program = [sys.executable, "-X", "dev", "-W", "error", "-m"]
    done = subprocess.run(
        [*program, "tests.connection.chaos.interrupted_program", place, ending],
        capture_output=True,
        cwd=Path(__file__).parents[3],
        env={**os.environ, "PYTHONPATH": ""},
        text=True,
        timeout=10,
        check=False,
    )
    assert done.stderr == ""
    assert (done.returncode, done.stdout) == (0, "ended\n")


async def talks_until_goodbye(wire: Wire) -> None:
    """Say three things, and answer the goodbye."""
    await wire.handshake()
    for _ in range(3):
        wire.send(TEXT, b"something")
    while True:
        opcode, payload = await wire.receive()
        if opcode == CLOSE:
            wire.send(CLOSE, payload)
            return
