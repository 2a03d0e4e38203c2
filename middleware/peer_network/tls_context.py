"""How peers speak TLS: version 1.3 only, and both ends show a certificate with their key.

What belongs here: what OpenSSL is told, and which certificates pass.  What does not: one
conversation, which is a `TlsSession`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from OpenSSL import SSL

from refold.errors import AuthenticationError, InvalidPeerIdError
from refold.middleware.peer_network.peer_id import peer_id_of, public_key_of

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from OpenSSL.crypto import X509

__all__ = ["PROTOCOL", "proved_peer_id", "tls_context"]

PROTOCOL: Final = b"refold-peer/1"
"""What is spoken inside, as ALPN: peers of another version find out in the handshake."""

_NO_ERROR: Final = 0
_SELF_SIGNED: Final = 18
"""OpenSSL's ``X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT``: just what every peer's certificate is."""


def tls_context(
    private_key: Ed25519PrivateKey, certificate: x509.Certificate, *, is_dialer: bool
) -> SSL.Context:
    """Return what all conversations of one peer in one role have in common.

    Nothing is resumed: there are no tickets and no cache, so each conversation proves both keys.
    """
    context = SSL.Context(SSL.TLS_CLIENT_METHOD if is_dialer else SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_3_VERSION)
    context.set_options(SSL.OP_NO_TICKET)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, _judge_certificate)
    context.use_certificate(certificate)
    context.use_privatekey(private_key)
    if is_dialer:
        context.set_alpn_protos([PROTOCOL])
    else:
        context.set_alpn_select_callback(_choose_protocol)
    return context


def proved_peer_id(certificate: x509.Certificate, expected_peer_id: str | None) -> str:
    """Return the id of the peer whose certificate it is.

    Args:
        certificate: of the other end.
        expected_peer_id: who the other end must be; None for anyone.

    Raises:
        AuthenticationError: another kind of key, or the key of somebody else.
    """
    try:
        key = certificate.public_key()
    except (UnsupportedAlgorithm, ValueError):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        text = (
            "the other end showed a certificate with a key of another kind"
            f" ({type(key).__name__}); a peer's key is Ed25519, so this is no refold peer"
        )
        raise AuthenticationError(text)
    peer_id = peer_id_of(key)
    try:
        public_key_of(peer_id)
    except InvalidPeerIdError as error:
        raise AuthenticationError(str(error)) from None
    if expected_peer_id not in (None, peer_id):
        text = (
            f"expected peer {expected_peer_id}, but the other end proved to be {peer_id}; the"
            " address belongs to somebody else now, or somebody on the way answers in its place:"
            " get the peer's newest addresses"
        )
        raise AuthenticationError(text)
    return peer_id


def _judge_certificate(
    connection: SSL.Connection, certificate: X509, error: int, depth: int, _is_ok: int
) -> bool:
    """Let the certificate pass or raise; what is raised here comes out of the handshake."""
    if depth or error not in (_NO_ERROR, _SELF_SIGNED):
        text = (
            f"the other end's certificate is not a single, self-signed and valid one (OpenSSL's"
            f" verify error {error} at depth {depth}); refold peers make theirs themselves"
        )
        raise AuthenticationError(text)
    proved_peer_id(certificate.to_cryptography(), connection.get_app_data())
    return True


def _choose_protocol(_connection: SSL.Connection, offered: list[bytes]) -> bytes:
    if PROTOCOL in offered:
        return PROTOCOL
    names = ", ".join(name.decode("ascii", "backslashreplace") for name in offered[:8])
    error = (
        f"the other end speaks {names}, this one {PROTOCOL.decode()}: they are of different"
        " versions; update the older one"
    )
    raise AuthenticationError(error)
