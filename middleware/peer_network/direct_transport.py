"""`DirectTransport`: peers that dial each other's own listener.

What belongs here: between addresses, WebSockets and channels.  What does not: bounds, which
`WebSocketListener` has, and the handshake, which `secure_channel` does.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from refold.errors import AuthenticationError, DialError, PipeClosedError
from refold.middleware.peer_network.addresses_of_kind import address_of_kind, addresses_of_kind
from refold.middleware.peer_network.dial_websocket import dial_websocket
from refold.middleware.peer_network.peer_address import PeerAddress
from refold.middleware.peer_network.refusal import refusal
from refold.middleware.peer_network.secure_channel import secure_channel
from refold.middleware.peer_network.websocket_listener import ListenerBounds, WebSocketListener

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aiohttp import web

    from refold.actions.peer_records import Presence, TransportKind
    from refold.middleware.peer_network.peer_identity import PeerIdentity
    from refold.middleware.peer_network.secure_channel import SecureChannel
    from refold.middleware.peer_network.websocket_pipe import WebSocketPipe

__all__ = ["DirectTransport"]

_EVERYWHERE: Final = frozenset({"", "0.0.0.0", "::"})  # noqa: S104  # refused without another
_BOUNDS: Final = ListenerBounds(
    max_sockets=2048, max_sockets_per_address=256, handshakes_per_second=64
)

_log = logging.getLogger("refold.peers")


class DirectTransport:
    """A listener of the peer's own, and dialling those of others."""

    def __init__(  # noqa: PLR0913  # all but the host and port by keyword
        self,
        identity: PeerIdentity,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        advertised_host: str | None = None,
        handshake_timeout: float = 5.0,
        bounds: ListenerBounds = _BOUNDS,
    ) -> None:
        """Listen to nothing yet.

        Args:
            identity: who this peer is.
            host: an address of this machine; other machines reach it only if told so here.
            port: 0 for any that is free.
            advertised_host: where others dial, if that is not the host.
            handshake_timeout: seconds for a WebSocket to open, and again for the proof of who the
                other end is.
            bounds: of the listener.

        Raises:
            ValueError: the host means every address of the machine, and none is advertised.
        """
        if advertised_host is None and host in _EVERYWHERE:
            message = (
                f"nobody can dial {host!r}; give the advertised_host under which you are known"
            )
            raise ValueError(message)
        self._identity = identity
        self._advertised_host = host if advertised_host is None else advertised_host
        self._handshake_timeout = handshake_timeout
        self._listener = WebSocketListener(self._welcome, host=host, port=port, bounds=bounds)
        self._on_channel: Callable[[SecureChannel], None] | None = None
        self._unproved: set[WebSocketPipe] = set()
        """Pipes whose other end has not proved who it is."""

    @property
    def kind(self) -> TransportKind:
        """Peers' own listeners."""
        return "direct"

    def dialable(self, presence: Presence) -> Sequence[str]:
        """Return the addresses of the peer's own listener."""
        return list(addresses_of_kind(presence, "direct"))

    async def dial(self, address: str, peer_id: str) -> SecureChannel:
        """Open a channel to the listener at an address.

        Raises:
            DialError: the address is none, or did not answer.
            AuthenticationError: somebody else answered.
        """
        parsed = address_of_kind(address, "direct")
        if parsed is None:
            message = f"{address!r} is no address of a peer's own listener"
            raise DialError(message)
        seconds = self._handshake_timeout
        pipe = await dial_websocket(parsed.websocket_url, timeout=seconds)
        return await secure_channel(
            pipe, self._identity, is_dialer=True, expected_peer_id=peer_id, timeout=seconds
        )

    async def listen(self, on_channel: Callable[[SecureChannel], None]) -> None:
        """Begin to be dialled.

        Raises:
            OSError: the host or port cannot be had.
        """
        self._on_channel = on_channel
        await self._listener.start()

    def addresses(self) -> Sequence[str]:
        """Return where the listener can be dialled; nothing before it listens."""
        if self._on_channel is None:
            return []
        own = PeerAddress(
            kind="direct",
            host=self._advertised_host,
            port=self._listener.port,
            is_secure=False,
            peer_id=self._identity.peer_id,
            relay_peer_id=None,
        )
        return [own.text]

    async def close(self) -> None:
        """Listen no more, and break what is not a channel yet; channels live on."""
        self._on_channel = None
        self._listener.stop_listening()
        for pipe in tuple(self._unproved):
            pipe.abort()

    async def _welcome(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path != "/":
            return refusal(404, "this is a peer of refold, and it has nothing at that path")
        pipe, response = await self._listener.accept(request)
        self._unproved.add(pipe)
        try:
            channel = await secure_channel(
                pipe,
                self._identity,
                is_dialer=False,
                expected_peer_id=None,
                timeout=self._handshake_timeout,
            )
        except (AuthenticationError, PipeClosedError) as error:
            _log.debug("somebody who dialled did not prove who it is: %s", error)
        else:
            if self._on_channel is None:
                channel.abort()
            else:
                self._on_channel(channel)
        finally:
            self._unproved.discard(pipe)
        return response
