"""What is said about the connection to the feed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from refold.reducers.connection import ConnectionStatus

if TYPE_CHECKING:
    from examples.connectome_stepper.store import ConnectomeState

__all__ = ["draw_feed"]

_STYLES = {ConnectionStatus.CONNECTED: "green", ConnectionStatus.DISCONNECTED: "dim"}
"""The others are yellow."""


def draw_feed(state: ConnectomeState, _now_ms: int) -> Text:
    """Return how the connection is, and why it is not better."""
    connection = state.connection
    style = _STYLES.get(connection.status, "yellow")
    text = Text().append(connection.status.value, style)
    error = connection.last_error
    if connection.terminal_reason == "fatal":
        text = Text().append("disconnected for good", "bold red")
    elif connection.status is ConnectionStatus.CONNECTED:
        reconnects = max(0, connection.total_connects - 1)
        return text.append(f"\nreconnects: {reconnects}", "dim")
    elif connection.status is ConnectionStatus.DISCONNECTED:
        return text
    return text if error is None else text.append(f"\n{error.message}", "dim")
