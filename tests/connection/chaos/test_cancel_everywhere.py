"""A scripted life, cancelled at every turn of the loop in which anything happens: rule 51."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Awaitable, Callable
from typing import Any, Final

import pytest

from refold.errors import ConnectionFatalError, StoreClosedError
from refold.middleware.websocket_options import WebSocketOptions
from refold.reducers.connection import ConnectionStatus
from tests.connection.chaos.allowed_edges import ALLOWED_EDGES
from tests.connection.chaos.test_chaos import check_status
from tests.connection.chaos.virtual_run import (
    MOST_TURNS,
    cancelled_at_turn,
    run_virtually,
    some_turns,
)
from tests.connection.sockets.peers import CLOSE, TEXT, Peer, Wire, peer
from tests.connection.sockets.running import Scene, make_scene

OPTIONS: Final = WebSocketOptions()

LIMIT_SECONDS: Final = 60.0
"""What must not hang gets this long, in virtual time."""


class Resetting:
    """A peer that breaks its first link at the first message, and serves every later one."""

    def __init__(self) -> None:
        self.received: list[bytes] = []
        self._links = 0

    async def __call__(self, wire: Wire) -> None:
        """Serve one connection."""
        self._links += 1
        is_first = self._links == 1
        await wire.handshake()
        while True:
            opcode, payload = await wire.receive()
            if opcode == CLOSE:
                wire.send(CLOSE, payload)
                return
            if opcode == TEXT:
                self.received.append(payload)
                if is_first:
                    wire.reset()
                    return


async def live(scene: Scene) -> None:
    """Connect, send, lose the link, reconnect, send, disconnect, connect, disconnect."""
    connection = scene.connection
    await connection.connect(wait=True)
    connection.send("breaks")
    await scene.until(lambda state: state.error_count == 1, LIMIT_SECONDS)
    await connection.connect(wait=True)
    connection.send("arrives")
    await connection.disconnect()
    await asyncio.gather(connection.connect(wait=True), connection.connect())
    await connection.disconnect()


def sweep(scenario: Callable[[int], Awaitable[bool]]) -> int:
    """Run a scenario for every turn until it says that nothing was left to cancel."""
    for turn in range(MOST_TURNS):

        async def at_this_turn(turn: int = turn) -> bool:
            async with asyncio.timeout(1000):
                return await scenario(turn)

        try:
            was_cancelled = run_virtually(at_this_turn)
        except BaseException as error:
            error.add_note(f"cancelled at turn {turn} of the loop")
            raise
        if not was_cancelled:
            return turn
    message = f"the life was not over after {MOST_TURNS} turns of the loop"
    raise AssertionError(message)


async def still_works(scene: Scene, behaviour: Resetting) -> None:
    """Assert that a connection can be used as if nothing had happened."""
    await asyncio.sleep(0)
    check_status(scene)
    async with asyncio.timeout(LIMIT_SECONDS):
        await scene.connection.connect(wait=True)
        scene.connection.send("later")
        while behaviour.received[-1:] != [b"later"]:
            await asyncio.sleep(0.5)
            await scene.connection.connect(wait=True)
            if scene.connection.queue_size == 0 and behaviour.received[-1:] != [b"later"]:
                scene.connection.send("later")  # the peer broke the link with the first one
        await scene.connection.disconnect()
    assert scene.state.terminal_reason == "closed_by_user"


def check_trace(scene: Scene) -> None:
    """Assert that only allowed changes of status happened, and that the last is the end."""
    assert set(itertools.pairwise(scene.trace.statuses)) <= ALLOWED_EDGES
    assert scene.state.status is ConnectionStatus.DISCONNECTED
    assert scene.state.terminal_reason in {None, "closed_by_user"}


async def refuses(scene: Scene) -> None:
    """Assert that a connection whose store was left refuses everything, and hangs in nothing."""
    async with asyncio.timeout(LIMIT_SECONDS):
        with pytest.raises(StoreClosedError):
            await scene.connection.connect(wait=True)
        with pytest.raises(StoreClosedError):
            await scene.connection.connect()
        with pytest.raises(StoreClosedError):
            scene.connection.send("too late")
        await scene.connection.disconnect()


def test_rule_51_a_cancelled_caller_harms_nothing() -> None:
    """A caller cancelled at any turn leaves a supervisor that lives and a connection that works."""

    async def scenario(turn: int) -> bool:
        behaviour = Resetting()
        async with peer(behaviour) as server:
            scene = make_scene(server.url, options=OPTIONS, connects_at_once=False)
            async with scene.store:
                (supervisor,) = tasks_named("refold service")
                was_running = await cancelled_at_turn(turn, live(scene))
                assert not supervisor.done()
                await still_works(scene, behaviour)
                assert not supervisor.done()
            await nobody_is_connected(server)
            check_trace(scene)
            assert server.most_at_once == 1
        return was_running

    assert sweep(scenario) > 20


@pytest.mark.parametrize("again_after", [None, 0, 3])
def test_rule_51_a_cancelled_store_closes_cleanly(again_after: int | None) -> None:
    """A store cancelled at any turn, once or again so many turns later, ends disconnected."""

    async def scenario(turn: int) -> bool:
        behaviour = Resetting()
        async with peer(behaviour) as server:
            scene = make_scene(server.url, options=OPTIONS)
            is_entered = False

            async def enter_and_live() -> None:
                nonlocal is_entered
                async with scene.store:
                    is_entered = True
                    await live(scene)

            was_running = await cancelled_at_turn(turn, enter_and_live(), again_after=again_after)
            check_trace(scene)
            if is_entered:
                await refuses(scene)
            await nobody_is_connected(server)
        return was_running

    assert sweep(scenario) > 20


def test_rule_51_a_cancelled_supervisor_is_a_clean_close() -> None:
    """The connection's own task, cancelled at any turn, closes; callers get an error, no hang."""

    async def scenario(turn: int) -> bool:
        async with peer(Resetting()) as server:
            scene = make_scene(server.url, options=OPTIONS, connects_at_once=False)
            was_running = False
            async with scene.store:
                (supervisor,) = tasks_named("refold service")
                caller = asyncio.create_task(until_refused(live(scene)))
                was_running = await cancelled_at_turn(turn, finish(caller), lambda: [supervisor])
                await asyncio.wait([caller], timeout=2 * LIMIT_SECONDS)
                assert caller.done(), "a caller hangs after the supervisor was cancelled"
                caller.result()
                if was_running:
                    await refuses(scene)
            check_trace(scene)
            await nobody_is_connected(server)
        return was_running

    assert sweep(scenario) > 20


