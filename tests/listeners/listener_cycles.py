"""A program: a thousand stores with listeners, each entered, used and left; nothing may be left.

Run by `test_listener_cycles` under ``-X dev -W error``.
"""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING

from refold.middleware.listeners import Listeners
from refold.store.store import Store
from tests.listeners.listener_scene import Answered, Asked, Board, Counted, board

if TYPE_CHECKING:
    from refold.middleware.effect import Effect

__all__ = ["main"]

CYCLES = 1000


def new_listeners() -> Listeners[Board]:
    """Return one listener of each policy, all of which have work left when the store is left."""
    listeners = Listeners(Board)

    async def work(action: Asked, fx: Effect[Board]) -> None:
        fx.take(Counted)
        fx.sleep(100)
        fx.fork(asyncio.sleep(100))
        try:
            if action.number:
                await fx.take(Answered)
            await fx.condition(lambda state: state.count > 1, timeout=100)
        finally:
            fx.dispatch(Counted())

    async def work_later(action: Asked, fx: Effect[Board]) -> None:
        await work(action, fx)

    listeners.add(Asked, work)
    listeners.add(Asked.matches, work, policy="latest")
    listeners.add("listener_scene/asked", work, policy="leading")
    listeners.add(Asked, work_later, policy="debounce", seconds=0.001)
    listeners.add(Asked.matches, work_later, policy="throttle", seconds=100)
    return listeners


async def use_a_store(listeners: Listeners[Board], steps: int) -> None:
    """Enter a store, ask it three times with some steps of the loop in between, and leave it."""
    async with Store(board, listeners=[listeners]) as store:
        for number in range(3):
            store.dispatch(Asked(number))
            for _ in range(steps):
                await asyncio.sleep(0)
        store.dispatch(Answered())


async def main() -> None:
    """Enter and leave the stores."""
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, what: complaints.append(what))
    shared = new_listeners()
    for cycle in range(CYCLES):
        await use_a_store(shared if cycle % 2 else new_listeners(), cycle % 4)
        if asyncio.all_tasks() != {asyncio.current_task()}:
            message = f"cycle {cycle} left {asyncio.all_tasks()}"
            raise AssertionError(message)
    gc.collect()
    left = sum(isinstance(one, Store) for one in gc.get_objects())
    if complaints or left:
        message = f"{left} stores are left; complaints: {complaints}"
        raise AssertionError(message)


if __name__ == "__main__":
    asyncio.run(main())
