"""A shop that is slow, is busy now and then, and has not everything.

Run it:  python examples/shopping_cart/server.py
Stop it with Ctrl-C, or kill it without mercy: its customers get no answer then.

It knows nothing of refold.  Questions are posted, and answered, as JSON; an answer with ``refused``
says why:

    POST /visit    {"customer": "Ada"}                  {"products": ["AMBER", "BASIL"]}
    POST /reserve  {"product": "BASIL", "count": 2}     {"left": 10}
    POST /order    {"lines": [{"product": ...}]}        {"number": 1, "cents": 500}
"""

from __future__ import annotations

import argparse
import asyncio
import random
from typing import Any

import attrs
from aiohttp import web

__all__ = ["Shop"]


@attrs.define
class Product:
    """Something to buy."""

    left: int
    """How many are not reserved."""

    cents: int
    """What one costs."""


class Shop:
    """The stock, and the answers."""

    def __init__(self, seed: int, slow_seconds: float, busy: float) -> None:
        """Open.

        Args:
            seed: of all that happens by chance.
            slow_seconds: the longest time that an answer takes.
            busy: how often a reservation is refused because nobody has time, from 0 to 1.
        """
        self._chance = random.Random(seed)  # noqa: S311  # no secret
        self._slow_seconds = slow_seconds
        self._busy = busy
        self._orders = 0
        self._products = {
            "AMBER": Product(5, 1_200),
            "BASIL": Product(12, 250),
            "CLOVE": Product(3, 975),
            "DILL": Product(0, 640),
        }

    async def visit(self, _request: web.Request) -> web.Response:
        """Say what there is."""
        return web.json_response({"products": list(self._products)})

    async def reserve(self, request: web.Request) -> web.Response:
        """Put articles aside, if there are enough."""
        body = await request.json()
        await asyncio.sleep(self._chance.uniform(0, self._slow_seconds))
        product, count = self._products.get(body["product"]), body["count"]
        if product is None:
            return _refuse("not sold here")
        if self._chance.random() < self._busy:
            return _refuse("the shop is busy")
        if product.left < count:
            return _refuse(f"only {product.left} left" if product.left else "sold out")
        product.left -= count
        return web.json_response({"left": product.left})

    async def order(self, request: web.Request) -> web.Response:
        """Sell what was put aside."""
        lines: list[dict[str, Any]] = (await request.json())["lines"]
        await asyncio.sleep(self._chance.uniform(0, self._slow_seconds))
        self._orders += 1
        cents = sum(self._products[line["product"]].cents * line["count"] for line in lines)
        return web.json_response({"number": self._orders, "cents": cents})


def _refuse(reason: str) -> web.Response:
    return web.json_response({"refused": reason})


async def serve(host: str, port: int, shop: Shop) -> None:
    """Serve until cancelled; print the address once it can be used."""
    application = web.Application()
    for answer in (shop.visit, shop.reserve, shop.order):
        application.router.add_post(f"/{answer.__name__}", answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        print(f"shop at http://{host}:{runner.addresses[0][1]}/ (Ctrl-C ends this)", flush=True)
        await asyncio.get_running_loop().create_future()
    finally:
        await runner.cleanup()


def main() -> None:
    """Read the command line and serve; Ctrl-C ends it."""
    parser = argparse.ArgumentParser(description="Sell a few things.")
    parser.add_argument("--host", default="127.0.0.1", help="where to listen (%(default)s)")
    parser.add_argument("--port", type=int, default=8704, help="0 for a free one (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="another one, another day")
    parser.add_argument("--slow", type=float, default=1.0, help="seconds at most (%(default)s)")
    parser.add_argument("--busy", type=float, default=0.1, help="how often, 0 to 1 (%(default)s)")
    options = parser.parse_args()
    if not 0 <= options.slow < float("inf"):
        parser.error(f"--slow must be 0 seconds or more, got {options.slow:g}")
    if not 0 <= options.busy <= 1:
        parser.error(f"--busy must be from 0 to 1, got {options.busy:g}")
    shop = Shop(options.seed, options.slow, options.busy)
    try:
        asyncio.run(serve(options.host, options.port, shop))
    except (OSError, OverflowError) as error:
        parser.error(f"cannot listen on {options.host}, port {options.port}: {error}")
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
