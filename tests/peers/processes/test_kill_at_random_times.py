"""The relay and peers are killed -9 at random times: each survivor's state comes to the truth.

What belongs here: the lives of four peers by seed.  What does not: one death at a time, which
`test_two_processes` has.

A time is a number of lines that all processes tell before the next thing happens: that is random
against what each of them does, and needs no clock.
"""

from __future__ import annotations

import asyncio
import random
from itertools import permutations
from typing import TYPE_CHECKING, Any, Final

import pytest

from refold import replay
from refold.reducers.peer_network import peer_network_reducer
from tests.peers.processes.stage import PATIENCE, PeerProcess, RelayProcess, Stage
from tests.peers.processes.truth import false_beliefs

if TYPE_CHECKING:
    from pathlib import Path

NAMES: Final = ("ann", "bob", "carol", "dave")
STEPS: Final = 8
MOST_LINES: Final = 40
"""Between two steps."""

KEEPALIVE_TIMEOUT: Final = 2.5
WITHIN: Final = KEEPALIVE_TIMEOUT + 10
"""The bound, and what a busy machine adds to it; in seconds."""


class World:
    """Four peers and a relay, some of them alive."""

    def __init__(self, stage: Stage, folder: Path, chance: random.Random) -> None:
        self.stage = stage
        self.folder = folder
        self.chance = chance
        self.alive: dict[str, PeerProcess] = {}
        self.logs: list[Path] = []
        self.relay: RelayProcess
        self.has_relay = False
        self.port = 0

    async def start_relay(self) -> None:
        """Start the relay, where it was before if it was."""
        self.relay = await self.stage.relay(self.port)
        self.port = int(self.relay.url.rpartition(":")[2])
        self.has_relay = True

    async def start(self, name: str) -> None:
        """Start a peer, perhaps for another life, with a log of its own; it chats from then on."""
        log = self.folder / f"{name}-{len(self.logs)}.jsonl"
        self.logs.append(log)
        self.alive[name] = await self.stage.peer(
            name,
            transports=["direct", "relay"] if name in NAMES[:2] else ["relay"],
            relay=self.relay.url,
            identity=self.folder / f"{name}.pem",
            log=log,
            options={
                "keepalive_interval": 1.0,
                "keepalive_timeout": KEEPALIVE_TIMEOUT,
                "retry_base": 0.1,
            },
        )
        self.alive[name].tell("chat")

    def let_all_connect(self) -> list[tuple[PeerProcess, int]]:
        """Tell everybody to connect to everybody, as far as each knows of the others."""
        return [
            (one, one.tell("connect_many", peer_ids=sorted(one.online)))
            for one in self.alive.values()
        ]

    async def take_step(self) -> None:
        """Let one thing happen after a random while."""
        dead = [name for name in NAMES if name not in self.alive]
        steps = ["connect", "connect", "kill", "start"] if dead else ["connect", "kill", "kill"]
        steps.append("kill relay" if self.has_relay else "start relay")
        self.let_all_connect()  # so that all is in motion
        await self.stage.lines_told(self.chance.randrange(MOST_LINES))
        match self.chance.choice(steps):
            case "kill" if len(self.alive) > 1:
                await self.alive.pop(self.chance.choice(sorted(self.alive))).kill()
            case "start":
                await self.start(self.chance.choice(dead))
            case "kill relay":
                self.has_relay = False
                await self.relay.kill()
            case "start relay":
                await self.start_relay()
            case _:
                pass  # all are told to connect, and that is all

    async def come_to_the_truth(self) -> None:
        """Wait until no survivor believes what is false."""
        alive = tuple(self.alive.values())
        try:
            await self.stage.until(
                lambda: not false_beliefs(alive, has_relay=self.has_relay), within=WITHIN
            )
        except AssertionError:
            false = false_beliefs(alive, has_relay=self.has_relay)
            message = f"after {WITHIN:g} s there are false beliefs: {false}"
            raise AssertionError(message) from None

    async def bring_all_back(self) -> None:
        """Start what is dead, and let all connect until everybody is connected to everybody."""
        if not self.has_relay:
            await self.start_relay()
        await asyncio.gather(*(self.start(name) for name in NAMES if name not in self.alive))
        await self.come_to_the_truth()
        async with asyncio.timeout(PATIENCE):
            while not all(len(one.links) == len(NAMES) - 1 for one in self.alive.values()):
                for one, command in self.let_all_connect():
                    await one.outcome_of(command)
        await self.come_to_the_truth()


@pytest.mark.timeout(180)
@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_states_agree_with_the_truth_whenever_a_relay_or_a_peer_is_killed(
    seed: int, tmp_path: Path
) -> None:
    """Links stand at both ends or at none, only the living are online, and every log replays."""
    async with Stage() as stage:
        world = World(stage, tmp_path, random.Random(seed))  # noqa: S311  # a seed shall do
        await world.start_relay()
        await asyncio.gather(*(world.start(name) for name in NAMES))
        await world.come_to_the_truth()
        for step in range(STEPS):
            await world.take_step()
            if step % 2:
                await world.come_to_the_truth()
        await world.bring_all_back()
        await prove_each_link(world.alive)
        await asyncio.gather(*(one.stop() for one in world.alive.values()))
    for log in world.logs:
        timeline = replay(log, peer_network_reducer)
        timeline.verify()
        assert timeline.head


async def prove_each_link(alive: dict[str, PeerProcess]) -> None:
    """Send a note from each to each, and check that it arrives."""
    told: list[tuple[PeerProcess, PeerProcess, dict[str, Any]]] = []
    for one, other in permutations(alive.values(), 2):
        note = f"{one.name} greets {other.name}"
        await one.ask("send", peer_id=other.peer_id, notes=[note])
        told.append((one, other, await other.until("note", peer_id=one.peer_id, note=note)))
    assert len(told) == len(NAMES) * (len(NAMES) - 1)
