"""The transports of a `HostedPeer`, by the words that a setup has for them.

What belongs here: words to transports.  What does not: what a transport does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from unittest.mock import patch

from refold.middleware.peer_network.direct_transport import DirectTransport
from refold.middleware.peer_network.relay_membership import MembershipOptions
from refold.middleware.peer_network.relay_transport import RelayTransport
from refold.reducers.backoff_delay import Backoff
from tests.peers.processes.faulty_transport import FaultyTransport

if TYPE_CHECKING:
    from refold.middleware.peer_network.peer_identity import PeerIdentity
    from refold.middleware.peer_network.peer_transport import PeerTransport

__all__ = ["relay_at", "transport_of"]

_COMES_BACK_SOON: Final = MembershipOptions(
    backoff=Backoff(initial_seconds=0.05, floor_seconds=0.02, cap_seconds=0.5)
)


def relay_at(url: str | None, identity: PeerIdentity) -> RelayTransport | None:
    """Return what registers with a relay; None if there is none."""
    return None if url is None else RelayTransport(identity, url, options=_COMES_BACK_SOON)


def transport_of(kind: str, identity: PeerIdentity, relay: RelayTransport | None) -> PeerTransport:
    """Return a transport.

    Raises:
        ValueError: it needs a relay, and there is none.
    """
    if kind == "direct":
        return DirectTransport(identity)
    if kind == "faulty":
        return FaultyTransport()
    if relay is None:
        message = f"a transport of kind {kind!r} needs a relay; give its url"
        raise ValueError(message)
    if kind == "relay":
        return relay
    _ask_no_public_server()
    if kind == "webrtc nowhere":
        patch("aioice.ice.get_host_addresses", _no_address).start()  # until the process ends
    from refold.middleware.peer_network.webrtc_transport import (  # noqa: PLC0415  # an extra
        WebRtcTransport,
    )

    return WebRtcTransport(identity, relay)


def _ask_no_public_server() -> None:
    """Let whoever asks the server that aiortc would choose fail, until the process ends."""
    own_default = "aiortc.rtcicetransport.RTCIceGatherer.getDefaultIceServers"
    patch(own_default, side_effect=AssertionError("a public server")).start()


def _no_address(use_ipv4: bool, use_ipv6: bool) -> list[str]:  # noqa: ARG001, FBT001  # aioice's own
    """Return what a machine has that is on no network."""
    return []
