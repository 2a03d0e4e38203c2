"""Fifty peers on one relay, in five processes, each connecting to ten others.

What belongs here: that all connect, or fail for a reason, and that nothing is left.  What does not:
how long it takes, which `bench/peers` measures.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import attrs
import pytest

from refold.middleware.peer_network.relay_server import RelayCounts, RelayServer
from tests.connection.sockets.running import eventually
from tests.peers.processes.stage import PATIENCE, PeerProcess, Stage
from tests.peers.transport_scene import leaving_nothing

if TYPE_CHECKING:
    from collections.abc import Mapping

PROCESSES: Final = 5
PEERS_EACH: Final = 10
OTHERS_EACH: Final = 10

SETUPS: Final[dict[str, dict[str, Any]]] = {
    "relay": {"transports": ["relay"]},
    "direct": {"transports": ["direct", "relay"], "options": {"direct_timeout": PATIENCE}},
}


@attrs.frozen
class Place:
    """One of the fifty: which process it is in, and which number it has there."""

    process: PeerProcess
    number: int

    @property
    def peer_id(self) -> str:
        """By which others know it."""
        return self.process.peer_ids[self.number]

    @property
    def state(self) -> Mapping[str, Any]:
        """What its store says now."""
        return self.process.states.get(self.number, {"online": [], "links": {}})


@pytest.mark.timeout(180)
@pytest.mark.parametrize("kind", SETUPS)
async def test_fifty_peers_connect_to_ten_others_each_and_leave_nothing(kind: str) -> None:
    """All five hundred links are there at both ends; after the end no task, descriptor or count."""
    async with leaving_nothing(), RelayServer() as relay, Stage() as stage:
        places = await start_all(stage, relay.url, kind)
        assert relay.counts.listeners == len(places)
        asked = [
            (one, ten_after(places, at), one.process.tell(
                "connect_many",
                peer=one.number,
                peer_ids=[other.peer_id for other in ten_after(places, at)],
            ))
            for at, one in enumerate(places)
        ]  # fmt: skip
        for one, others, command in asked:
            outcome = await one.process.outcome_of(command, within=2 * PATIENCE)
            assert list(outcome["results"]) == [other.peer_id for other in others]
            for result in outcome["results"].values():
                assert result["success"], result["error"]
                assert result["connection_type"] == kind
        await stage.until(lambda: not disagreements(places), what="both ends having each link")
        if kind == "relay":
            assert relay.counts.circuits == len(places) * OTHERS_EACH
        await stop_all(stage)
        await eventually(lambda: relay.counts == RelayCounts(0, 0, 0, 0), PATIENCE)


async def start_all(stage: Stage, relay_url: str, kind: str) -> list[Place]:
    """Start all processes, and wait until everybody is online for everybody."""
    setups = [{**SETUPS[kind], "relay": relay_url}] * PEERS_EACH
    processes = await asyncio.gather(
        *(stage.peers(f"process {number}", setups) for number in range(PROCESSES))
    )
    places = [Place(one, number) for one in processes for number in range(PEERS_EACH)]
    await stage.until(
        lambda: all(len(one.state["online"]) == len(places) - 1 for one in places),
        what="all being online for all",
    )
    return places


async def stop_all(stage: Stage) -> None:
    """Stop all processes at once, and check what each leaves behind."""
    processes = [one for one in stage.programs if isinstance(one, PeerProcess)]
    for left in await asyncio.gather(*(one.stop() for one in processes)):
        assert left["tasks"] == []
        assert left["descriptors"] == []


def ten_after(places: list[Place], at: int) -> list[Place]:
    """Return the ten others that follow one in the circle."""
    return [places[(at + step) % len(places)] for step in range(1, OTHERS_EACH + 1)]


def disagreements(places: list[Place]) -> list[str]:
    """Return each pair of which one end has not exactly the link that it ought to have."""
    found = list[str]()
    for at, one in enumerate(places):
        for other in ten_after(places, at):
            there = one.state["links"].get(other.peer_id)
            back = other.state["links"].get(one.peer_id)
            if there is None or back is None or len(there) != len(back):
                found.append(f"{one.peer_id} {there} - {other.peer_id} {back}")
    return found
