"""The design's decisions on identity, safety and limits, between processes, over real sockets.

What belongs here: what others on the way, on the relay and at the door can do; a test's docstring
begins with its decision.  What does not: each byte of a handshake, which
`tests.peers.test_attacks_on_the_channel` has; shared wallets, which have a file of their own.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from refold.middleware.peer_network import relay_frames as frames
from refold.middleware.peer_network.base58btc import encode_base58btc
from refold.middleware.peer_network.peer_identity import PeerIdentity
from refold.middleware.peer_network.relay_bounds import RelayBounds
from refold.middleware.peer_network.relay_server import RelayServer
from tests.peers.meddling_relay import carry
from tests.peers.processes.actor import Actor
from tests.peers.processes.cast import address_at, stranger
from tests.peers.processes.stage import PATIENCE, Stage
from tests.peers.processes.wire import wire_to
from tests.peers.test_peer_id import SPEC_ID, SPEC_SEED
from tests.peers.transport_scene import pipe_server, registered

if TYPE_CHECKING:
    from pathlib import Path

    from refold.middleware.peer_network.websocket_pipe import WebSocketPipe
    from tests.peers.meddling_relay import Meddle, Sender
    from tests.peers.processes.cast import Cast

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

CLOSED: Final = "peers/peer_link_closed"
DISCOVERED: Final = "peers/presence_discovered"
OPENED: Final = "peers/peer_link_opened"

HOUR_MS: Final = 3_600_000

ONE_ATTEMPT: Final = {"attempts": 1, "relay_timeout": PATIENCE}

CHOOSES_TLS_1_3: Final = bytes.fromhex("002b00020304")
"""The extension of a TLS ServerHello that says so (RFC 8446, section 4.2.1)."""

RSA_ID: Final = "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N"
SECP256K1_ID: Final = encode_base58btc(
    bytes([0, 37, 8, 2, 18, 33])
    + bytes.fromhex("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798")
)
"""Ids of other kinds of keys, in libp2p's two forms: the hash of one, and one in whole."""


def port_of(url_or_address: str) -> int:
    """Return the port of a url, or of an address of this machine."""
    last = url_or_address.rpartition(":")[2]
    return int(last if last.isdecimal() else url_or_address.split("/")[4])


async def dial(ann: Actor, bob: Actor, *ports: int) -> dict[str, Any]:
    """Let Ann dial Bob's own listener, or whoever is at other ports; return what came of it."""
    addresses = [address_at(port, bob.peer_id) for port in ports] or bob.addresses[:1]
    return await ann.order("connect_at", peer_id=bob.peer_id, addresses=addresses)


# --- identity -------------------------------------------------------------------------------------


async def test_a_seed_is_the_same_peer_as_in_libp2p(tmp_path: Path) -> None:
    """Decision: a peer id is a libp2p Ed25519 id: the same seed gives the same id."""
    key = Ed25519PrivateKey.from_private_bytes(SPEC_SEED)
    path = tmp_path / "ann.pem"
    path.touch(mode=0o600)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    async with Stage() as stage:
        ann = await stage.peer("ann", transports=["direct"], identity=path)
        assert ann.peer_id == SPEC_ID
        assert ann.addresses == [[address_at(port_of(ann.addresses[0][0]), SPEC_ID)]]


async def test_a_peer_id_of_another_kind_of_key_cannot_be_dialled(cast: Cast) -> None:
    """Decision: other key types: `InvalidPeerIdError`; no address of such a peer is dialable."""
    ann, bob, _ = cast.take("without a relay")
    for peer_id in (RSA_ID, SECP256K1_ID):
        there = [address_at(port_of(bob.addresses[0]), peer_id)]
        outcome = await ann.order("connect_at", peer_id=peer_id, addresses=there)
        assert outcome["error"] == "No dialable address"
    assert bob.told(OPENED) == []


