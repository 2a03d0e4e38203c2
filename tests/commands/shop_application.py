"""A small application whose runs the tests of the command line record."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import attrs
from pyrsistent import PMap, pmap

from refold.actions.action import Action, action
from refold.middleware.record import record
from refold.middleware.timestamps import timestamps
from refold.reducers.combine_reducers import combine_reducers
from refold.reducers.evolve import evolve
from refold.reducers.reducer import Reducer
from refold.store.dispatch_context import dispatching_as
from refold.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "NUMBER",
    "SHOP",
    "PutArticleIntoCart",
    "ShopState",
    "other_root",
    "raising_root",
    "record_run",
    "root",
    "wide_root",
]

NUMBER = 3
"""An attribute that is no reducer."""

SHOP = "tests.commands.shop_application"


@attrs.frozen
class CartState:
    """What is in the cart."""

    counts: PMap[str, int] = attrs.field(default=pmap())
    """By article."""


@attrs.frozen
class ShopState:
    """The root."""

    cart: CartState


@action("tests_of_commands/put_article_into_cart")
class PutArticleIntoCart(Action):
    """An article was put into the cart."""

    article: str
    count: int = 1


def _make_root(factor: int) -> Reducer[ShopState]:
    cart = Reducer(CartState())

    @cart.on(PutArticleIntoCart)
    def put(state: CartState, action: PutArticleIntoCart) -> CartState:
        count = state.counts.get(action.article, 0) + factor * action.count
        return evolve(state, counts=state.counts.set(action.article, count))

    return combine_reducers(ShopState, cart=cart)


root = _make_root(1)
other_root = _make_root(2)
"""Counts differently, so a replay by it differs from a run of `root`."""


wide_root = Reducer(ShopState(CartState()))
"""Touches many entries at once."""


@wide_root.on(PutArticleIntoCart)
def _(state: ShopState, action: PutArticleIntoCart) -> ShopState:
    counts = pmap({f"{action.article} {number}": number for number in range(9)})
    return evolve(state, cart=CartState(counts))


def raising_root(state: ShopState | None, _action: Action) -> ShopState:
    """Raise for every action but the first one, which asks for the initial state."""
    if state is None:
        return root.initial
    message = "out of stock"
    raise ValueError(message)


async def record_run(path: Path, articles: Iterable[str]) -> ShopState:
    """Record a run that puts each article into the cart, one per second; return its last state."""
    clock = iter(range(1_800_000_000, 1_900_000_000))
    middleware = [timestamps(lambda: next(clock)), record(path)]
    store: Store[ShopState] = Store(root, middleware=middleware)
    async with store:
        with dispatching_as("service:delivery"):
            for article in articles:
                store.dispatch(PutArticleIntoCart(article))
        return store.state
