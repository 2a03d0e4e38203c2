"""`usual_peers`: peers over the transports that most programs want.

What belongs here: which transports there are.  What does not: what each of them does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from refold.middleware.peer_network.direct_transport import DirectTransport
from refold.middleware.peer_network.relay_transport import RelayTransport
from refold.middleware.peers import Peers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from refold.middleware.own_presence import OwnPresence
    from refold.middleware.peer_network.ice_server import IceServer
    from refold.middleware.peer_network.peer_identity import PeerIdentity
    from refold.middleware.peer_network.peer_options import PeerOptions
    from refold.middleware.peer_network.peer_transport import PeerTransport
    from refold.reducers.peers import PeersState

__all__ = ["usual_peers"]


def usual_peers(  # noqa: PLR0913  # keyword-only, each with a default
    identity: PeerIdentity,
    *,
    relays: Sequence[str] = (),
    host: str = "127.0.0.1",
    port: int = 0,
    uses_webrtc: bool = False,
    ice_servers: Sequence[IceServer] = (),
    about: OwnPresence | None = None,
    select: Callable[[Any], PeersState] | None = None,
    options: PeerOptions | None = None,
) -> Peers:
    """Return peers with an own listener, relays that are rendezvous too, and WebRTC if wanted.

    Args:
        identity: who this peer is.
        relays: addresses of relays, ``ws://`` or ``wss://``.
        host: where to listen; only this machine by default.
        port: likewise; 0 for any that is free.
        uses_webrtc: whether to offer and dial data channels; it needs a relay and the extra
            ``refold[webrtc]``.
        ice_servers: STUN and TURN servers; none is asked by default.
        about: what this peer says of itself.
        select: as `Peers` takes it.
        options: likewise.

    Raises:
        ValueError: ``uses_webrtc`` without a relay.
    """
    transports: list[PeerTransport] = [DirectTransport(identity, host=host, port=port)]
    relay = RelayTransport(identity, *relays) if relays else None
    if uses_webrtc:
        transports.append(_webrtc(identity, relay, ice_servers))
    if relay is not None:
        transports.append(relay)
    return Peers(
        identity,
        transports,
        rendezvous=() if relay is None else (relay,),
        about=about,
        select=select,
        options=options,
    )


def _webrtc(
    identity: PeerIdentity, relay: RelayTransport | None, ice_servers: Sequence[IceServer]
) -> PeerTransport:
    from refold.middleware.peer_network.webrtc_transport import (  # noqa: PLC0415  # 115 MB
        WebRtcTransport,
    )

    if relay is None:
        message = "WebRTC is signalled over a relay, and there is none; give relays=[...]"
        raise ValueError(message)
    return WebRtcTransport(identity, relay, ice_servers=ice_servers)
