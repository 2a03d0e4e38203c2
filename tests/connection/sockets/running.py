"""A store with one connection, and what its tests wait for."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncGenerator, Callable
from typing import TYPE_CHECKING, Any, Final

import attrs

from refold.actions.action import Action
from refold.middleware.websocket_connection import WebSocketConnection
from refold.middleware.websocket_options import WebSocketOptions
from refold.reducers.backoff_delay import Backoff
from refold.reducers.combine_reducers import combine_reducers
from refold.reducers.connection import ConnectionState, ConnectionStatus, connection_reducer
from refold.store.store import Store

if TYPE_CHECKING:
    from refold.store.middleware import Dispatch, StoreAPI

__all__ = [
    "FAST",
    "HASTY",
    "Root",
    "Scene",
    "Step",
    "Trace",
    "eventually",
    "make_scene",
    "open_descriptors",
    "root_reducer",
    "running",
]

FAST: Final = WebSocketOptions(
    connect_timeout=5.0,
    stable_after=0.05,
    heartbeat_interval=None,
    close_timeout=0.3,
    backoff=Backoff(initial_seconds=0.02, cap_seconds=0.05, floor_seconds=0.01),
)
"""Durations for tests that wait for what happens, in real time."""

HASTY: Final = attrs.evolve(FAST, connect_timeout=0.3)
"""For peers that never answer: an attempt ends soon, on a busy machine also one that would not."""


@attrs.frozen
class Root:
    """The state of a store with one connection."""

    connection: ConnectionState


root_reducer = combine_reducers(Root, connection=connection_reducer)


@attrs.frozen
class Step:
    """One action that was dispatched, and what it did."""

    action: Action
    before: ConnectionStatus
    after: ConnectionStatus
    loop_time: float
    """When, on the loop's clock."""


class Trace:
    """Middleware that keeps each action with the status before and after it."""

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def __call__(self, store: StoreAPI[Root], next_dispatch: Dispatch, /) -> Dispatch:
        """Note every action."""

        def handle(action: Action, /) -> Action:
            before = store.state.connection.status
            result = next_dispatch(action)
            after = store.state.connection.status
            now = asyncio.get_running_loop().time()
            self.steps.append(Step(action, before, after, now))
            return result

        return handle

    @property
    def statuses(self) -> list[ConnectionStatus]:
        """The statuses one after the other, beginning with the first."""
        changes = [step.after for step in self.steps if step.before is not step.after]
        return [ConnectionStatus.DISCONNECTED, *changes]

    def last_status(self) -> ConnectionStatus:
        """Return where the connection stands now."""
        return self.statuses[-1]

    def of(self, kind: type[Action]) -> list[Any]:
        """Return the actions of a class, in order."""
        return [step.action for step in self.steps if isinstance(step.action, kind)]

    def times_of(self, kind: type[Action]) -> list[float]:
        """Return when the actions of a class were dispatched."""
        return [step.loop_time for step in self.steps if isinstance(step.action, kind)]


@attrs.frozen
class Scene:
    """What a test looks at."""

    store: Store[Root]
    connection: WebSocketConnection
    trace: Trace

    @property
    def state(self) -> ConnectionState:
        """The connection's present state."""
        return self.store.state.connection

    async def until(
        self, condition: Callable[[ConnectionState], object], seconds: float = 10.0
    ) -> ConnectionState:
        """Wait for a state; a TimeoutError says that it never came."""
        async with asyncio.timeout(seconds):
            async for state in self.store.changes(_connection):
                if condition(state):
                    return state
        message = f"the store closed before, at {self.state}"
        raise AssertionError(message)

    async def until_status(self, status: ConnectionStatus) -> ConnectionState:
        """Wait for a status."""
        return await self.until(lambda state: state.status is status)


def make_scene(url: Any, *, middleware: tuple[Any, ...] = (), **settings: Any) -> Scene:
    """Return a store that is not entered yet."""
    trace = Trace()
    chosen: dict[str, Any] = {"options": FAST, **settings}
    connection = WebSocketConnection(url, **chosen)
    store = Store(root_reducer, middleware=[*middleware, trace, connection])
    return Scene(store, connection, trace)


@contextlib.asynccontextmanager
async def running(
    url: Any, *, middleware: tuple[Any, ...] = (), **settings: Any
) -> AsyncGenerator[Scene]:
    """Run a store with one connection."""
    scene = make_scene(url, middleware=middleware, **settings)
    async with scene.store:
        yield scene


def open_descriptors() -> int:
    """Return how many descriptors this process has open."""
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208  # no list of entries is needed


async def eventually(condition: Callable[[], object], seconds: float) -> None:
    """Wait, at most so long, for what tells nobody when it becomes true."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  # there is no event for it
            await asyncio.sleep(0.002)


def _connection(root: Root) -> ConnectionState:
    return root.connection
