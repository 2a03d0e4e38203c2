"""`PeerIdentity`: the private key that makes a program a peer."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from refold.middleware.peer_network.identity_file import load_or_create_key
from refold.middleware.peer_network.peer_id import peer_id_of, public_key_of
from refold.middleware.peer_network.tls_certificate import self_signed_certificate
from refold.middleware.peer_network.tls_context import tls_context

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

    from cryptography import x509
    from OpenSSL import SSL

__all__ = ["PeerIdentity", "verify_signature"]


class PeerIdentity:
    """A private key and the peer id that follows from it; whoever has the key is the peer."""

    def __init__(self, private_key: Ed25519PrivateKey) -> None:
        """Take a key; see the class methods for where to get one."""
        self._private_key = private_key
        self.peer_id = peer_id_of(private_key.public_key())

    @classmethod
    def generate(cls) -> Self:
        """Return a new identity, which is gone with the program."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def from_seed(cls, seed: bytes) -> Self:
        """Return the identity of 32 secret bytes; libp2p gives the same id to the same seed.

        Raises:
            ValueError: they are not 32 bytes.
        """
        return cls(Ed25519PrivateKey.from_private_bytes(seed))

    @classmethod
    def load_or_create(cls, path: Path) -> Self:
        """Return the identity in a file; where there is none, a new one is put there.

        Several processes may ask at once: all get the same.

        Args:
            path: a PEM file (PKCS 8) that only its owner may read; its folder must exist.

        Raises:
            PeerIdentityError: others may read the file, or it holds no Ed25519 key.
            OSError: it cannot be read or written.
        """
        return cls(load_or_create_key(path))

    def sign(self, data: bytes) -> bytes:
        """Return a signature of 64 bytes.

        Let data begin with words that say what is signed, or a signature serves for something else.
        """
        return self._private_key.sign(data)

    @cached_property
    def certificate(self) -> x509.Certificate:
        """What it shows in a handshake; made once."""
        return self_signed_certificate(self._private_key)

    @cached_property
    def dialer_context(self) -> SSL.Context:
        """How it speaks TLS where it dialled."""
        return tls_context(self._private_key, self.certificate, is_dialer=True)

    @cached_property
    def listener_context(self) -> SSL.Context:
        """How it speaks TLS where it was dialled."""
        return tls_context(self._private_key, self.certificate, is_dialer=False)

    def __repr__(self) -> str:
        """Return the id; the key is never shown."""
        return f"<PeerIdentity {self.peer_id}>"


def verify_signature(peer_id: str, data: bytes, signature: bytes) -> bool:
    """Return whether the peer signed the data.

    Raises:
        InvalidPeerIdError: the id contains no key to tell by.
    """
    try:
        public_key_of(peer_id).verify(signature, data)
    except InvalidSignature:
        return False
    return True
