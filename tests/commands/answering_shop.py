"""A run of the shop in which articles are put into the cart in answer to others."""

from __future__ import annotations

import itertools
from pathlib import Path

from refold.middleware.record import record
from refold.middleware.timestamps import timestamps
from refold.store.store import Store
from tests.commands.shop_application import PutArticleIntoCart, ShopState, root

__all__ = ["record_answers"]

_ANSWERS = {"apple": "pear", "pear": "plum"}


async def record_answers(path: Path) -> None:
    """Record a pit (1), an apple (2), the pear that answers it (3), and the plum for that (4)."""
    clock = itertools.count(1_800_000_000)
    middleware = [timestamps(lambda: next(clock)), record(path)]
    store: Store[ShopState] = Store(root, middleware=middleware)

    def answer() -> None:
        counts = store.state.cart.counts
        for article, following in _ANSWERS.items():
            if article in counts and following not in counts:
                store.dispatch(PutArticleIntoCart(following))

    async with store:
        store.subscribe(answer)
        store.dispatch(PutArticleIntoCart("pit"))
        store.dispatch(PutArticleIntoCart("apple"))
