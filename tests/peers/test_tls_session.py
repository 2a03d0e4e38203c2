"""`TlsSession` and the judge of certificates: what no channel gets to, because it ended before."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from refold.errors import AuthenticationError, PipeClosedError
from refold.middleware.peer_network.secure_channel import SecureChannel
from refold.middleware.peer_network.tls_context import proved_peer_id
from refold.middleware.peer_network.tls_session import BrokenRecordError, TlsSession
from tests.peers.channel_pairs import ALICE, BOB, answer, dial
from tests.peers.memory_pipe import MemoryPipe, memory_pipe
from tests.peers.other_ends import certificate_with

if TYPE_CHECKING:
    from cryptography import x509

pytestmark = pytest.mark.looptime

SMALL_ORDER_KEY = Ed25519PublicKey.from_public_bytes(b"\x01" + b"\x00" * 31)


def broken_session() -> TlsSession:
    """Return one that has met garbage."""
    session = TlsSession(BOB, is_dialer=False, expected_peer_id=None)
    session.feed(b"garbage")
    with pytest.raises(AuthenticationError):
        session.advance_handshake()
    return session


async def test_a_broken_session_seals_nothing() -> None:
    """After garbage, neither a message nor a goodbye is sealed; a channel has its own error."""
    session = broken_session()
    with pytest.raises(BrokenRecordError):
        session.seal(b"message")
    session.say_goodbye()
    pipe, _far = memory_pipe()
    channel = SecureChannel(pipe, session, ALICE.peer_id)
    with pytest.raises(PipeClosedError):
        await channel.send(b"message")


def test_a_certificate_with_a_key_of_small_order_proves_nothing() -> None:
    """Anyone can sign for such a key, in a handshake too."""
    with pytest.raises(AuthenticationError, match="anyone could sign"):
        proved_peer_id(certificate_with(SMALL_ORDER_KEY), None)


class Unreadable:
    """A certificate whose key is none."""

    def public_key(self) -> Ed25519PublicKey:
        """Raise what `cryptography` raises."""
        error = "no key"
        raise ValueError(error)


def test_a_certificate_with_a_key_that_cannot_be_read_proves_nothing() -> None:
    """Bytes that are no key are told like a key of another kind."""
    with pytest.raises(AuthenticationError, match="key of another kind"):
        proved_peer_id(cast("x509.Certificate", Unreadable()), None)


class FaultyPipe(MemoryPipe):
    """A pipe with a mistake in it."""

    async def receive(self) -> bytes:
        """Raise what no pipe should."""
        message = "a time limit of the pipe's own"
        raise TimeoutError(message)

    async def send(self, data: bytes, /) -> None:
        """Raise what no pipe should."""
        message = f"{len(data)} bytes could not be sent"
        raise RuntimeError(message)


async def test_a_mistake_of_a_pipe_is_not_hidden() -> None:
    """An error that pipes do not have reaches the caller, and the pipe is freed."""
    pipe = FaultyPipe(1)
    with pytest.raises(TimeoutError, match="of the pipe's own"):
        await answer(pipe, BOB)
    assert pipe.is_closed
    other = FaultyPipe(1)
    with pytest.raises(RuntimeError, match="could not be sent"):
        await dial(other, ALICE, BOB.peer_id)
    assert other.is_closed
