"""Closing, from wherever and against whomever: rules 49 and 51."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from refold.actions.connection import ConnectionOpened, ConnectionStatus
from refold.errors import StoreClosedError
from tests.connection.sockets.faults import FATAL_FAULTS, RETRIED_FAULTS, closes_with
from tests.connection.sockets.peers import Behaviour, Wire, chatters, echoes, keeps_silent, peer
from tests.connection.sockets.running import FAST, Scene, eventually, make_scene, running
from tests.connection.sockets.test_silence import never_reads

LIMIT = FAST.close_timeout + 0.5


async def close_in_time(close: Callable[[], Awaitable[object]]) -> None:
    """Close within the limit of rule 49."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    await close()
    assert loop.time() - started <= LIMIT


async def is_dialing(scene: Scene) -> None:
    """Wait for the first attempt."""
    await scene.until_status(ConnectionStatus.CONNECTING)


async def is_open(scene: Scene) -> None:
    """Wait for a link."""
    await scene.until_status(ConnectionStatus.CONNECTED)


async def is_waiting(scene: Scene) -> None:
    """Wait for the pause after a failure."""
    await scene.until(lambda state: state.next_retry_at_ms is not None)


async def has_ended(scene: Scene) -> None:
    """Wait for the end."""
    await scene.until(lambda state: state.terminal_reason)


STATES: dict[str, tuple[Behaviour, Callable[[Scene], Awaitable[None]]]] = {
    "dialing": (keeps_silent, is_dialing),
    "open": (echoes, is_open),
    "waiting": (RETRIED_FAULTS["503"], is_waiting),
    "lost": (RETRIED_FAULTS["reset"], is_waiting),
    "fatal": (FATAL_FAULTS["404"], has_ended),
    "chatty peer": (chatters, is_open),
    "peer that never reads": (never_reads, is_open),
    "peer that never answers": (RETRIED_FAULTS["half-open"], is_open),
}


@pytest.mark.parametrize("name", STATES)
async def test_rule_49_closing_from_any_state_a_hundred_times_at_once(name: str) -> None:
    """Whatever is going on, a hundred disconnects return in time, and nothing reconnects."""
    behaviour, reached = STATES[name]
    async with peer(behaviour) as server, running(server.url) as scene:
        for _ in range(50):
            scene.connection.send("x" * 60_000)
        await reached(scene)

        async def close() -> None:
            await asyncio.gather(*(scene.connection.disconnect() for _ in range(100)))

        await close_in_time(close)
        assert scene.state.status is ConnectionStatus.DISCONNECTED
        accepted, steps = server.accepted, len(scene.trace.steps)
        with contextlib.suppress(TimeoutError):
            await scene.until(lambda state: state.status is not ConnectionStatus.DISCONNECTED, 0.2)
        assert (server.accepted, len(scene.trace.steps)) == (accepted, steps)
        await close_in_time(scene.connection.disconnect)


@pytest.mark.parametrize("name", STATES)
async def test_rule_49_leaving_the_store_closes_in_time(name: str) -> None:
    """Leaving the store closes within the same limit, from any state."""
    behaviour, reached = STATES[name]
    async with peer(behaviour) as server:
        scene = make_scene(server.url)
        await scene.store.__aenter__()
        for _ in range(50):
            scene.connection.send("x" * 60_000)
        await reached(scene)
        await close_in_time(lambda: scene.store.__aexit__(None, None, None))
        assert scene.state.status is ConnectionStatus.DISCONNECTED


async def test_rule_49_closing_from_inside_a_handler() -> None:
    """A handler may start the closing, and the messages that follow still arrive."""
    closing: list[asyncio.Task[None]] = []
    messages: list[object] = []

    def handle(message: object) -> None:
        messages.append(message)
        if not closing:  # the peer sends many thousands until the link is broken
            closing.append(asyncio.create_task(scene.connection.disconnect()))

    async with peer(chatters) as server, running(server.url, on_message=handle) as scene:
        await has_ended(scene)
        await close_in_time(lambda: asyncio.gather(*closing))
        assert len(messages) > 1
        assert scene.state.terminal_reason == "closed_by_user"


async def test_rule_49_closing_from_inside_the_functions_that_a_connection_calls() -> None:
    """A greeting and a factory may await the closing; it ends them."""

    async def factory() -> str:
        await scene.connection.disconnect()
        await asyncio.Event().wait()
        return ""

    async def greet(_link: object) -> None:
        await scene.connection.disconnect()

    async with running(factory) as scene:
        await has_ended(scene)
    async with peer(echoes) as server, running(server.url, on_open=greet) as scene:
        await has_ended(scene)
        assert scene.state.error_count == 0


async def test_rule_49_a_peer_that_closes_while_we_close_is_no_error() -> None:
    """When both sides close at once the connection ends as closed by the user."""

    async def closes_when_asked(wire: Wire) -> None:
        await wire.handshake()
        await closing.wait()
        wire.say_goodbye(1001)
        await wire.reader.read()

    closing = asyncio.Event()
    async with peer(closes_when_asked) as server, running(server.url) as scene:
        await is_open(scene)
        closing.set()
        await close_in_time(scene.connection.disconnect)
        assert scene.state.status is ConnectionStatus.DISCONNECTED


