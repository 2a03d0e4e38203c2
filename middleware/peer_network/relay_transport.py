"""`RelayTransport`: peers that reach each other over relays with which both ends connect.

What belongs here: dialling and answering circuits, and publishing.  What does not: keeping a
registration (`RelayMembership`) and what passes through a circuit (`secure_channel`).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import TYPE_CHECKING, Final

from yarl import URL

from refold.errors import AuthenticationError, DialError
from refold.middleware.peer_network import relay_frames as frames
from refold.middleware.peer_network.addresses_of_kind import address_of_kind, addresses_of_kind
from refold.middleware.peer_network.dial_websocket import dial_websocket
from refold.middleware.peer_network.peer_address import PeerAddress
from refold.middleware.peer_network.presences_of_relays import PresencesOfRelays
from refold.middleware.peer_network.relay_membership import MembershipOptions, RelayMembership
from refold.middleware.peer_network.secure_channel import secure_channel

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from refold.actions.peer_records import Presence, TransportKind
    from refold.middleware.peer_network.peer_identity import PeerIdentity
    from refold.middleware.peer_network.secure_channel import SecureChannel

__all__ = ["RelayTransport"]

_MOST_ANSWERS: Final = 64
"""Circuits that are being answered at once; a relay that asks for more is ignored."""

_PORTS: Final = {"ws": 80, "wss": 443}

_log = logging.getLogger("refold.peers")


class RelayTransport:
    """A registration with each relay, and circuits over them and others."""

    def __init__(
        self,
        identity: PeerIdentity,
        *relay_urls: str,
        handshake_timeout: float = 5.0,
        options: MembershipOptions = MembershipOptions(),  # noqa: B008  # frozen
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        """Register nowhere yet.

        Args:
            identity: who this peer is.
            relay_urls: such as ``ws://127.0.0.1:4001``, as `refold relay` prints it; peers of which
                none is given can dial over relays, but not be dialled.
            handshake_timeout: seconds for a circuit to open, and again for the proof of who the
                other end is.
            options: of the registrations.
            now_ms: milliseconds since the Unix epoch, by which presences expire.

        Raises:
            ValueError: one is no url of a relay.
        """
        self._identity = identity
        self._handshake_timeout = handshake_timeout
        self._addresses = [_address_over(url, identity.peer_id) for url in relay_urls]
        urls = dict.fromkeys(address.websocket_url for address in self._addresses)
        self._memberships = [
            RelayMembership(url, identity, options, self._take_frame) for url in urls
        ]
        self._presences = PresencesOfRelays(
            identity.peer_id, now_ms, self._tell_presence, self._tell_withdrawn
        )
        self._on_channel: dict[frames.CircuitPurpose, Callable[[SecureChannel], None]] = {}
        self._on_presence: list[Callable[[Presence], None]] = []
        self._on_withdrawn: list[Callable[[str], None]] = []
        self._staying: list[asyncio.Task[None]] = []
        self._answering: set[asyncio.Task[None]] = set()

    @property
    def kind(self) -> TransportKind:
        """Circuits over a relay."""
        return "relay"

    @property
    def memberships(self) -> Sequence[RelayMembership]:
        """The registration with each relay."""
        return tuple(self._memberships)

    def dialable(self, presence: Presence) -> Sequence[str]:
        """Return the addresses over a relay; those over a relay of our own first."""
        own = {membership.url for membership in self._memberships}
        dialable = addresses_of_kind(presence, "relay")
        return sorted(dialable, key=lambda text: dialable[text].websocket_url not in own)

    async def dial(self, address: str, peer_id: str) -> SecureChannel:
        """Open a channel to a peer over the relay of an address.

        Raises:
            DialError: the address is none over a relay, or the relay or the peer did not answer.
            AuthenticationError: somebody else answered.
        """
        parsed = address_of_kind(address, "relay")
        if parsed is None:
            message = f"{address!r} is no address over a relay"
            raise DialError(message)
        return await self.dial_circuit(parsed.websocket_url, peer_id)

    async def dial_circuit(
        self, relay_url: str, peer_id: str, *, purpose: frames.CircuitPurpose = "link"
    ) -> SecureChannel:
        """Open a channel to a peer over a relay.

        Args:
            relay_url: without a path.
            peer_id: who must answer.
            purpose: who at the other end is told of the channel.

        Raises:
            DialError: the relay or the peer did not answer.
            AuthenticationError: somebody else answered.
        """
        seconds = self._handshake_timeout
        url = f"{relay_url}{frames.CIRCUITS_PATH}{peer_id}?purpose={purpose}"
        pipe = await dial_websocket(url, timeout=seconds)
        return await secure_channel(
            pipe, self._identity, is_dialer=True, expected_peer_id=peer_id, timeout=seconds
        )

    async def listen(self, on_channel: Callable[[SecureChannel], None]) -> None:
        """Register with each relay; return once each was tried, for a relay may come later."""
        self._on_channel["link"] = on_channel
        self._staying = [
            asyncio.create_task(membership.run(), name="refold relay membership")
            for membership in self._memberships
        ]
        for membership in self._memberships:
            await membership.was_tried.wait()

    def on_signalling(self, on_channel: Callable[[SecureChannel], None]) -> None:
        """Give channels that arrange a data channel to another listener than links."""
        self._on_channel["signalling"] = on_channel

    def on_presence(
        self, on_presence: Callable[[Presence], None], on_withdrawn: Callable[[str], None]
    ) -> None:
        """Be told who is there, and who is not any more; call it before `listen`.

        Args:
            on_presence: called with each new presence of another peer, its signature checked.
            on_withdrawn: called with each peer id that no relay has any more.
        """
        self._on_presence.append(on_presence)
        self._on_withdrawn.append(on_withdrawn)

    def publish_presence(self, presence: bytes) -> None:
        """Publish this peer's signed presence with each relay, again after each registration.

        Args:
            presence: as `sign_presence` gave it; it replaces the one before.
        """
        for membership in self._memberships:
            membership.publish(presence)

    def addresses(self) -> Sequence[str]:
        """Return where this peer is dialled, also while a relay is away: it may come back."""
        return [address.text for address in self._addresses]

    async def close(self) -> None:
        """Leave every relay, and break what is not a channel yet; channels live on."""
        tasks = [*self._staying, *self._answering]
        self._staying = []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _take_frame(self, relay: str, frame: frames.FrameFromRelay) -> None:
        match frame:
            case frames.Registered():
                self._presences.begin(relay)
            case frames.PresencePublished(peer_id=peer_id, presence=data):
                self._presences.add(relay, peer_id, data)
            case frames.PresencesComplete():
                self._presences.complete(relay)
            case frames.PresenceWithdrawn(peer_id=peer_id):
                self._presences.withdraw(relay, peer_id)
            case frames.PresenceRefused(reason=reason):
                _log.warning("the relay %s refused this peer's presence: %s", relay, reason)
            case frames.CircuitWanted() if len(self._answering) < _MOST_ANSWERS:
                task = asyncio.create_task(self._answer(relay, frame), name="refold answer")
                self._answering.add(task)
                task.add_done_callback(self._answering.discard)
            case _:
                pass

    async def _answer(self, relay: str, wanted: frames.CircuitWanted) -> None:
        """Answer whoever dials this peer, and give the channel to whom it is for."""
        seconds = self._handshake_timeout
        try:
            pipe = await dial_websocket(
                f"{relay}{frames.ANSWERS_PATH}{wanted.circuit_id}",
                headers={frames.TOKEN_HEADER: wanted.token},
                timeout=seconds,
            )
            channel = await secure_channel(
                pipe, self._identity, is_dialer=False, expected_peer_id=None, timeout=seconds
            )
        except (DialError, AuthenticationError) as error:
            _log.debug("a circuit over %s came to nothing: %s", relay, error)
            return
        on_channel = self._on_channel.get(wanted.purpose)
        if on_channel is None:
            channel.abort()
        else:
            on_channel(channel)

    def _tell_presence(self, presence: Presence) -> None:
        for callback in self._on_presence:
            callback(presence)

    def _tell_withdrawn(self, peer_id: str) -> None:
        for callback in self._on_withdrawn:
            callback(peer_id)


def _address_over(relay_url: str, peer_id: str) -> PeerAddress:
    """Return where a peer is dialled over a relay."""
    with contextlib.suppress(ValueError):
        url = URL(relay_url)
        if url.scheme in _PORTS and url.host and url.path in {"", "/"} and not url.query_string:
            return PeerAddress(
                kind="relay",
                host=url.host,
                port=url.port or _PORTS[url.scheme],
                is_secure=url.scheme == "wss",
                peer_id=peer_id,
            )
    message = f"{relay_url!r} is no relay; expected ws://HOST:PORT or wss://HOST:PORT, no path"
    raise ValueError(message)
