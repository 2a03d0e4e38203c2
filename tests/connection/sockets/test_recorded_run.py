"""A run over real sockets, recorded and replayed."""

from __future__ import annotations

import itertools
import random
from typing import TYPE_CHECKING

from refold.actions.connection import ConnectionLostAndRetryScheduled
from refold.middleware.record import record
from refold.replay.replay import replay
from tests.connection.sockets.peers import echoes, peer
from tests.connection.sockets.running import root_reducer, running

if TYPE_CHECKING:
    from pathlib import Path


async def test_a_recorded_outage_replays_to_the_same_state(tmp_path: Path) -> None:
    """A log of a run with an outage gives the same states again, with its jitter and no socket."""
    path = tmp_path / "run.jsonl"
    drawn: list[float] = []

    def draw() -> float:
        drawn.append(random.random())  # noqa: S311  # no secret
        return drawn[-1]

    async with peer(echoes) as server:
        async with running(server.url, middleware=(record(path),), draw=draw) as scene:
            for kills in range(1, 4):
                await scene.connection.connect(wait=True)
                await scene.until(lambda state, kills=kills: state.total_connects == kills)  # type: ignore[misc]  # bound now
                server.wires[-1].reset()
                await scene.until(lambda state, kills=kills: state.error_count == kills)  # type: ignore[misc]  # as above
            await scene.connection.connect(wait=True)
        accepted, live = server.accepted, scene.store.state

        timeline = replay(path, root_reducer)
        timeline.verify()
        assert timeline.at(timeline.head) == live
        assert server.accepted == accepted == 4
    records = list(timeline.records)
    assert {it.origin for it in records} == {"service:websocket"}
    assert [it.name for it in records] == [step.action.wire_name for step in scene.trace.steps]
    lost = [it for it in records if it.name == ConnectionLostAndRetryScheduled.wire_name]
    jitters = [it.payload["jitter"] for it in lost]
    assert jitters == drawn[: len(jitters)]
    delays = [it.payload["delay_seconds"] for it in lost]
    assert all(0.01 <= delay <= 0.05 for delay in delays)
    times = [it.at_ms for it in records]
    assert all(a is not None and b is not None and a <= b for a, b in itertools.pairwise(times))
