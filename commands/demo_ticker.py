"""The demo's own slice: prices as they come in, and orders until they are confirmed.

What belongs here: what an application of its own would put into its rooms `actions/` and
`reducers/`; it stands in one file so that a newcomer can read it in one go.
"""

from __future__ import annotations

from decimal import Decimal

import attrs
from pyrsistent import PMap, PVector, pmap, pvector

from refold.actions.action import Action, action
from refold.reducers.evolve import evolve
from refold.reducers.reducer import Reducer

__all__ = [
    "OrderConfirmed",
    "OrderPlaced",
    "PriceArrived",
    "SymbolPrice",
    "TickerState",
    "ticker",
]


@action("demo/price_arrived")
class PriceArrived(Action):
    """The hub sent a price."""

    symbol: str
    """What is traded."""

    price: Decimal
    """In euros."""


@action("demo/order_placed")
class OrderPlaced(Action):
    """The client ordered something, connected or not."""

    number: int
    """From 1, in the order in which they were placed."""


@action("demo/order_confirmed")
class OrderConfirmed(Action):
    """The hub confirmed an order."""

    number: int
    """The order's number."""


@attrs.frozen
class SymbolPrice:
    """What is known of one symbol."""

    last: Decimal
    """The price that came last."""

    lowest: Decimal
    """The lowest one that came."""

    highest: Decimal
    """The highest one that came."""

    updates: int = 1
    """How many came."""


@attrs.frozen
class TickerState:
    """The demo's own slice."""

    prices: PMap[str, SymbolPrice] = attrs.field(default=pmap())
    """By symbol."""

    awaited_orders: PVector[int] = attrs.field(default=pvector())
    """The orders that the hub has not confirmed yet, oldest first."""

    confirmed_orders: PVector[int] = attrs.field(default=pvector())
    """The orders that the hub has confirmed, in the order of their confirmations."""


ticker = Reducer(TickerState())
"""Folds prices and orders."""


@ticker.on(PriceArrived)
def _update_price(state: TickerState, action: PriceArrived) -> TickerState:
    known = state.prices.get(action.symbol)
    price = action.price
    following = (
        SymbolPrice(price, price, price)
        if known is None
        else SymbolPrice(
            last=price,
            lowest=min(known.lowest, price),
            highest=max(known.highest, price),
            updates=known.updates + 1,
        )
    )
    return evolve(state, prices=state.prices.set(action.symbol, following))


@ticker.on(OrderPlaced)
def _place_order(state: TickerState, action: OrderPlaced) -> TickerState:
    return evolve(state, awaited_orders=state.awaited_orders.append(action.number))


@ticker.on(OrderConfirmed)
def _mark_confirmed(state: TickerState, action: OrderConfirmed) -> TickerState:
    if action.number not in state.awaited_orders:
        return state
    return evolve(
        state,
        awaited_orders=state.awaited_orders.remove(action.number),
        confirmed_orders=state.confirmed_orders.append(action.number),
    )
