"""Handlers that connect, disconnect and are left behind: rules 49, 50 and 51."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import attrs
import pytest

from refold.middleware.message_handlers import MessageHandlers
from refold.reducers.connection import ConnectionStatus
from tests.connection.sockets.peers import peer
from tests.connection.sockets.running import FAST, Scene, eventually, running
from tests.connection.sockets.speaking import (
    Numbered,
    Speaker,
    clean_run,
    numbered,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

LIMIT: Final = 2 * FAST.close_timeout + 0.5
"""Handlers and the closing handshake have `close_timeout` each."""


async def _disconnect(scene: Scene) -> None:
    await scene.connection.disconnect()


async def _connect(scene: Scene) -> None:
    await scene.connection.connect(wait=True)


async def _send(scene: Scene) -> None:
    scene.connection.send("from inside")
    await scene.connection.send_when_room("and again")


CALLS: Final[dict[str, Callable[[Scene], Awaitable[None]]]] = {
    "disconnect": _disconnect,
    "connect": _connect,
    "send": _send,
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("concurrent", [False, True])
async def test_rule_49_an_async_handler_may_call_everything(name: str, concurrent: bool) -> None:  # noqa: FBT001  # a case
    """Rule 49: each call returns within the limits, and the handler goes on after it."""
    took: list[float] = []
    loop = asyncio.get_running_loop()

    async def handle(_arrived: Numbered) -> None:
        began = loop.time()
        await CALLS[name](scene)
        took.append(loop.time() - began)

    handlers = MessageHandlers()
    handlers.on(Numbered, handle, concurrent=concurrent)
    speaker = Speaker(numbered(1))
    async with (
        peer(speaker) as server,
        running(server.url, handlers=handlers) as scene,
    ):
        await eventually(lambda: took, 5)
        assert took[0] <= LIMIT
        if name == "send":
            await eventually(lambda: speaker.heard == ["from inside", "and again"], 5)
        wanted = "disconnected" if name == "disconnect" else "connected"
        assert scene.state.status == wanted
        assert scene.state.error_count == 0


@pytest.mark.parametrize("name", CALLS)
async def test_rule_49_a_plain_handler_may_begin_everything(name: str) -> None:
    """Rule 49: a task that a plain handler starts ends within the limits."""
    tasks: list[asyncio.Task[None]] = []

    async def call() -> None:
        await CALLS[name](scene)

    handlers = MessageHandlers()
    handlers.on(Numbered, lambda _: tasks.append(asyncio.create_task(call())))
    async with (
        peer(Speaker(numbered(1), numbered(2))) as server,
        running(server.url, handlers=handlers) as scene,
    ):
        await eventually(lambda: tasks, 5)
        async with asyncio.timeout(LIMIT):
            await asyncio.gather(*tasks)
        assert scene.state.error_count == 0


async def test_rule_49_a_handler_that_disconnects_may_connect_again() -> None:
    """Rule 49: leave and come back, from inside a handler; later messages are handled."""
    numbers: list[int] = []

    async def handle(arrived: Numbered) -> None:
        numbers.append(arrived.number)
        if arrived.number == 1:
            await scene.connection.disconnect()
            speaker.greeting = (numbered(2),)
            await scene.connection.connect(wait=True)
            numbers.append(-1)

    handlers = MessageHandlers()
    handlers.on(Numbered, handle)
    speaker = Speaker(numbered(1))
    async with (
        peer(speaker) as server,
        running(server.url, handlers=handlers) as scene,
    ):
        await eventually(lambda: len(numbers) == 3, 5)
        assert scene.state.total_connects == 2
    assert numbers == [1, -1, 2]


async def test_rule_49_disconnect_waits_for_handlers_and_then_cancels_them() -> None:
    """Rule 49: what ends within `close_timeout` ends by itself, what takes longer is cancelled."""
    ended: list[str] = []
    release = asyncio.Event()

    async def handle(arrived: Numbered) -> None:
        try:
            await (release if arrived.number == 1 else asyncio.Event()).wait()
            ended.append("done")
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    handlers = MessageHandlers()
    handlers.on(Numbered, handle, concurrent=True)
    async with (
        peer(Speaker(numbered(1), numbered(2))) as server,
        running(server.url, handlers=handlers) as scene,
    ):
        await eventually(lambda: handlers.pending_count == 2, 5)
        loop = asyncio.get_running_loop()
        loop.call_later(0.05, release.set)
        began = loop.time()
        await scene.connection.disconnect()
        assert loop.time() - began <= LIMIT
        assert ended == ["done", "cancelled"]
        assert handlers.pending_count == 0


@pytest.mark.parametrize("stubborn", [False, True])
def test_rule_50_leaving_the_store_with_handlers_leaves_nothing(stubborn: bool) -> None:  # noqa: FBT001  # a case
    """Rule 50: leaving takes no longer than its limits, and no task and no complaint is left."""

    async def main() -> None:
        is_over = asyncio.Event()

        async def handle(_arrived: Numbered) -> None:
            try:
                await is_over.wait()
            except asyncio.CancelledError:
                if not stubborn:
                    raise
                await is_over.wait()

        handlers = MessageHandlers(max_pending=4)
        handlers.on(Numbered, handle)
        loop = asyncio.get_running_loop()
        async with peer(Speaker(*(numbered(number) for number in range(20)))) as server:
            async with running(server.url, handlers=handlers):
                await eventually(lambda: handlers.pending_count == 4, 5)
                began = loop.time()
            assert loop.time() - began <= LIMIT
            is_over.set()

    clean_run(main)


async def test_rule_50_a_full_inbox_and_a_reconnect_leave_no_tasks() -> None:
    """Rule 50: twenty kills in the middle of a flood leave the tasks of one link."""
    numbers: list[int] = []

    async def slow(arrived: Numbered) -> None:
        await asyncio.sleep(0.001)
        numbers.append(arrived.number)

    handlers = MessageHandlers(max_pending=3)
    handlers.on(Numbered, slow)
    speaker = Speaker(*(numbered(number) for number in range(30)), goodbye=1011)
    options = attrs.evolve(FAST, stable_after=0.001)
    tasks = asyncio.all_tasks()
    async with (
        peer(speaker) as server,
        running(server.url, handlers=handlers, options=options) as scene,
    ):
        await scene.until(lambda state: state.total_connects == 20, 30)
        await scene.connection.disconnect()
        await eventually(lambda: not server.wires, 5)
        assert len(asyncio.all_tasks() - tasks) <= 2
        assert handlers.pending_count == 0
    assert numbers[: 19 * 30] == list(range(30)) * 19


async def test_rule_51_cancelling_a_disconnect_leaves_a_legal_state() -> None:
    """Rule 51: who gives up waiting for handlers harms nothing; a second disconnect ends it."""

    async def never(_arrived: Numbered) -> None:
        await asyncio.Event().wait()

    handlers = MessageHandlers()
    handlers.on(Numbered, never)
    async with (
        peer(Speaker(numbered(1), numbered(2))) as server,
        running(server.url, handlers=handlers) as scene,
    ):
        await eventually(lambda: handlers.pending_count == 2, 5)
        for _ in range(20):
            closing = asyncio.create_task(scene.connection.disconnect())
            await asyncio.sleep(0.002)
            closing.cancel()
            await asyncio.gather(closing, return_exceptions=True)
        async with asyncio.timeout(LIMIT):
            await scene.connection.disconnect()
        assert scene.state.status is ConnectionStatus.DISCONNECTED
        assert handlers.pending_count == 0
        await scene.connection.connect(wait=True)
        await eventually(lambda: handlers.pending_count == 2, 5)
