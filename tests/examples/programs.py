"""The examples as processes of their own, which tests start, interrupt and kill by their pid.

What belongs here: starting, ending, and waiting for a state.  What does not: what the examples do.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

import attrs

from tests.house.checkout import CHECKOUT

if TYPE_CHECKING:
    from refold import Store

__all__ = ["Program", "Server", "free_port", "program", "state_when"]

S = TypeVar("S")


@attrs.define(eq=False)
class Program:
    """A process of one of the examples."""

    process: asyncio.subprocess.Process

    async def line(self) -> str:
        """Return the next line that it printed."""
        assert self.process.stdout is not None
        return (await self.process.stdout.readline()).decode().rstrip("\n")

    async def line_with(self, words: str) -> str:
        """Return the next line that has these words."""
        while words not in (line := await self.line()):
            assert line or self.process.returncode is None, f"it ended without saying {words!r}"
        return line

    async def end(self, ending: signal.Signals, typed: bytes | None = None) -> tuple[int, str, str]:
        """Signal it by its pid, unless it is gone; return its status and the rest it printed."""
        if self.process.returncode is None:
            os.kill(self.process.pid, ending)
        return await self.finish(typed)

    async def finish(self, typed: bytes | None = None) -> tuple[int, str, str]:
        """Let it read what is typed, then an end; return its status and the rest it printed."""
        out, errors = await self.process.communicate(typed)
        assert self.process.returncode is not None
        return self.process.returncode, out.decode(), errors.decode()


@asynccontextmanager
async def program(script: str, *arguments: object) -> AsyncGenerator[Program]:
    """Run ``examples/`` script until the block is left, at which it is killed if it runs still."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "error", str(CHECKOUT / "examples" / script)),
        *map(str, arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1", "COLUMNS": "80"},
    )
    started = Program(process)
    try:
        yield started
    finally:
        await started.end(signal.SIGKILL)


@attrs.define(eq=False)
class Server:
    """A server that can be killed and started again on the same port."""

    script: str
    arguments: tuple[object, ...]
    port: int = 0

    @property
    def url(self) -> str:
        """Where it is, was and will be."""
        return f"ws://127.0.0.1:{self.port}/"

    @asynccontextmanager
    async def running(self, *more: object) -> AsyncGenerator[Program]:
        """Serve until the block is left, at which the process is killed without mercy."""
        arguments = ("--port", self.port, *self.arguments, *more)
        async with program(self.script, *arguments) as started:
            said = await started.line()
            found = re.search(r"(?:ws|http)://127\.0\.0\.1:(\d+)/", said)
            assert found is not None, (said, await started.end(signal.SIGKILL))
            self.port = int(found[1])
            yield started


async def state_when(store: Store[S], holds: Callable[[S], bool]) -> S:
    """Return the first state, from the present one on, of which this holds."""
    async for state in store.changes(max_pending=100_000):
        if holds(state):
            return state
    raise AssertionError(store.state)


def free_port() -> int:
    """Return a port of the loopback on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
