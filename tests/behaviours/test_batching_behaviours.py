"""Behaviour 197: batched actions tell their subscribers once per step of the loop.

What belongs here: `Store(batch=)`.  What does not: transactions, which are one commit.
"""

from __future__ import annotations

import asyncio

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refold.actions.action import Action, action
from refold.errors import NotAnActionError
from refold.reducers.reducer import Reducer
from refold.store.store import Store


@attrs.frozen
class Market:
    """The last price and the number of orders."""

    price: int = 0
    orders: int = 0


@action("batching_behaviours/price_ticked")
class PriceTicked(Action):
    """A price changed; there are thousands a second."""

    price: int


@action("batching_behaviours/order_placed")
class OrderPlaced(Action):
    """Somebody ordered."""


market = Reducer(Market())


@market.on(PriceTicked)
def _(state: Market, action: PriceTicked) -> Market:
    return attrs.evolve(state, price=action.price)


@market.on(OrderPlaced)
def _(state: Market, _action: OrderPlaced) -> Market:
    return attrs.evolve(state, orders=state.orders + 1)


def watched(seconds: float | None = None) -> tuple[Store[Market], list[Market]]:
    """Return a store that batches ticks, and the states that its subscriber saw."""
    store = Store(market, batch=[PriceTicked], batch_seconds=seconds)
    seen: list[Market] = []
    store.subscribe(lambda: seen.append(store.state))
    return store, seen


async def test_197_batched_actions_notify_once_at_the_end_of_the_tick() -> None:
    """Behaviour 197: many ticks in one step are told once, and the state is never late."""
    store, seen = watched()
    for price in range(1, 101):
        store.dispatch(PriceTicked(price))
        assert store.state.price == price
    assert seen == []
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert seen == [Market(100)]


async def test_197_an_ordinary_action_notifies_at_once_and_settles_the_batch() -> None:
    """Behaviour 197: it tells of the ticks before it too, and nothing is told twice."""
    store, seen = watched()
    store.dispatch(PriceTicked(1))
    store.dispatch(OrderPlaced())
    assert seen == [Market(1, 1)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert seen == [Market(1, 1)]


async def test_197_a_selection_hears_of_a_batched_change_with_its_first_and_last_value() -> None:
    """Behaviour 197: a selector's subscriber gets the last value and the one told before."""
    store, _ = watched()
    prices: list[tuple[int, int]] = []
    store.subscribe(lambda new, old: prices.append((new, old)), select=lambda state: state.price)
    for price in (1, 2, 3):
        store.dispatch(PriceTicked(price))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert prices == [(3, 0)]


@given(st.lists(st.sampled_from(["tick", "order", "step"])))
def test_197_every_change_is_told_and_none_twice(script: list[str]) -> None:
    """Behaviour 197: after any run the subscriber's last state is the store's, none repeated."""

    async def run() -> None:
        store, seen = watched()
        price = 0
        for word in script:
            if word == "tick":
                price += 1
                store.dispatch(PriceTicked(price))
            elif word == "order":
                store.dispatch(OrderPlaced())
            else:
                await asyncio.sleep(0)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert len(set(seen)) == len(seen)
        assert seen[-1:] == ([store.state] if {"tick", "order"} & set(script) else [])

    asyncio.run(run())


@pytest.mark.looptime
async def test_197_a_batch_may_last_some_time() -> None:
    """Behaviour 197: with batch_seconds they are told together after that time."""
    store, seen = watched(0.05)
    for price in range(5):
        store.dispatch(PriceTicked(price))
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.02)
    assert seen == [Market(4)]


async def test_197_leaving_the_store_settles_the_batch() -> None:
    """Behaviour 197: what was not told yet is told when the store is left."""
    store, seen = watched(60)
    async with store:
        store.dispatch(PriceTicked(7))
    assert seen == [Market(7)]


def test_197_without_an_event_loop_all_is_told_at_once() -> None:
    """Behaviour 197: where there are no steps there is nothing to wait for."""
    store, seen = watched()
    store.dispatch(PriceTicked(1))
    assert seen == [Market(1)]


async def test_197_a_transaction_is_told_at_its_end() -> None:
    """Behaviour 197: a transaction of batched actions is one ordinary notification."""
    store, seen = watched()
    store.dispatch(PriceTicked(1))
    with store.transaction():
        store.dispatch(PriceTicked(2))
        store.dispatch(PriceTicked(3))
    assert seen == [Market(3)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert seen == [Market(3)]


@pytest.mark.parametrize("wrong", [[OrderPlaced()], ["price"], [Market]])
def test_197_only_action_classes_are_batched(wrong: list[object]) -> None:
    """Behaviour 197: anything else is refused with what to pass."""
    with pytest.raises(NotAnActionError, match=r"batch=\[PriceTicked\]"):
        Store(market, batch=wrong)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_197_the_time_is_positive() -> None:
    """Behaviour 197: no time at all is the default, said by None."""
    with pytest.raises(ValueError, match="more than 0"):
        Store(market, batch_seconds=0)
