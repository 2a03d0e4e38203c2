"""`PeerAddress`: the texts that can be dialled, and all the others."""

from __future__ import annotations

import re
from typing import get_args

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from refold.actions.peer_records import TransportKind
from refold.errors import PeerAddressError
from refold.middleware.peer_network.peer_address import PeerAddress, parse_peer_address
from refold.middleware.peer_network.peer_identity import PeerIdentity

PEER = PeerIdentity.from_seed(b"\x01" * 32).peer_id
RELAY = PeerIdentity.from_seed(b"\x02" * 32).peer_id

labels = st.from_regex(r"[a-z]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)
hosts = st.one_of(
    st.ip_addresses().map(str),
    st.lists(labels, min_size=1, max_size=4).map(".".join),
    st.sampled_from(["localhost", "relay.example", "127.0.0.1", "::1", "10.0.0.1"]),
)


@st.composite
def addresses(draw: st.DrawFn) -> PeerAddress:
    """Return any address that there is."""
    kind: TransportKind = draw(st.sampled_from(get_args(TransportKind)))
    relay = draw(st.sampled_from([None, RELAY])) if kind != "direct" else None
    try:
        return PeerAddress(
            kind=kind,
            host=draw(hosts),
            port=draw(st.integers(1, 65_535)),
            is_secure=draw(st.booleans()),
            peer_id=PEER,
            relay_peer_id=relay,
        )
    except PeerAddressError:  # such as a multicast address
        assume(False)  # noqa: FBT003
        raise


PARTS = [
    "ip4", "ip6", "dns", "dns4", "tcp", "udp", "ws", "wss", "tls", "p2p", "p2p-circuit", "webrtc",
    "127.0.0.1", "::1", "224.0.0.1", "relay.example", "4001", "0", "65536", PEER, RELAY, "", "..",
]  # fmt: skip
nonsense = st.one_of(
    st.text(),
    st.lists(st.sampled_from(PARTS), max_size=14).map("/".join),
    st.lists(st.sampled_from(PARTS), max_size=14).map(lambda parts: "/" + "/".join(parts)),
)


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """Return the text of an address with a part dropped, doubled, swapped or replaced."""
    parts = draw(addresses()).text.split("/")
    at = draw(st.integers(0, len(parts) - 1))
    other = draw(st.sampled_from(PARTS) | st.text(max_size=5))
    change = draw(st.sampled_from(["drop", "double", "swap", "replace", "append"]))
    if change == "drop":
        del parts[at]
    elif change == "double":
        parts.insert(at, parts[at])
    elif change == "swap":
        parts[at], parts[at - 1] = parts[at - 1], parts[at]
    elif change == "replace":
        parts[at] = other
    else:
        parts.append(other)
    return "/".join(parts)


@given(addresses())
def test_an_address_is_read_as_written(address: PeerAddress) -> None:
    """Every address comes back from its text, equal."""
    assert parse_peer_address(address.text) == address


@given(nonsense | damaged())
def test_any_text_is_an_address_or_is_refused(text: str) -> None:
    """A text is refused, or is an address whose own text is the same address, and the last word."""
    try:
        address = parse_peer_address(text)
    except PeerAddressError:
        return
    assert parse_peer_address(address.text) == address
    assert parse_peer_address(address.text).text == address.text
    assert len(address.text.split("/")) == len(text.split("/"))
    assert address.text.casefold().split("/")[3:] == text.casefold().split("/")[3:]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (
            f"/ip4/127.0.0.1/tcp/4001/ws/p2p/{PEER}",
            PeerAddress("direct", "127.0.0.1", 4001, is_secure=False, peer_id=PEER),
        ),
        (
            f"/ip6/::1/tcp/443/wss/p2p/{PEER}",
            PeerAddress("direct", "::1", 443, is_secure=True, peer_id=PEER),
        ),
        (
            f"/dns/relay.example/tcp/443/wss/p2p/{RELAY}/p2p-circuit/p2p/{PEER}",
            PeerAddress(
                "relay", "relay.example", 443, is_secure=True, peer_id=PEER, relay_peer_id=RELAY
            ),
        ),
        (
            f"/ip4/127.0.0.1/tcp/4001/ws/p2p-circuit/p2p/{PEER}",
            PeerAddress("relay", "127.0.0.1", 4001, is_secure=False, peer_id=PEER),
        ),
        (
            f"/ip4/127.0.0.1/tcp/4001/ws/p2p/{RELAY}/p2p-circuit/webrtc/p2p/{PEER}",
            PeerAddress(
                "webrtc", "127.0.0.1", 4001, is_secure=False, peer_id=PEER, relay_peer_id=RELAY
            ),
        ),
        (
            f"/dns/localhost/tcp/1/ws/p2p-circuit/webrtc/p2p/{PEER}",
            PeerAddress("webrtc", "localhost", 1, is_secure=False, peer_id=PEER),
        ),
    ],
)
def test_the_forms_that_can_be_dialled(text: str, address: PeerAddress) -> None:
    """Direct, relayed and by a data channel; over a relay, its id may be left out."""
    assert parse_peer_address(text) == address
    assert address.text == text


