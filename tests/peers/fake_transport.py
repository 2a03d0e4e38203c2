"""`FakeNetwork` and its `FakeTransport`s: peers that reach each other in memory, as a test says.

What belongs here: channels over `memory_pipe`, and addresses that fail in a chosen way.  What does
not: nodes; `tests/peers/node/node_scene.py` has them.

An address is ``KIND:PEER_ID``, or that with ``/`` and anything behind it for another of the same.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

from refold.errors import AuthenticationError, DialError, PipeClosedError
from tests.peers.memory_pipe import MemoryPipe, memory_pipe

if TYPE_CHECKING:
    from refold.actions.peer_records import Presence, TransportKind
    from refold.middleware.peer_network.secure_channel import SecureChannel

__all__ = ["FakeChannel", "FakeNetwork", "FakeTransport", "Outcome"]

Outcome: TypeAlias = Literal[
    "link", "refused", "wrong key", "cut short", "hang", "crash", "impostor"
]
"""What comes of dialling an address.  ``cut short``: the handshake breaks off.  ``crash``: the
transport has a bug.  ``impostor``: it has a worse one, and gives a channel to somebody else."""


class FakeChannel:
    """One end of a channel; it has all that `SecureChannel` has."""

    def __init__(self, pipe: MemoryPipe, peer_id: str) -> None:
        """Use one end of a pipe; the other end is that peer's."""
        self.pipe = pipe
        self.peer_id = peer_id
        self.is_aborted = False
        """Whether it was broken off, perhaps after it was closed."""

    async def send(self, data: bytes, /) -> None:
        """Send a message."""
        await self.pipe.send(data)

    async def receive(self) -> bytes:
        """Return the next message."""
        return await self.pipe.receive()

    async def close(self) -> None:
        """End it cleanly."""
        await self.pipe.close()

    def abort(self) -> None:
        """Break it."""
        self.is_aborted = True
        self.pipe.abort()


class FakeNetwork:
    """Who listens where, what fails, and what was dialled."""

    def __init__(self) -> None:
        self.outcomes: dict[str, Outcome] = {}
        """For an address; one that is not there leads to a link if somebody listens."""
        self.latencies: dict[str, float] = {}
        """Seconds that dialling an address takes; 0 where it is not there."""
        self.confirmation_seconds = 0.0
        """How much later than the listener a dialler has its channel, as with the last step of a
        handshake; who gives up in between breaks it."""
        self.clean_up_seconds = 0.0
        """How long a dial takes to end once it is cancelled."""
        self.listeners: dict[str, FakeTransport] = {}
        """By address without what stands behind ``/``."""
        self.dialed: list[tuple[str, str, float]] = []
        """Who dialled what address, and when."""
        self.dialing: Counter[tuple[str, str]] = Counter()
        """How many dials are under way, by who dials whom."""
        self.most_at_once = 0
        """The most dials that were under way at once from one peer to one other."""
        self.held: list[FakeChannel] = []
        """All ends of channels that were given to a node, in order."""

    def addresses_dialed(self) -> list[str]:
        """Return what was dialled, in order."""
        return [address for _, address, _ in self.dialed]

    def times_dialed(self) -> list[float]:
        """Return when something was dialled, in seconds of the loop."""
        return [at for _, _, at in self.dialed]


class FakeTransport:
    """A `PeerTransport` of one kind for one peer."""

    def __init__(self, network: FakeNetwork, own_peer_id: str, kind: TransportKind) -> None:
        """Be silent until `listen`."""
        self._network = network
        self.own_peer_id = own_peer_id
        """Whose it is."""
        self._kind: TransportKind = kind
        self.on_channel: Callable[[SecureChannel], None] | None = None
        """Given by `listen`, and gone with `close`."""
        self.listen_error: Exception | None = None
        """What `listen` raises."""
        self.listen_seconds = 0.0
        """How long it takes."""

    @property
    def kind(self) -> TransportKind:
        """As it was made."""
        return self._kind

    def dialable(self, presence: Presence) -> Sequence[str]:
        """Return the addresses of this kind."""
        return [text for text in presence.addresses if text.startswith(f"{self._kind}:")]

    async def dial(self, address: str, peer_id: str) -> SecureChannel:
        """Do what the network says of the address."""
        network = self._network
        way = (self.own_peer_id, peer_id)
        network.dialed.append((self.own_peer_id, address, asyncio.get_running_loop().time()))
        network.dialing[way] += 1
        network.most_at_once = max(network.most_at_once, network.dialing[way])
        try:
            await asyncio.sleep(network.latencies.get(address, 0.0))
            return await self._outcome(address, peer_id)
        except asyncio.CancelledError:
            await asyncio.sleep(network.clean_up_seconds)
            raise
        finally:
            network.dialing[way] -= 1

    async def listen(self, on_channel: Callable[[SecureChannel], None]) -> None:
        """Be found by the network."""
        await asyncio.sleep(self.listen_seconds)
        if self.listen_error is not None:
            raise self.listen_error
        self.on_channel = on_channel
        self._network.listeners[f"{self._kind}:{self.own_peer_id}"] = self

    def addresses(self) -> Sequence[str]:
        """Return the one address; nothing before it listens."""
        return [] if self.on_channel is None else [f"{self._kind}:{self.own_peer_id}"]

    async def close(self) -> None:
        """Be found no more."""
        self.on_channel = None
        self._network.listeners.pop(f"{self._kind}:{self.own_peer_id}", None)

    def take(self, dialer_peer_id: str, *, max_messages: int = 16) -> FakeChannel:
        """Let a channel from somebody come in; return that one's end."""
        theirs, ours = memory_pipe(max_messages=max_messages)
        own_end = FakeChannel(ours, dialer_peer_id)
        self._network.held.append(own_end)
        assert self.on_channel is not None
        self.on_channel(cast("SecureChannel", own_end))
        return FakeChannel(theirs, self.own_peer_id)

    async def _outcome(self, address: str, peer_id: str) -> SecureChannel:
        match self._network.outcomes.get(address, "link"):
            case "hang":
                await asyncio.get_running_loop().create_future()
            case "wrong key":
                message = "somebody else answered"
                raise AuthenticationError(message)
            case "cut short":
                message = "the other end hung up before both had proved who they are"
                raise AuthenticationError(message) from PipeClosedError("the pipe broke")
            case "crash":
                message = "a bug of the transport"
                raise ZeroDivisionError(message)
            case "impostor":
                return self._hold(FakeChannel(memory_pipe()[0], "mallory"))
            case "link":
                listener = self._network.listeners.get(address.partition("/")[0])
                if listener is not None and listener.own_peer_id == peer_id:
                    return await self._confirmed(listener.take(self.own_peer_id))
            case "refused":
                pass
        message = f"{address} refused"
        raise DialError(message)

    async def _confirmed(self, channel: FakeChannel) -> SecureChannel:
        held = self._hold(channel)
        try:
            if self._network.confirmation_seconds:
                await asyncio.sleep(self._network.confirmation_seconds)
        except asyncio.CancelledError:
            channel.abort()
            raise
        return held

    def _hold(self, channel: FakeChannel) -> SecureChannel:
        self._network.held.append(channel)
        return cast("SecureChannel", channel)
