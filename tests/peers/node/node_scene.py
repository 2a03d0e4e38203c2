"""`NodeScene`: peer nodes in one process, on a network in memory, and what they report.

What belongs here: starting and stopping them, and waiting for what they tell.  What does not: what
they ought to tell.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pyrsistent import pvector

from refold.actions.peer_records import Presence, TransportKind
from refold.middleware.peer_network.node_events import NodeEvent
from refold.middleware.peer_network.peer_node import PeerNode
from refold.middleware.peer_network.peer_options import PeerOptions
from tests.peers.fake_transport import FakeNetwork, FakeTransport

if TYPE_CHECKING:
    from tests.peers.fake_transport import FakeChannel

__all__ = ["NodeScene", "Peer", "node_scene", "presence_of"]

E = TypeVar("E", bound=NodeEvent)

FAR_FUTURE_MS: Final = 10**15


def presence_of(peer_id: str, *addresses: str, expires_at_ms: int = FAR_FUTURE_MS) -> Presence:
    """Return a presence that holds; without addresses, with the direct one."""
    return Presence(peer_id, pvector(addresses or (f"direct:{peer_id}",)), 0, expires_at_ms)


class Peer:
    """A node that runs, its transports, and all that it has reported."""

    def __init__(
        self,
        network: FakeNetwork,
        peer_id: str,
        kinds: Sequence[TransportKind] = ("direct",),
        options: PeerOptions | None = None,
    ) -> None:
        self.peer_id = peer_id
        self.transports = {kind: FakeTransport(network, peer_id, kind) for kind in kinds}
        self.events: list[NodeEvent] = []
        self.on_event: Callable[[NodeEvent], object] = lambda _event: None
        """Called with each event, after it is kept."""
        self.node = PeerNode(
            peer_id,
            list(self.transports.values()),
            options=options or PeerOptions(),
            report=self._keep,
        )
        self._task: asyncio.Task[None] | None = None
        self._news = asyncio.Event()

    @property
    def presence(self) -> Presence:
        """All its addresses, for ever."""
        return presence_of(self.peer_id, *(f"{kind}:{self.peer_id}" for kind in self.transports))

    def start(self) -> None:
        """Begin to run."""
        self._task = asyncio.create_task(self.node.run(), name=f"node of {self.peer_id}")

    async def stop(self) -> None:
        """Cancel the run, and wait until it has ended; more than once is allowed."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def accept(self, dialer_peer_id: str, kind: TransportKind = "direct") -> FakeChannel:
        """Let a channel from somebody come in; return that one's end."""
        return self.transports[kind].take(dialer_peer_id)

    def told(self, kind: type[E]) -> list[E]:
        """Return the events of one class."""
        return [event for event in self.events if isinstance(event, kind)]

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for a condition that becomes true with an event of this node."""
        while not condition():
            self._news.clear()
            await self._news.wait()

    def _keep(self, event: NodeEvent) -> None:
        self.events.append(event)
        self._news.set()
        self.on_event(event)


class NodeScene:
    """A network and its peers."""

    def __init__(self) -> None:
        self.network = FakeNetwork()
        self.peers: list[Peer] = []

    async def peer(
        self,
        peer_id: str,
        *,
        kinds: Sequence[TransportKind] = ("direct",),
        options: PeerOptions | None = None,
    ) -> Peer:
        """Start a peer and wait until it listens."""
        peer = Peer(self.network, peer_id, kinds, options)
        self.peers.append(peer)
        peer.start()
        await peer.until(lambda: peer.events)
        return peer

    async def stop(self) -> None:
        """Stop all."""
        await asyncio.gather(*(peer.stop() for peer in self.peers))


@contextlib.asynccontextmanager
async def node_scene() -> AsyncGenerator[NodeScene]:
    """Have a scene; in the end nothing is left of it, which is checked."""
    before = asyncio.all_tasks()
    scene = NodeScene()
    try:
        yield scene
    finally:
        await scene.stop()
    left: set[asyncio.Task[Any]] = asyncio.all_tasks() - before
    assert not left, left
    assert all(channel.pipe.is_closed for channel in scene.network.held)