@pytest.mark.parametrize(
    ("spelled", "canonical"),
    [
        ("/ip6/0:0:0:0:0:0:0:1", "/ip6/::1"),
        ("/ip6/2001:DB8::A", "/ip6/2001:db8::a"),
        ("/dns/Relay.EXAMPLE", "/dns/relay.example"),
    ],
)
def test_two_spellings_of_a_host_are_one_address(spelled: str, canonical: str) -> None:
    """Hosts are compared in one form."""
    rest = f"/tcp/4001/ws/p2p/{PEER}"
    assert parse_peer_address(spelled + rest) == parse_peer_address(canonical + rest)
    assert parse_peer_address(spelled + rest).text == canonical + rest


@pytest.mark.parametrize(
    ("start", "url"),
    [
        ("/ip4/127.0.0.1/tcp/4001/ws", "ws://127.0.0.1:4001"),
        ("/ip6/::1/tcp/4001/ws", "ws://[::1]:4001"),
        ("/dns/relay.example/tcp/443/wss", "wss://relay.example:443"),
    ],
)
def test_the_url_is_of_the_listener_or_the_relay(start: str, url: str) -> None:
    """Whatever the kind, the URL is where a WebSocket is opened."""
    for rest in ("", "/p2p-circuit", f"/p2p/{RELAY}/p2p-circuit/webrtc"):
        assert parse_peer_address(f"{start}{rest}/p2p/{PEER}").websocket_url == url


