"""`HostedPeer`: one peer with its store, which obeys commands and tells all that happens.

What belongs here: between a store and lines of JSON.  What does not: the process around it
(`peer_program`), records, answers, transports and signing (`hosted_…`), and what tests expect.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

from refold import Store, record, timestamps
from refold.actions.contacts import ContactAdded
from refold.actions.peers import PresenceDiscovered
from refold.actions.shared_wallets import SharedWalletAdded
from refold.errors import PeerError
from refold.middleware.own_presence import OwnPresence
from refold.middleware.peer_network.peer_identity import PeerIdentity
from refold.middleware.peer_network.peer_options import PeerOptions
from refold.middleware.peers import Peers
from refold.middleware.shared_wallet_sessions import SharedWalletSessions
from refold.reducers.peer_network import PeerNetworkState, peer_network_reducer
from refold.selectors.peers import select_online_peers, select_peer_links
from refold.selectors.shared_wallets import select_spend_sessions
from tests.peers.processes.hosted_questions import answer
from tests.peers.processes.hosted_records import contact_in, presence_in, wallet_in
from tests.peers.processes.hosted_transports import relay_at, transport_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from refold.actions.action import Action
    from refold.middleware.peer_network.connect_result import ConnectResult
    from refold.reducers.peers import PeersState
    from refold.reducers.shared_wallets import SharedWalletsState
    from refold.store.middleware import Dispatch, StoreAPI
    from tests.peers.processes.hosted_signer import HostedSigner

__all__ = ["HostedPeer", "PeerSetup", "tell"]

NOTE: Final = "note"
"""The kind of the messages that peers of the tests send each other."""

_CHAT_SECONDS: Final = 0.05
_UNTOLD: Final = frozenset({"peers/peer_message_received"})


@attrs.frozen(kw_only=True)
class PeerSetup:
    """How a peer is made, in values of JSON."""

    transports: Sequence[str]
    """Of ``direct``, ``webrtc`` and ``relay``; ``webrtc nowhere`` is on a machine without an
    address, ``faulty`` is one with a bug."""

    relay: str | None = None
    """The url of the relay on which peers find each other."""

    options: Mapping[str, Any] = attrs.field(factory=dict[str, Any])
    """Of `PeerOptions`."""

    about: Mapping[str, Any] = attrs.field(factory=dict[str, Any])
    """Of `OwnPresence`; the nickname is ``peer`` and the peer's number, if none is given."""

    identity: str | None = None
    """The path of the identity file; None for a new identity."""

    log: str | None = None
    """The path of the log; None for no log."""


