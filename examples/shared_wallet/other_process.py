"""`OtherProcess`: a program that this one started, and that says what happens as lines of JSON."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

__all__ = ["OtherProcess", "start_participant", "start_relay"]

_PARTICIPANT = Path(__file__).with_name("participant.py")
_PATIENCE_SECONDS = 30.0


class OtherProcess:
    """A participant in a process of its own."""

    def __init__(self, name: str, process: asyncio.subprocess.Process) -> None:
        """Take over a process that was started."""
        self.name = name
        self.peer_id = ""
        self.public_key = ""
        self._process = process
        self._untaken: list[dict[str, Any]] = []

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    def tell(self, command: dict[str, object]) -> None:
        """Give it a command."""
        if self._process.stdin is not None:
            self._process.stdin.write(json.dumps(command).encode() + b"\n")

    async def until(
        self, event: str, holds: Callable[[dict[str, Any]], bool] = lambda _: True
    ) -> dict[str, Any]:
        """Return the first event of a kind for which something holds; each is returned once.

        Raises:
            TimeoutError: it did not come within half a minute.
            EOFError: the program ended instead.
        """
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while True:
                for told in self._untaken:
                    if told["event"] == event and holds(told):
                        self._untaken.remove(told)
                        return told
                self._untaken.append(await self._next())

    async def kill(self) -> None:
        """End it as a power cut does."""
        self._process.kill()
        await self._process.wait()

    async def end(self) -> None:
        """Let it end by itself, because nobody tells it anything any more."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await self._process.wait()
        if self._process.returncode is None:
            await self.kill()

    async def _next(self) -> dict[str, Any]:
        line = b"" if self._process.stdout is None else await self._process.stdout.readline()
        if not line:
            message = f"{self.name} ended with status {await self._process.wait()}"
            raise EOFError(message)
        told: dict[str, Any] = json.loads(line)
        return told


@asynccontextmanager
async def start_participant(name: str, relay: str, log: Path) -> AsyncGenerator[OtherProcess]:
    """Start a participant, and end it after the block."""
    options = ("--name", name, "--relay", relay, "--record", str(log))
    one = OtherProcess(name, await _start(str(_PARTICIPANT), *options))
    try:
        started = await one.until("started")
        one.peer_id, one.public_key = started["peer_id"], started["public_key"]
        yield one
    finally:
        await one.end()


@asynccontextmanager
async def start_relay() -> AsyncGenerator[str]:
    """Start a relay on a free port; give its address, and end it after the block."""
    process = await _start("-m", "refold", "relay", "--port", "0", "--json")
    relay = OtherProcess("the relay", process)
    try:
        yield (await relay.until("listening"))["url"]
    finally:
        process.terminate()
        await process.wait()


async def _start(*arguments: str) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(sys.executable, *arguments, stdin=pipe, stdout=pipe)
