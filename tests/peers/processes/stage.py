"""`Stage`: peers and relays in processes of their own, and waiting for what they tell.

What belongs here: starting, commanding, stopping and killing them.  What does not: what is expected
of them.  It imports no pytest, so that a bench may use it too.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

__all__ = ["PATIENCE", "PeerProcess", "Program", "RelayProcess", "Stage"]

PATIENCE: Final = 30.0
"""Seconds that anything may take on a machine that does other things, too."""

_CHECKOUT: Final = Path(__file__).resolve().parents[3]
_LONGEST_LINE: Final = 2**22

Told = dict[str, Any]


class Program:
    """A process that tells what happens, line by line."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, stage: Stage) -> None:
        self.name = name
        self.told: list[Told] = []
        """All that it told, the oldest first."""
        self._untaken: dict[str, list[Told]] = {}
        """By event, what `until` has not returned yet."""
        self._process = process
        self._stage = stage
        self.has_ended = False
        self._reading = asyncio.create_task(self._read(), name=f"output of {name}")

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    async def until(self, event: str, *, within: float = PATIENCE, **fields: Any) -> Told:
        """Return the first such event that has these fields; each is returned once."""

        def find() -> Told | None:
            told = self._untaken.get(event, ())
            return next((one for one in told if _has(one, fields)), None)

        await self._stage.until(
            lambda: find() is not None or self.has_ended,
            what=f"{event} {fields} of {self.name}",
            within=within,
        )
        found = find()
        if found is None:
            message = f"{self.name} ended with status {self._process.returncode}, without {event}"
            raise EOFError(message)
        self._untaken[event].remove(found)
        return found

    async def kill(self) -> None:
        """End it as a power cut does."""
        self._process.kill()
        await self._end()

    def hang(self) -> None:
        """Let it do nothing from now on."""
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it do again what it did before it hung."""
        self._process.send_signal(signal.SIGCONT)

    async def _end(self) -> None:
        await self._process.wait()
        await self._reading

    def write(self, line: Mapping[str, Any]) -> None:
        """Give it a line."""
        if self._process.stdin is not None:
            self._process.stdin.write(json.dumps(line).encode() + b"\n")

    async def _read(self) -> None:
        if self._process.stdout is not None:
            async for line in self._process.stdout:
                if line.endswith(b"\n"):  # else it was killed in the middle
                    self.take(json.loads(line))
                self._stage.note_news()
        self.has_ended = True
        self._stage.note_news()

    def take(self, told: Told) -> None:
        """Keep what it told."""
        self.told.append(told)
        self._untaken.setdefault(told["event"], []).append(told)


class PeerProcess(Program):
    """Some peers in one process; most have one."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, stage: Stage) -> None:
        super().__init__(name, process, stage)
        self.peer_ids: list[str] = []
        self.addresses: list[list[str]] = []
        self.states: dict[int, Told] = {}
        """What each peer's state says now."""
        self._commands = count(1)

    @property
    def peer_id(self) -> str:
        """The id of the first peer."""
        return self.peer_ids[0]

    @property
    def online(self) -> set[str]:
        """Whom the first peer takes for online."""
        return set(self.states.get(0, {}).get("online", ()))

    @property
    def links(self) -> dict[str, list[list[Any]]]:
        """The links of the first peer's state: for each other one the kinds, and who dialled."""
        return dict(self.states.get(0, {}).get("links", {}))

    @property
    def complaints(self) -> list[Told]:
        """What it logged as an error."""
        return [told for told in self.told if told["event"] == "complaint"]

    def tell(self, do: str, *, peer: int = 0, **fields: Any) -> int:
        """Give a command to one of the peers; return its number, for `outcome_of`."""
        number = next(self._commands)
        self.write({"do": do, "peer": peer, "command": number, **fields})
        return number

    async def outcome_of(self, command: int, *, within: float = PATIENCE) -> Told:
        """Wait for what came of a command.

        Raises:
            AssertionError: it raised.
        """
        outcome: Told = (await self.until("done", command=command, within=within))["outcome"]
        if "raised" in outcome:
            raise AssertionError(outcome["raised"])
        return outcome

    async def ask(self, do: str, *, peer: int = 0, within: float = PATIENCE, **fields: Any) -> Told:
        """Give a command, and wait for what came of it."""
        return await self.outcome_of(self.tell(do, peer=peer, **fields), within=within)

    async def started(self, peers: int) -> None:
        """Wait until all peers serve."""
        for number in range(peers):
            told = await self.until("peers/peer_node_started", peer=number)
            self.peer_ids.append(told["own_peer_id"])
            self.addresses.append(told["addresses"])

    async def stop(self) -> Told:
        """Let it end cleanly; return what it left behind."""
        self.write({"do": "stop"})
        left = await self.until("stopped")
        await self._end()
        return left

    def take(self, told: Told) -> None:
        """Keep what it told, and the state apart."""
        super().take(told)
        if told["event"] == "state":
            self.states[told["peer"]] = told