async def test_an_address_that_cannot_be_used_is_skipped(cast: Cast) -> None:
    """Decision: an unusable address is skipped; the one that remains is dialled."""
    ann, bob, _ = cast.take("without a relay")
    unusable = [
        "",
        "/dns/nonsense",
        f"/ip4/127.0.0.1/udp/4001/quic-v1/p2p/{bob.peer_id}",
        f"/tcp/4001/ip4/127.0.0.1/ws/p2p/{bob.peer_id}",
        f"/ip4/127.0.0.1/tcp/4001/ws/p2p-circuit/p2p/{bob.peer_id}",  # Ann has no relay transport
        f"/ip4/127.0.0.1/tcp/4001/ws/p2p-circuit/webrtc/p2p/{bob.peer_id}",
        *(address_at(1, stranger()) for _ in range(8)),  # more than one attempt dials
    ]
    presence = {"peer_id": bob.peer_id, "addresses": [*unusable, *bob.addresses]}
    outcome = await ann.order("connect_at", **presence)
    assert outcome == {"success": True, "connection_type": "direct", "error": None, "attempts": 1}


# --- on the way -----------------------------------------------------------------------------------


async def test_a_relay_sees_ids_and_sizes_only() -> None:
    """Decision: every raw pipe is authenticated and encrypted end to end, by TLS 1.3."""
    note = "attack at dawn " * 10_000
    async with RelayServer() as relay, wire_to(port_of(relay.url)) as wire, Stage() as stage:
        setup = {"transports": ["relay"], "relay": f"ws://127.0.0.1:{wire.port}"}
        processes = await asyncio.gather(stage.peer("ann", **setup), stage.peer("bob", **setup))
        ann, bob = map(Actor, processes)
        await ann.until(DISCOVERED)
        assert (await ann.order("connect", peer_id=bob.peer_id))["connection_type"] == "relay"
        await bob.until(OPENED, peer_id=ann.peer_id)
        for sender, reader in ((ann, bob), (bob, ann)):
            await sender.order("send", peer_id=reader.peer_id, notes=[note])
            await reader.until("note", note=note)
        passed = b"".join(wire.seen.values())
        assert bob.peer_id.encode() in passed
        assert len(wire.seen["listener"]) > 2 * len(note)
        assert CHOOSES_TLS_1_3 in wire.seen["listener"]
        assert b"attack" not in passed  # what a relay sends is not masked


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("sender", ["dialer", "listener"])
async def test_a_flipped_byte_in_a_frame_of_the_handshake_is_found(
    cast: Cast, sender: Sender, number: int
) -> None:
    """Decision: attacks tested: a flipped byte in each handshake frame, on its way by TCP."""
    ann, bob, _ = cast.take("without a relay")
    async with wire_to(port_of(bob.addresses[0])) as wire:
        wire.meddle = flip_last_byte(sender, number)
        assert not (await dial(ann, bob, wire.port))["success"]
        assert ann.told(OPENED) == bob.told(OPENED) == []
        wire.meddle = carry
        assert (await dial(ann, bob, wire.port))["success"]


async def test_a_frame_that_comes_twice_ends_the_link(cast: Cast) -> None:
    """Decision: attacks tested: a replayed frame; frames cannot be injected after the handshake."""
    ann, bob, _ = cast.take("without a relay")
    async with wire_to(port_of(bob.addresses[0])) as wire:
        assert (await dial(ann, bob, wire.port))["success"]
        await ann.order("send", peer_id=bob.peer_id, notes=["before"])
        await bob.until("note", note="before")
        wire.meddle = lambda sender, _number, data: [data, data] if sender == "dialer" else [data]
        await ann.order("send", peer_id=bob.peer_id, notes=["pay once"])
        closed = await bob.until(CLOSED, peer_id=ann.peer_id)
        assert not closed["reason"].startswith("the peer left")
        assert len(bob.told("note", note="pay once")) == 1


async def test_nobody_can_pose_as_another_peer(cast: Cast) -> None:
    """Decision: attacks tested: posing as another peer: whoever answers has another key."""
    ann, bob, mallory = cast.take("without a relay")
    outcome = await dial(ann, bob, port_of(mallory.addresses[0]))
    assert not outcome["success"]
    assert mallory.peer_id in outcome["error"]
    assert ann.told(OPENED) == bob.told(OPENED) == mallory.told(OPENED) == []


