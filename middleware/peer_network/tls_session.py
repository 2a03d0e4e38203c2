"""`TlsSession`: one TLS conversation over memory, between bytes that arrive and bytes to be sent.

What belongs here: OpenSSL and what its errors mean.  What does not: pipes, tasks and time.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from OpenSSL import SSL

from refold.errors import AuthenticationError
from refold.middleware.peer_network.tls_context import PROTOCOL, proved_peer_id

if TYPE_CHECKING:
    from refold.middleware.peer_network.peer_identity import PeerIdentity

__all__ = ["BrokenRecordError", "TlsSession"]

_READ_SIZE: Final = 2**14
"""Bytes that one TLS record holds at most."""

_MEANINGS: Final = {
    "no application protocol": "the other end speaks another version of refold's peer protocol"
    f" than {PROTOCOL.decode()}: update the older one",
    "alert protocol version": "the other end does not speak TLS 1.3",
    "unsupported protocol": "the other end does not speak TLS 1.3",
    "did not return a certificate": "the other end showed no certificate and proved nothing",
    "alert certificate required": "the other end was shown no certificate",
    "alert unknown ca": "the other end expected another peer than this one",
    "alert": "the other end gave up: it is no refold peer, or somebody on the way changed a byte",
}
"""What OpenSSL's words mean between peers; the first that is found counts."""

_CHANGED: Final = "what arrived is no TLS of a peer, or somebody on the way changed it"


class BrokenRecordError(Exception):
    """Bytes came that the other end did not seal; nothing after them can be believed."""


class TlsSession:
    """TLS 1.3 without a socket; it never waits."""

    def __init__(
        self, identity: PeerIdentity, *, is_dialer: bool, expected_peer_id: str | None
    ) -> None:
        """Send and expect nothing yet.

        Args:
            identity: this end.
            is_dialer: whether this end speaks first.
            expected_peer_id: who the other end must prove to be; None for anyone.
        """
        context = identity.dialer_context if is_dialer else identity.listener_context
        self._connection = SSL.Connection(context, None)
        self._connection.set_app_data(expected_peer_id)  # for the context's judge of certificates
        self._expected_peer_id = expected_peer_id
        if is_dialer:
            self._connection.set_connect_state()
        else:
            self._connection.set_accept_state()

    def advance_handshake(self) -> str | None:
        """Go as far as what arrived allows.

        Returns:
            The id that the other end has proved; None if more is needed.

        Raises:
            AuthenticationError: it did not prove it; `take_output` has what tells it so.
        """
        try:
            self._connection.do_handshake()
        except SSL.WantReadError:
            return None
        except SSL.Error as error:
            raise AuthenticationError(_in_words(error)) from None
        if self._connection.get_alpn_proto_negotiated() != PROTOCOL:
            text = f"the other end speaks TLS, but not {PROTOCOL.decode()}: it is no refold peer"
            raise AuthenticationError(text)
        certificate = self._connection.get_peer_certificate(as_cryptography=True)
        if certificate is None:  # pragma: no cover  # OpenSSL was told to insist on one
            raise AuthenticationError(_MEANINGS["did not return a certificate"])
        return proved_peer_id(certificate, self._expected_peer_id)

    def feed(self, data: bytes) -> None:
        """Take bytes that arrived."""
        if data:
            self._connection.bio_write(data)

    def take_output(self) -> bytes:
        """Return what is to be sent; the order of calls is the order on the way."""
        pieces: list[bytes] = []
        with contextlib.suppress(SSL.WantReadError):
            while True:
                pieces.append(self._connection.bio_read(_READ_SIZE))
        return b"".join(pieces)

    def seal(self, data: bytes) -> None:
        """Encrypt; `take_output` has the result.

        Raises:
            BrokenRecordError: the session is broken.
        """
        try:
            self._connection.sendall(data)
        except SSL.Error as error:
            raise BrokenRecordError(_in_words(error)) from None

    def open(self, into: bytearray) -> bool:
        """Decrypt all that arrived; return whether the other end said that it sends no more.

        Raises:
            BrokenRecordError: it was not sealed by the other end, or not in this order.
        """
        try:
            while True:
                into += self._connection.recv(_READ_SIZE)
        except SSL.WantReadError:
            return False
        except SSL.ZeroReturnError:
            return True
        except SSL.Error as error:
            raise BrokenRecordError(_in_words(error)) from None

    def say_goodbye(self) -> None:
        """Say that this end sends no more; `take_output` has it.  A broken session says nothing."""
        with contextlib.suppress(SSL.Error):
            self._connection.shutdown()


def _in_words(error: SSL.Error) -> str:
    reason = (
        "; ".join(part for entry in error.args[0] for part in entry if part) if error.args else ""
    )
    meaning = next((text for words, text in _MEANINGS.items() if words in reason), _CHANGED)
    return f"{meaning} (OpenSSL: {reason or type(error).__name__})"