class RelayProcess(Program):
    """`refold relay` in a process of its own."""

    url: str = ""

    async def stop(self) -> Told:
        """Ask it to stop; return what it had to do at the end."""
        self._process.terminate()
        counts = await self.until("stopped")
        await self._end()
        return counts


@attrs.define
class Stage:
    """Entered, it starts processes, and kills in the end those that are left."""

    programs: list[Program] = attrs.field(factory=list[Program])
    _news: asyncio.Event = attrs.field(factory=asyncio.Event)

    def note_news(self) -> None:
        """Wake up who waits."""
        self._news.set()

    async def until(
        self, condition: Callable[[], object], *, what: str = "", within: float = PATIENCE
    ) -> None:
        """Wait until something holds; it is asked again with each line that anybody told.

        Raises:
            AssertionError: it did not hold in time.
        """
        try:
            async with asyncio.timeout(within):
                while not condition():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            last = {one.name: one.told[-8:] for one in self.programs}
            message = f"{what or 'what was waited for'} did not come within {within:g} s: {last}"
            raise AssertionError(message) from None

    async def lines_told(self, number: int) -> None:
        """Wait until so many more lines were told by anybody."""
        least = self._count() + number
        await self.until(lambda: self._count() >= least)

    async def relay(self, port: int = 0) -> RelayProcess:
        """Start a relay."""
        process = await _start("-m", "refold", "relay", "--port", str(port), "--json")
        relay = RelayProcess("the relay", process, self)
        self.programs.append(relay)
        relay.url = (await relay.until("listening"))["url"]
        return relay

    async def peer(self, name: str, **setup: Any) -> PeerProcess:
        """Start a process with one peer; see `PeerSetup`."""
        return await self.peers(name, [setup])

    async def peers(self, name: str, setups: Sequence[Mapping[str, Any]]) -> PeerProcess:
        """Start a process with some peers."""
        program = "tests.peers.processes.peer_program"
        process = await _start("-m", program, json.dumps(setups, default=os.fspath))
        one = PeerProcess(name, process, self)
        self.programs.append(one)
        await one.started(len(setups))
        return one

    async def __aenter__(self) -> Self:
        """Begin with an empty stage."""
        return self

    async def __aexit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Kill what is left; nothing may have logged an error."""
        for program in self.programs:
            if not program.has_ended:
                await program.kill()
        if error is None:
            complaints = [
                complaint
                for one in self.programs
                if isinstance(one, PeerProcess)
                for complaint in one.complaints
            ]
            if complaints:
                message = f"errors were logged: {complaints}"
                raise AssertionError(message)

    def _count(self) -> int:
        return sum(len(one.told) for one in self.programs)


def _has(told: Told, fields: Mapping[str, Any]) -> bool:
    return all(told.get(name) == value for name, value in fields.items())


async def _start(*arguments: str) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        *(sys.executable, *arguments), cwd=_CHECKOUT, stdin=pipe, stdout=pipe, limit=_LONGEST_LINE
    )
