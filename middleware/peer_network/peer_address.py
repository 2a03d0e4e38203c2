"""`PeerAddress`: where a peer can be dialled, as the part of multiaddr that refold can dial.

    /ip4/127.0.0.1/tcp/4001/ws/p2p/PEER                              direct
    /dns/relay.example/tcp/443/wss/p2p/RELAY/p2p-circuit/p2p/PEER    relay
    /ip6/::1/tcp/4001/ws/p2p-circuit/webrtc/p2p/PEER                 webrtc, signalled over a relay

What belongs here: texts and what they mean.  What does not: whether anybody answers there.
"""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final

import attrs

from refold.actions.peer_records import TransportKind
from refold.errors import InvalidPeerIdError, PeerAddressError
from refold.middleware.peer_network.peer_id import public_key_of

__all__ = ["PeerAddress", "parse_peer_address"]

_LONGEST: Final = 512
"""Characters; the longest address has 415."""

_FORMS: Final = (
    "expected /ip4|ip6|dns/HOST/tcp/PORT/ws|wss and then /p2p/PEER,"
    " [/p2p/RELAY]/p2p-circuit/p2p/PEER or [/p2p/RELAY]/p2p-circuit/webrtc/p2p/PEER"
)

_ADDRESS: Final = re.compile(
    r"/(?P<family>ip4|ip6|dns)/(?P<host>[^/]+)/tcp/(?P<port>[1-9][0-9]{0,4})/(?P<scheme>wss?)"
    r"(?P<relayed>(?:/p2p/(?P<relay_peer_id>[^/]+))?/p2p-circuit(?P<webrtc>/webrtc)?)?"
    r"/p2p/(?P<peer_id>[^/]+)"
)
_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME: Final = re.compile(rf"(?:{_LABEL}\.)*{_LABEL}")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
"""A last label that makes resolvers take a name for an IPv4 address, such as in ``127.1``."""

_LONGEST_NAME: Final = 253
_HIGHEST_PORT: Final = 65_535


@attrs.frozen
class PeerAddress:
    """A checked address: there is none that cannot be dialled by its form.

    Raises:
        PeerAddressError: on making one of parts that do not fit.
    """

    kind: TransportKind
    """Which transport dials it."""

    host: str
    """Of the peer's listener, or of the relay: an IP address or a DNS name, in canonical form."""

    port: int
    """1 to 65,535, likewise."""

    is_secure: bool
    """Whether the WebSocket there is inside TLS of its own, as a web server's is."""

    peer_id: str
    """Who must answer."""

    relay_peer_id: str | None = None
    """Which relay; None if the address does not say, and for a direct one."""

    def __attrs_post_init__(self) -> None:
        """Check the parts."""
        object.__setattr__(self, "host", _canonical_host(self.host))
        if not 1 <= self.port <= _HIGHEST_PORT:
            message = f"port {self.port} cannot be dialled: expected 1 to {_HIGHEST_PORT}"
            raise PeerAddressError(message)
        if self.kind == "direct" and self.relay_peer_id is not None:
            message = f"a direct address has no relay, but this one has {self.relay_peer_id}"
            raise PeerAddressError(message)
        for peer_id in (self.peer_id, self.relay_peer_id):
            _check_peer_id(peer_id)

    @property
    def text(self) -> str:
        """The multiaddr, in canonical form."""
        scheme = "wss" if self.is_secure else "ws"
        start = f"/{_family(self.host)}/{self.host}/tcp/{self.port}/{scheme}"
        relay = "" if self.relay_peer_id is None else f"/p2p/{self.relay_peer_id}"
        way = {"direct": "", "relay": "/p2p-circuit", "webrtc": "/p2p-circuit/webrtc"}[self.kind]
        return f"{start}{relay}{way}/p2p/{self.peer_id}"

    @property
    def websocket_url(self) -> str:
        """Where to connect to: the peer's listener, or the relay; without a path."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'wss' if self.is_secure else 'ws'}://{host}:{self.port}"


def parse_peer_address(text: str) -> PeerAddress:
    """Return what a multiaddr says.

    Raises:
        PeerAddressError: it is none, or of a form that refold does not dial.
    """
    if len(text) > _LONGEST:
        raise _refused(text[:_LONGEST] + "…", f"it has {len(text)} characters")
    match = _ADDRESS.fullmatch(text)
    if match is None:
        raise _refused(text, _FORMS)
    try:
        address = PeerAddress(
            kind="webrtc" if match["webrtc"] else "relay" if match["relayed"] else "direct",
            host=match["host"],
            port=int(match["port"]),
            is_secure=match["scheme"] == "wss",
            peer_id=match["peer_id"],
            relay_peer_id=match["relay_peer_id"],
        )
    except PeerAddressError as error:
        raise _refused(text, str(error)) from None
    family = _family(address.host)
    if family != match["family"]:
        raise _refused(text, f"the host is of /{family}, not of /{match['family']}")
    return address


def _canonical_host(host: str) -> str:
    """Return a host in the one form in which hosts are compared."""
    try:
        ip = IPv6Address(host) if ":" in host else IPv4Address(host)
    except AddressValueError:
        return _canonical_name(host)
    if ip.is_unspecified or ip.is_multicast:
        message = f"{ip} is no address of one machine: say at which one the listener is reached"
        raise PeerAddressError(message)
    if "%" in host:
        message = f"{host} has a zone, which means something on one machine only"
        raise PeerAddressError(message)
    return str(ip)


def _canonical_name(name: str) -> str:
    lower = name.lower() if name.isascii() else ""
    last = lower.rpartition(".")[2]
    if len(name) > _LONGEST_NAME or not _NAME.fullmatch(lower) or _NUMBER.fullmatch(last):
        message = (
            f"{name!r} is neither an IP address nor a DNS name (labels of 1 to 63 letters, digits"
            " and hyphens; other letters as xn--…; the last label is no number)"
        )
        raise PeerAddressError(message)
    return lower


def _family(host: str) -> str:
    if ":" in host:
        return "ip6"
    last = host.rpartition(".")[2]
    return "ip4" if _NUMBER.fullmatch(last) else "dns"


def _check_peer_id(peer_id: str | None) -> None:
    if peer_id is None:
        return
    try:
        public_key_of(peer_id)
    except InvalidPeerIdError as error:
        raise PeerAddressError(str(error)) from None


def _refused(text: str, reason: str) -> PeerAddressError:
    return PeerAddressError(f"the address {text!r} cannot be dialled: {reason}")
