"""`DemoClient`: the demo's program, a store with a real WebSocket connection.

What belongs here: what an application would write around refold's own parts.  What does not: what
is done with it, which `demo_steps` says.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson

from refold.commands.demo_application import DemoState, demo_root
from refold.commands.demo_ticker import (
    OrderConfirmed,
    OrderPlaced,
    PriceArrived,
)
from refold.middleware.record import record
from refold.middleware.timestamps import timestamps
from refold.middleware.websocket_connection import WebSocketConnection
from refold.middleware.websocket_options import WebSocketOptions
from refold.reducers.backoff_delay import Backoff
from refold.store.dispatch_context import dispatching_as
from refold.store.store import Store

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

__all__ = ["DEMO_OPTIONS", "DemoClient"]

DEMO_OPTIONS: Final = WebSocketOptions(
    connect_timeout=2.0,
    stable_after=0.3,
    heartbeat_interval=0.3,
    heartbeat_timeout=0.4,
    close_timeout=1.0,
    backoff=Backoff(initial_seconds=0.1, cap_seconds=0.5, floor_seconds=0.05),
)
"""A tenth of the usual durations and less, so that a whole life fits into some seconds."""

_LIMIT_SECONDS: Final = 4.0
"""What waits longer than this has failed; every wait of a good run ends within one second."""


class DemoClient:
    """A client of the hub; entered, it connects."""

    def __init__(self, url: str, log: Path) -> None:
        """Make the store; the log is created now.

        Args:
            url: where the hub listens.
            log: where to record.

        Raises:
            LogExistsError: there is a log already.
            LogWriteError: it cannot be created.
        """
        self.connection = WebSocketConnection(
            url, on_message=self.receive, options=DEMO_OPTIONS, connects_at_once=False
        )
        self.store: Store[DemoState] = Store(
            demo_root, middleware=[timestamps(), self.connection, record(log)]
        )
        self.orders_placed = 0
        """How many orders were placed; the last one has this number."""

    @property
    def state(self) -> DemoState:
        """What the client knows."""
        return self.store.state

    def place_order(self) -> int:
        """Order something, connected or not; return the order's number."""
        self.orders_placed += 1
        number = self.orders_placed
        self.store.dispatch(OrderPlaced(number))
        self.connection.send(orjson.dumps({"type": "order", "number": number}).decode())
        return number

    async def until(self, condition: Callable[[DemoState], bool]) -> bool:
        """Wait for a state; return False if it does not come in time."""
        try:
            async with asyncio.timeout(_LIMIT_SECONDS), aclosing(self.store.changes()) as states:
                async for state in states:
                    if condition(state):
                        return True
        except TimeoutError:
            pass
        return False

    async def __aenter__(self) -> Self:
        """Start the connection."""
        await self.store.__aenter__()
        return self

    async def __aexit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop everything and end the recording."""
        await self.store.__aexit__(error_type, error, traceback)

    def receive(self, text: str | bytes) -> None:
        """Turn what the hub sent into an action."""
        message: dict[str, Any] = orjson.loads(text)
        with dispatching_as("service:hub"):
            match message:
                case {"type": "price", "symbol": str(symbol), "price": str(price)}:
                    self.store.dispatch(PriceArrived(symbol, Decimal(price)))
                case {"type": "order_confirmed", "number": int(number)}:
                    self.store.dispatch(OrderConfirmed(number))
                case _:
                    problem = f"the hub sent a message of no known kind: {message!r:.100}"
                    raise ValueError(problem)
