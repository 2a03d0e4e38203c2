"""`SigningGroup`: the keys of those who sign together, and the one key under which they do.

What belongs here: public keys.  What does not: nonces, which are in a
`SigningRound`, and secrets, which a `OneTimeSigner` has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from refold.errors import SigningError
from refold.middleware.peer_network.musig2_library import keys, musig, ssa

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["SigningGroup", "is_valid_signature"]

_PUBLIC_KEY_BYTES: Final = 33

_Contribution = TypeVar("_Contribution")


class SigningGroup:
    """All participants of a wallet; the same whoever lists them in whatever order."""

    def __init__(self, public_keys: Iterable[str]) -> None:
        """Aggregate the keys of all participants.

        Args:
            public_keys: each compressed, 33 bytes in hexadecimal.

        Raises:
            SigningError: there are none, one is no key, or two are the same.

        Source: BIP-327, KeySort and KeyAgg.
        """
        listed = [_canonical(key) for key in public_keys]
        twice = next((key for key in listed if listed.count(key) > 1), None)
        if twice is not None:
            message = f"the participant {twice} is listed twice; each signs once"
            raise SigningError(message, public_key=twice)
        if not listed:
            message = "nobody can sign: list the public key of at least one participant"
            raise SigningError(message)
        self.public_keys = tuple(sorted(listed))
        """In lower case and in the order in which they are aggregated."""
        self.cache = musig.KeyAggCache([bytes.fromhex(key) for key in self.public_keys])
        """The library's own form of the group."""

    @property
    def aggregate_public_key(self) -> bytes:
        """The 32 bytes of the key under which a signature of all is verified (BIP-340)."""
        return self.cache.agg_pubkey

    def in_order(self, given: Mapping[str, _Contribution], what: str) -> list[_Contribution]:
        """Return what each participant has contributed, in the order of the keys.

        Args:
            given: by public key.
            what: it is, for the error.

        Raises:
            SigningError: a participant's is missing, or somebody else's is there.
        """
        by_key = {key.lower(): contribution for key, contribution in given.items()}
        for key in self.public_keys:
            if key not in by_key:
                message = f"the {what} of the participant {key} is missing"
                raise SigningError(message, public_key=key)
        for key in by_key:
            if key not in self.public_keys:
                message = f"there is a {what} of {key}, who is no participant"
                raise SigningError(message, public_key=key)
        return [by_key[key] for key in self.public_keys]


def is_valid_signature(aggregate_public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Return whether all participants have signed a message (BIP-340)."""
    try:
        return ssa.verify(message, aggregate_public_key, signature)
    except ValueError:  # of a wrong length, or the key is none
        return False


def _canonical(public_key: str) -> str:
    """Return a key in lower case.

    Raises:
        SigningError: it is none.
    """
    try:
        data = bytes.fromhex(public_key)
    except ValueError:
        data = b""
    if len(data) != _PUBLIC_KEY_BYTES or data.hex() != public_key.lower():
        message = f"{public_key!r} is no public key: expected 33 bytes in hexadecimal, compressed"
        raise SigningError(message, public_key=public_key)
    if not keys.pubkey_verify(data):
        message = f"{public_key} is no public key: it is no point of secp256k1"
        raise SigningError(message, public_key=public_key)
    return data.hex()