async def test_rule_49_a_peer_that_talks_on_after_its_goodbye_is_left() -> None:
    """A goodbye without a code that is followed by more talk ends the link all the same."""

    async def talks_on(wire: Wire) -> None:
        await wire.handshake()
        wire.send(8)
        while True:
            wire.send(1, b"and another thing")
            await wire.writer.drain()
            await asyncio.sleep(0)

    async with peer(talks_on) as server, running(server.url) as scene:
        state = await scene.until(lambda state: state.last_error, LIMIT)
        assert state.last_error is not None
        assert (state.last_error.kind, state.last_error.close_code) == ("closed", 1005)


async def test_rule_49_the_closing_handshake_waits_for_the_peers_part() -> None:
    """A peer that is in the middle of saying something may finish, and is then heard."""
    received: list[object] = []
    opcodes: list[int] = []

    async def finishes(wire: Wire) -> None:
        await wire.handshake()
        opcode, payload = await wire.receive()
        opcodes.append(opcode)
        for number in range(50):
            wire.send(1, str(number).encode())
        wire.send(8, payload)
        await wire.reader.read()

    async with (
        peer(finishes) as server,
        running(server.url, on_message=received.append) as scene,
    ):
        await is_open(scene)
        await close_in_time(scene.connection.disconnect)
    assert received == [str(number) for number in range(50)]
    assert opcodes == [8]


@pytest.mark.parametrize("seed", range(40))
async def test_rule_51_cancelling_the_store_leaves_a_legal_end(seed: int) -> None:
    """A store cancelled at a random moment, once or twice, ends disconnected, with no task left."""
    rng = random.Random(seed)  # noqa: S311  # no secret
    behaviours = [echoes, chatters, keeps_silent, closes_with(1012), RETRIED_FAULTS["reset"]]
    async with peer(rng.choice(behaviours)) as server:
        before = asyncio.all_tasks()
        scene = make_scene(server.url)

        async def main() -> None:
            async with scene.store:
                await asyncio.Event().wait()

        task = asyncio.create_task(main())
        await asyncio.wait([task], timeout=rng.uniform(0, 0.06))
        for _ in range(rng.choice([1, 2, 3])):
            task.cancel()
            for _ in range(rng.randrange(4)):
                await asyncio.sleep(0)
        async with asyncio.timeout(5):
            with pytest.raises(asyncio.CancelledError):
                await task
        assert scene.state.status is ConnectionStatus.DISCONNECTED
        assert scene.state.terminal_reason in {None, "closed_by_user"}
        await server.stop()
        await eventually(lambda: asyncio.all_tasks() <= before, 5)


async def test_rule_51_cancelling_the_closing_leaves_a_legal_end() -> None:
    """A service cancelled again while it closes does not wait, and ends disconnected."""
    async with peer(chatters) as server:
        scene = make_scene(server.url)

        async def main() -> None:
            async with scene.store:
                await asyncio.Event().wait()

        task = asyncio.create_task(main())
        await is_open(scene)
        (service,) = [it for it in asyncio.all_tasks() if "refold service" in it.get_name()]
        service.cancel()
        await asyncio.wait([service], timeout=0.05)
        assert scene.trace.last_status() is ConnectionStatus.CONNECTED
        service.cancel()
        await asyncio.wait([service], timeout=LIMIT)
        assert service.cancelled()
        assert scene.trace.last_status() is ConnectionStatus.DISCONNECTED
        task.cancel()
        await asyncio.wait([task])
        assert scene.state.terminal_reason == "closed_by_user"


async def test_rule_51_cancelling_callers_harms_nothing() -> None:
    """Callers of connect and disconnect that are cancelled leave a connection that works."""
    rng = random.Random(51)  # noqa: S311  # no secret
    async with peer(echoes) as server, running(server.url) as scene:
        calls: list[Callable[[], Any]] = [
            scene.connection.disconnect,
            scene.connection.connect,
            lambda: scene.connection.connect(wait=True),
        ]
        for _ in range(200):
            task = asyncio.create_task(rng.choice(calls)())
            for _ in range(rng.randrange(12)):
                await asyncio.sleep(0)
            task.cancel()
        await scene.connection.disconnect()
        await scene.connection.connect(wait=True)
        assert scene.state.status is ConnectionStatus.CONNECTED
        await eventually(lambda: len(server.wires) == 1, 5)
        assert scene.state.total_connects == len(scene.trace.of(ConnectionOpened))


async def test_a_store_that_is_closed_as_soon_as_it_is_entered_keeps_nobody_waiting() -> None:
    """Whoever waits for a connection learns that its store is gone."""
    async with peer(echoes) as server:
        scene = make_scene(server.url)
        async with scene.store, asyncio.timeout(10):
            closing = asyncio.create_task(scene.store.aclose())
            with pytest.raises(StoreClosedError):
                await scene.connection.connect(wait=True)
            await closing
