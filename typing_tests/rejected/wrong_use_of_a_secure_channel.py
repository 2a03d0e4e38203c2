"""A dialler that expects nobody, and what is no message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from refold.middleware.peer_network.secure_channel import secure_channel

if TYPE_CHECKING:
    from refold.middleware.peer_network.message_pipe import MessagePipe
    from refold.middleware.peer_network.peer_identity import PeerIdentity


async def wrongly(pipe: MessagePipe, identity: PeerIdentity, expected: str | None) -> None:
    """Do what a type checker has to report."""
    dial = secure_channel
    await dial(pipe, identity, is_dialer=True, expected_peer_id=None, timeout=5)  # expect-error
    await dial(pipe, identity, is_dialer=True, expected_peer_id=expected, timeout=5)  # expect-error
    channel = await dial(pipe, identity, is_dialer=True, expected_peer_id="12D3KooW", timeout=5)
    await channel.send("text")  # expect-error
