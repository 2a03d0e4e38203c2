"""`Cast`: three processes with peers of several kinds, of which each test takes three of its own.

What belongs here: who there is to take, and where nobody is.  What does not: what is expected of
them.  Starting a process takes most of a second, so the tests of a file share three.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import attrs

from refold.middleware.peer_network.peer_identity import PeerIdentity
from refold.middleware.peer_network.relay_server import RelayServer
from tests.peers.processes.actor import Actor
from tests.peers.processes.stage import PATIENCE, PeerProcess, Stage

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

__all__ = ["RETRY_BASE_MS", "Cast", "Kind", "address_at", "cast_of_three", "stranger"]

Kind: TypeAlias = Literal[
    "usual", "without a relay", "relay first", "retries after an hour", "as it comes"
]
"""How a peer was set up."""

RETRY_BASE_MS: Final = 100
"""How long the usual peers wait after a first attempt."""

_OPTIONS: Final[Mapping[str, Any]] = {
    "retry_base": RETRY_BASE_MS / 1000,
    "direct_timeout": PATIENCE,
    "relay_timeout": PATIENCE,
}
"""A busy machine shall not make a peer fall back."""

_BOTH: Final = ("direct", "relay")

_SETUPS: Final[Mapping[Kind, Mapping[str, Any]]] = {
    "usual": {"transports": _BOTH, "options": _OPTIONS},
    "without a relay": {"transports": ["direct"], "options": _OPTIONS},
    "relay first": {"transports": _BOTH, "options": {**_OPTIONS, "order": ["relay", "direct"]}},
    "retries after an hour": {"transports": _BOTH, "options": {**_OPTIONS, "retry_base": 3600.0}},
    "as it comes": {"transports": _BOTH},
}

_HOW_MANY: Final[Mapping[Kind, int]] = {
    "usual": 22,
    "without a relay": 12,
    "relay first": 1,
    "retries after an hour": 1,
    "as it comes": 1,
}
"""In each process; those of the same number in the three have a relay of their own."""


@attrs.frozen
class Cast:
    """Three processes with the same kinds of peers, some of them taken."""

    stage: Stage
    processes: Sequence[PeerProcess]
    _free: Mapping[Kind, list[int]]

    def take(self, kind: Kind = "usual") -> tuple[Actor, Actor, Actor]:
        """Return three peers, each in a process of its own, that nobody has taken.

        Those with a relay are online for each other, and for nobody else.

        Raises:
            IndexError: all were taken; let there be more.
        """
        number = self._free[kind].pop(0)
        ann, bob, carol = (Actor(process, number) for process in self.processes)
        return ann, bob, carol


@asynccontextmanager
async def cast_of_three() -> AsyncGenerator[Cast]:
    """Start them, and wait until all that have the relay are online for each other."""
    kinds: list[Kind] = [kind for kind, number in _HOW_MANY.items() for _ in range(number)]
    async with AsyncExitStack() as relays, Stage() as stage:
        setups = [
            {**_SETUPS[kind], "relay": None if kind == "without a relay" else await _relay(relays)}
            for kind in kinds
        ]
        processes = await asyncio.gather(*(stage.peers(f"process {at}", setups) for at in "123"))
        await stage.until(
            lambda: all(
                len(Actor(process, number).state["online"]) == len(processes) - 1
                for process in processes
                for number, kind in enumerate(kinds)
                if kind != "without a relay"
            ),
            what="three each being online for each other",
        )
        free: dict[Kind, list[int]] = {
            kind: [number for number, one in enumerate(kinds) if one == kind] for kind in _HOW_MANY
        }
        yield Cast(stage, processes, free)


def address_at(port: int, peer_id: str) -> str:
    """Return the address of a peer with a listener of its own at a port of this machine."""
    return f"/ip4/127.0.0.1/tcp/{port}/ws/p2p/{peer_id}"


def stranger() -> str:
    """Return the id of a peer that does not run."""
    return PeerIdentity.generate().peer_id


async def _relay(stack: AsyncExitStack) -> str:
    return (await stack.enter_async_context(RelayServer())).url
