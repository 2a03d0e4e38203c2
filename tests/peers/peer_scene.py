"""Programs with peers, each in a store of its own, on one relay, over real loopback sockets.

What belongs here: starting them, waiting for what their states say, and what they did.  What does
not: what they ought to do.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import attrs
from pyrsistent import pvector

from refold import Store, record, replay, timestamps
from refold.actions.action import Action
from refold.actions.peer_records import Presence
from refold.actions.peers import PeerMessageReceived
from refold.middleware.own_presence import OwnPresence
from refold.middleware.peer_network.peer_identity import PeerIdentity
from refold.middleware.peer_network.peer_options import PeerOptions
from refold.middleware.peer_network.relay_server import RelayServer
from refold.middleware.peers import Peers
from refold.middleware.shared_wallet_sessions import SharedWalletSessions
from refold.middleware.usual_peers import usual_peers
from refold.reducers.peer_network import PeerNetworkState, peer_network_reducer
from refold.selectors.peers import select_is_peer_connected, select_online_peer

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from refold.reducers.peers import PeersState
    from refold.reducers.shared_wallets import SharedWalletsState
    from refold.store.middleware import Dispatch, StoreAPI

__all__ = [
    "HASTY",
    "SECONDS",
    "Program",
    "SilentListener",
    "Town",
    "Trace",
    "eventually",
    "peers_of",
    "presence_at",
    "shared_wallets_of",
    "silent_listener",
    "town",
    "unused_port",
]

SECONDS: Final = 15.0
"""How long anything may take before a test gives up."""

HASTY: Final = PeerOptions(direct_timeout=0.5, relay_timeout=2.0, attempts=1)
"""For peers that never answer."""

_MARKER: Final = "test/marker"

S = TypeVar("S")
A = TypeVar("A", bound=Action)


def peers_of(state: PeerNetworkState) -> PeersState:
    """Return the peers' slice."""
    return state.peers


def shared_wallets_of(state: PeerNetworkState) -> SharedWalletsState:
    """Return the shared wallets' slice."""
    return state.shared_wallets


async def eventually(store: Store[S], predicate: Callable[[S], object]) -> S:
    """Return the first state, from the present one on, of which something holds.

    Raises:
        AssertionError: it did not come in time; the text has the state.
    """
    try:
        async with asyncio.timeout(SECONDS):
            async for state in store.changes(max_pending=100_000):
                if predicate(state):
                    return state
    except TimeoutError:
        message = f"what was waited for did not come within {SECONDS:g} s: {store.state}"
        raise AssertionError(message) from None
    message = f"the store closed before, at {store.state}"
    raise AssertionError(message)


class Trace:
    """Middleware that keeps each action, and the state after it."""

    def __init__(self) -> None:
        self.actions: list[Action] = []
        self.states: list[PeerNetworkState] = []

    def __call__(self, store: StoreAPI[PeerNetworkState], next_dispatch: Dispatch, /) -> Dispatch:
        """Keep every action."""

        def handle(action: Action, /) -> Action:
            result = next_dispatch(action)
            self.actions.append(result)
            self.states.append(store.state)
            return result

        return handle

    def of(self, kind: type[A]) -> list[A]:
        """Return the actions of a class, in order."""
        return [action for action in self.actions if isinstance(action, kind)]


@attrs.frozen(eq=False)
class Program:
    """One program: its store, its peers, and what it did."""

    identity: PeerIdentity
    store: Store[PeerNetworkState]
    peers: Peers
    sessions: SharedWalletSessions
    trace: Trace
    log: Path

    @property
    def peer_id(self) -> str:
        """By which others know it."""
        return self.identity.peer_id

    @property
    def state(self) -> PeerNetworkState:
        """What it knows now."""
        return self.store.state

    async def until(self, predicate: Callable[[PeerNetworkState], object]) -> PeerNetworkState:
        """Wait for a state."""
        return await eventually(self.store, predicate)

    async def until_it_knows(self, *others: Program) -> None:
        """Wait until others are online."""
        await self.until(
            lambda state: all(select_online_peer(state.peers, one.peer_id) for one in others)
        )

    async def connect(self, *others: Program) -> None:
        """Be connected with others, at both ends."""
        await self.until_it_knows(*others)
        for other in others:
            result = await self.peers.connect_to_online_peer(other.peer_id)
            assert result.success, result
            await other.until(lambda state: select_is_peer_connected(state.peers, self.peer_id))

    async def tell_marker(self, other: Program) -> None:
        """Wait until all that was sent to another before now has arrived and was handled."""

        def markers() -> int:
            return sum(one.kind == _MARKER for one in other.trace.of(PeerMessageReceived))

        before = markers()
        await self.peers.send(other.peer_id, _MARKER, b"")
        async with asyncio.timeout(SECONDS):
            while markers() == before:  # noqa: ASYNC110  # an ignored message changes no state
                await asyncio.sleep(0.002)

    def verify_log(self) -> PeerNetworkState:
        """Fold what was recorded again, compare the digests; return the state at the end."""
        timeline = replay(self.log, peer_network_reducer)
        timeline.verify()
        return timeline.go_to_end()


