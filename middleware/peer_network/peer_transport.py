"""`PeerTransport`: what a way to reach peers offers; a node uses several of them.

What belongs here: the protocol.  What does not: keepalive, retry and fallback, which the node has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from refold.actions.peer_records import Presence, TransportKind
    from refold.middleware.peer_network.secure_channel import SecureChannel

__all__ = ["PeerTransport"]


class PeerTransport(Protocol):
    """Dials peers and is dialled; every channel that it gives is authenticated and encrypted."""

    @property
    def kind(self) -> TransportKind:
        """Which of the three it is."""
        ...

    def dialable(self, presence: Presence) -> Sequence[str]:
        """Return the addresses of a presence that it can dial, the best first, without the rest."""
        ...

    async def dial(self, address: str, peer_id: str) -> SecureChannel:
        """Open a channel to the peer at an address.

        Raises:
            DialError: the address did not answer.
            AuthenticationError: somebody else answered.
        """
        ...

    async def listen(self, on_channel: Callable[[SecureChannel], None]) -> None:
        """Begin to be dialled, and return once peers can; channels come in until `close`."""
        ...

    def addresses(self) -> Sequence[str]:
        """Return what to advertise, now that it listens."""
        ...

    async def close(self) -> None:
        """Stop listening and free all that it holds; channels given away are not closed by it."""
        ...
