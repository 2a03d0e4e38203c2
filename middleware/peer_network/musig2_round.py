"""`SigningRound`: all public nonces for one message, and what comes of the partial signatures.

What belongs here: what everybody may know.  What does not: secrets, which `OneTimeSigner` has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from refold.errors import SigningError
from refold.middleware.peer_network.musig2_group import is_valid_signature
from refold.middleware.peer_network.musig2_library import musig

if TYPE_CHECKING:
    from collections.abc import Mapping

    from refold.middleware.peer_network.musig2_group import SigningGroup

__all__ = ["MESSAGE_BYTES", "SigningRound", "check_message"]

MESSAGE_BYTES: Final = 32
"""What is signed is always a hash."""


class SigningRound:
    """The second of the two rounds; anyone with the public nonces can have the same."""

    def __init__(
        self, group: SigningGroup, message: bytes, public_nonces: Mapping[str, bytes]
    ) -> None:
        """Aggregate the nonces.

        Args:
            group: who signs.
            message: what, 32 bytes.
            public_nonces: of each participant, by public key; 66 bytes each.

        Raises:
            SigningError: a nonce is missing, is none, or is of somebody who does not take part.

        Source: BIP-327, NonceAgg.
        """
        check_message(message)
        self.group = group
        self.message = message
        nonces = group.in_order(public_nonces, "public nonce")
        self.public_nonces = dict(zip(group.public_keys, nonces, strict=True))
        """By public key, in lower case."""
        for key, nonce in self.public_nonces.items():
            try:
                musig.pubnonce_parse(nonce)
            except ValueError as error:
                text = f"the public nonce of the participant {key} is wrong: {error}"
                raise SigningError(text, public_key=key) from error
        self.session = musig.Session(musig.nonce_agg(nonces), message, group.cache)
        """The library's own form of the round."""

    def check(self, public_key: str, partial_signature: bytes) -> None:
        """Let a participant's partial signature pass.

        Raises:
            SigningError: it is wrong, or not of a participant; the error has whose it is.

        Source: BIP-327, PartialSigVerify.
        """
        key = public_key.lower()
        nonce = self.public_nonces.get(key)
        if nonce is None:
            text = f"there is a partial signature of {key}, who is no participant"
            raise SigningError(text, public_key=key)
        try:
            is_right = self.session.partial_sig_verify(
                partial_signature, nonce, bytes.fromhex(key), self.group.cache
            )
        except ValueError:  # of a wrong length, or above the group order
            is_right = False
        if not is_right:
            text = f"the partial signature of the participant {key} is wrong; ask for another round"
            raise SigningError(text, public_key=key)

    def combine(self, partial_signatures: Mapping[str, bytes]) -> bytes:
        """Return the signature of all: 64 bytes, valid under the group's aggregate key.

        Args:
            partial_signatures: of each participant, by public key; 32 bytes each.

        Raises:
            SigningError: one is missing or wrong; the error has whose it is.

        Source: BIP-327, PartialSigAgg.
        """
        in_order = self.group.in_order(partial_signatures, "partial signature")
        for key, partial_signature in zip(self.group.public_keys, in_order, strict=True):
            self.check(key, partial_signature)
        signature = self.session.partial_sig_agg(in_order)
        if not is_valid_signature(self.group.aggregate_public_key, self.message, signature):
            text = "the signature of all is wrong although each part is right; do not use it"
            raise SigningError(text)  # pragma: no cover  # a fault of the library or the machine
        return signature


def check_message(message: bytes) -> None:
    """Let a hash pass.

    Raises:
        SigningError: it has another length.
    """
    if len(message) != MESSAGE_BYTES:
        text = f"a message to sign is a hash of {MESSAGE_BYTES} bytes; this one has {len(message)}"
        raise SigningError(text)
