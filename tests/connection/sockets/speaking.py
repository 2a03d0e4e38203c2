"""Typed messages, and a peer that says what a test has it say.

What belongs here: what the tests of inbound messages share.  What does not: peers of other kinds,
which `peers` and `faults` have.
"""

from __future__ import annotations

import asyncio
import gc
import json
from typing import TYPE_CHECKING, Any

from refold.actions.message import message
from tests.connection.sockets.peers import BINARY, CLOSE, PING, PONG, TEXT, Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

__all__ = [
    "Named",
    "Numbered",
    "Speaker",
    "UnspeakableError",
    "clean_run",
    "number_of",
    "numbered",
    "numbers_into",
]


@message("tests.speaking.numbered")
class Numbered:
    """A message of one type."""

    number: int
    padding: str = ""


@message("tests.speaking.named")
class Named:
    """A message of another type."""

    name: str


class UnspeakableError(Exception):
    """Its text cannot be had."""

    def __str__(self) -> str:
        """Raise."""
        text = "no text"
        raise RuntimeError(text)


def number_of(arrived: Any) -> Any:
    """Return the number of a message for its id; None if it has none."""
    return getattr(arrived, "number", None)


def numbered(number: int, padding: str = "") -> bytes:
    """Return the JSON of one `Numbered`."""
    fields = {"type": "tests.speaking.numbered", "number": number, "padding": padding}
    return json.dumps(fields).encode()


def numbers_into(numbers: list[int]) -> Callable[[Numbered], None]:
    """Return a plain handler that notes the numbers."""
    return lambda arrived: numbers.append(arrived.number)


class Speaker:
    """Greets with what it is given, keeps what it hears, answers pings and the goodbye."""

    def __init__(self, *greeting: bytes, goodbye: int | None = None) -> None:
        """Say these texts on each new link, and then goodbye if there is a code."""
        self.greeting = greeting
        self.goodbye = goodbye
        self.links: list[Wire] = []
        """Every link so far, the last one last."""
        self.heard: list[str] = []
        """What arrived, over all links."""

    async def __call__(self, wire: Wire) -> None:
        """Serve one link."""
        await wire.handshake()
        self.links.append(wire)
        for text in self.greeting:
            wire.send(TEXT, text)
        if self.goodbye is not None:
            wire.say_goodbye(self.goodbye)
        while True:
            opcode, payload = await wire.receive()
            if opcode == CLOSE:
                if self.goodbye is None:
                    wire.send(CLOSE, payload)
                return
            if opcode == PING:
                wire.send(PONG, payload)
            elif opcode in {TEXT, BINARY}:
                self.heard.append(payload.decode())

    def say(self, *texts: bytes) -> None:
        """Send texts on the last link, in one write."""
        for text in texts:
            self.links[-1].send(TEXT, text)

    def kill(self) -> None:
        """Break the last link."""
        self.links[-1].reset()


def clean_run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run in a loop of its own that must end without tasks, complaints and garbage."""
    complaints: list[dict[str, Any]] = []

    async def run() -> None:
        loop = asyncio.get_running_loop()
        loop.set_debug(True)
        loop.slow_callback_duration = 1000
        loop.set_exception_handler(lambda _, context: complaints.append(context))
        before = asyncio.all_tasks()
        await main()
        for _ in range(5):
            await asyncio.sleep(0)
        assert asyncio.all_tasks() == before

    asyncio.run(run())
    gc.collect()
    assert complaints == []
