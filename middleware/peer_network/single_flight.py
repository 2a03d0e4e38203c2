"""`SingleFlight`: many callers, one run of the work that all of them want."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

import attrs

__all__ = ["SingleFlight"]

K = TypeVar("K", bound=Hashable)
R = TypeVar("R")


@attrs.define(eq=False)
class _Flight(Generic[R]):
    """One run, and how many wait for it."""

    task: asyncio.Task[R]
    callers: int = 0
    is_stopping: bool = False


class SingleFlight(Generic[K, R]):
    """At most one run per key; who asks meanwhile waits for the same result."""

    def __init__(self) -> None:
        """Begin with none."""
        self._flights: dict[K, _Flight[R]] = {}

    async def join(self, key: K, start: Callable[[], Coroutine[Any, Any, R]]) -> R:
        """Return the result of the run that is under way for a key, or of a new one.

        A cancelled caller leaves the run to the others.  The last one stops it, and goes on once it
        has ended; who comes in between gets a new run after that.

        Args:
            key: what it is about.
            start: makes a new run's coroutine, which is awaited in a task of its own.
        """
        while (flight := self._under_way(key)) is not None and flight.is_stopping:
            await asyncio.wait([flight.task])
        if flight is None:
            flight = self._begin(key, start)
        flight.callers += 1
        try:
            await asyncio.wait([flight.task])
        finally:
            flight.callers -= 1
            if not flight.callers and not flight.task.done():
                flight.is_stopping = True
                flight.task.cancel()
                await asyncio.wait([flight.task])
        return flight.task.result()

    def tasks(self) -> list[asyncio.Task[R]]:
        """Return all runs that are under way."""
        return [flight.task for flight in self._flights.values() if not flight.task.done()]

    def _under_way(self, key: K) -> _Flight[R] | None:
        flight = self._flights.get(key)
        return None if flight is None or flight.task.done() else flight

    def _begin(self, key: K, start: Callable[[], Coroutine[Any, Any, R]]) -> _Flight[R]:
        flight = _Flight(asyncio.create_task(start(), name="refold single flight"))

        def forget(_task: asyncio.Task[R]) -> None:
            if self._flights.get(key) is flight:
                del self._flights[key]

        self._flights[key] = flight
        flight.task.add_done_callback(forget)
        return flight
