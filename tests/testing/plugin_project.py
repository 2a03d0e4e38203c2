"""A small project for tests that run pytest: a shop with three slices, one inside another.

What belongs here: its files.  What does not: running pytest over it, which the tests do.
"""

from __future__ import annotations

from typing import Final

__all__ = ["NO_INI", "SHOP"]

NO_INI: Final = """
[tool.pytest.ini_options]
asyncio_default_fixture_loop_scope = "function"
filterwarnings = ["error"]
"""
"""Says nothing of refold."""

SHOP: Final = """
import attrs
from refold import Action, Reducer, action, combine_reducers, evolve


@attrs.frozen
class Cart:
    articles: int = 0


@attrs.frozen
class Desk:
    orders: int = 0


@attrs.frozen
class Shop:
    cart: Cart = Cart()
    desk: Desk = Desk()
    visits: int = 0


@action("plugin_shop/article_added")
class ArticleAdded(Action):
    pass


@action("plugin_shop/article_removed")
class ArticleRemoved(Action):
    pass


@action("plugin_shop/ordered")
class Ordered(Action):
    pass


def make_root(fewest=0, most_orders=10**9):
    cart, orders, visits = Reducer(Cart()), Reducer(0), Reducer(0)

    @cart.on(ArticleAdded)
    def _(state, action):
        return evolve(state, articles=state.articles + 1)

    @cart.on(ArticleRemoved)
    def _(state, action):
        return evolve(state, articles=max(state.articles - 1, fewest))

    @orders.on(Ordered)
    def _(state, action):
        if state == most_orders:
            raise OverflowError("too many orders")
        return state + 1

    return combine_reducers(
        Shop, cart=cart, desk=combine_reducers(Desk, orders=orders), visits=visits
    )


def is_never_negative(cart):
    return cart.articles >= 0


def loses_no_order(before, action, after):
    return after.desk.orders >= before.desk.orders


root = make_root()
root_below_zero = make_root(fewest=-1)
root_that_raises = make_root(most_orders=1)
invariants = {"cart": [is_never_negative], "": [loses_no_order]}
whole_invariants = [loses_no_order]
named_invariants = {"shop:root_below_zero::cart": is_never_negative}
misspelt_invariants = {"card": [is_never_negative]}
number = 5
"""
"""The module ``shop``."""