async def test_a_relay_cannot_lead_to_another_peer() -> None:
    """Decision: attacks tested: a man in the middle with its own key, to whom a relay leads."""
    async with RelayServer() as relay, Stage() as stage:
        setup = {"transports": ["relay"], "relay": relay.url, "options": ONE_ATTEMPT}
        processes = [stage.peer(name, **setup) for name in ("ann", "bob", "mallory")]
        ann, bob, mallory = map(Actor, await asyncio.gather(*processes))
        registrations = relay._registrations  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        table = registrations._registered  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        bobs_own = table[bob.peer_id]
        table[bob.peer_id] = table[mallory.peer_id]
        presence = {"peer_id": bob.peer_id, "addresses": bob.addresses}
        outcome = await ann.order("connect_at", **presence)
        assert not outcome["success"]
        assert mallory.peer_id in outcome["error"]
        assert mallory.told(OPENED) == bob.told(OPENED) == []
        table[bob.peer_id] = bobs_own
        assert (await ann.order("connect_at", **presence))["success"]


def flip_last_byte(of: Sender, at: int) -> Meddle:
    """Return what changes one byte of one frame."""

    def meddle(sender: Sender, number: int, data: bytes) -> list[bytes]:
        if (sender, number) == (of, at):
            return [data[:-1] + bytes([data[-1] ^ 1])]
        return [data]

    return meddle


# --- presences ------------------------------------------------------------------------------------


async def test_a_presence_that_its_peer_did_not_sign_is_not_believed(tmp_path: Path) -> None:
    """Decision: remote presences must be signed by the peer's key: a lying relay forges none.

    Nor is one believed that is over, holds for more than 24 h, has more than 8 KiB or has the own
    id; one that is right is, from the same relay.
    """
    own = PeerIdentity.load_or_create(tmp_path / "ann.pem")
    bob, eve, honest = (PeerIdentity.generate() for _ in range(3))
    now = time.time_ns() // 1_000_000
    right = signed(bob)
    forged = {
        "changed": right.replace(b'"nickname":""', b'"nickname":"me"'),
        "signed by another": signed(eve, peer_id=bob.peer_id),
        "not signed": bytes(64) + right[64:],
        "over": signed(bob, created_at_ms=now - HOUR_MS, expires_at_ms=now - 1),
        "too long": signed(bob, created_at_ms=now, expires_at_ms=now + 24 * HOUR_MS + 1),
        "of the future": signed(bob, created_at_ms=now + HOUR_MS, expires_at_ms=now + 2 * HOUR_MS),
        "too large": signed(bob, avatar="a" * 8192),
    }
    told = [(bob.peer_id, data) for data in forged.values()]
    told += [(eve.peer_id, right), (own.peer_id, signed(own)), (honest.peer_id, signed(honest))]
    async with pipe_server() as server, Stage() as stage:
        setup = {"transports": ["relay"], "relay": server.url, "identity": tmp_path / "ann.pem"}
        starting = asyncio.create_task(stage.peer("ann", **setup))
        pipe = await server.came.get()
        await let_register(pipe)
        for peer_id, data in told:
            await pipe.send(frames.encode_frame(frames.PresencePublished(peer_id, data)))
        ann = Actor(await starting)
        await ann.until(DISCOVERED)
        assert (await ann.ask("online peers"))["online"] == [honest.peer_id]
        assert len(ann.told(DISCOVERED)) == 1


async def test_a_relay_passes_on_no_presence_of_another() -> None:
    """Decision: a forged presence: `refold relay` takes only what the registered peer signed."""
    eve, bob = PeerIdentity.generate(), PeerIdentity.generate()
    forged = [
        signed(eve, peer_id=bob.peer_id),
        signed(bob),  # as he gave it to somebody
        signed(eve, nickname="me!").replace(b"me!", b"you"),
    ]
    async with Stage() as stage:
        relay = await stage.relay()
        ann = Actor(await stage.peer("ann", transports=["relay"], relay=relay.url))
        async with registered(relay.url, eve) as (_, transport):
            for data in (*forged, signed(eve)):
                transport.publish_presence(data)
            presence = (await ann.until(DISCOVERED))["presence"]
            assert (presence["peer_id"], presence["nickname"]) == (eve.peer_id, "")
            assert (await ann.ask("online peers"))["online"] == [eve.peer_id]


