"""`peer_id_of` and `public_key_of`: the ids that libp2p gives, and no others."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import example, given
from hypothesis import strategies as st

from refold.errors import InvalidPeerIdError
from refold.middleware.peer_network.base58btc import decode_base58btc, encode_base58btc
from refold.middleware.peer_network.peer_id import peer_id_of, public_key_of

SPEC_SEED = bytes.fromhex("7e0830617c4a7de83925dfb2694556b12936c477a0e1feb2e148ec9da60fee7d")
SPEC_KEY = bytes.fromhex("1ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e")
SPEC_ID = "12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq"
"""The Ed25519 key among the test vectors of libp2p's "Peer Ids and Keys", and its id there."""

SMALL_ORDER_KEY = b"\x01" + b"\x00" * 31
"""The neutral point."""

ids = st.binary(min_size=32, max_size=32).map(
    lambda seed: peer_id_of(Ed25519PrivateKey.from_private_bytes(seed).public_key())
)


def id_with(data: bytes) -> str:
    """Return any bytes as a text of the form of an id."""
    return encode_base58btc(data)


def test_the_id_is_the_one_that_libp2p_gives_to_the_same_seed() -> None:
    """The key of libp2p's own test vector has libp2p's id, from the seed on."""
    key = Ed25519PrivateKey.from_private_bytes(SPEC_SEED).public_key()
    assert key.public_bytes_raw() == SPEC_KEY
    assert peer_id_of(key) == SPEC_ID


@given(ids)
def test_an_id_contains_its_key(peer_id: str) -> None:
    """Key and id follow from each other, and every id begins with 12D3KooW."""
    assert peer_id_of(public_key_of(peer_id)) == peer_id
    assert peer_id.startswith("12D3KooW")
    assert len(peer_id) == 52


@given(st.text() | st.text("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"))
@example("")
@example("1" * 52)
@example("k51qzi5uqu5dh9ihj4p2v5sl3hxvv27ryx2w0xrsv6jmmqi91t9xp8p9kaipc2")
def test_any_other_text_is_refused(text: str) -> None:
    """A text is the id of a key, spelled as `peer_id_of` spells it, or it is refused."""
    try:
        key = public_key_of(text)
    except InvalidPeerIdError:
        return
    assert peer_id_of(key) == text


@given(st.binary(max_size=60))
@example(b"\x00\x00\x01")
def test_base58btc_is_read_as_written(data: bytes) -> None:
    """Each leading zero byte is a leading 1, and all bytes come back."""
    assert decode_base58btc(encode_base58btc(data)) == data


@pytest.mark.parametrize(
    ("peer_id", "reason"),
    [
        (id_with(b"\x12\x20" + hashlib.sha256(b"").digest()), "contains no key"),
        ("QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N", "contains no key"),
        (id_with(b"\x00\x25\x08\x02\x12\x21" + b"\x02" * 33), "Secp256k1"),
        (id_with(b"\x00\x24\x08\x00\x12\x20" + SPEC_KEY), "RSA"),
        (id_with(b"\x00\x24\x08\x03\x12\x20" + SPEC_KEY), "ECDSA"),
        (id_with(b"\x00\x24\x12\x20" + SPEC_KEY + b"\x08\x01"), "are not the 38 bytes"),
        (id_with(b"\x00\x24\x08\x01\x12\x20" + SPEC_KEY[:-1]), "are not the 38 bytes"),
        (id_with(b"\x00\x24\x08\x01\x12\x20" + SPEC_KEY + b"\x00"), "are not the 38 bytes"),
        (id_with(b"\x11\x14" + b"\x01" * 20), "no identity multihash"),
        ("", "no identity multihash"),
        ("bafzaajaiaejcahwr5d5ofrfbis4l5d6uwr57hu5tjodryp", "'l' is no letter of base58btc"),
        (SPEC_ID + " ", "' ' is no letter"),
        ("1" * 100_000, "it has 100000 characters"),
    ],
)
def test_another_form_is_refused_with_the_reason(peer_id: str, reason: str) -> None:
    """Ids of other keys, hashes, CIDs and damaged ids are refused, and the error says why."""
    with pytest.raises(InvalidPeerIdError, match=reason) as caught:
        public_key_of(peer_id)
    assert "begins with 12D3KooW" in str(caught.value)


def test_an_id_for_which_anyone_could_sign_is_refused() -> None:
    """A key of small order verifies a signature that needs no private key; its id is refused."""
    anyones_signature = SMALL_ORDER_KEY + b"\x00" * 32
    key = Ed25519PublicKey.from_public_bytes(SMALL_ORDER_KEY)
    key.verify(anyones_signature, b"pay Mallory")
    with pytest.raises(InvalidPeerIdError, match="anyone could sign"):
        public_key_of(peer_id_of(key))
