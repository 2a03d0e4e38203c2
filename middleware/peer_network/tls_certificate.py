"""The certificate by which a peer shows its key in a TLS handshake."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

__all__ = ["self_signed_certificate"]

_NAME: Final = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "refold peer")])

_FROM: Final = datetime(2000, 1, 1, tzinfo=UTC)
_UNTIL: Final = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
"""RFC 5280, 4.1.2.5: the date that means none.  A key is an identity: it does not expire."""


def self_signed_certificate(private_key: Ed25519PrivateKey) -> x509.Certificate:
    """Return a certificate that says nothing but the key; the same key gives the same bytes."""
    return (
        x509.CertificateBuilder()
        .subject_name(_NAME)
        .issuer_name(_NAME)
        .public_key(private_key.public_key())
        .serial_number(1)
        .not_valid_before(_FROM)
        .not_valid_after(_UNTIL)
        .sign(private_key, algorithm=None)
    )
