"""The demo's root: the connection, as refold ships it, beside the demo's own prices and orders.

What belongs here: the root state and reducer, which ``refold replay`` needs for a log of the demo.
What does not: anything with an effect, and anything that is slow to import.
"""

from __future__ import annotations

import attrs

from refold.commands.demo_ticker import TickerState, ticker
from refold.reducers.combine_reducers import combine_reducers
from refold.reducers.connection import ConnectionState, connection_reducer

__all__ = ["DemoState", "demo_root"]


@attrs.frozen
class DemoState:
    """All that the demo's client knows."""

    connection: ConnectionState
    """The WebSocket's life."""

    ticker: TickerState
    """Prices and orders."""


demo_root = combine_reducers(DemoState, connection=connection_reducer, ticker=ticker)
"""Folds every action of the demo."""
