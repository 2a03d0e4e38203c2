"""Signing a spend together: `spend_message`, and `OneTimeSigner`, one participant's part in it.

What belongs here: secrets, and how they are kept from being used twice.  What does not: the way
of public nonces and partial signatures between participants.

How all of it goes, for each participant:

    group = SigningGroup(public_keys)
    signer = OneTimeSigner(group, spend_message(session), private_key)
    # round 1: send signer.public_nonce to all, and receive theirs
    all_nonces = SigningRound(group, spend_message(session), public_nonces)
    # round 2: send signer.sign(private_key, all_nonces) to all, and receive theirs
    signature = all_nonces.combine(partial_signatures)

Neither a private key nor a nonce may go into an action: what is in the store is recorded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NoReturn

import msgspec

from refold.errors import SigningError
from refold.middleware.peer_network.musig2_library import hashes, keys, musig
from refold.middleware.peer_network.musig2_round import check_message

if TYPE_CHECKING:
    from refold.actions.shared_wallets import SpendSession
    from refold.middleware.peer_network.musig2_group import SigningGroup
    from refold.middleware.peer_network.musig2_round import SigningRound

__all__ = ["OneTimeSigner", "spend_message"]

_TAG: Final = b"refold/shared_wallets/spend/1"


def spend_message(session: SpendSession) -> bytes:
    """Return the 32 bytes that participants sign: the same for all, and for this session alone.

    It is the tagged hash (BIP-340) of a JSON array of all that never changes in a session; answers
    and the status are not in it.
    """
    fields = (
        session.id,
        session.wallet_id,
        session.recipient,
        session.amount_sats,
        session.proposer,
        sorted(session.participants),
        session.created_at_ms,
        session.expires_at_ms,
    )
    return hashes.tagged_sha256(_TAG, msgspec.json.encode(fields))


class OneTimeSigner:
    """A secret nonce for one message, which makes one partial signature and is gone.

    Two signatures by the same nonce would give away the private key.  So there is no way to copy a
    signer, to store it, or to sign with it again.
    """

    __slots__ = ("_group", "_message", "_nonce", "public_key", "public_nonce")

    def __init__(self, group: SigningGroup, message: bytes, private_key: bytes) -> None:
        """Draw a nonce; the private key is not kept.

        Args:
            group: who signs.
            message: what, 32 bytes; see `spend_message`.
            private_key: of the participant who uses this signer, 32 bytes.

        Raises:
            SigningError: the private key is none, or not of a participant.

        Source: BIP-327, NonceGen.
        """
        check_message(message)
        self.public_key: Final = _public_key_of(private_key).hex()
        """Whose signer it is."""
        if self.public_key not in group.public_keys:
            text = f"{self.public_key}, whose private key this is, is no participant"
            raise SigningError(text, public_key=self.public_key)
        self._group = group
        self._message = message
        self._nonce = musig.nonce_gen(
            bytes.fromhex(self.public_key), private_key, message, group.cache
        )
        self.public_nonce: Final = self._nonce.pubnonce
        """What all other participants need: 66 bytes."""

    def sign(self, private_key: bytes, all_nonces: SigningRound) -> bytes:
        """Return this participant's partial signature, 32 bytes, and forget the nonce.

        Args:
            private_key: the same as before.
            all_nonces: of the same group and message, with this signer's public nonce in it.

        Raises:
            SigningError: it has signed, or forgotten its nonce; or the round or the private key is
                another one's, which leaves the nonce unused.

        Source: BIP-327, Sign.
        """
        if (all_nonces.group.public_keys, all_nonces.message) != (
            self._group.public_keys,
            self._message,
        ):
            text = "the round is for another message or other participants than this signer"
            raise SigningError(text)
        if all_nonces.public_nonces[self.public_key] != self.public_nonce:
            text = "the round has another public nonce for this participant than this signer's"
            raise SigningError(text, public_key=self.public_key)
        if _public_key_of(private_key).hex() != self.public_key:
            text = f"the private key is not the one of {self.public_key}"
            raise SigningError(text, public_key=self.public_key)
        try:
            return self._nonce.partial_sign(private_key, self._group.cache, all_nonces.session)
        except ValueError:
            text = "this signer has signed or was told to forget; make another, with a new nonce"
            raise SigningError(text, public_key=self.public_key) from None

    def forget(self) -> None:
        """Overwrite the secret nonce, where there will be no signature after all."""
        self._nonce.wipe()

    def __repr__(self) -> str:
        """Return whose signer it is, and no secret."""
        return f"<OneTimeSigner of {self.public_key}>"

    def __reduce__(self) -> NoReturn:
        """Refuse to be copied and pickled.

        Raises:
            TypeError: always.
        """
        text = "a OneTimeSigner can be neither copied nor stored: its nonce would be used twice"
        raise TypeError(text)


def _public_key_of(private_key: bytes) -> bytes:
    """Return the compressed public key.

    Raises:
        SigningError: the private key is none; the error does not show it.
    """
    try:
        return keys.pubkey_from_prvkey(private_key)
    except (TypeError, ValueError):
        text = "that is no private key: expected 32 bytes, as a number above 0 and below the order"
        raise SigningError(text) from None
