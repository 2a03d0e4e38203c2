"""Any schedule of faults and calls leaves a connection that is what its store says it is.

Rules 1, 3, 11, 35, 39, 50 and 54, as one property over loopback in virtual time.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import tempfile
from pathlib import Path
from typing import Any, Final

import aiohttp
import attrs
import pytest
from hypothesis import given

from refold.actions.connection import ConnectionAttemptStarted, ConnectionLostAndRetryScheduled
from refold.errors import ConnectionFatalError
from refold.middleware.record import record
from refold.middleware.websocket_options import WebSocketOptions
from refold.reducers.connection import ConnectionStatus
from refold.reducers.reconnect_machine import Phase
from refold.replay.replay import replay
from tests.connection.chaos.allowed_edges import ALLOWED_EDGES
from tests.connection.chaos.chaos_server import ChaosServer, chaos_server
from tests.connection.chaos.fault_schedule import ClientStep, Schedule, schedules
from tests.connection.chaos.virtual_run import run_virtually
from tests.connection.sockets.running import Scene, make_scene, root_reducer

OPTIONS: Final = WebSocketOptions(max_message_bytes=1000)
"""The real durations: virtual time makes them cheap."""

SECONDS_TO_SETTLE: Final = 120.0
"""Longer than any fault takes to be found out (30.5 s), closed (10 s) and waited for (30 s)."""

_WAITS: Final[dict[ClientStep, float]] = {
    "yield": 0,
    "wait 50 ms": 0.05,
    "wait 2 s": 2,
    "wait 7 s": 7,
    "wait 40 s": 40,
}


_MUCH: Final = 200_000
"""Characters that fill every buffer of a peer that does not read."""


@attrs.define
class Ledger:
    """What the client's sockets were told to send, and what came of it."""

    handed: list[list[int]] = attrs.field(factory=list[list[int]])
    """The numbers that each socket took, in order."""

    failed: list[int] = attrs.field(factory=list[int])
    """The numbers whose writing ended in an exception: in flight when a link died."""

    def session(self) -> aiohttp.ClientSession:
        """Return a session whose sockets keep this ledger."""
        ledger = self

        class Noting(aiohttp.ClientWebSocketResponse[Any]):
            """A socket that notes each message."""

            def __init__(self, *args: Any, **kwargs: Any) -> None:
                super().__init__(*args, **kwargs)
                self.taken: list[int] = []
                ledger.handed.append(self.taken)

            async def send_str(self, data: str, compress: int | None = None) -> None:
                """Send, and note whether the socket took it."""
                try:
                    await super().send_str(data, compress)
                except BaseException:
                    ledger.failed.append(int(data))
                    raise
                self.taken.append(int(data))

        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, socket_factory=_small_socket),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
            ws_response_class=Noting,
        )


def _small_socket(address: Any) -> socket.socket:
    """Return a socket that blocks its writer soon."""
    family, kind, protocol, _, _ = address
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    return made


class Player:
    """Performs a schedule's steps, without waiting for the calls that it starts."""

    def __init__(self, scene: Scene, server: ChaosServer) -> None:
        self.sent = 0
        self.calls: list[asyncio.Task[None]] = []
        self.cut_short_at: set[float] = set()
        """When `reconnect_now` was called, on the loop's clock."""
        self._scene = scene
        self._server = server

    async def perform(self, step: ClientStep) -> None:
        """Perform one step."""
        connection = self._scene.connection
        match step:
            case "send":
                connection.send(str(self.sent))
                self.sent += 1
            case "send much":
                connection.send(f"{self.sent:<{_MUCH}}")
                self.sent += 1
            case "connect":
                self.calls.append(asyncio.create_task(connection.connect()))
            case "connect and wait":
                self.calls.append(asyncio.create_task(self._connect_and_wait()))
            case "disconnect":
                self.calls.append(asyncio.create_task(connection.disconnect()))
            case "reconnect now":
                self.cut_short_at.add(asyncio.get_running_loop().time())
                connection.reconnect_now()
            case "stop listening":
                self._server.stop_listening()
            case "listen":
                await self._server.listen()
            case _:
                await asyncio.sleep(_WAITS[step])

    async def _connect_and_wait(self) -> None:
        with contextlib.suppress(ConnectionFatalError):
            await self._scene.connection.connect(wait=True)


def phase_of(scene: Scene) -> Phase:
    """Return what the machine is doing."""
    return scene.connection._supervisor.phase  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # the truth that the state is held against


