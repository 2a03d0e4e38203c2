"""Schnorr signatures over secp256k1 by plain arithmetic, to compare a library with.

What belongs here: verification (BIP-340) and aggregation of keys (BIP-327), slow and simple.
What does not: anything with a secret.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeAlias

__all__ = ["aggregate_key", "is_valid", "tagged_hash"]

FIELD = 2**256 - 2**32 - 977
ORDER = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141
Point: TypeAlias = tuple[int, int]
GENERATOR: Point = (
    0x79BE667E_F9DCBBAC_55A06295_CE870B07_029BFCDB_2DCE28D9_59F2815B_16F81798,
    0x483ADA77_26A3C465_5DA4FBFC_0E1108A8_FD17B448_A6855419_9C47D08F_FB10D4B8,
)


def tagged_hash(tag: str, data: bytes) -> bytes:
    """Return the hash that BIP-340 defines."""
    prefix = hashlib.sha256(tag.encode()).digest()
    return hashlib.sha256(prefix * 2 + data).digest()


def is_valid(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Return whether a signature is valid, s·G = R + e·P."""
    point = _point(b"\2" + public_key)
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    if r >= FIELD or s >= ORDER:
        return False
    hashed = tagged_hash("BIP0340/challenge", signature[:32] + public_key + message)
    challenge = int.from_bytes(hashed, "big") % ORDER
    found = _sum(_times(s, GENERATOR), _times(ORDER - challenge, point))
    return found is not None and found[1] % 2 == 0 and found[0] == r


def aggregate_key(public_keys: Sequence[bytes]) -> bytes:
    """Return the key of all, as 32 bytes; the order counts."""
    listed = tagged_hash("KeyAgg list", b"".join(public_keys))
    second = next((key for key in public_keys if key != public_keys[0]), None)
    total: Point | None = None
    for key in public_keys:
        hashed = tagged_hash("KeyAgg coefficient", listed + key)
        factor = 1 if key == second else int.from_bytes(hashed, "big") % ORDER
        total = _sum(total, _times(factor, _point(key)))
    assert total is not None
    return total[0].to_bytes(32, "big")


def _point(compressed: bytes) -> Point:
    x = int.from_bytes(compressed[1:], "big")
    y = pow(x**3 + 7, (FIELD + 1) // 4, FIELD)
    assert (y * y - x**3 - 7) % FIELD == 0, "no point"
    return (x, y if y % 2 == compressed[0] % 2 else FIELD - y)


def _sum(one: Point | None, other: Point | None) -> Point | None:
    if one is None or other is None:
        return one or other
    if one[0] == other[0] and one != other:
        return None
    if one == other:
        slope = 3 * one[0] ** 2 * pow(2 * one[1], -1, FIELD)
    else:
        slope = (other[1] - one[1]) * pow(other[0] - one[0], -1, FIELD)
    x = (slope * slope - one[0] - other[0]) % FIELD
    return (x, (slope * (one[0] - x) - one[1]) % FIELD)


def _times(factor: int, point: Point) -> Point | None:
    total: Point | None = None
    power: Point | None = point
    while factor:
        if factor % 2:
            total = _sum(total, power)
        power = _sum(power, power)
        factor //= 2
    return total
