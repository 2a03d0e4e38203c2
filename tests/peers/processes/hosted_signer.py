"""`HostedSigner`: one participant's part in signing a session together, in a process of its own.

What belongs here: keys and nonces, which are in no store.  What does not: how public nonces and
partial signatures get to the others: tests let peers send them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from refold.middleware.peer_network.musig2_group import SigningGroup
from refold.middleware.peer_network.musig2_round import SigningRound
from refold.middleware.peer_network.musig2_signing import OneTimeSigner, spend_message
from refold.selectors.shared_wallets import select_shared_wallet, select_spend_session

if TYPE_CHECKING:
    from collections.abc import Mapping

    from refold.reducers.shared_wallets import SharedWalletsState

__all__ = ["HostedSigner"]


class HostedSigner:
    """Signs the session that its state has, under the wallet's public keys."""

    def __init__(self, state: SharedWalletsState, command: Mapping[str, Any]) -> None:
        """Draw a nonce.

        Raises:
            KeyError: the session or its wallet is not there.
        """
        session = select_spend_session(state, command["session_id"])
        wallet = None if session is None else select_shared_wallet(state, session.wallet_id)
        if session is None or wallet is None:
            raise KeyError(command["session_id"])
        self._private_key = bytes.fromhex(command["private_key"])
        self._message = spend_message(session)
        self._group = SigningGroup(one.public_key for one in wallet.participants)
        self._signer = OneTimeSigner(self._group, self._message, self._private_key)
        self._round: SigningRound | None = None

    @property
    def public_nonce(self) -> str:
        """What all others need for the second round, in hexadecimal."""
        return self._signer.public_nonce.hex()

    def sign(self, public_nonces: Mapping[str, str]) -> str:
        """Return the partial signature, given the public nonces of all."""
        self._round = SigningRound(self._group, self._message, _bytes_of(public_nonces))
        return self._signer.sign(self._private_key, self._round).hex()

    def combine(self, partial_signatures: Mapping[str, str]) -> dict[str, str]:
        """Return the signature of all, and what it is to be verified with.

        Raises:
            ValueError: it has not signed itself.
        """
        if self._round is None:
            message = "sign before combining"
            raise ValueError(message)
        return {
            "signature": self._round.combine(_bytes_of(partial_signatures)).hex(),
            "public_key": self._group.aggregate_public_key.hex(),
            "message": self._message.hex(),
        }


def _bytes_of(texts: Mapping[str, str]) -> dict[str, bytes]:
    return {key: bytes.fromhex(text) for key, text in texts.items()}
