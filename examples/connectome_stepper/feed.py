"""The realtime feed: what its messages say, and when the connection to it is wanted.

What belongs here: the message, the event that it becomes, and following the mode.  What does not:
keeping the connection, which is refold's, and the server, which is in feed_server.py.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from refold.actions.ledger import FlowEvent
from refold.actions.message import message

if TYPE_CHECKING:
    from examples.connectome_stepper.store import ConnectomeState
    from refold import Action, Dispatch, StoreAPI
    from refold.middleware.websocket_connection import WebSocketConnection

__all__ = ["ConnectionFollowsMode", "FlowEventMessage", "event_of"]


@message("flow_event")
class FlowEventMessage:
    """What the server sends; all but the id may be missing."""

    id: str
    """No other event has it."""

    at_ms: int | None = None
    """When it happened, in milliseconds since the Unix epoch."""

    call_type: str | None = None
    """What kind of call it was."""

    label: str | None = None
    """What it is called."""

    node_id: str | None = None
    """Where it happened."""

    edge_id: str | None = None
    """What it went along."""

    duration_ms: float | None = None
    """How long it took."""


def event_of(sent: FlowEventMessage) -> FlowEvent:
    """Return the event that a message tells of."""
    return FlowEvent(
        id=sent.id,
        at_ms=sent.at_ms,
        call_type=sent.call_type,
        label=sent.label,
        node_id=sent.node_id,
        edge_id=sent.edge_id,
        duration_ms=sent.duration_ms,
    )


class ConnectionFollowsMode:
    """Middleware that connects in realtime mode, and disconnects in stepper mode.

    Args:
        connection: middleware of the same store that does not connect at once.
    """

    def __init__(self, connection: WebSocketConnection) -> None:
        """Wait for the first change of mode."""
        self._connection = connection
        self._store: StoreAPI[ConnectomeState] | None = None
        self._changed = asyncio.Event()

    def __call__(self, store: StoreAPI[ConnectomeState], next: Dispatch, /) -> Dispatch:  # noqa: A002
        """Return a handler that notices another mode."""
        self._store = store

        def handle(action: Action) -> Action:
            before = store.state.ledger.mode
            result = next(action)
            if store.state.ledger.mode != before:
                self._changed.set()
            return result

        return handle

    async def run(self) -> None:
        """Follow until cancelled; of several quick changes only the last one counts."""
        store = self._store
        assert store is not None  # noqa: S101  # a service runs only in the store that called it
        while True:
            await self._changed.wait()
            self._changed.clear()
            if store.state.ledger.mode == "realtime":
                await self._connection.connect()
            else:
                await self._connection.disconnect()