START = "/ip4/127.0.0.1/tcp/4001/ws"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "expected /ip4|ip6|dns/HOST"),
        ("/", "expected /ip4|ip6|dns/HOST"),
        (START, "expected /ip4|ip6|dns/HOST"),
        (f"{START}/p2p/{PEER}/", "expected /ip4|ip6|dns/HOST"),
        (f" {START}/p2p/{PEER}", "expected /ip4|ip6|dns/HOST"),
        (f"{START}/p2p/{PEER}\n", "no letter of base58btc"),
        (f"{START}/p2p/{PEER}/p2p/{PEER}", "expected /ip4|ip6|dns/HOST"),
        (f"{START}/p2p/{RELAY}/p2p-circuit", "expected /ip4|ip6|dns/HOST"),
        (f"{START}/webrtc/p2p/{PEER}", "expected /ip4|ip6|dns/HOST"),
        (f"/ip4/127.0.0.1/udp/4001/quic-v1/p2p/{PEER}", "expected /ip4|ip6|dns/HOST"),
        (f"/ip4/127.0.0.1/tcp/4001/p2p/{PEER}", "expected /ip4|ip6|dns/HOST"),
        (f"/dnsaddr/relay.example/p2p/{PEER}", "expected /ip4|ip6|dns/HOST"),
        (f"/ws/tcp/4001/ip4/127.0.0.1/p2p/{PEER}", "expected /ip4|ip6|dns/HOST"),
        (f"/ip4/127.0.0.1/tcp/0/ws/p2p/{PEER}", "expected /ip4|ip6|dns/HOST"),
        (f"/ip4/127.0.0.1/tcp/04001/ws/p2p/{PEER}", "expected /ip4|ip6|dns/HOST"),
        (f"/ip4/127.0.0.1/tcp/٤٠٠١/ws/p2p/{PEER}", "expected /ip4|ip6|dns/HOST"),
        (f"/ip4/127.0.0.1/tcp/65536/ws/p2p/{PEER}", "port 65536"),
        (f"/ip4/127.0.0.256/tcp/4001/ws/p2p/{PEER}", "neither an IP address nor a DNS name"),
        (f"/ip4/127.1/tcp/4001/ws/p2p/{PEER}", "neither an IP address nor a DNS name"),
        (f"/dns/127.1/tcp/4001/ws/p2p/{PEER}", "neither an IP address nor a DNS name"),
        (f"/dns/0x7f000001/tcp/4001/ws/p2p/{PEER}", "neither an IP address nor a DNS name"),
        (f"/dns/relay..example/tcp/4001/ws/p2p/{PEER}", "neither an IP address nor a DNS name"),
        (f"/dns/-relay/tcp/4001/ws/p2p/{PEER}", "neither an IP address nor a DNS name"),
        (f"/dns/relay.example./tcp/4001/ws/p2p/{PEER}", "neither an IP address nor a DNS name"),
        (f"/dns/relay@example/tcp/4001/ws/p2p/{PEER}", "neither an IP address nor a DNS name"),
        (f"/dns/rélay.example/tcp/4001/ws/p2p/{PEER}", "neither an IP address nor a DNS name"),
        (f"/dns/{'a' * 64}/tcp/4001/ws/p2p/{PEER}", "neither an IP address nor a DNS name"),
        (f"/dns/{'a.' * 127}a/tcp/4001/ws/p2p/{PEER}", "neither an IP address nor a DNS name"),
        (f"/dns/127.0.0.1/tcp/4001/ws/p2p/{PEER}", "the host is of /ip4, not of /dns"),
        (f"/ip4/localhost/tcp/4001/ws/p2p/{PEER}", "the host is of /dns, not of /ip4"),
        (f"/ip4/::1/tcp/4001/ws/p2p/{PEER}", "the host is of /ip6, not of /ip4"),
        (f"/ip6/fe80::1%eth0/tcp/4001/ws/p2p/{PEER}", "has a zone"),
        (f"/ip4/0.0.0.0/tcp/4001/ws/p2p/{PEER}", "no address of one machine"),
        (f"/ip6/::/tcp/4001/ws/p2p/{PEER}", "no address of one machine"),
        (f"/ip4/224.0.0.1/tcp/4001/ws/p2p/{PEER}", "no address of one machine"),
        (f"{START}/p2p/QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N", "contains no key"),
        (f"{START}/p2p/nobody/p2p-circuit/p2p/{PEER}", "no identity multihash"),
        (f"{START}/p2p/p2p-circuit", "no letter of base58btc"),
        (f"{START}/p2p/{PEER}" * 100, "characters"),
    ],
)
def test_another_text_is_refused_with_the_reason(text: str, reason: str) -> None:
    """What cannot be dialled by its form is no address; the error repeats it and says why."""
    with pytest.raises(PeerAddressError, match=re.escape(reason)) as caught:
        parse_peer_address(text)
    assert str(caught.value).startswith("the address '")


def test_the_longest_address_is_taken() -> None:
    """A DNS name of 253 characters, a relay and a data channel fit the bound."""
    name = ".".join(["a" * 61] * 4) + ".aaaaa"
    assert len(name) == 253
    address = PeerAddress("webrtc", name, 65_535, is_secure=True, peer_id=PEER, relay_peer_id=RELAY)
    assert parse_peer_address(address.text) == address


def test_a_direct_address_has_no_relay() -> None:
    """There is no address of parts that do not fit."""
    with pytest.raises(PeerAddressError, match="a direct address has no relay"):
        PeerAddress("direct", "::1", 4001, is_secure=False, peer_id=PEER, relay_peer_id=RELAY)
