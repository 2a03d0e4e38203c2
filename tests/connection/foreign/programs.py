"""A peer in a process of its own: started, listened to, stopped, and never left behind."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any

__all__ = ["Program", "run_program"]


class Program:
    """A running process that writes one JSON object per line."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.told: list[dict[str, Any]] = []
        """What it wrote so far."""
        self._news = asyncio.Event()

    async def wait_for(
        self, condition: Callable[[dict[str, Any]], object], seconds: float = 10.0
    ) -> dict[str, Any]:
        """Return the first line, already written or still to come, that fulfils a condition."""
        looked_at = 0
        async with asyncio.timeout(seconds):
            while True:
                for line in self.told[looked_at:]:
                    if condition(line):
                        return line
                looked_at = len(self.told)
                self._news.clear()
                await self._news.wait()

    def pause(self) -> None:
        """Stop it, so that its system still takes connections and it does nothing at all."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self.process.send_signal(signal.SIGCONT)

    async def listen(self) -> None:
        """Read what it writes until it ends."""
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            with contextlib.suppress(ValueError):  # whatever else a runtime has to say
                self.told.append(json.loads(line))
                self._news.set()


@contextlib.asynccontextmanager
async def run_program(
    command: Sequence[str], *, descriptors: Sequence[int] = (), **environment: Any
) -> AsyncGenerator[Program]:
    """Run a program while the block runs.

    Args:
        command: the program and its arguments.
        descriptors: open files that it inherits under the same numbers.
        environment: arguments of `asyncio.create_subprocess_exec`, such as ``cwd``.
    """
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, pass_fds=tuple(descriptors), **environment
    )
    program = Program(process)
    listening = asyncio.create_task(program.listen())
    try:
        yield program
    finally:
        with contextlib.suppress(ProcessLookupError):  # it may have ended by itself
            process.kill()  # a paused one, too
        await process.wait()
        await listening
