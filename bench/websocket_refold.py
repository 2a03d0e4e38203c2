"""refold's `WebSocketConnection` with its default options, the heartbeat among them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import attrs
import orjson

from refold.middleware.message_handlers import MessageHandlers
from refold.middleware.outbound_message import Message
from refold.middleware.websocket_connection import WebSocketConnection
from refold.reducers.combine_reducers import combine_reducers
from refold.reducers.connection import ConnectionState, connection_reducer
from refold.store.store import Store
from websocket_contestant import Client, Tally
from websocket_messages import MESSAGES_OF_A_PASS, TEXTS_TO_SEND
from websocket_readings import (
    ReadingsState,
    SensorReadingArrived,
    SensorWasRead,
    make_readings_reducer,
    structure_reading,
)
from work import Outcome

__all__ = [
    "open_refold_callback",
    "open_refold_dispatcher",
    "open_refold_receiver",
    "open_refold_sender",
]


@attrs.frozen
class _Root:
    connection: ConnectionState
    readings: ReadingsState


@asynccontextmanager
async def open_refold_callback(url: str) -> AsyncGenerator[Client]:
    """Read JSON and make objects by cattrs in ``on_message``, with a table of handlers by type."""
    tally = Tally()

    def handle(reading: SensorWasRead) -> None:
        tally.add(reading.count)

    handlers = {"sensor_was_read": (SensorWasRead, handle)}

    def on_message(text: Message) -> None:
        data = orjson.loads(text)
        kind, handler = handlers[data["type"]]
        handler(structure_reading(data, kind))

    async with _connected(url, on_message) as (_, connection):
        yield _RefoldReceiver(connection, tally, tally.outcome)


@asynccontextmanager
async def open_refold_receiver(url: str) -> AsyncGenerator[Client]:
    """Give typed messages to one handler; the state does not change."""
    tally, handlers = Tally(), MessageHandlers()

    def handle(reading: SensorWasRead) -> None:
        tally.add(reading.count)

    handlers.on(SensorWasRead, handle)
    async with _connected(url, handlers=handlers) as (_, connection):
        yield _RefoldReceiver(connection, tally, tally.outcome)


@asynccontextmanager
async def open_refold_dispatcher(url: str) -> AsyncGenerator[Client]:
    """Dispatch one action per typed message; what came out is read from the state."""
    tally, handlers = Tally(), MessageHandlers()
    async with _connected(url, handlers=handlers) as (store, connection):

        def handle(reading: SensorWasRead) -> None:
            store.dispatch(SensorReadingArrived(reading.sensor, reading.value, reading.count))
            tally.add(0)  # only to know when a pass is over

        def outcome() -> Outcome:
            return [[store.state.readings.messages, store.state.readings.total]]

        handlers.on(SensorWasRead, handle)
        yield _RefoldReceiver(connection, tally, outcome)


@asynccontextmanager
async def open_refold_sender(url: str) -> AsyncGenerator[Client]:
    """Call ``send`` for each message."""
    reports: asyncio.Queue[Message] = asyncio.Queue()
    async with _connected(url, reports.put_nowait) as (_, connection):
        yield _RefoldSender(connection, reports)


@asynccontextmanager
async def _connected(
    url: str,
    on_message: Callable[[Message], None] | None = None,
    handlers: MessageHandlers | None = None,
) -> AsyncGenerator[tuple[Store[_Root], WebSocketConnection]]:
    connection = WebSocketConnection(
        url, on_message=on_message, handlers=handlers, connects_at_once=False
    )
    reducer = combine_reducers(
        _Root, connection=connection_reducer, readings=make_readings_reducer()
    )
    async with Store(reducer, middleware=[connection]) as store:
        await connection.connect(wait=True)
        yield store, connection


class _RefoldReceiver:
    def __init__(
        self, connection: WebSocketConnection, tally: Tally, outcome: Callable[[], Outcome]
    ) -> None:
        self._connection = connection
        self._tally = tally
        self.outcome = outcome

    async def do(self, passes: int) -> None:
        """Ask for the messages, and wait until all are handled."""
        self._connection.send(f"flood {passes}")
        await self._tally.more(passes * MESSAGES_OF_A_PASS)


class _RefoldSender:
    def __init__(self, connection: WebSocketConnection, reports: asyncio.Queue[Message]) -> None:
        self._connection = connection
        self._reports = reports
        self._report: list[int | str] = []

    async def do(self, passes: int) -> None:
        """Send, and wait for the server to have all."""
        send = self._connection.send
        for _ in range(passes):
            for text in TEXTS_TO_SEND:
                send(text)
            send("report")
            self._report = orjson.loads(await self._reports.get())

    def outcome(self) -> Outcome:
        """Return what the server has received."""
        return [self._report]
