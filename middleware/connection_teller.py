"""`ConnectionTeller`: dispatching what happens to a connection, with what only the shell knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from refold.actions.connection import (
    ConnectionEnded,
    ConnectionLostAndRetryScheduled,
    ConnectionOpened,
    HeartbeatAnswered,
    OutboundMessagesDropped,
)
from refold.middleware.service_teller import ServiceTeller

if TYPE_CHECKING:
    from collections.abc import Callable

    from refold.actions.action import Action

__all__ = ["ConnectionTeller"]


class ConnectionTeller(ServiceTeller):
    """Dispatches to the store of one connection, once there is one."""

    def __init__(self, clock: Callable[[], float], counts: Callable[[], tuple[int, int]]) -> None:
        """Dispatch nowhere yet.

        Args:
            clock: seconds since the Unix epoch, for the times of actions.
            counts: gives how many messages wait to be sent, and how many are unacknowledged.
        """
        super().__init__("websocket", clock)
        self._counts = counts

    def known_here(self, action: Action) -> dict[str, Any]:
        """Return the time, and the counts if the action carries them."""
        known = super().known_here(action)
        match action:
            case (
                ConnectionOpened()
                | ConnectionLostAndRetryScheduled()
                | ConnectionEnded()
                | HeartbeatAnswered()
            ):
                known["queue_size"], known["unacked_count"] = self._counts()
            case OutboundMessagesDropped():
                known["queue_size"], _ = self._counts()
            case _:
                pass
        return known