def check_status(scene: Scene) -> None:
    """Assert that the store's status is what the machine is doing."""
    status, phase = scene.state.status, phase_of(scene)
    expected = {
        Phase.IDLE: {ConnectionStatus.DISCONNECTED},
        Phase.DIALING: {ConnectionStatus.CONNECTING, ConnectionStatus.RECONNECTING},
        Phase.OPEN: {ConnectionStatus.CONNECTED},
        Phase.CLOSING: {ConnectionStatus.CONNECTED},
        Phase.WAITING: {ConnectionStatus.RECONNECTING},
    }[phase]
    assert status in expected, (status, phase)
    assert (scene.state.next_retry_at_ms is not None) == (phase is Phase.WAITING)


def check_messages(
    sent: int, queued: list[str | bytes], ledger: Ledger, server: ChaosServer
) -> None:
    """Assert rules 35 and 39: each number is in one place, in order, and only a link can lose it.

    A number that a socket took and that never arrived is what at most once means; within one link
    nothing may be missing before something that arrived.
    """
    waiting = [int(number) for number in queued]
    taken = list(itertools.chain.from_iterable(ledger.handed))
    assert taken + waiting == list(range(sent)), "taken by sockets in order, then still queued"
    assert len(ledger.failed) <= len(ledger.handed), "at most one was in flight on each link"
    received = list(itertools.chain.from_iterable(server.received))
    assert all(earlier < later for earlier, later in itertools.pairwise(received))
    starts = {numbers[0]: numbers for numbers in ledger.handed if numbers}
    for numbers in server.received:
        if numbers:
            assert numbers == starts[numbers[0]][: len(numbers)], "a link lost only its end"


async def settle(scene: Scene, server: ChaosServer, player: Player) -> None:
    """Let the server serve, and assert that the connection comes back by itself, or has ended."""
    server.faults.clear()
    await server.listen()
    await asyncio.sleep(SECONDS_TO_SETTLE)
    assert all(call.done() for call in player.calls), "a call of connect or disconnect hangs"
    for call in player.calls:
        call.result()
    check_status(scene)
    assert phase_of(scene) in {Phase.IDLE, Phase.OPEN}
    assert server.live() == (phase_of(scene) is Phase.OPEN)


async def live_through(schedule: Schedule, path: Path) -> None:
    """Run a schedule to its end, and check everything."""
    ledger = Ledger()
    async with chaos_server(schedule.faults) as server, ledger.session() as session:
        scene = make_scene(
            server.url,
            middleware=(record(path),),
            options=OPTIONS,
            session=session,
            connects_at_once=schedule.connects_at_once,
            draw=lambda: schedule.jitter,
        )
        player = Player(scene, server)
        async with scene.store:
            for step in schedule.steps:
                await player.perform(step)
                check_status(scene)
            await settle(scene, server, player)
            await scene.connection.connect(wait=True)
            await player.perform("send")
            await asyncio.sleep(1)
            assert scene.connection.queue_size == 0
            assert server.received[-1][-1] == player.sent - 1
            assert server.live() == 1
            await scene.connection.disconnect()
            check_status(scene)
            await player.perform("send")
        await asyncio.sleep(SECONDS_TO_SETTLE)
        assert server.wires == []
        assert server.most_live <= 1
        check_messages(player.sent, scene.connection.clear_queue(), ledger, server)
    check_delays(scene, player)
    check_trace(scene, path)


def check_delays(scene: Scene, player: Player) -> None:
    """Assert that each wait lasts as long as was told, unless somebody ends it."""
    for lost, following in itertools.pairwise(scene.trace.steps):
        if isinstance(lost.action, ConnectionLostAndRetryScheduled):
            waited = following.loop_time - lost.loop_time
            if isinstance(following.action, ConnectionAttemptStarted) and not any(
                lost.loop_time <= moment <= following.loop_time for moment in player.cut_short_at
            ):
                assert waited == pytest.approx(lost.action.delay_seconds, abs=0.01)
            assert waited <= lost.action.delay_seconds + 0.01


def check_trace(scene: Scene, path: Path) -> None:
    """Assert rules 1 and 3, and that the record of the run gives the same state again."""
    statuses = scene.trace.statuses
    assert set(itertools.pairwise(statuses)) <= ALLOWED_EDGES
    assert statuses[-1] is scene.state.status is ConnectionStatus.DISCONNECTED
    assert all(
        earlier.after is later.before for earlier, later in itertools.pairwise(scene.trace.steps)
    )
    timeline = replay(path, root_reducer)
    timeline.verify()
    assert timeline.at(timeline.head) == scene.store.state


@given(schedules())
def test_chaos_leaves_a_connection_that_is_what_its_state_says(schedule: Schedule) -> None:
    """Rules 1, 3, 11, 35, 39, 50 and 54 hold after any schedule of faults and calls."""
    with tempfile.TemporaryDirectory() as folder:
        run_virtually(lambda: live_through(schedule, Path(folder) / "run.jsonl"))