class HostedPeer:
    """A peer of this process, with a number by which commands name it."""

    def __init__(self, number: int, setup: PeerSetup) -> None:
        self.number = number
        path = setup.identity
        self._identity = (
            PeerIdentity.generate() if path is None else PeerIdentity.load_or_create(Path(path))
        )
        relay = relay_at(setup.relay, self._identity)
        about: dict[str, Any] = {"nickname": f"peer {number}", **setup.about}
        self._peers = Peers(
            self._identity,
            [transport_of(kind, self._identity, relay) for kind in setup.transports],
            rendezvous=() if relay is None else (relay,),
            about=OwnPresence(**about),
            select=_peers_of,
            options=PeerOptions(**setup.options),
        )
        self._peers.on_message(NOTE, self._take_note)
        self._sessions = SharedWalletSessions(self._peers, select=_shared_wallets_of)
        self._store = Store(
            peer_network_reducer,
            middleware=[
                timestamps(),
                *([] if setup.log is None else [record(Path(setup.log))]),
                self._tell_actions,
                self._peers,
                self._sessions,
            ],
        )
        self._told: dict[str, Any] = {}
        self._chat: asyncio.Task[None] | None = None
        self._signer: HostedSigner | None = None
        self._under_way: dict[int, asyncio.Task[dict[str, Any]]] = {}
        """Commands that are being obeyed, by number."""

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Be a peer inside the block."""
        async with self._store:
            self._store.subscribe(self._tell_state)
            try:
                yield
            finally:
                if self._chat is not None:
                    self._chat.cancel()

    async def obey(self, command: Mapping[str, Any]) -> dict[str, Any]:
        """Do what a command says; return what came of it."""
        if command["do"] == "cancel":
            self._under_way[command["which"]].cancel()
            return {}
        number: int = command["command"]
        work = self._under_way[number] = asyncio.create_task(self._do(command))
        await asyncio.wait([work])
        del self._under_way[number]
        return {"is_cancelled": True} if work.cancelled() else work.result()

    async def _do(self, command: Mapping[str, Any]) -> dict[str, Any]:
        match command["do"]:
            case "hold" | "ensure" | "propose" | "respond":
                return await self._obey_about_wallets(command)
            case "draw_nonce" | "sign" | "combine":
                return self._obey_about_signing(command)
            case "ask":
                return answer(command, self._store.state, self._peers)
            case "discover":
                self._store.dispatch(PresenceDiscovered(presence_in(command)))
                return {}
            case "add_contact":
                self._store.dispatch(ContactAdded(contact_in(command)))
                return {}
            case _:
                return await self._obey_about_peers(command)

    async def _obey_about_peers(self, command: Mapping[str, Any]) -> dict[str, Any]:
        match command:
            case {"do": "connect", "peer_id": str(peer_id)}:
                return _told_result(await self._peers.connect_to_online_peer(peer_id))
            case {"do": "connect_at"}:
                return _told_result(await self._peers.connect_to_presence(presence_in(command)))
            case {"do": "connect_many", "peer_ids": peer_ids}:
                results = await self._peers.connect_to_multiple_peers(peer_ids)
                return {"results": _told_results(results)}
            case {"do": "send", "peer_id": str(peer_id), "notes": notes}:
                for note in notes:
                    await self._peers.send(peer_id, command.get("kind", NOTE), str(note).encode())
                return {}
            case {"do": "disconnect", "peer_id": str(peer_id)}:
                await self._peers.disconnect(peer_id)
                return {}
            case {"do": "chat"}:
                self._chat = self._chat or asyncio.create_task(self._chat_for_ever())
                return {}
            case _:
                raise _not_understood(command)

    async def _obey_about_wallets(self, command: Mapping[str, Any]) -> dict[str, Any]:
        match command:
            case {"do": "hold"}:
                self._store.dispatch(SharedWalletAdded(wallet_in(command)))
                return {}
            case {"do": "ensure", "peer_ids": peer_ids}:
                ensured = await self._sessions.ensure_participants_connected(peer_ids)
                results = _told_results(ensured.results)
                return {"all_connected": ensured.all_connected, "results": results}
            case {"do": "propose", "wallet_id": wallet_id, "amount_sats": amount}:
                proposed = await self._sessions.propose_spend(
                    wallet_id, recipient="a recipient", amount_sats=amount
                )
                return attrs.asdict(proposed)
            case {"do": "respond", "session_id": session_id, "accepted": bool(accepted)}:
                await self._sessions.respond(session_id, accepted=accepted, reason="")
                return {}
            case _:
                raise _not_understood(command)

    def _obey_about_signing(self, command: Mapping[str, Any]) -> dict[str, Any]:
        from tests.peers.processes.hosted_signer import HostedSigner  # noqa: PLC0415  # an extra

        match command:
            case {"do": "draw_nonce"}:
                self._signer = HostedSigner(self._store.state.shared_wallets, command)
                return {"public_nonce": self._signer.public_nonce}
            case {"do": "sign", "public_nonces": nonces} if self._signer is not None:
                return {"partial_signature": self._signer.sign(nonces)}
            case {"do": "combine", "partial_signatures": parts} if self._signer is not None:
                return self._signer.combine(parts)
            case _:
                raise _not_understood(command)

    def _tell_actions(self, _store: StoreAPI[Any], following: Dispatch) -> Dispatch:
        """Be middleware that tells each action by its wire name, and when it came to the store."""

        def handle(action: Action, /) -> Any:
            at = time.monotonic()
            result = following(action)
            if action.wire_name not in _UNTOLD:
                any_attrs: Any = action
                fields = attrs.asdict(any_attrs, filter=_has_plain_name)
                tell(action.wire_name, at=at, peer=self.number, **fields)
            return result

        return handle

    def _tell_state(self) -> None:
        """Tell who is online, what is linked and how sessions stand, if it changed."""
        state = self._store.state
        links = {
            one: [(link.transport, link.is_inbound) for link in select_peer_links(state.peers, one)]
            for one in state.peers.connections.ids
        }
        now: dict[str, Any] = {
            "online": [one.peer_id for one in select_online_peers(state.peers)],
            "links": {one: sorted(some) for one, some in links.items() if some},
            "sessions": {one.id: one.status for one in select_spend_sessions(state.shared_wallets)},
        }
        if now != self._told:
            self._told = now
            tell("state", peer=self.number, **now)

    def _take_note(self, peer_id: str, payload: bytes) -> None:
        note = payload.decode()
        if note:
            tell("note", peer=self.number, peer_id=peer_id, note=note)

    async def _chat_for_ever(self) -> None:
        """Send empty notes to all that are connected, and tell that time goes on."""
        while True:
            tell("tick", peer=self.number)
            for peer_id in self._store.state.peers.connections.ids:
                if self._peers.is_connected(peer_id):
                    try:
                        await self._peers.send(peer_id, NOTE, b"")
                    except PeerError:
                        continue  # it is gone
            await asyncio.sleep(_CHAT_SECONDS)


def tell(event: str, *, at: float | None = None, **fields: Any) -> None:
    """Print what happened and when, by a clock that all processes of the machine share.

    Args:
        event: what happened.
        at: when; None for now.
        fields: more about it.
    """
    at = time.monotonic() if at is None else at
    print(json.dumps({"event": event, "at": at, **fields}, default=_plain), flush=True)  # noqa: T201


def _plain(value: Any) -> Any:
    """Return what JSON has for a value that it does not have."""
    if hasattr(value, "__attrs_attrs__"):
        return attrs.asdict(value)
    return dict(value) if hasattr(value, "keys") else list(value)


def _has_plain_name(field: attrs.Attribute[Any], _value: object) -> bool:
    return field.name != "meta"


def _not_understood(command: Mapping[str, Any]) -> ValueError:
    return ValueError(f"expected a command that `HostedPeer` has, got {command!r}")


def _told_result(result: ConnectResult) -> dict[str, Any]:
    return attrs.asdict(result)


def _told_results(results: Mapping[str, ConnectResult]) -> dict[str, Any]:
    return {one: _told_result(each) for one, each in results.items()}


def _peers_of(state: PeerNetworkState) -> PeersState:
    return state.peers


def _shared_wallets_of(state: PeerNetworkState) -> SharedWalletsState:
    return state.shared_wallets
