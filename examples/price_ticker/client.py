"""A live table of prices in the terminal.

Run it:  python examples/price_ticker/client.py
It needs examples/price_ticker/server.py, and waits for it.  Ctrl-C ends it.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from refold import RefoldError, Store, record, timestamps
from refold.actions.message import message
from refold.middleware.message_handlers import MessageHandlers
from refold.middleware.websocket_connection import WebSocketConnection
from refold.middleware.websocket_options import WebSocketOptions
from refold.reducers.backoff_delay import Backoff

if not __package__:  # started by its path: `examples` is found beside the README of the checkout
    sys.path.insert(0, str(Path(__file__).parents[2]))

from examples.price_ticker.state import (
    PriceArrived,
    TickerState,
    root,
    select_rows,
    select_status_line,
)

if TYPE_CHECKING:
    from refold import Middleware

__all__ = ["Price", "make_ticker", "render", "watch"]

_OPTIONS = WebSocketOptions(backoff=Backoff(initial_seconds=0.3, cap_seconds=3.0))
"""Less patient than the default, because the server is near."""

_STYLES = {"connected": "green", "disconnected": "red"}
"""Of the status line, by status; the others are yellow."""


@message("price")
class Price:
    """What the server sends."""

    symbol: str
    """What is traded."""

    cents: int
    """Its price."""


def make_ticker(url: str, log: Path | None = None) -> Store[TickerState]:
    """Return a store that connects when it is entered, and keeps the prices.

    Args:
        url: where the server is.
        log: a new .jsonl file in which every action is recorded; None for none.
    """
    handlers = MessageHandlers()
    connection = WebSocketConnection(url, handlers=handlers, options=_OPTIONS)
    middleware: list[Middleware[TickerState]] = [timestamps(), connection]
    if log is not None:
        middleware.append(record(log))
    store = Store(root, middleware=middleware)
    handlers.on(Price, lambda price: store.dispatch(PriceArrived(price.symbol, price.cents)))
    return store


def render(state: TickerState) -> Group:
    """Return the table with the status line below; without a price, that line alone."""
    style = _STYLES.get(state.connection.status, "yellow")
    status_line = Text(select_status_line(state), style=style)
    rows = select_rows(state)
    if not rows:
        return Group(status_line)
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("symbol", width=10)
    for title in ("price", "change", "updates"):
        table.add_column(title, width=10, justify="right")
    for row in rows:
        colour = "red" if row.change.startswith("-") else "green"
        table.add_row(row.symbol, row.price, Text(row.change, style=colour), str(row.updates))
    return Group(table, status_line)


async def watch(store: Store[TickerState], console: Console) -> bool:
    """Show every state until the connection ends for good; return whether it failed."""
    async with store:
        if not console.is_terminal:  # a live table is for terminals; a file gets the last one
            store.subscribe(lambda line, _: console.print(line), select=select_status_line)
        with Live(render(store.state), console=console, auto_refresh=False) as live:
            async for state in store.changes():
                live.update(render(state), refresh=True)
                if state.connection.terminal_reason is not None:
                    break
    return store.state.connection.terminal_reason == "fatal"


def main() -> None:
    """Read the command line and show prices; Ctrl-C ends it."""
    parser = argparse.ArgumentParser(description="Show live prices.")
    parser.add_argument("--url", default="ws://127.0.0.1:8701/", help="the server (%(default)s)")
    parser.add_argument("--record", type=Path, metavar="LOG", help="a new .jsonl file")
    options = parser.parse_args()
    try:
        store = make_ticker(options.url, options.record)
    except (RefoldError, ValueError) as error:
        parser.error(str(error))
    with suppress(KeyboardInterrupt):
        sys.exit(asyncio.run(watch(store, Console(highlight=False))))


if __name__ == "__main__":
    main()
