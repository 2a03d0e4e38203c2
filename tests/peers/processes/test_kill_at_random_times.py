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
from typing import TYPE_CHECKING, Final

import pytest

from refold import replay
from refold.reducers.peer_network import peer_network_reducer
from tests.peers.processes.stage import PATIENCE, PeerProcess, RelayProcess, Stage
from tests.peers.processes.truth import false_beliefs

if TYPE_CHECKING:
    from pathlib import Path

NAMES: Final = ("ann", "bob", "carol", "dave")
STEPS: Final = (
    *("kill a peer", "kill a peer", "start a peer", "kill a peer"),
    *("kill the relay", "start the relay", "start a peer", "connect"),
)
"""Shuffled by seed; there are always enough peers to kill."""

MOST_LINES: Final = 40
"""Between two steps."""

KEEPALIVE_TIMEOUT: Final = 5.0
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

    async def take_step(self, step: str) -> None:
        """Let one thing happen after a random while, if it can."""
        self.let_all_connect()  # so that all is in motion
        await self.stage.lines_told(self.chance.randrange(MOST_LINES))
        dead = [name for name in NAMES if name not in self.alive]
        match step:
            case "kill a peer":
                await self.alive.pop(self.chance.choice(sorted(self.alive))).kill()
            case "start a peer" if dead:
                await self.start(self.chance.choice(dead))
            case "kill the relay":
                self.has_relay = False
                await self.relay.kill()
            case "start the relay" if not self.has_relay:
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
        for number, step in enumerate(world.chance.sample(STEPS, len(STEPS))):
            await world.take_step(step)
            if number % 2:  # else the next follows at once
                await world.come_to_the_truth()
                await links_lost_meanwhile(stage, world.alive)
        async with asyncio.timeout(2 * PATIENCE):
            await world.bring_all_back()
            while await links_lost_meanwhile(stage, world.alive):
                await world.bring_all_back()  # those of a dead relay, which nobody had noticed
        await asyncio.gather(*(one.stop() for one in world.alive.values()))
    for log in world.logs:
        timeline = replay(log, peer_network_reducer)
        timeline.verify()
        assert timeline.head


async def links_lost_meanwhile(stage: Stage, alive: dict[str, PeerProcess]) -> list[str]:
    """Send a note along each link that a state has, until it arrives or the link is told lost.

    Returns:
        Which notes did not arrive; a link that neither carries its note nor ends fails the test.
    """
    lost = list[str]()
    for one, other in permutations(alive.values(), 2):
        if other.peer_id in one.links and not await arrives(stage, one, other):
            lost.append(f"from {one.name} to {other.name}")
    return lost


async def arrives(stage: Stage, one: PeerProcess, other: PeerProcess) -> bool:
    """Send a note; tell whether it arrived before a link between the two was told lost."""
    note = f"{one.name} greets {other.name}"
    came, closed = notes_heard(other, note), links_closed(one, other)
    one.tell("send", peer_id=other.peer_id, notes=[note])
    await stage.until(
        lambda: notes_heard(other, note) > came or links_closed(one, other) > closed,
        what=f"'{note}', or the end of the link,",
        within=WITHIN,
    )
    return notes_heard(other, note) > came


def notes_heard(one: PeerProcess, note: str) -> int:
    """Return how often somebody was told a note."""
    return sum(told["event"] == "note" and told["note"] == note for told in one.told)


def links_closed(one: PeerProcess, other: PeerProcess) -> int:
    """Return how many links between two were told to be over, by either."""
    return sum(
        told["event"] == "peers/peer_link_closed" and told["peer_id"] == there.peer_id
        for here, there in ((one, other), (other, one))
        for told in here.told
    )
