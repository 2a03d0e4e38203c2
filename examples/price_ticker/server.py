"""A server of made-up prices.

Run it:  python examples/price_ticker/server.py
Stop it with Ctrl-C, or kill it without mercy: its clients come back when it does.

It knows nothing of refold.  Each message is a JSON text:

    {"type": "price", "symbol": "BASIL", "cents": 1284}
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
from collections.abc import Iterator
from contextlib import suppress

from aiohttp import web

OPENING_CENTS = {"AMBER": 42_310, "BASIL": 1_280, "CLOVE": 9_755, "DILL": 640}
"""The symbols, and where each price begins."""

_LARGEST_STEP = 0.01
"""Of the price; the smallest step is a cent."""


def walk_prices(seed: int) -> Iterator[tuple[str, int]]:
    """Yield one changed price after another, as symbol and cents, for ever; a seed has one walk."""
    chance = random.Random(seed)  # noqa: S311  # a made-up price is no secret
    cents = dict(OPENING_CENTS)
    while True:
        symbol = chance.choice(list(cents))
        step = max(1, round(cents[symbol] * chance.uniform(0, _LARGEST_STEP)))
        cents[symbol] = max(1, cents[symbol] + chance.choice((-step, step)))
        yield symbol, cents[symbol]


class Market:
    """The present prices, and whoever waits for the next ones."""

    def __init__(self) -> None:
        """Open."""
        self._cents = dict(OPENING_CENTS)
        self._moved = asyncio.Condition()

    async def run(self, seed: int, seconds_per_price: float) -> None:
        """Let one price after another change, until cancelled."""
        for symbol, cents in walk_prices(seed):
            await asyncio.sleep(seconds_per_price)
            self._cents[symbol] = cents
            async with self._moved:
                self._moved.notify_all()

    async def welcome(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one client; reading is what answers pings, and notices that the client is gone."""
        client = web.WebSocketResponse()
        await client.prepare(request)
        feed = asyncio.create_task(self._feed(client))
        try:
            async for _ in client:
                pass
        finally:
            feed.cancel()
        return client

    async def _feed(self, client: web.WebSocketResponse) -> None:
        """Send every price, then each that differs from what was sent.

        A client that reads slowly misses prices in between, but never the latest.
        """
        sent: dict[str, int] = {}
        with suppress(ConnectionError):
            while True:
                for symbol, cents in tuple(self._cents.items()):
                    if sent.get(symbol) != cents:
                        price = {"type": "price", "symbol": symbol, "cents": cents}
                        await client.send_str(json.dumps(price))
                        sent[symbol] = cents
                async with self._moved:
                    await self._moved.wait_for(lambda: self._cents != sent)


async def serve(host: str, port: int, seed: int, seconds_per_price: float) -> None:
    """Serve until cancelled; print the address once it can be used."""
    market = Market()
    application = web.Application()
    application.router.add_get("/", market.welcome)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        print(f"prices at ws://{host}:{runner.addresses[0][1]}/ (Ctrl-C ends this)", flush=True)
        await market.run(seed, seconds_per_price)
    finally:
        await runner.cleanup()


def main() -> None:
    """Read the command line and serve; Ctrl-C ends it."""
    parser = argparse.ArgumentParser(description="Send made-up prices.")
    parser.add_argument("--host", default="127.0.0.1", help="where to listen (%(default)s)")
    parser.add_argument("--port", type=int, default=8701, help="0 for a free one (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="another one, another walk")
    parser.add_argument("--every", type=float, default=0.2, help="seconds per price (%(default)s)")
    options = parser.parse_args()
    if not 0 < options.every < float("inf"):
        parser.error(f"--every must be more than 0 seconds, got {options.every:g}")
    try:
        asyncio.run(serve(options.host, options.port, options.seed, options.every))
    except (OSError, OverflowError) as error:
        parser.error(f"cannot listen on {options.host}, port {options.port}: {error}")
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
