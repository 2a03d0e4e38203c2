"""The services of a store: what runs between entering and leaving it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from refold.store.middleware import Service

__all__ = ["RunningServices"]


class RunningServices:
    """One task per service, in a TaskGroup: none outlives the store, and a failure is not lost."""

    def __init__(self, services: Iterable[Service]) -> None:
        """Keep what to run; nothing runs before `start`."""
        self._services = tuple(services)
        self._group = asyncio.TaskGroup()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> asyncio.TaskGroup:
        """Start a task for each service; return the group of all tasks of the store."""
        await self._group.__aenter__()
        for service in self._services:
            name = f"refold service {type(service).__name__}"
            self._tasks.append(self._group.create_task(service.run(), name=name))
        return self._group

    async def stop(
        self,
        error_type: type[BaseException] | None = None,
        error: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        """Cancel every service, wait for all, and raise what a service raised.

        An error of the block itself is left to go on as it is; only a cancellation is the group's
        business, because a service that failed cancels the block.
        """
        self._cancel()
        if isinstance(error, asyncio.CancelledError):
            await self._group.__aexit__(error_type, error, traceback)
        else:
            await self._group.__aexit__(None, None, None)

    async def cancel_and_wait(self) -> None:
        """Cancel every service and wait for all, from whatever task; errors stay for `stop`."""
        self._cancel()
        others = [task for task in self._tasks if task is not asyncio.current_task()]
        if others:
            await asyncio.wait(others)

    def _cancel(self) -> None:
        """Cancel every service after its first step: before it, not even its finally would run."""
        loop = asyncio.get_running_loop()
        for task in self._tasks:
            loop.call_soon(task.cancel)
