"""The design's decisions on WebRTC and on signing together, between processes, over real sockets.

What belongs here: what needs an extra; a test's docstring begins with its decision.  What does not:
connecting by data channels, their ends and deaths, which `test_two_processes` has.
"""

from __future__ import annotations

import asyncio
import importlib.util
from typing import TYPE_CHECKING, Any, Final

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from refold.middleware.peer_network.relay_server import RelayServer
from tests.connection.sockets.running import eventually
from tests.peers import schnorr_by_hand
from tests.peers.processes.actor import Actor
from tests.peers.processes.stage import PATIENCE, Stage
from tests.peers.webrtc_scene import needs_aiortc

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.timeout(120)

needs_musig2 = pytest.mark.skipif(
    importlib.util.find_spec("btclib_secp256k1") is None,
    reason="optional part missing: btclib-secp256k1, of the extra musig2",
)

DISCOVERED: Final = "peers/presence_discovered"
OPENED: Final = "peers/peer_link_opened"

PRIVATE_KEYS: Final = tuple(bytes([number]) * 32 for number in (7, 9))
"""Of the two who sign."""

OPTIONS: Final = {"direct_timeout": PATIENCE, "relay_timeout": PATIENCE, "webrtc_timeout": PATIENCE}


@needs_aiortc
async def test_a_long_message_takes_several_chunks_of_a_data_channel() -> None:
    """Decision: **Extra `[webrtc]`**: signalled over one relay circuit; chunk at 60,000 bytes.

    The circuit is gone once the data channel is there, which is between the two alone.  No public
    server is asked: in these processes the one of aiortc's default raises.
    """
    notes = ["a" * 59_000, "b" * 60_000, "c" * 65_536, "d" * 300_000]
    async with RelayServer() as relay, Stage() as stage:
        setup = {"transports": ["webrtc", "relay"], "relay": relay.url, "options": OPTIONS}
        processes = await asyncio.gather(stage.peer("ann", **setup), stage.peer("bob", **setup))
        ann, bob = map(Actor, processes)
        await ann.until(DISCOVERED)
        assert (await ann.order("connect", peer_id=bob.peer_id))["connection_type"] == "webrtc"
        await bob.until(OPENED, peer_id=ann.peer_id, transport="webrtc")
        await eventually(lambda: relay.counts.circuits == 0, PATIENCE)
        for sender, reader in ((ann, bob), (bob, ann)):
            await sender.order("send", peer_id=reader.peer_id, notes=notes)
            assert [(await reader.until("note"))["note"] for _ in notes] == notes
        assert relay.counts.circuits == 0


@needs_aiortc
async def test_without_an_address_a_data_channel_fails_at_once() -> None:
    """Decision: fail at once when the local SDP has no candidate, whoever of the two has none."""
    async with RelayServer() as relay, Stage() as stage:
        setup = {"relay": relay.url, "options": {**OPTIONS, "order": ["webrtc"], "attempts": 1}}
        processes = await asyncio.gather(
            stage.peer("ann", transports=["webrtc nowhere", "relay"], **setup),
            stage.peer("bob", transports=["webrtc", "relay"], **setup),
        )
        ann, bob = map(Actor, processes)
        await asyncio.gather(*(one.until(DISCOVERED) for one in (ann, bob)))
        outcome = await ann.order("connect", peer_id=bob.peer_id)
        assert outcome["error"].startswith("webrtc: this machine has no address to offer")
        outcome = await bob.order("connect", peer_id=ann.peer_id)
        assert "this machine has no address to offer" in outcome["error"]
        assert "no answer within" not in outcome["error"]


@needs_musig2
async def test_two_processes_sign_a_spend_and_no_secret_is_recorded(tmp_path: Path) -> None:
    """Decision: keys and nonces never enter the store, its log; signing is **extra `[musig2]`**.

    Each draws its nonce in its own process; what the others need goes over the link.  The signature
    holds by the definition of BIP-340, for what both hold to be the session.
    """
    logs = [tmp_path / "ann.jsonl", tmp_path / "bob.jsonl"]
    async with Stage() as stage:
        starting = [
            stage.peer(log.stem, transports=["direct"], options=OPTIONS, log=log) for log in logs
        ]
        ann, bob = both = tuple(map(Actor, await asyncio.gather(*starting)))
        session_id = await agree(ann, bob)
        nonces = [
            (await one.order("draw_nonce", session_id=session_id, private_key=key.hex()))
            for one, key in zip(both, PRIVATE_KEYS, strict=True)
        ]
        public_nonces = await swap(ann, bob, [one["public_nonce"] for one in nonces])
        signed = [await one.order("sign", public_nonces=public_nonces) for one in both]
        parts = await swap(ann, bob, [one["partial_signature"] for one in signed])
        whole = [await one.order("combine", partial_signatures=parts) for one in both]
        await asyncio.gather(*(one.process.stop() for one in both))
    assert whole[0] == whole[1]
    public_key, message, signature = (
        bytes.fromhex(whole[0][name]) for name in ("public_key", "message", "signature")
    )
    assert schnorr_by_hand.is_valid(public_key, message, signature)
    secrets = [key.hex() for key in PRIVATE_KEYS]
    exchanged = [*public_nonces.values(), *parts.values(), whole[0]["signature"]]
    for log in logs:
        written = log.read_text()
        assert session_id in written
        assert not [one for one in (*secrets, *exchanged, "PRIVATE KEY") if one in written]


async def agree(ann: Actor, bob: Actor) -> str:
    """Let Ann propose a spend of a wallet of both, and Bob accept; return the session's id."""
    participants = [
        {"public_key": public_key_of(key), "peer_id": one.peer_id}
        for one, key in zip((ann, bob), PRIVATE_KEYS, strict=True)
    ]
    wallet = {"id": "house", "name": "the house", "participants": participants}
    for one in (ann, bob):
        await one.order("hold", wallet=wallet)
    await ann.order("connect_at", peer_id=bob.peer_id, addresses=bob.addresses)
    proposed = await ann.order("propose", wallet_id="house", amount_sats=50_000)
    assert proposed["success"], proposed["error"]
    await bob.until("shared_wallets/spend_proposed")
    await bob.order("respond", session_id=proposed["session_id"], accepted=True)
    await ann.until("shared_wallets/spend_response_received", peer_id=bob.peer_id)
    session_id: str = proposed["session_id"]
    return session_id


async def swap(ann: Actor, bob: Actor, texts: list[str]) -> dict[str, str]:
    """Let each send its text to the other; return what arrived, by the sender's public key."""
    arrived: dict[str, Any] = {}
    ways = ((ann, bob), (bob, ann))
    for (sender, reader), key, text in zip(ways, PRIVATE_KEYS, texts, strict=True):
        await sender.order("send", peer_id=reader.peer_id, notes=[text])
        arrived[public_key_of(key)] = (await reader.until("note", peer_id=sender.peer_id))["note"]
    return arrived


def public_key_of(private_key: bytes) -> str:
    """Return the compressed public key of secp256k1, in hexadecimal."""
    key = ec.derive_private_key(int.from_bytes(private_key, "big"), ec.SECP256K1())
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint).hex()
