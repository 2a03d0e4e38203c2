"""A program with a connection that is ended in some way at some moment, and says "ended".

What belongs here: what rule 53 asks of a whole process, whose output its test reads.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import math
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Final

from refold.errors import ConnectionFatalError, StoreClosedError
from tests.connection.sockets.faults import RETRIED_FAULTS
from tests.connection.sockets.peers import Behaviour, chatters, echoes, keeps_silent, peer
from tests.connection.sockets.running import Scene, make_scene

__all__ = ["ENDINGS", "PLACES", "main"]


async def _is_dialing(scene: Scene) -> None:
    await scene.until(lambda state: state.status == "connecting")


async def _is_open(scene: Scene) -> None:
    await scene.until(lambda state: state.status == "connected")


async def _is_waiting(scene: Scene) -> None:
    await scene.until(lambda state: state.next_retry_at_ms is not None)


PLACES: Final[dict[str, tuple[Behaviour, Callable[[Scene], Awaitable[None]]]]] = {
    "dialing": (keeps_silent, _is_dialing),
    "open": (echoes, _is_open),
    "chatty": (chatters, _is_open),
    "waiting": (RETRIED_FAULTS["503"], _is_waiting),
}
"""Where the program is when it ends."""


background: Final[list[asyncio.Task[None]]] = []
"""Tasks that nobody waits for."""


def _interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


async def _interrupted(scene: Scene, place: str) -> None:
    """Be interrupted as by Ctrl-C inside the store."""
    async with scene.store:
        await PLACES[place][1](scene)
        scene.connection.send("x" * 1000)
        _interrupt()
        await asyncio.Event().wait()


async def _interrupted_in_a_group(scene: Scene, place: str) -> None:
    """Be interrupted in a task group, in which another task waits for the connection."""
    async with asyncio.TaskGroup() as group, scene.store:
        group.create_task(_connect(scene))
        await PLACES[place][1](scene)
        asyncio.get_running_loop().call_soon(_interrupt)
        await asyncio.Event().wait()


async def _connect(scene: Scene) -> None:
    with contextlib.suppress(StoreClosedError, ConnectionFatalError):
        await scene.connection.connect(wait=True)


async def _not_left(scene: Scene, place: str) -> None:
    """Return without leaving the store, so that the loop is closed over it."""
    await scene.store.__aenter__()
    await PLACES[place][1](scene)
    scene.connection.send("x" * 1000)


async def _in_a_forgotten_task(scene: Scene, place: str) -> None:
    """Return while another task is inside the store; the loop cancels it as it ends."""

    async def serve() -> None:
        async with scene.store:
            await asyncio.Event().wait()

    background.append(asyncio.create_task(serve()))
    await PLACES[place][1](scene)


async def _exited(scene: Scene, place: str) -> None:
    """Exit from inside the store."""
    async with scene.store:
        await PLACES[place][1](scene)
        sys.exit(0)


ENDINGS: Final[dict[str, Callable[[Scene, str], Awaitable[None]]]] = {
    "interrupted": _interrupted,
    "interrupted in a task group": _interrupted_in_a_group,
    "store not left": _not_left,
    "store in a forgotten task": _in_a_forgotten_task,
    "exit": _exited,
}
"""How the program ends."""


async def _run(place: str, ending: str) -> None:
    # Development mode complains of slow steps, which on a busy machine says nothing of the program.
    asyncio.get_running_loop().slow_callback_duration = math.inf
    async with peer(PLACES[place][0]) as server:
        await ENDINGS[ending](make_scene(server.url), place)


def main() -> None:
    """Run the place and the ending that the arguments name."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
    with contextlib.suppress(KeyboardInterrupt, SystemExit):
        asyncio.run(_run(sys.argv[1], sys.argv[2]))
    gc.collect()
    print("ended")  # noqa: T201  # its answer


if __name__ == "__main__":
    main()