def test_rule_51_aclose_at_any_turn_is_a_clean_close() -> None:
    """Closing the store at any turn while it is used ends callers with an error, and no hang."""

    async def scenario(turn: int) -> bool:
        async with peer(Resetting()) as server:
            scene = make_scene(server.url, options=OPTIONS, connects_at_once=False)
            async with scene.store:
                caller = asyncio.create_task(until_refused(live(scene)))
                was_running = await some_turns(turn, unless=caller)
                async with asyncio.timeout(LIMIT_SECONDS):
                    await scene.store.aclose()
                await asyncio.wait([caller], timeout=2 * LIMIT_SECONDS)
                assert caller.done(), "a caller hangs after the store was closed"
                caller.result()
                await refuses(scene)
            check_trace(scene)
            await nobody_is_connected(server)
        return was_running

    assert sweep(scenario) > 20


@pytest.mark.parametrize("beginning", ["refold websocket", "refold"])
def test_rule_51_tasks_that_others_cancel_leave_no_connection_that_hangs(beginning: str) -> None:
    """An attempt cancelled by others, alone or with the supervisor, ends the connection.

    ``asyncio.run`` cancels every task when its main coroutine returns while a store is open.
    """

    async def scenario(turn: int) -> bool:
        behaviour = Resetting()
        async with peer(behaviour) as server:
            scene = make_scene(server.url, options=OPTIONS, connects_at_once=False)
            async with scene.store:
                caller = asyncio.create_task(until_refused(live(scene)))
                was_running = await cancelled_at_turn(
                    turn, finish(caller), lambda: tasks_named(beginning)
                )
                assert caller.done(), "a caller hangs after the attempt was cancelled"
                if beginning == "refold websocket":
                    await still_works(scene, behaviour)
                check_status(scene)
            check_trace(scene)
            await nobody_is_connected(server)
        return was_running

    assert sweep(scenario) > 20


async def until_refused(work: Any) -> None:
    """Do some work until the connection refuses it, or a state is not reached that it waits for."""
    endings = (StoreClosedError, ConnectionFatalError, AssertionError, TimeoutError)
    with contextlib.suppress(*endings):
        await work


async def finish(task: asyncio.Task[None]) -> None:
    """Wait for a task."""
    await asyncio.wait([task])


def tasks_named(beginning: str) -> list[asyncio.Task[Any]]:
    """Return the running tasks whose name begins so."""
    return [task for task in asyncio.all_tasks() if task.get_name().startswith(beginning)]


async def nobody_is_connected(server: Peer) -> None:
    """Wait until the server has seen the end of every connection."""
    async with asyncio.timeout(LIMIT_SECONDS):
        while server.wires:  # noqa: ASYNC110  # there is no event for it
            await asyncio.sleep(0.5)
