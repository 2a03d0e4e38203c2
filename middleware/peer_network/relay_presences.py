"""`RelayPresences`: the newest presence of each registered peer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from refold.actions.peer_records import Presence
from refold.errors import PresenceError
from refold.middleware.peer_network.signed_presence import read_signed_presence

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["RelayPresences"]


@attrs.frozen
class _Kept:
    """A presence, and how it was signed."""

    presence: Presence
    data: bytes


class RelayPresences:
    """At most one for each registered peer, so that the bound of those bounds these too."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        """Begin with none.

        Args:
            now_ms: milliseconds since the Unix epoch.
        """
        self._now_ms = now_ms
        self._kept: dict[str, _Kept] = {}

    def __len__(self) -> int:
        """Return how many hold."""
        self._sweep()
        return len(self._kept)

    def publish(self, peer_id: str, data: bytes) -> bool:
        """Keep a peer's presence; tell whether it is newer than the one before.

        Raises:
            PresenceError: it is not signed, holds no more, breaks a bound, or is another peer's.
        """
        presence = read_signed_presence(data, self._now_ms())
        if presence.peer_id != peer_id:
            message = (
                f"a presence of {presence.peer_id}, expected one of {peer_id}; publish your own"
            )
            raise PresenceError(message)
        before = self._kept.get(peer_id)
        if before is not None and _age(presence) <= _age(before.presence):
            return False
        self._kept[peer_id] = _Kept(presence, data)
        return True

    def withdraw(self, peer_id: str) -> bool:
        """Drop a peer's presence; tell whether there was one."""
        return self._kept.pop(peer_id, None) is not None

    def all(self) -> dict[str, bytes]:
        """Return the presences that hold, by peer."""
        self._sweep()
        return {peer_id: kept.data for peer_id, kept in self._kept.items()}

    def _sweep(self) -> None:
        now = self._now_ms()
        over = [each for each, kept in self._kept.items() if kept.presence.expires_at_ms <= now]
        for peer_id in over:
            del self._kept[peer_id]


def _age(presence: Presence) -> tuple[int, int]:
    """Return what the newest is told by."""
    return presence.created_at_ms, presence.expires_at_ms
