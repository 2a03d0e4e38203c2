"""A wall clock that jumps decides nothing: rule 5."""

from __future__ import annotations

import asyncio
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refold.middleware.websocket_options import WebSocketOptions
from tests.connection.chaos.virtual_run import run_virtually
from tests.connection.sockets.faults import RETRIED_FAULTS, closes_with
from tests.connection.sockets.peers import CLOSE, Wire, echoes, keeps_silent, peer
from tests.connection.sockets.running import make_scene

OPTIONS: Final = WebSocketOptions()

START_SECONDS: Final = 1_700_000_000.0

HOUR_SECONDS: Final = 3600.0


async def falls_silent(wire: Wire) -> None:
    """Open a link, and never say a thing."""
    await wire.handshake()
    await keeps_silent(wire)


LIFE: Final = (
    (closes_with(1011), 40.0),
    (RETRIED_FAULTS["503"], 100.0),
    (keeps_silent, 60.0),
    (falls_silent, 150.0),
    (echoes, 100.0),
)
"""What the peer does, and for how many seconds: each kind of decision is among it."""


class JumpingClock:
    """A wall clock that moves to another time at each look."""

    def __init__(self, jumps: list[float]) -> None:
        self.jumps = jumps
        self.looks = 0

    def __call__(self) -> float:
        """Return the time in seconds since the Unix epoch."""
        self.looks += 1
        if not self.jumps:
            return START_SECONDS
        return START_SECONDS + self.jumps[self.looks % len(self.jumps)]


def moments(jumps: list[float]) -> list[tuple[str, float]]:
    """Return each action of a life with its time on the loop's clock, since the beginning."""
    clock = JumpingClock(jumps)

    async def live() -> list[tuple[str, float]]:
        loop = asyncio.get_running_loop()
        async with peer(LIFE[0][0]) as server:
            scene = make_scene(server.url, options=OPTIONS, clock=clock, draw=lambda: 0.5)
            async with scene.store:
                started = loop.time()
                for behaviour, seconds in LIFE:
                    server.behaviour = behaviour
                    await asyncio.sleep(seconds)
                server.behaviour = never_hears
                for wire in tuple(server.wires):
                    wire.reset()
                await asyncio.sleep(60)
                await scene.connection.disconnect()
                ended = loop.time() - started
            steps = scene.trace.steps
        told = [(type(step.action).__name__, step.loop_time - started) for step in steps]
        return [*told, ("disconnected", ended)]

    result = run_virtually(live)
    assert clock.looks >= len(result) - 1
    return [(name, round(time, 3)) for name, time in result]


async def never_hears(wire: Wire) -> None:
    """Open a link, answer pings, and hear no goodbye."""
    await wire.handshake()
    while True:
        opcode, payload = await wire.receive()
        if opcode != CLOSE:
            wire.send(opcode + 1, payload)


@pytest.fixture(scope="module")
def steady() -> list[tuple[str, float]]:
    """Return the life with a clock that stands still."""
    return moments([])


def test_rule_05_the_life_has_every_kind_of_decision(steady: list[tuple[str, float]]) -> None:
    """The life that is compared has retries, time limits, a heartbeat, stability and a goodbye."""
    names = {name for name, _ in steady}
    assert names >= {
        "ConnectionAttemptStarted",
        "ConnectionOpened",
        "ConnectionLostAndRetryScheduled",
        "ConnectionProvedStable",
        "HeartbeatAnswered",
        "ConnectionEnded",
    }
    ended = steady[-1][1]
    assert ended == pytest.approx(sum(seconds for _, seconds in LIFE) + 60 + 5, abs=0.1)


@pytest.mark.parametrize("jump", [HOUR_SECONDS, -HOUR_SECONDS])
def test_rule_05_one_hour_in_either_direction(jump: float, steady: list[tuple[str, float]]) -> None:
    """A wall clock an hour off at every second look changes no moment of any action."""
    assert moments([0.0, jump]) == steady


@settings(max_examples=20)  # the code has no branch to find: any jump is as good as another
@given(st.lists(st.floats(-HOUR_SECONDS, HOUR_SECONDS), min_size=1, max_size=20))
def test_rule_05_any_jumps(steady: list[tuple[str, float]], jumps: list[float]) -> None:
    """Jumps of up to an hour at every look change no moment of any action."""
    assert moments(jumps) == steady
