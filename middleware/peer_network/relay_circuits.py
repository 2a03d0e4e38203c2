"""`RelayCircuits`: who waits to be answered, and the two pipes that are joined then.

What belongs here: counting, pairing and splicing.  What does not: HTTP, and who is told to answer.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Final

import attrs

from refold.errors import PipeClosedError
from refold.middleware.peer_network.websocket_pipe import WebSocketPipe

if TYPE_CHECKING:
    from refold.middleware.peer_network.message_pipe import MessagePipe

__all__ = ["RelayCircuit", "RelayCircuits", "splice"]

_ID_BYTES: Final = 8
_TOKEN_BYTES: Final = 32


@attrs.define(eq=False)
class RelayCircuit:
    """A circuit from the moment it is dialled."""

    target: str
    """The dialled peer."""

    circuit_id: str
    """Names it; no secret."""

    token: str = attrs.field(repr=False)
    """Proves that whoever answers was told to by the relay."""

    answer: asyncio.Future[WebSocketPipe] = attrs.field(
        factory=lambda: asyncio.get_running_loop().create_future()
    )
    """The pipe of the dialled peer, once it has come; cancelled when nobody waits for it."""


class RelayCircuits:
    """All circuits, bounded in all and for each dialled peer."""

    def __init__(self, max_circuits: int, max_circuits_per_peer: int) -> None:
        """Begin with none."""
        self._max_circuits = max_circuits
        self._max_circuits_per_peer = max_circuits_per_peer
        self._count_of: dict[str, int] = {}
        self._pending: dict[str, RelayCircuit] = {}

    def __len__(self) -> int:
        """Return how many there are, those included that wait for an answer."""
        return sum(self._count_of.values())

    def why_not(self, target: str) -> str | None:
        """Return why there can be no other circuit to a peer; None if there can."""
        if self._count_of.get(target, 0) >= self._max_circuits_per_peer:
            return f"{target} has {self._max_circuits_per_peer} circuits already, the most"
        if len(self) >= self._max_circuits:
            return f"the relay has {self._max_circuits} circuits already, the most"
        return None

    def begin(self, target: str) -> RelayCircuit:
        """Return a new circuit that counts and can be answered; `end` it."""
        circuit = RelayCircuit(
            target, secrets.token_hex(_ID_BYTES), secrets.token_urlsafe(_TOKEN_BYTES)
        )
        self._count_of[target] = self._count_of.get(target, 0) + 1
        self._pending[circuit.circuit_id] = circuit
        return circuit

    def take(self, circuit_id: str, token: str) -> RelayCircuit | None:
        """Return the circuit that waits for this answer, once; None if there is none such.

        A bad token leaves the circuit waiting for the right one.
        """
        circuit = self._pending.get(circuit_id)
        if circuit is None or not secrets.compare_digest(token.encode(), circuit.token.encode()):
            return None
        return self._pending.pop(circuit_id)

    def end(self, circuit: RelayCircuit) -> None:
        """Count a circuit no more."""
        self._pending.pop(circuit.circuit_id, None)
        circuit.answer.cancel()
        self._count_of[circuit.target] -= 1
        if not self._count_of[circuit.target]:
            del self._count_of[circuit.target]


async def splice(one: MessagePipe, other: MessagePipe) -> None:
    """Pass messages on both ways until either end is over, and then that end, at once."""
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_pass_on(one, other), name="refold circuit there")
            group.create_task(_pass_on(other, one), name="refold circuit back")
    finally:
        one.abort()
        other.abort()


async def _pass_on(source: MessagePipe, sink: MessagePipe) -> None:
    """Pass messages on until the source ends; then end both, as the source did.

    A sink that takes no more has ended too: its own end tells how, after all that came from it.
    """
    while True:
        try:
            data = await source.receive()
        except PipeClosedError as error:
            if error.is_clean:
                await asyncio.gather(sink.close(), source.close())
            else:
                sink.abort()
                source.abort()
            return
        try:
            await sink.send(data)
        except PipeClosedError:
            return
