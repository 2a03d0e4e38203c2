"""`PeerRendezvous`: a place where peers find each other's presences, such as a relay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from refold.actions.peer_records import Presence

__all__ = ["PeerRendezvous"]


class PeerRendezvous(Protocol):
    """Takes one's own presence and gives those of others, signed by them."""

    def publish_presence(self, presence: bytes, /) -> None:
        """Show this signed presence from now on, also after the place was away for a while."""
        ...

    def on_presence(
        self, on_presence: Callable[[Presence], None], on_withdrawn: Callable[[str], None], /
    ) -> None:
        """Be told of each presence whose signature holds, and of ids that are gone."""
        ...
