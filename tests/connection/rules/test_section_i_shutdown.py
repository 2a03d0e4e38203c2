"""Section I, rules 49 to 54: ends, cancelling, leaks, and an application that fails."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import warnings
from typing import TYPE_CHECKING, Any, Final

import attrs
import pytest

from refold.errors import StoreClosedError, WrongThreadError
from refold.middleware.websocket_options import WebSocketOptions
from refold.reducers.connection import ConnectionStatus
from tests.connection.chaos.allowed_edges import ALLOWED_EDGES
from tests.connection.sockets.faults import RETRIED_FAULTS, closes_with, refuses_with
from tests.connection.sockets.peers import TEXT, Wire, echoes, peer
from tests.connection.sockets.running import FAST, eventually, make_scene, running
from tests.connection.sockets.test_silence import never_reads

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.connection.sockets.running import Scene

DEFAULTS: Final = WebSocketOptions()


async def chats_and_ignores(wire: Wire) -> None:
    """Send ten messages a second, and hear nothing."""
    await wire.handshake()
    while True:
        wire.send(TEXT, b"and another thing")
        await wire.writer.drain()
        await asyncio.sleep(0.1)


@pytest.mark.looptime
@pytest.mark.parametrize("behaviour", [chats_and_ignores, never_reads])
async def test_rule_49_by_default_an_end_takes_5_5_s_at_most(behaviour: Any) -> None:
    """Rule 49: against a chatty and a deaf peer, 100 calls from 100 tasks; then nothing dials."""
    async with peer(behaviour) as server, running(server.url, options=DEFAULTS) as scene:
        await scene.connection.connect(wait=True)
        loop = asyncio.get_running_loop()
        begun = loop.time()
        async with asyncio.TaskGroup() as group:
            for _ in range(100):
                group.create_task(scene.connection.disconnect())
        assert loop.time() - begun <= 5.5
        await asyncio.sleep(3600)
        assert server.accepted == 1
        assert scene.state.status is ConnectionStatus.DISCONNECTED


async def test_rule_50_an_end_leaves_the_tasks_that_were_there() -> None:
    """Rule 50: after `disconnect` only the store's service is left, after the store nothing is."""
    async with peer(closes_with(1011)) as server:
        before = asyncio.all_tasks()
        async with running(server.url, connects_at_once=False) as scene:
            idle = asyncio.all_tasks()
            for _ in range(20):
                await scene.connection.connect()
                await scene.until(lambda state: state.status is ConnectionStatus.RECONNECTING)
                await scene.connection.disconnect()
                await eventually(lambda: not server.wires, 5)
                await eventually(lambda: asyncio.all_tasks() <= idle, 5)  # now
        await eventually(lambda: asyncio.all_tasks() <= before, 5)


@pytest.mark.parametrize("turns", range(25))
async def test_rule_51_a_caller_cancelled_at_any_turn_leaves_a_connection_that_works(
    turns: int,
) -> None:
    """Rule 51: connect, disconnect and a sender that waits, each cancelled after k turns."""
    options = attrs.evolve(FAST, max_queue=1, overflow="block")
    async with peer(echoes) as server, running(server.url, options=options) as scene:
        for make in (
            lambda: scene.connection.connect(wait=True),
            lambda: scene.connection.send_when_room("y"),
            scene.connection.disconnect,
            lambda: scene.connection.connect(wait=True),
        ):
            task = asyncio.ensure_future(make())
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
        await scene.connection.connect(wait=True)
        await scene.connection.send_when_room("after", timeout=5)
        assert await asyncio.wait_for(scene.connection.drain(5), 10) == 0
    assert set(itertools.pairwise(scene.trace.statuses)) <= ALLOWED_EDGES
    assert scene.trace.last_status() is ConnectionStatus.DISCONNECTED


@pytest.mark.looptime
async def test_rule_52_draining_stops_at_its_time_and_tells_what_is_left() -> None:
    """Rule 52: without a link 3 s pass and 7 messages are left; they are kept."""
    async with (
        peer(refuses_with("503 Busy")) as server,
        running(server.url, options=DEFAULTS) as scene,
    ):
        for number in range(7):
            scene.connection.send(str(number))
        loop = asyncio.get_running_loop()
        begun = loop.time()
        assert await scene.connection.drain(3.0) == 7
        assert loop.time() - begun == pytest.approx(3.0, abs=0.05)
        await scene.connection.disconnect()
        assert scene.connection.queue_size == 7


