"""Raw aiohttp: what a careful person writes around one socket that is never to come back.

`ClientWebSocketResponse.receive` in a loop, because ``async for`` takes a third longer; orjson; one
branch over the type.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import orjson

from websocket_contestant import Client, Tally
from websocket_messages import MESSAGES_OF_A_PASS, TEXTS_TO_SEND
from websocket_readings import SensorWasRead, structure_reading
from work import Outcome

__all__ = ["open_raw_receiver", "open_raw_sender", "open_raw_typed_receiver"]


@asynccontextmanager
async def open_raw_receiver(url: str) -> AsyncGenerator[Client]:
    """Give dictionaries to the handler."""
    tally = Tally()

    def handle(reading: dict[str, Any]) -> None:
        tally.add(reading["count"])

    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        yield _RawReceiver(socket, handle, tally)


@asynccontextmanager
async def open_raw_typed_receiver(url: str) -> AsyncGenerator[Client]:
    """Give objects of a class to the handler, made by cattrs as in refold's contestant."""
    tally = Tally()

    def handle(reading: SensorWasRead) -> None:
        tally.add(reading.count)

    def structure_and_handle(reading: dict[str, Any]) -> None:
        handle(structure_reading(reading, SensorWasRead))

    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        yield _RawReceiver(socket, structure_and_handle, tally)


@asynccontextmanager
async def open_raw_sender(url: str) -> AsyncGenerator[Client]:
    """Await ``send_str`` for each message."""
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        yield _RawSender(socket)


class _RawReceiver:
    def __init__(
        self,
        socket: aiohttp.ClientWebSocketResponse[Any],
        handle: Callable[[dict[str, Any]], None],
        tally: Tally,
    ) -> None:
        self._socket = socket
        self._handle = handle
        self.outcome = tally.outcome

    async def do(self, passes: int) -> None:
        """Ask for the messages, and handle them."""
        socket, handle = self._socket, self._handle
        await socket.send_str(f"flood {passes}")
        for _ in range(passes * MESSAGES_OF_A_PASS):
            message = await socket.receive()
            if message.type is not aiohttp.WSMsgType.TEXT:
                text = f"expected a text from the server, got {message!r}"
                raise RuntimeError(text)
            data = orjson.loads(message.data)
            if data["type"] == "sensor_was_read":
                handle(data)


class _RawSender:
    def __init__(self, socket: aiohttp.ClientWebSocketResponse[Any]) -> None:
        self._socket = socket
        self._report: list[int | str] = []

    async def do(self, passes: int) -> None:
        """Send, and wait for the server to have all."""
        socket = self._socket
        for _ in range(passes):
            for text in TEXTS_TO_SEND:
                await socket.send_str(text)
            await socket.send_str("report")
            self._report = orjson.loads(await socket.receive_str())

    def outcome(self) -> Outcome:
        """Return what the server has received."""
        return [self._report]