class Town:
    """A relay, and programs that come and go."""

    def __init__(self, relay: RelayServer, folder: Path, stack: AsyncExitStack) -> None:
        self.relay = relay
        self._folder = folder
        self._stack = stack
        self._leaving: dict[str, AsyncExitStack] = {}
        self._all: list[Program] = []

    async def program(  # noqa: PLR0913  # all but the name by keyword
        self,
        nickname: str,
        *,
        identity: PeerIdentity | None = None,
        about: OwnPresence | None = None,
        options: PeerOptions | None = None,
        is_open_for: float = 3600.0,
        uses_relay: bool = True,
    ) -> Program:
        """Start a program and wait until it can be reached."""
        who = identity or PeerIdentity.generate()
        peers = usual_peers(
            who,
            relays=[self.relay.url] if uses_relay else [],
            about=about or OwnPresence(nickname=nickname),
            select=peers_of,
            options=options,
        )
        sessions = SharedWalletSessions(peers, select=shared_wallets_of, is_open_for=is_open_for)
        trace = Trace()
        log = self._folder / f"{nickname}.jsonl"
        store = Store(
            peer_network_reducer, middleware=[timestamps(), trace, record(log), peers, sessions]
        )
        peers.on_message(_MARKER, lambda _peer_id, _payload: None)
        own_stack = AsyncExitStack()
        await own_stack.enter_async_context(store)
        self._stack.push_async_exit(own_stack)
        program = Program(who, store, peers, sessions, trace, log)
        self._leaving[program.peer_id] = own_stack
        self._all.append(program)
        await program.until(lambda state: state.peers.is_running)
        return program

    async def leave(self, program: Program) -> None:
        """Let a program end as a user ends it."""
        await self._leaving[program.peer_id].aclose()

    def verify_logs(self) -> None:
        """Fold again what each recorded."""
        for program in self._all:
            program.verify_log()


@asynccontextmanager
async def town(folder: Path) -> AsyncGenerator[Town]:
    """Have a relay, and in the end let all programs leave; each log is folded again."""
    async with RelayServer() as relay:
        async with AsyncExitStack() as stack:
            here = Town(relay, folder, stack)
            yield here
        here.verify_logs()


class SilentListener:
    """Takes connections and never says anything; it counts those that are open."""

    def __init__(self) -> None:
        self.port = 0
        self.open_count = 0
        self.most_open = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hold a connection until the other end lets go."""
        self.open_count += 1
        self.most_open = max(self.most_open, self.open_count)
        try:
            while await reader.read(65_536):
                pass
        except ConnectionError:
            pass
        finally:
            self.open_count -= 1
            writer.close()


@asynccontextmanager
async def silent_listener() -> AsyncGenerator[SilentListener]:
    """Give a listener that never answers, on a free port."""
    listener = SilentListener()
    server = await asyncio.start_server(listener.serve, "127.0.0.1", 0)
    listener.port = int(server.sockets[0].getsockname()[1])
    async with server:
        yield listener


def unused_port() -> int:
    """Return a port of the loopback on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def presence_at(peer_id: str, *ports: int, now: float, **changes: Any) -> Presence:
    """Return a presence of a peer with its own listeners at some ports, for ten minutes.

    Args:
        peer_id: whose.
        ports: of 127.0.0.1.
        now: seconds since the Unix epoch.
        changes: other fields.
    """
    now_ms = int(now * 1000)
    fields: dict[str, Any] = {
        "addresses": pvector(f"/ip4/127.0.0.1/tcp/{port}/ws/p2p/{peer_id}" for port in ports),
        "created_at_ms": now_ms,
        "expires_at_ms": now_ms + 600_000,
        **changes,
    }
    return Presence(peer_id=peer_id, **fields)
