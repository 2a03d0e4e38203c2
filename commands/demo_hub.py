"""`DemoHub`: a price hub on the loopback interface that fails when it is told to.

What belongs here: the server's side of the demo.  What does not: anything of refold's; the hub is a
plain aiohttp server, so that the client meets what it would meet outside.
"""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

import attrs
import orjson
from aiohttp import WSMsgType, web

if TYPE_CHECKING:
    from collections.abc import Generator
    from types import TracebackType
    from typing import Self

__all__ = ["DemoHub"]

_HOST: Final = "127.0.0.1"
_PRICE_EVERY_SECONDS: Final = 0.05
_SERVICE_RESTART: Final = 1012
"""The close code that RFC 6455's registry has for a server that restarts."""

_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)
"""SO_LINGER on, 0 seconds: closing sends RST and drops what was not sent."""


@attrs.define(eq=False)
class _Guest:
    """One client that is connected."""

    response: web.WebSocketResponse
    transport: asyncio.Transport
    is_ignored: bool = False


class DemoHub:
    """A server that sends prices and confirms orders; entered, it listens on a free port."""

    def __init__(self, seed: int = 7) -> None:
        """Prepare a hub whose prices follow from the seed."""
        self._random = random.Random(seed)  # noqa: S311  # prices, not secrets
        self._prices = {"OAK": 1200, "PINE": 450, "YEW": 3100}
        self._guests: list[_Guest] = []
        self._runner: web.AppRunner | None = None
        self._port = 0
        self._refusals_left = 0
        self._sends_prices = asyncio.Event()
        self._sends_prices.set()
        self.refusals = 0
        """How many clients were refused with HTTP 503."""
        self.welcomes = 0
        """How many clients were let in."""
        self.orders: list[int] = []
        """The numbers of the orders that arrived, in order."""

    @property
    def url(self) -> str:
        """Where the hub listens, the same after a restart."""
        return f"ws://{_HOST}:{self._port}/prices"

    @property
    def symbols(self) -> frozenset[str]:
        """What is traded."""
        return frozenset(self._prices)

    @contextmanager
    def sending_no_prices(self) -> Generator[None]:
        """Be quiet inside the block; orders and pings are still answered."""
        self._sends_prices.clear()
        try:
            yield
        finally:
            self._sends_prices.set()

    def refuse_next(self, count: int) -> None:
        """Answer the next clients with HTTP 503."""
        self._refusals_left = count

    def reset_connections(self) -> None:
        """Drop every client as a crashed machine does: a TCP reset, no close frame."""
        for guest in self._guests:
            raw = guest.transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            guest.transport.abort()

    def fall_silent(self) -> None:
        """Keep the present clients connected, but send and answer nothing any more."""
        for guest in self._guests:
            guest.is_ignored = True

    async def start(self) -> None:
        """Listen; on the port of the last time, if there was one."""
        application = web.Application()
        application.router.add_get("/prices", self._welcome)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, _HOST, self._port).start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Close every connection as a server does that restarts, and listen no more."""
        for guest in tuple(self._guests):
            with suppress(ConnectionError):
                await guest.response.close(code=_SERVICE_RESTART, message=b"restarting")
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop."""
        await self.stop()

    async def _welcome(self, request: web.Request) -> web.StreamResponse:
        if self._refusals_left:
            self._refusals_left -= 1
            self.refusals += 1
            return web.Response(status=503, text="the hub is starting")
        transport = request.transport
        response = web.WebSocketResponse(autoping=False, timeout=1)
        await response.prepare(request)
        if transport is None:
            return response
        self.welcomes += 1
        guest = _Guest(response, transport)
        self._guests.append(guest)
        try:
            async with asyncio.TaskGroup() as tasks:
                feed = tasks.create_task(self._send_prices(guest))
                await self._answer_messages(guest)
                feed.cancel()
        finally:
            self._guests.remove(guest)
        return response

    async def _answer_messages(self, guest: _Guest) -> None:
        async for message in guest.response:
            if guest.is_ignored:
                continue
            with suppress(ConnectionError):
                if message.type is WSMsgType.PING:
                    await guest.response.pong(message.data)
                elif message.type is WSMsgType.TEXT:
                    await self._confirm_order(guest, orjson.loads(message.data))

    async def _confirm_order(self, guest: _Guest, order: dict[str, Any]) -> None:
        number = int(order["number"])
        self.orders.append(number)
        await _send(guest, {"type": "order_confirmed", "number": number})

    async def _send_prices(self, guest: _Guest) -> None:
        with suppress(ConnectionError):
            while not guest.is_ignored:
                await self._sends_prices.wait()
                name = self._random.choice(sorted(self._prices))
                self._prices[name] += self._random.randint(-15, 15)
                price = f"{self._prices[name] / 100:.2f}"
                await _send(guest, {"type": "price", "symbol": name, "price": price})
                await asyncio.sleep(_PRICE_EVERY_SECONDS)


async def _send(guest: _Guest, message: dict[str, Any]) -> None:
    await guest.response.send_str(orjson.dumps(message).decode())
