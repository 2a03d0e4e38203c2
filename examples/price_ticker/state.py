"""What the ticker knows, and how it follows from what happened: no socket, no clock.

Nothing to run here; see client.py.  ``refold replay LOG --app examples.price_ticker.state:root``
folds a recorded run again.
"""

from __future__ import annotations

import attrs
from pyrsistent import PMap, pmap

from refold import Action, Reducer, action, combine_reducers, evolve, selector
from refold.reducers.connection import ConnectionState, ConnectionStatus, connection_reducer

__all__ = [
    "Market",
    "PriceArrived",
    "Quote",
    "Row",
    "TickerState",
    "root",
    "select_reconnects",
    "select_rows",
    "select_status_line",
]


@action("price_ticker/price_arrived")
class PriceArrived(Action):
    """The server sent a price."""

    symbol: str
    """What is traded."""

    cents: int
    """Its price."""


@attrs.frozen
class Quote:
    """What is known of one symbol."""

    cents: int
    """The price that came last."""

    first_cents: int
    """The price that came first."""

    updates: int
    """How many prices came."""


@attrs.frozen
class Market:
    """All symbols."""

    quotes: PMap[str, Quote] = attrs.field(default=pmap())
    """By symbol."""


@attrs.frozen
class TickerState:
    """All that the client knows."""

    connection: ConnectionState
    """The WebSocket's life, kept by refold."""

    market: Market
    """The prices."""


market = Reducer(Market())


@market.on(PriceArrived)
def _update_quote(state: Market, action: PriceArrived) -> Market:
    known = state.quotes.get(action.symbol, Quote(action.cents, action.cents, updates=0))
    quote = evolve(known, cents=action.cents, updates=known.updates + 1)
    return evolve(state, quotes=state.quotes.set(action.symbol, quote))


root = combine_reducers(TickerState, connection=connection_reducer, market=market)
"""Folds every action of the ticker."""


@attrs.frozen
class Row:
    """A line of the table."""

    symbol: str
    """What is traded."""

    price: str
    """Such as ``12.84``."""

    change: str
    """In percent since the first price, such as ``+0.31 %``."""

    updates: int
    """How many prices came."""


def _market_of(state: TickerState) -> Market:
    return state.market


def _connection_of(state: TickerState) -> ConnectionState:
    return state.connection


@selector(_market_of)
def select_rows(known: Market) -> tuple[Row, ...]:
    """Return the table's lines, by symbol."""
    return tuple(
        Row(
            symbol,
            f"{quote.cents / 100:.2f}",
            f"{100 * (quote.cents / quote.first_cents - 1):+.2f} %",
            quote.updates,
        )
        for symbol, quote in sorted(known.quotes.items())
    )


@selector(_connection_of)
def select_reconnects(connection: ConnectionState) -> int:
    """Return how often the connection came back."""
    return max(0, connection.total_connects - 1)


@selector(_connection_of, select_reconnects)
def select_status_line(connection: ConnectionState, reconnects: int) -> str:
    """Return one sentence about the connection, for people."""
    reason = connection.last_error.message if connection.last_error is not None else "no reason"
    match connection.status:
        case ConnectionStatus.CONNECTED:
            return f"connected; reconnects: {reconnects}"
        case ConnectionStatus.RECONNECTING if connection.total_connects == 0:
            return f"no server there yet ({reason}); waiting for it"
        case ConnectionStatus.RECONNECTING:
            return f"reconnecting ({reason}); reconnects: {reconnects}"
        case ConnectionStatus.DISCONNECTED if connection.terminal_reason == "fatal":
            return f"disconnected for good ({reason})"
        case status:
            return str(status)
