"""`WebSocketContestant`: a client in this process, whose event loop runs only while it is asked.

What belongs here: the loop, the server's process, CPU time, and counting what was handled.  What
does not: any client.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeAlias

from websocket_server_process import ServerProcess
from work import Outcome

__all__ = ["Client", "OpenClient", "Tally", "WebSocketContestant"]


class Client(Protocol):
    """An open connection that does the work of a row."""

    async def do(self, passes: int) -> None:
        """Do so many passes."""
        ...

    def outcome(self) -> Outcome:
        """Return what came out of all passes so far."""
        ...


OpenClient: TypeAlias = Callable[[str], AbstractAsyncContextManager[Client]]
"""Connects to an address, and lets go at the end."""


class Tally:
    """What the handlers of one client have handled; the same for all contestants."""

    def __init__(self) -> None:
        """Start from 0."""
        self.messages = 0
        self.total = 0
        self._until = 0
        self._reached: asyncio.Event | None = None

    def add(self, count: int) -> None:
        """Count a message."""
        self.messages += 1
        self.total += count
        if self.messages == self._until and self._reached is not None:
            self._reached.set()

    async def more(self, messages: int) -> None:
        """Wait until so many more were handled."""
        self._reached = asyncio.Event()
        self._until = self.messages + messages
        await self._reached.wait()

    def outcome(self) -> Outcome:
        """Return how many messages there were, and the sum of their counts."""
        return [[self.messages, self.total]]


class WebSocketContestant:
    """One client with a server of its own."""

    def __init__(self, open_client: OpenClient, operations: int) -> None:
        """Start the server and connect.

        Args:
            open_client: connects.
            operations: how many messages one pass has.
        """
        self.operations = operations
        self._server = ServerProcess()
        self._loop = asyncio.new_event_loop()
        self._leave = asyncio.Event()
        ready: asyncio.Future[Client] = self._loop.create_future()
        self._life = self._loop.create_task(self._live(open_client, ready))
        self._life.add_done_callback(lambda _: ready.cancel())
        try:
            self._client = self._loop.run_until_complete(ready)
        except asyncio.CancelledError:  # it could not connect
            self.close()  # raises why
            raise

    def measure(self, passes: int) -> float:
        """Do so many passes; return the CPU seconds of this process."""
        begin = time.process_time()
        self._loop.run_until_complete(self._client.do(passes))
        return time.process_time() - begin

    def outcome(self) -> Outcome:
        """Return what came out so far."""
        return self._client.outcome()

    def close(self) -> None:
        """Disconnect, and end the server."""
        self._leave.set()
        try:
            self._loop.run_until_complete(self._life)
        finally:
            self._loop.close()
            self._server.close()

    async def _live(self, open_client: OpenClient, ready: asyncio.Future[Client]) -> None:
        """Enter and leave in one task, as task groups want it."""
        async with open_client(self._server.url) as client:
            ready.set_result(client)
            await self._leave.wait()
