"""An order book, and four bugs that can be planted in it."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from functools import partial
from typing import Final

import attrs
from pyrsistent import PMap, PVector, pmap, pvector

from refold.actions.action import Action, action
from refold.reducers.evolve import evolve
from tests.testing.laws.planted.planted_bug import Handler, PlantedBug, reducer_of

__all__ = ["BUGS"]


class Side(enum.StrEnum):
    """Which way an order goes."""

    BUY = "buy"
    SELL = "sell"


@attrs.frozen
class Order:
    """An order that waits."""

    side: Side
    price_cents: int
    quantity: int


NO_ORDERS: Final[PMap[str, Order]] = pmap()
NO_IDS: Final[PVector[str]] = pvector()


@attrs.frozen
class OrderBook:
    """All orders that wait, and how many went."""

    orders: PMap[str, Order] = NO_ORDERS
    arrival: PVector[str] = NO_IDS
    accepted_count: int = 0
    gone_count: int = 0
    amended_count: int = 0
    is_halted: bool = False


@action("planted_book/order_placed")
class OrderPlaced(Action):
    """Somebody wants to buy or sell."""

    order_id: str
    side: Side
    price_cents: int = attrs.field(validator=attrs.validators.ge(1))
    quantity: int = attrs.field(validator=attrs.validators.ge(1))


@action("planted_book/order_amended")
class OrderAmended(Action):
    """Another quantity is wanted."""

    order_id: str
    quantity: int = attrs.field(validator=attrs.validators.ge(1))


@action("planted_book/order_cancelled")
class OrderCancelled(Action):
    """It is wanted no longer."""

    order_id: str


@action("planted_book/best_bid_taken")
class BestBidTaken(Action):
    """Somebody sold to who pays most."""


@action("planted_book/trading_halted")
class TradingHalted(Action):
    """No orders are accepted for now."""


@action("planted_book/trading_resumed")
class TradingResumed(Action):
    """They are again."""


def _place(state: OrderBook, action: OrderPlaced) -> OrderBook:
    if state.is_halted or action.order_id in state.orders:
        return state
    return _place_whatever_is_there(state, action)


def _place_whatever_is_there(state: OrderBook, action: OrderPlaced) -> OrderBook:
    order = Order(action.side, action.price_cents, action.quantity)
    known = action.order_id in state.orders
    return evolve(
        state,
        orders=state.orders.set(action.order_id, order),
        arrival=state.arrival if known else state.arrival.append(action.order_id),
        accepted_count=state.accepted_count + 1,
    )


def _amend(state: OrderBook, action: OrderAmended) -> OrderBook:
    order = state.orders.get(action.order_id)
    if order is None or order.quantity == action.quantity:
        return state
    return evolve(
        state,
        orders=state.orders.set(action.order_id, evolve(order, quantity=action.quantity)),
        amended_count=state.amended_count + 1,
    )


def _amend_in_place(state: OrderBook, action: OrderAmended) -> OrderBook:
    order = state.orders.get(action.order_id)
    if order is None:
        return state
    object.__setattr__(order, "quantity", action.quantity)
    return evolve(state, amended_count=state.amended_count + 1)


def _cancel(state: OrderBook, action: OrderCancelled) -> OrderBook:
    return _without(state, action.order_id) if action.order_id in state.orders else state


def _cancel_but_keep_the_arrival(state: OrderBook, action: OrderCancelled) -> OrderBook:
    if action.order_id not in state.orders:
        return state
    orders = state.orders.remove(action.order_id)
    return evolve(state, orders=orders, gone_count=state.gone_count + 1)


def _take_best_bid(state: OrderBook, action: BestBidTaken) -> OrderBook:
    if not any(order.side is Side.BUY for order in state.orders.values()):
        return state
    return _take_a_bid(state, action)


def _take_a_bid(state: OrderBook, _action: BestBidTaken) -> OrderBook:
    bids = [one for one in state.arrival if state.orders[one].side is Side.BUY]
    return _without(state, max(bids, key=lambda one: state.orders[one].price_cents))


def _halt(state: OrderBook, _action: TradingHalted) -> OrderBook:
    return state if state.is_halted else evolve(state, is_halted=True)


def _resume(state: OrderBook, _action: TradingResumed) -> OrderBook:
    return evolve(state, is_halted=False) if state.is_halted else state


def _without(state: OrderBook, order_id: str) -> OrderBook:
    return evolve(
        state,
        orders=state.orders.remove(order_id),
        arrival=state.arrival.remove(order_id),
        gone_count=state.gone_count + 1,
    )


def every_accepted_order_waits_or_went(state: OrderBook) -> bool:
    """No order is lost."""
    return len(state.orders) + state.gone_count == state.accepted_count


def those_that_wait_are_in_line(state: OrderBook) -> bool:
    """The line of arrival has those orders, and no others."""
    return set(state.arrival) == set(state.orders)


HANDLERS: Final[Mapping[type[Action], Handler]] = {
    OrderPlaced: _place,
    OrderAmended: _amend,
    OrderCancelled: _cancel,
    BestBidTaken: _take_best_bid,
    TradingHalted: _halt,
    TradingResumed: _resume,
}

_EMPTY: Final = OrderBook()
_make = partial(reducer_of, _EMPTY)
_sound = partial(_make, HANDLERS)

BUGS: Final = (
    PlantedBug(
        kind="mutates its input through a hidden reference",
        place="an order is amended in place",
        broken=partial(_make, {**HANDLERS, OrderAmended: _amend_in_place}),
        sound=_sound,
        law="input_untouched",
        shortest=2,
    ),
    PlantedBug(
        kind="raises on an empty collection",
        place="the best of no bids",
        broken=partial(_make, {**HANDLERS, BestBidTaken: _take_a_bid}),
        sound=_sound,
        law="never_raises",
        shortest=1,
    ),
    PlantedBug(
        kind="loses an update when two keys collide",
        place="two orders with one id",
        broken=partial(_make, {**HANDLERS, OrderPlaced: _place_whatever_is_there}),
        sound=_sound,
        law="every_accepted_order_waits_or_went",
        shortest=2,
        invariants=(every_accepted_order_waits_or_went,),
    ),
    PlantedBug(
        kind="keeps a stale id after removal",
        place="a cancelled order stays in line",
        broken=partial(_make, {**HANDLERS, OrderCancelled: _cancel_but_keep_the_arrival}),
        sound=_sound,
        law="those_that_wait_are_in_line",
        shortest=2,
        invariants=(those_that_wait_are_in_line,),
    ),
)
"""The bugs of the order book."""
