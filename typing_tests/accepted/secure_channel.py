"""Channels between peers: whoever dials says whom, whoever is dialled need not."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_type

from refold.middleware.peer_network.secure_channel import SecureChannel, secure_channel

if TYPE_CHECKING:
    from refold.middleware.peer_network.message_pipe import MessagePipe
    from refold.middleware.peer_network.peer_identity import PeerIdentity


async def both_ends(pipe: MessagePipe, identity: PeerIdentity) -> MessagePipe:
    """Open channels as both, and one through another: a channel is itself a pipe."""
    dialed = await secure_channel(
        pipe, identity, is_dialer=True, expected_peer_id="12D3KooW", timeout=5
    )
    assert_type(dialed, SecureChannel)
    assert_type(await dialed.receive(), bytes)
    return await secure_channel(
        dialed, identity, is_dialer=False, expected_peer_id=None, timeout=5.0
    )
