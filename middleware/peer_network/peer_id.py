"""Peer ids: an Ed25519 public key as a text, the same that libp2p gives to the same key.

What belongs here: between keys and ids.  What does not: private keys, which `PeerIdentity` has.

Source: the libp2p specification "Peer Ids and Keys".  An id is base58btc of a multihash; for a key
as short as these the multihash is the identity one, so that the id contains the key.
"""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from refold.errors import InvalidPeerIdError
from refold.middleware.peer_network.base58btc import decode_base58btc, encode_base58btc

__all__ = ["peer_id_of", "public_key_of"]

_IDENTITY_MULTIHASH: Final = b"\x00\x24"
"""The identity function, and 36 bytes."""

_ED25519: Final = b"\x08\x01\x12\x20"
"""The protobuf message ``PublicKey``: field 1, the kind, is Ed25519; field 2 has 32 bytes."""

_OTHER_KINDS: Final = {b"\x08\x00": "RSA", b"\x08\x02": "Secp256k1", b"\x08\x03": "ECDSA"}

_KEY_SIZE: Final = 32
_SIZE: Final = len(_IDENTITY_MULTIHASH + _ED25519) + _KEY_SIZE

_LONGEST: Final = 64
"""Characters that are looked at: an id has 52, and decoding takes the square of a text's length."""

_P: Final = 2**255 - 19
_ORDER_8: Final = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_SMALL_ORDER: Final = frozenset({0, 1, _P - 1, _P, _P + 1, _ORDER_8, _P - _ORDER_8})
"""The y of every point whose multiples are few; anyone can sign for such a "key"."""


def peer_id_of(public_key: Ed25519PublicKey) -> str:
    """Return the id of the peer that has the key; it begins with ``12D3KooW``."""
    return encode_base58btc(_IDENTITY_MULTIHASH + _ED25519 + public_key.public_bytes_raw())


def public_key_of(peer_id: str) -> Ed25519PublicKey:
    """Return the key that an id contains.

    Raises:
        InvalidPeerIdError: it is no id of an Ed25519 key, in base58btc as `peer_id_of` writes it.
    """
    if len(peer_id) > _LONGEST:
        raise _refused(peer_id[:_LONGEST] + "…", f"it has {len(peer_id)} characters")
    try:
        data = decode_base58btc(peer_id)
    except ValueError as error:
        raise _refused(peer_id, str(error)) from None
    prefix, key = data[:-_KEY_SIZE], data[-_KEY_SIZE:]
    if prefix != _IDENTITY_MULTIHASH + _ED25519:
        raise _refused(peer_id, _what_else_it_is(data))
    if int.from_bytes(key, "little") % 2**255 in _SMALL_ORDER:
        raise _refused(peer_id, "its key is of small order, so that anyone could sign for it")
    return Ed25519PublicKey.from_public_bytes(key)


def _what_else_it_is(data: bytes) -> str:
    if data.startswith(b"\x12\x20"):
        return "it is the hash of a key (SHA-256, as ids of RSA keys are), which contains no key"
    if not data.startswith(b"\x00"):
        return "it is no identity multihash"
    kind = _OTHER_KINDS.get(data[2:4])
    if kind is not None:
        return f"it is the id of a key of another kind ({kind})"
    return f"its {len(data)} bytes are not the {_SIZE} bytes of an Ed25519 key's id"


def _refused(peer_id: str, reason: str) -> InvalidPeerIdError:
    return InvalidPeerIdError(
        f"{peer_id!r} is no peer id that can be used: {reason}; expected the libp2p id of an"
        " Ed25519 key, which begins with 12D3KooW and has 52 characters"
    )
