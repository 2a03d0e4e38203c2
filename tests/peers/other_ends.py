"""Ends that are no refold peers: other keys, other versions of TLS, other protocols.

What belongs here: identities that `TlsSession` takes for one, with a context of their own.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.x509.oid import NameOID
from OpenSSL import SSL

from refold.middleware.peer_network.tls_context import PROTOCOL
from refold.middleware.peer_network.tls_session import TlsSession

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    from refold.middleware.peer_network.message_pipe import MessagePipe
    from refold.middleware.peer_network.peer_identity import PeerIdentity

    AnyKey = Ed25519PrivateKey | EllipticCurvePrivateKey | RSAPrivateKey

__all__ = [
    "OtherEnd",
    "ResumingSession",
    "as_identity",
    "certificate_of",
    "certificate_with",
    "speak_tls",
]

_THEN = datetime(2001, 1, 1, tzinfo=UTC)
_LATER = datetime(2002, 1, 1, tzinfo=UTC)
_LAST = datetime(9999, 12, 31, tzinfo=UTC)


def certificate_of(
    key: AnyKey,
    *,
    issuer: tuple[str, AnyKey] | None = None,
    is_over: bool = False,
    is_authority: bool = False,
) -> x509.Certificate:
    """Return a certificate of any kind of key; self-signed unless an issuer is given."""
    issuer_name, issuer_key = issuer or ("somebody", key)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_named("an authority" if is_authority else "somebody"))
        .issuer_name(_named(issuer_name))
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(_THEN)
        .not_valid_after(_LATER if is_over else _LAST)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    )
    is_edwards = isinstance(issuer_key, Ed25519PrivateKey)
    return builder.sign(issuer_key, None if is_edwards else hashes.SHA256())


def certificate_with(key: Ed25519PublicKey) -> x509.Certificate:
    """Return a certificate that shows a key without having it."""
    return (
        x509.CertificateBuilder()
        .subject_name(_named("somebody"))
        .issuer_name(_named("somebody"))
        .public_key(key)
        .serial_number(7)
        .not_valid_before(_THEN)
        .not_valid_after(_LAST)
        .sign(Ed25519PrivateKey.generate(), None)
    )


class OtherEnd:
    """Something with the two contexts of an identity, made as a test wants them."""

    def __init__(  # noqa: PLR0913  # all by keyword
        self,
        key: AnyKey | None = None,
        certificate: x509.Certificate | None = None,
        *,
        chain: tuple[x509.Certificate, ...] = (),
        has_certificate: bool = True,
        protocols: tuple[bytes, ...] = (PROTOCOL,),
        highest_version: int = SSL.TLS1_3_VERSION,
    ) -> None:
        key = key or Ed25519PrivateKey.generate()
        certificate = certificate or certificate_of(key)
        self.dialer_context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        self.listener_context = SSL.Context(SSL.TLS_SERVER_METHOD)
        for context in (self.dialer_context, self.listener_context):
            context.set_max_proto_version(highest_version)
            context.set_verify(SSL.VERIFY_PEER, _take_any)
            if has_certificate:
                context.use_certificate(certificate)
                context.use_privatekey(key)
                for each in chain:
                    context.add_extra_chain_cert(each)
        if protocols:
            self.dialer_context.set_alpn_protos(list(protocols))
            self.listener_context.set_alpn_select_callback(_take_first)


def as_identity(end: OtherEnd) -> PeerIdentity:
    """Return it as what a `TlsSession` takes; only the two contexts are looked at."""
    return cast("PeerIdentity", end)


class ResumingSession(TlsSession):
    """A dialler that remembers its sessions, and offers the last one again."""

    def earlier(self) -> SSL.Session | None:
        """Return what the other end gave to begin the next session with."""
        return self._connection.get_session()

    def offer(self, session: SSL.Session) -> None:
        """Begin with an earlier session."""
        self._connection.set_session(session)


async def speak_tls(session: TlsSession, pipe: MessagePipe) -> None:
    """Do a handshake by hand; after it, the session can seal whatever a test wants sent.

    Raises:
        AuthenticationError: after having told the other end.
    """
    try:
        while session.advance_handshake() is None:
            await pipe.send(session.take_output())
            session.feed(await pipe.receive())
    finally:
        output = session.take_output()
        if output:
            await pipe.send(output)


def _take_any(*_certificate: object) -> bool:
    return True


def _take_first(_connection: SSL.Connection, offered: list[bytes]) -> bytes:
    return offered[0]


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
