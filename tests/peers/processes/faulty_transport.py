"""`FaultyTransport`: a transport with a bug, which some peers meet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from refold.actions.peer_records import Presence, TransportKind
    from refold.middleware.peer_network.secure_channel import SecureChannel

__all__ = ["UNLUCKY", "FaultyTransport"]

UNLUCKY: Final = "unlucky"
"""The nickname of those that it dials."""


class FaultyTransport:
    """Passes for the transport of data channels, listens to nothing, and breaks when it dials."""

    @property
    def kind(self) -> TransportKind:
        """One that the others are not."""
        return "webrtc"

    def dialable(self, presence: Presence) -> Sequence[str]:
        """Return all addresses of the unlucky."""
        return presence.addresses if presence.nickname == UNLUCKY else ()

    async def dial(self, address: str, peer_id: str) -> NoReturn:
        """Break.

        Raises:
            RuntimeError: always.
        """
        message = f"a bug that {peer_id} meets at {address}"
        raise RuntimeError(message)

    async def listen(self, on_channel: Callable[[SecureChannel], None]) -> None:
        """Listen to nothing."""

    def addresses(self) -> Sequence[str]:
        """Return nothing."""
        return ()

    async def close(self) -> None:
        """Free nothing."""
