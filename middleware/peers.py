"""`Peers`: the peers of a store: found, dialled, listened to, and told of as actions.

What belongs here: between the store and the node.  What does not: dialling, retry and keepalive,
which `PeerNode` does without a store; and what messages mean, which their handlers say.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from pyrsistent import pvector

from refold.actions.peers import (
    ConnectionAttemptToPeerStarted,
    ConnectionToPeerCancelled,
    ConnectionToPeerFailed,
    ExpiredPresencesSwept,
    PeerLinkClosed,
    PeerLinkOpened,
    PeerMessageReceived,
    PeerNodeStarted,
    PeerNodeStopped,
    PresenceDiscovered,
    PresenceWithdrawn,
)
from refold.errors import MiddlewareError, PresenceError
from refold.middleware.expiry_timer import ExpiryTimer
from refold.middleware.own_presence import OwnPresence
from refold.middleware.owning_loop import OwningLoop
from refold.middleware.peer_network.connect_result import ConnectResult
from refold.middleware.peer_network.node_events import (
    AttemptsCancelled,
    AttemptsFailed,
    AttemptStarted,
    LinkDown,
    LinkUp,
    MessageReceived,
    NodeEvent,
    NodeStarted,
)
from refold.middleware.peer_network.peer_node import PeerNode
from refold.middleware.peer_network.peer_options import PeerOptions
from refold.middleware.peer_network.signed_presence import sign_presence
from refold.middleware.peer_network.sliding_window import sliding_window
from refold.middleware.service_teller import ServiceTeller
from refold.selectors.peers import select_next_presence_expiry_at_ms, select_online_peer
from refold.store.inputs import inputs_of

if TYPE_CHECKING:
    from refold.actions.action import Action
    from refold.actions.peer_records import Presence, TransportKind
    from refold.middleware.peer_network.peer_identity import PeerIdentity
    from refold.middleware.peer_network.peer_transport import PeerTransport
    from refold.middleware.peer_rendezvous import PeerRendezvous
    from refold.reducers.peers import PeersState
    from refold.store.middleware import Dispatch, StoreAPI

__all__ = ["MessageHandler", "Peers"]

MessageHandler: TypeAlias = Callable[[str, bytes], object]
"""``(peer_id, payload)``; the peer's next message waits until it returns."""

_NOT_ONLINE: Final = "Peer not found in online peers"
_CHANGES_PRESENCES: Final = (PresenceDiscovered, PresenceWithdrawn, ExpiredPresencesSwept)

_log = logging.getLogger("refold.peers")


