"""The demo's slice: prices and orders."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from refold.commands.demo_ticker import (
    OrderConfirmed,
    OrderPlaced,
    PriceArrived,
    SymbolPrice,
    TickerState,
    ticker,
)

if TYPE_CHECKING:
    from decimal import Decimal

prices = st.decimals(0, 100, places=2)


@given(st.lists(prices, min_size=1))
def test_a_symbol_knows_its_last_and_extreme_prices(values: list[Decimal]) -> None:
    """The last, lowest and highest price and their number are those of all updates."""
    updates = [PriceArrived("OAK", value) for value in values]
    state = reduce(ticker, updates, TickerState())
    expected = SymbolPrice(values[-1], min(values), max(values), len(values))
    assert state.prices["OAK"] == expected


def test_an_order_is_awaited_until_it_is_confirmed() -> None:
    """A confirmation moves an order; one of an unknown order changes nothing."""
    placed = ticker(TickerState(), OrderPlaced(1))
    assert list(placed.awaited_orders) == [1]
    assert ticker(placed, OrderConfirmed(2)) is placed
    confirmed = ticker(placed, OrderConfirmed(1))
    assert (list(confirmed.awaited_orders), list(confirmed.confirmed_orders)) == ([], [1])
