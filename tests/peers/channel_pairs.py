"""Two peers, and channels between them, for the tests of channels."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from refold.errors import AuthenticationError, PipeClosedError
from refold.middleware.peer_network.peer_identity import PeerIdentity
from refold.middleware.peer_network.secure_channel import SecureChannel, secure_channel
from tests.peers.meddling_relay import TIMEOUT, MeddlingRelay, shake_hands
from tests.peers.memory_pipe import MemoryPipe, memory_pipe

if TYPE_CHECKING:
    from refold.middleware.peer_network.message_pipe import MessagePipe

__all__ = [
    "ALICE", "BOB", "MALLORY", "answer", "channels", "channels_over", "dial", "dial_or_answer",
    "end_of", "failed",
]  # fmt: skip

ALICE = PeerIdentity.from_seed(b"\x01" * 32)
"""She dials."""

BOB = PeerIdentity.from_seed(b"\x02" * 32)
"""He is dialled."""

MALLORY = PeerIdentity.from_seed(b"\x03" * 32)
"""Neither of the two."""


async def dial(pipe: MessagePipe, identity: PeerIdentity, expected_peer_id: str) -> SecureChannel:
    """Return the channel of whoever dials."""
    return await secure_channel(
        pipe, identity, is_dialer=True, expected_peer_id=expected_peer_id, timeout=TIMEOUT
    )


async def answer(
    pipe: MessagePipe, identity: PeerIdentity, expected_peer_id: str | None = None
) -> SecureChannel:
    """Return the channel of whoever is dialled."""
    return await secure_channel(
        pipe, identity, is_dialer=False, expected_peer_id=expected_peer_id, timeout=TIMEOUT
    )


async def dial_or_answer(pipe: MessagePipe, *, dials: bool) -> SecureChannel:
    """Return Bob's channel: he dials Alice, or is dialled."""
    return await (dial(pipe, BOB, ALICE.peer_id) if dials else answer(pipe, BOB))


async def channels(
    *, max_messages: int = 16
) -> tuple[SecureChannel, SecureChannel, MemoryPipe, MemoryPipe]:
    """Return Alice's channel and Bob's, and the pipe's two ends below them."""
    one, two = memory_pipe(max_messages=max_messages)
    dialed, listened = await asyncio.gather(dial(one, ALICE, BOB.peer_id), answer(two, BOB))
    return dialed, listened, one, two


async def channels_over(relay: MeddlingRelay) -> tuple[SecureChannel, SecureChannel]:
    """Return Alice's channel and Bob's, with somebody on the way."""
    dialed, listened = await shake_hands(relay, ALICE, BOB)
    assert isinstance(dialed, SecureChannel)
    assert isinstance(listened, SecureChannel)
    return dialed, listened


async def end_of(channel: SecureChannel) -> PipeClosedError:
    """Return why a channel has no message; a message is a failure."""
    with pytest.raises(PipeClosedError) as caught:
        await asyncio.wait_for(channel.receive(), TIMEOUT)
    return caught.value


def failed(outcome: SecureChannel | AuthenticationError) -> str:
    """Return the text of the error that somebody has instead of a channel."""
    assert isinstance(outcome, AuthenticationError), "it has a channel"
    return str(outcome)