class Peers:
    """Middleware that knows peers: it says who is online, dials them, and tells what happens.

    It runs while the store is entered.  All that happens is dispatched as actions of
    `refold.actions.peers`; the payloads of messages are not, they go to the handlers only.

    Args:
        identity: who this peer is.
        transports: the ways to reach peers, and to be reached.
        rendezvous: where presences are shown, with their signatures checked; a `RelayTransport` is
            one, too; it must stand among the transports as well, or it never registers.
        about: what this peer says of itself.
        select: gives the peers' state from the root state of the store; None if that is the whole
            state.
        options: durations and bounds.
        clock: seconds since the Unix epoch; None for that of the store's inputs.
    """

    def __init__(  # noqa: PLR0913  # keyword-only, each with a default
        self,
        identity: PeerIdentity,
        transports: Sequence[PeerTransport],
        *,
        rendezvous: Sequence[PeerRendezvous] = (),
        about: OwnPresence | None = None,
        select: Callable[[Any], PeersState] | None = None,
        options: PeerOptions | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        """Open nothing."""
        self.identity: Final = identity
        self.options: Final = options or PeerOptions()
        self._about = about or OwnPresence()
        self._rendezvous = tuple(rendezvous)
        self._select = select or _whole_state
        self._store: StoreAPI[Any] | None = None
        self._owner = OwningLoop("the peers")
        self._has_own_clock = clock is not None
        self._clock = clock or inputs_of(None).clock
        self._teller = ServiceTeller("peers", self.now)
        self._handlers: dict[str, MessageHandler] = {}
        self._node = PeerNode(
            identity.peer_id, transports, options=self.options, report=self._take_event
        )
        self._sweeper = ExpiryTimer(self.now, self._next_expiry_at_ms, self._sweep)

    def __call__(self, store: StoreAPI[Any], next: Dispatch, /) -> Dispatch:  # noqa: A002
        """Remember where to dispatch; actions go straight on.

        Raises:
            MiddlewareError: another store has these peers.
        """
        if self._store is not None:
            message = "peers belong to one store; give each store its own Peers"
            raise MiddlewareError(message)
        self._store = store
        self._teller.dispatch = store.dispatch
        if not self._has_own_clock:
            self._clock = inputs_of(store).clock
        return next

    def committed(self, actions: tuple[Action, ...], /) -> None:
        """Note that presences may be over earlier; the store calls this."""
        if any(isinstance(action, _CHANGES_PRESENCES) for action in actions):
            self._sweeper.look_again()

    async def run(self) -> None:
        """Be a peer until cancelled, then say goodbye to all; the store calls this."""
        self._owner.adopt()
        for place in self._rendezvous:
            place.on_presence(self._take_presence, self._take_withdrawal)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._sweeper.run(), name="refold presences")
                group.create_task(self._announce_again(), name="refold own presence")
                await self._node.run()
        finally:
            self._teller.tell(PeerNodeStopped())

    # --- connecting -------------------------------------------------------------------------------

    async def connect_to_online_peer(self, peer_id: str) -> ConnectResult:
        """Connect to a peer whose presence is known.

        Returns:
            How it went; a peer that is connected already is a success at once.

        Raises:
            WrongThreadError: another event loop runs the store.
        """
        self._owner.refuse_others()
        carrier = self.connection_type(peer_id)
        if carrier is not None:
            return ConnectResult(success=True, connection_type=carrier, error=None, attempts=0)
        presence = select_online_peer(self._state, peer_id)
        if presence is None:
            self._teller.tell(ConnectionToPeerFailed(peer_id, _NOT_ONLINE, 0))
            return ConnectResult(
                success=False, connection_type="none", error=_NOT_ONLINE, attempts=0
            )
        return await self.connect_to_presence(presence)

    async def connect_to_presence(self, presence: Presence) -> ConnectResult:
        """Connect to the peer of a presence, by the first of its addresses that answers.

        Callers who want the same peer at the same time share one attempt.  Cancelling one of them
        leaves it to the others.

        Args:
            presence: of the application's own or as it was discovered; it need not be in the state.

        Raises:
            WrongThreadError: another event loop runs the store.
        """
        self._owner.refuse_others()
        return await self._node.connect(presence)

    async def connect_to_multiple_peers(
        self, peer_ids: Iterable[str]
    ) -> Mapping[str, ConnectResult]:
        """Connect to some peers, `PeerOptions.concurrency` at a time.

        Returns:
            A result for each, in the order given; a peer named twice has one.

        Raises:
            WrongThreadError: another event loop runs the store.
        """
        self._owner.refuse_others()
        return await sliding_window(
            peer_ids,
            self.connect_to_online_peer,
            at_once=self.options.concurrency,
            on_error=_failure_of,
        )

    async def disconnect(self, peer_id: str) -> None:
        """Say goodbye to a peer on all links to it; without any, nothing happens."""
        self._owner.refuse_others()
        await self._node.disconnect(peer_id)

    def is_connected(self, peer_id: str) -> bool:
        """Tell whether there is a live link to a peer now."""
        return self._node.is_connected(peer_id)

    def addresses(self) -> Sequence[str]:
        """Return where this peer can be reached; nowhere unless it runs."""
        return self._node.addresses()

    # --- messages ---------------------------------------------------------------------------------

    def on_message(self, kind: str, handler: MessageHandler) -> None:
        """Call a function with each message of a kind.

        Raises:
            TypeError: the function is async; start a task in a plain one.
            ValueError: the kind has a handler already.
        """
        if inspect.iscoroutinefunction(handler):
            message = "a handler of messages must be a plain function; start a task in it"
            raise TypeError(message)
        if kind in self._handlers:
            message = f"messages of kind {kind!r} have a handler already; one kind has one"
            raise ValueError(message)
        self._handlers[kind] = handler

    async def send(self, peer_id: str, kind: str, payload: bytes) -> None:
        """Send a message over a live link.

        Args:
            peer_id: to whom.
            kind: which handler of the peer's gets it; 1 to 255 ASCII characters.
            payload: at most about 1 MiB.

        Raises:
            NotConnectedToPeerError: there is no live link; nothing was sent.
            QueueFullError: the peer took nothing in time; nothing was sent.
            ValueError: the kind or the payload is out of its range.
        """
        self._owner.refuse_others()
        await self._node.send(peer_id, kind, payload)

    def connection_type(self, peer_id: str) -> TransportKind | None:
        """Return what carries the best live link to a peer; None if there is none."""
        return self._node.connection_type(peer_id)

    # --- what others use of it --------------------------------------------------------------------

    def now(self) -> float:
        """Return the time, in seconds since the Unix epoch."""
        return self._clock()

    # --- what the node and the rendezvous say -----------------------------------------------------

    @property
    def _state(self) -> PeersState:
        if self._store is None:
            message = "these Peers are in no store; put them into its list of middleware"
            raise MiddlewareError(message)
        return self._select(self._store.state)

    def _take_event(self, event: NodeEvent) -> None:
        """Dispatch what the node says, and let the handler have a message."""
        match event:
            case NodeStarted(addresses=addresses):
                self._teller.tell(PeerNodeStarted(self.identity.peer_id, pvector(addresses)))
                self._announce()
            case AttemptStarted(peer_id=peer_id, attempt=attempt):
                self._teller.tell(ConnectionAttemptToPeerStarted(peer_id, attempt))
            case AttemptsFailed(peer_id=peer_id, error=error, attempts=attempts):
                self._teller.tell(ConnectionToPeerFailed(peer_id, error, attempts))
            case AttemptsCancelled(peer_id=peer_id):
                self._teller.tell(ConnectionToPeerCancelled(peer_id))
            case LinkUp(peer_id=peer_id, link_id=link_id, transport=kind, is_inbound=is_inbound):
                self._teller.tell(PeerLinkOpened(peer_id, link_id, kind, is_inbound))
            case LinkDown(peer_id=peer_id, link_id=link_id, reason=reason):
                self._teller.tell(PeerLinkClosed(peer_id, link_id, reason))
            case MessageReceived(peer_id=peer_id, kind=kind, payload=payload):
                self._teller.tell(PeerMessageReceived(peer_id, kind, len(payload)))
                self._handle(peer_id, kind, payload)

    def _handle(self, peer_id: str, kind: str, payload: bytes) -> None:
        handler = self._handlers.get(kind)
        if handler is None:
            _log.warning("%s sent a message of kind %r, which has no handler", peer_id, kind)
            return
        try:
            handler(peer_id, payload)
        except Exception:  # noqa: BLE001  # a user's function
            _log.exception("the handler of messages of kind %r raised", kind)

    def _take_presence(self, presence: Presence) -> None:
        self._teller.tell(PresenceDiscovered(presence))

    def _take_withdrawal(self, peer_id: str) -> None:
        self._teller.tell(PresenceWithdrawn(peer_id))

    # --- one's own presence, and those that are over ----------------------------------------------

    def _announce(self) -> None:
        if not self._rendezvous:
            return
        presence = self._about.presence(
            self.identity.peer_id, self._node.addresses(), int(self.now() * 1000)
        )
        try:
            signed = sign_presence(presence, self.identity)
        except PresenceError:
            _log.exception("this peer's presence cannot be shown; the peer goes on without")
            return
        for place in self._rendezvous:
            place.publish_presence(signed)

    async def _announce_again(self) -> None:
        while True:
            await asyncio.sleep(self._about.lifetime_seconds / 2)
            self._announce()

    def _next_expiry_at_ms(self) -> int | None:
        return select_next_presence_expiry_at_ms(self._state)

    def _sweep(self) -> None:
        self._teller.tell(ExpiredPresencesSwept())


def _failure_of(_peer_id: str, error: BaseException) -> ConnectResult:
    message = str(error) or type(error).__name__
    return ConnectResult(success=False, connection_type="none", error=message, attempts=0)


V = TypeVar("V")


def _whole_state(state: V) -> V:
    return state