def signed(identity: PeerIdentity, **changes: Any) -> bytes:
    """Return a presence in the one form on the way, with changes, signed by whom is given."""
    now = time.time_ns() // 1_000_000
    fields: dict[str, Any] = {
        "peer_id": identity.peer_id,
        "addresses": [],
        "created_at_ms": now,
        "expires_at_ms": now + HOUR_MS,
        "nickname": "",
        "wallet_address": "",
        "avatar": "",
        **changes,
    }
    body = orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)
    return identity.sign(b"refold presence 1\n" + body) + body


async def let_register(pipe: WebSocketPipe) -> None:
    """Be a relay that takes everybody."""
    await pipe.send(frames.encode_frame(frames.Challenge(b"once")))
    await pipe.receive()
    await pipe.send(frames.encode_frame(frames.Registered()))


# --- limits ---------------------------------------------------------------------------------------


async def test_one_peer_has_four_links(cast: Cast, tmp_path: Path) -> None:
    """Decision: limits: links per peer 4: the fifth is told why, and the four before it stay."""
    _, bob, _ = cast.take("without a relay")
    async with Stage() as stage:
        setup = {"transports": ["direct"], "identity": tmp_path / "ann.pem"}
        process = await stage.peers("five programs with one identity", [setup] * 5)
        anns = [Actor(process, number) for number in range(5)]
        for ann in anns[:4]:
            await dial(ann, bob)
            await bob.until(OPENED, peer_id=ann.peer_id)
        await dial(anns[4], bob)
        closed = await anns[4].until(CLOSED, peer_id=bob.peer_id)
        assert closed["reason"] == "the peer left: there are 4 links between these peers already"
        assert bob.state["links"] == {anns[0].peer_id: [["direct", True]] * 4}


async def test_a_relay_bounds_its_listeners_and_the_circuits_of_each() -> None:
    """Decision: limits: relay listeners and circuits per peer."""
    bounds = RelayBounds(max_listeners=2, max_circuits_per_peer=1)
    async with RelayServer(bounds=bounds) as relay, Stage() as stage:
        setup = {"transports": ["relay"], "relay": relay.url, "options": ONE_ATTEMPT}
        two = await stage.peers("two", [setup] * 2)
        ann, bob = Actor(two, 0), Actor(two, 1)
        carol = Actor(await stage.peer("one too many", **setup))
        assert relay.counts.listeners == 2
        errors = [
            (await one.order("connect_at", peer_id=other.peer_id, addresses=other.addresses))[
                "error"
            ]
            for one, other in ((bob, carol), (carol, bob), (ann, bob))
        ]
        assert "that peer is not registered at this relay" in errors[0]
        assert errors[1] is None
        assert f"{bob.peer_id} has 1 circuits already, the most" in errors[2]
        assert relay.counts.circuits == 1


async def test_a_listener_bounds_handshakes_per_second(cast: Cast) -> None:
    """Decision: limits: handshakes per second per address; it is told, and lets in others later."""
    ann, bob, _ = cast.take("without a relay")
    words = "more than 64 handshakes per second from 127.0.0.1"
    async with asyncio.timeout(PATIENCE):
        while not any(words in one for one in await answers_at(port_of(bob.addresses[0]))):
            pass
    assert (await dial(ann, bob))["success"]


async def answers_at(port: int) -> list[str]:
    """Ask forty times at once for what no listener of a peer has; return the whole answers."""

    async def ask() -> str:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(b"GET /nothing HTTP/1.1\r\nHost: there\r\n\r\n")
            return (await reader.read()).decode()
        finally:
            writer.close()

    return await asyncio.gather(*(ask() for _ in range(40)))
