"""A customer who fills a cart and pays, and believes that all goes well until it does not.

Run it:  python examples/shopping_cart/client.py [PRODUCT=COUNT ...]
It needs examples/shopping_cart/server.py, and waits for it.  Ctrl-C ends it.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import aiohttp

from refold import Listeners, RefoldError, Store, record, timestamps
from refold.middleware.operations import operations

if not __package__:  # started by its path: `examples` is found beside the README of the checkout
    sys.path.insert(0, str(Path(__file__).parents[2]))

from examples.shopping_cart.questions import Articles, check_out, reserve, visit
from examples.shopping_cart.state import (
    Shopping,
    StockRanLow,
    root,
    select_cart_line,
    select_notice,
    select_order,
)

if TYPE_CHECKING:
    from examples.shopping_cart.questions import Asks
    from refold import Effect, Middleware
    from refold.actions.operation_actions import OperationFulfilled

__all__ = ["HttpShop", "buy", "make_shopping"]

WANTED = ("AMBER=2", "BASIL=1", "CLOVE=2", "DILL=1", "BASIL=3", "CLOVE=2")
"""What is bought unless something else is said; the shop has not all of it."""

_FEW = 2
"""So many left are worth a word."""

_LOOK_AGAIN_SECONDS = 0.3


class HttpShop:
    """The shop, asked by HTTP."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        """Ask it at this address."""
        self._url = url.rstrip("/")
        self._session = session

    async def ask(self, question: str, body: dict[str, Any]) -> dict[str, Any]:
        """Return the answer; one with ``refused`` says why there is no other."""
        try:
            async with self._session.post(f"{self._url}/{question}", json=body) as answer:
                found: dict[str, Any] = await answer.json()
                return found
        except (aiohttp.ClientError, ValueError):
            return {"refused": "the shop does not answer"}


def make_shopping(shop: Asks, log: Path | None = None) -> Store[Shopping]:
    """Return a store that asks a shop while it is entered.

    Args:
        shop: whom the operations ask.
        log: a new .jsonl file in which every action is recorded; None for none.
    """
    listeners = Listeners(Shopping)

    @listeners.on(reserve.fulfilled)
    async def warn_of_low_stock(
        action: OperationFulfilled[Articles, int], fx: Effect[Shopping]
    ) -> None:
        if action.value <= _FEW:
            fx.dispatch(StockRanLow(action.argument.product, action.value))

    middleware: list[Middleware[Shopping]] = [timestamps(), operations(extra=shop)]
    if log is not None:
        middleware.append(record(log))
    return Store(root, middleware=middleware, listeners=[listeners])


async def buy(store: Store[Shopping], wanted: list[Articles]) -> bool:
    """Wait for the shop, put everything into the cart at once, and pay; return whether it worked.

    The customer is impatient and asks to pay twice: the condition of `check_out` lets one through.
    """
    while isinstance(await store.dispatch(visit("somebody")), visit.rejected):  # noqa: ASYNC110  # no event
        await asyncio.sleep(_LOOK_AGAIN_SECONDS)
    await asyncio.gather(*[store.dispatch(reserve(articles)) for articles in wanted])
    order = select_order(store.state)
    paying, _again = [store.dispatch(check_out(order)) for _ in range(2)]
    return isinstance(await paying, check_out.fulfilled)


async def main(url: str, wanted: list[Articles], log: Path | None) -> bool:
    """Buy, and print each change of the cart and whatever the customer is told."""
    async with (
        aiohttp.ClientSession() as session,
        make_shopping(HttpShop(url, session), log) as store,
    ):
        store.subscribe(lambda line, _: print(line), select=select_cart_line)
        store.subscribe(lambda notice, _: print(notice), select=select_notice)
        return await buy(store, wanted)


def articles_of(text: str) -> Articles:
    """Return what ``PRODUCT=COUNT`` means.

    Raises:
        ValueError: it is not of that form, or the count is not 1 or more.
    """
    product, _, count = text.partition("=")
    if not product or int(count) < 1:
        raise ValueError(text)
    return Articles(product, int(count))


def url_of(text: str) -> str:
    """Return the text if it can be an address of a shop.

    Raises:
        ValueError: it is not of the form ``http://host:port/``.
    """
    if not urlsplit(text).hostname or urlsplit(text).scheme != "http":
        raise ValueError(text)
    return text


def parse_and_run() -> None:
    """Read the command line and buy; Ctrl-C ends it."""
    parser = argparse.ArgumentParser(description="Fill a cart and pay.")
    parser.add_argument("wanted", nargs="*", type=articles_of, metavar="PRODUCT=COUNT")
    address = "http://127.0.0.1:8704/"
    parser.add_argument("--url", type=url_of, default=address, help="the shop (%(default)s)")
    parser.add_argument("--record", type=Path, metavar="LOG", help="a new .jsonl file")
    options = parser.parse_args()
    wanted = options.wanted or [articles_of(text) for text in WANTED]
    try:
        with suppress(KeyboardInterrupt):
            if not asyncio.run(main(options.url, wanted, options.record)):
                sys.exit("nothing was bought")
    except RefoldError as error:
        parser.error(str(error))


if __name__ == "__main__":
    parse_and_run()
