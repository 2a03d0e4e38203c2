"""A program that connects 300 times to a peer that always breaks the link, and counts what is left.

What belongs here: what rule 50 asks of a whole process, whose output its test reads.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import sys
from typing import Final

import attrs

from refold.reducers.backoff_delay import Backoff
from tests.connection.sockets.faults import RETRIED_FAULTS, closes_with
from tests.connection.sockets.peers import Wire, echoes, peer
from tests.connection.sockets.running import FAST, eventually, open_descriptors, running

__all__ = ["main"]

_CYCLES: Final = 300
_KILLS: Final = (
    RETRIED_FAULTS["reset"],
    RETRIED_FAULTS["fin"],
    RETRIED_FAULTS["mid-frame"],
    RETRIED_FAULTS["broken handshake"],
    closes_with(1000),
    closes_with(1012),
)
_OPTIONS: Final = attrs.evolve(
    FAST,
    heartbeat_interval=5.0,
    backoff=Backoff(initial_seconds=0.001, cap_seconds=0.001, floor_seconds=0.001),
)


async def cycle() -> tuple[int, int, int]:
    """Return how many tasks and descriptors were left, and how many links were opened."""
    kills = itertools.cycle(_KILLS)

    async def breaks(wire: Wire) -> None:
        await next(kills)(wire)

    async with peer(echoes) as server:
        async with running(server.url) as scene:  # what is made once is made now
            await scene.connection.connect(wait=True)
        await eventually(lambda: not server.wires, 5)
        tasks, descriptors = asyncio.all_tasks(), open_descriptors()
        server.behaviour = breaks
        async with running(server.url, options=_OPTIONS) as scene:
            await scene.until(lambda state: state.total_connects >= _CYCLES, 30)
            await scene.connection.disconnect()
            await eventually(lambda: not server.wires, 5)
            left = asyncio.all_tasks() - tasks
            idle = {task for task in left if "service" in task.get_name()}
            await scene.connection.connect()
        await eventually(lambda: not server.wires, 5)
        await eventually(lambda: asyncio.all_tasks() <= tasks, 5)
        return len(left - idle), open_descriptors() - descriptors, scene.state.total_connects


def main() -> int:
    """Print what was left; return 1 if anything was."""
    tasks, descriptors, connects = asyncio.run(cycle(), debug=False)
    gc.collect()
    print(f"{connects} links, {tasks} tasks left, {descriptors} descriptors left")  # noqa: T201  # its answer
    return 1 if tasks or descriptors else 0


if __name__ == "__main__":
    sys.exit(main())
