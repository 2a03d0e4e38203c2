"""Questions about a connection; each takes the connection's own state, `at` lifts it to a root."""

from __future__ import annotations

from typing import TYPE_CHECKING

from refold.actions.connection import ConnectionStatus
from refold.selectors.plain_selector import plain_selector

if TYPE_CHECKING:
    from pyrsistent import PVector

    from refold.reducers.connection import ConnectionState, QueuedMessage

__all__ = [
    "select_connection_status",
    "select_error_count",
    "select_is_connected",
    "select_is_reconnecting",
    "select_last_heartbeat_at_ms",
    "select_message_queue",
    "select_reconnect_attempts",
]


@plain_selector
def select_connection_status(state: ConnectionState) -> ConnectionStatus:
    """Return where the connection stands."""
    return state.status


@plain_selector
def select_is_connected(state: ConnectionState) -> bool:
    """Tell whether a link is open."""
    return state.status is ConnectionStatus.CONNECTED


@plain_selector
def select_is_reconnecting(state: ConnectionState) -> bool:
    """Tell whether a later attempt is under way or waited for."""
    return state.status is ConnectionStatus.RECONNECTING


@plain_selector
def select_error_count(state: ConnectionState) -> int:
    """Return the errors since the last reset."""
    return state.error_count


@plain_selector
def select_last_heartbeat_at_ms(state: ConnectionState) -> int | None:
    """Return when the peer last answered a ping, in ms since the Unix epoch; None if never."""
    return state.last_heartbeat_at_ms


@plain_selector
def select_reconnect_attempts(state: ConnectionState) -> int:
    """Return the failures in a row since a link last proved stable."""
    return state.reconnect_attempts


@plain_selector
def select_message_queue(state: ConnectionState) -> PVector[QueuedMessage]:
    """Return the messages kept while disconnected, oldest first."""
    return state.message_queue