async def test_rule_53_a_forked_process_is_refused() -> None:
    """Rule 53: a child that uses its parent's connection gets a RuntimeError that says why."""
    async with peer(echoes) as server, running(server.url) as scene:
        await scene.connection.connect(wait=True)
        reading, writing = os.pipe()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # a thread of another test's
            child = os.fork()
        if child == 0:  # nothing but system calls may follow, or pytest runs twice
            told = b"nothing was raised"
            try:
                scene.connection.send("from the child")
            except RuntimeError as error:
                told = str(error).encode()
            finally:
                os.write(writing, told)
                os._exit(0)
        os.waitpid(child, 0)  # noqa: ASYNC222  # it ends at once
        os.close(writing)
        said = os.read(reading, 10_000).decode()
        os.close(reading)
        assert scene.connection.queue_size == 0
    assert "another loop, thread or process" in said


def test_rule_53_a_second_loop_is_refused() -> None:
    """Rule 53: a connection of a loop that has ended says so to the next one."""
    scene = make_scene("ws://127.0.0.1:9/", connects_at_once=False)

    async def enter() -> None:
        async with scene.store:
            pass

    async def use() -> None:
        await scene.connection.connect()

    asyncio.run(enter())
    with pytest.raises((WrongThreadError, StoreClosedError)) as caught:
        asyncio.run(use())
    assert isinstance(caught.value, RuntimeError)


class BrokenError(Exception):
    """An error whose text cannot be had."""

    def __str__(self) -> str:
        """Raise."""
        raise ValueError


def _fail(*_arguments: object) -> Any:
    raise BrokenError


async def _fail_later(*_arguments: object) -> Any:
    raise BrokenError


POINTS: Final[dict[str, dict[str, Any]]] = {
    "url": {"url": _fail},
    "url, awaited": {"url": _fail_later},
    "headers": {"headers": _fail},
    "protocols": {"protocols": _fail},
    "on_message": {"on_message": _fail},
    "on_open": {"on_open": _fail_later},
    "refresh_auth": {"refresh_auth": _fail},
    "refresh_auth, awaited": {"refresh_auth": _fail_later},
    "classify": {"classify": _fail},
    "clock": {"clock": _fail},
    "draw": {"draw": _fail},
}
"""Whatever the application gives to a connection, broken."""


async def speaks_and_refuses_in_turn(wire: Wire) -> None:
    """Refuse with 401 and accept by turns; say something, and break the link."""
    if wire.writer.get_extra_info("peername")[1] % 2:
        await wire.refuse("401 Unauthorized")
        return
    await wire.handshake()
    wire.send(TEXT, b"hello")
    await wire.writer.drain()
    wire.say_goodbye(1011)
    await wire.reader.read()


@pytest.mark.looptime
@pytest.mark.parametrize("name", POINTS)
async def test_rule_54_a_broken_function_reaches_neither_loop_nor_application(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Rule 54: what it raises never leaves a call or reaches the loop, and the store goes on."""
    caplog.set_level(logging.CRITICAL, logger="refold")
    unhandled: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, told: unhandled.append(told))
    async with peer(speaks_and_refuses_in_turn) as server:
        settings: dict[str, Any] = {"url": server.url, **POINTS[name]}
        async with running(settings.pop("url"), **settings) as scene:
            for _ in range(5):
                scene.connection.send("x")
                await scene.connection.connect()
                scene.connection.reconnect_now()
                await asyncio.sleep(0.02)
                await scene.connection.disconnect()
                assert await scene.connection.drain(0.001) >= 0
            assert scene.trace.last_status() is ConnectionStatus.DISCONNECTED
    assert unhandled == []


async def test_rule_54_a_supervisor_that_breaks_ends_fatal_and_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Rule 54: a defect in the supervisor is one line of the log and the state `fatal`."""

    def broken() -> float:
        message = "a defect"
        raise ArithmeticError(message)

    async with peer(echoes) as server, running(server.url, draw=broken) as scene:
        await scene.connection.connect(wait=True)
        server.wires[0].reset()
        state = await scene.until(lambda state: state.terminal_reason)
        assert (state.terminal_reason, state.status) == ("fatal", "disconnected")
        server.behaviour = RETRIED_FAULTS["503"]
        await lives(scene)
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(errors) == 1
    assert errors[0].exc_info is not None
    assert errors[0].exc_info[0] is ArithmeticError


async def lives(scene: Scene) -> None:
    """Check that the store still takes actions and tells its subscribers."""
    told: list[object] = []
    stop: Callable[[], object] = scene.store.subscribe(lambda: told.append(None))
    scene.connection.send("kept")
    await scene.connection.disconnect()
    stop()
    assert scene.connection.queue_size == 1
