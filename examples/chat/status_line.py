"""What is said about the connection, for people.

Nothing to run here; see client.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from refold import selector
from refold.reducers.connection import ConnectionState, ConnectionStatus

if TYPE_CHECKING:
    from examples.chat.state import ChatState

__all__ = ["select_status_line"]


def _connection_of(state: ChatState) -> ConnectionState:
    return state.connection


def _waiting_count_of(state: ChatState) -> int:
    return len(state.talk.waiting)


@selector(_connection_of, _waiting_count_of)
def select_status_line(connection: ConnectionState, waiting_count: int) -> str:
    """Return one sentence."""
    kept = f"; lines kept: {waiting_count}" if waiting_count else ""
    reason = connection.last_error.message if connection.last_error is not None else "no reason"
    match connection.status:
        case ConnectionStatus.RECONNECTING if connection.total_connects == 0:
            return f"no server there yet ({reason}); waiting for it{kept}"
        case ConnectionStatus.RECONNECTING:
            return f"the server is away; reconnecting{kept}"
        case ConnectionStatus.DISCONNECTED if connection.terminal_reason == "fatal":
            return f"disconnected for good ({reason})"
        case status:
            return str(status)
