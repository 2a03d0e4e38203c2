"""`ConnectionTeller`: dispatching what happens to a connection, with what only the shell knows."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from refold.actions.connection import (
    ConnectionEnded,
    ConnectionLostAndRetryScheduled,
    ConnectionOpened,
    HeartbeatAnswered,
    OutboundMessagesDropped,
)
from refold.reducers.evolve import evolve
from refold.store.dispatch_context import dispatching_as

if TYPE_CHECKING:
    from collections.abc import Callable

    from refold.actions.action import Action

__all__ = ["ConnectionTeller"]

_ORIGIN: Final = "service:websocket"

_log = logging.getLogger("refold.websocket")


class ConnectionTeller:
    """Dispatches to the store of one connection, once there is one."""

    def __init__(self, clock: Callable[[], float], counts: Callable[[], tuple[int, int]]) -> None:
        """Dispatch nowhere yet.

        Args:
            clock: seconds since the Unix epoch, for the times of actions.
            counts: gives how many messages wait to be sent, and how many are unacknowledged.
        """
        self._clock = clock
        self._counts = counts
        self.dispatch: Callable[[Any], Any] | None = None
        """Where to dispatch; None before the connection was given to a store."""

    def tell(self, action: Action) -> None:
        """Dispatch an action with its time, and the counts if it carries them.

        What a reducer, a middleware or a subscriber raises is logged: the connection goes on.
        """
        if self.dispatch is None:
            return
        try:
            with dispatching_as(_ORIGIN):
                self.dispatch(evolve(action, **self._known_here(action)))
        except Exception:  # noqa: BLE001  # a broken listener must not end the connection
            _log.exception("the store refused or could not finish %s", action.wire_name)

    def _known_here(self, action: Action) -> dict[str, Any]:
        known: dict[str, Any] = {"at_ms": int(self._clock() * 1000)}
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
