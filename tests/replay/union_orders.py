"""An application whose types typing may give in the order in which another module wrote them."""

from __future__ import annotations

from typing import Literal, Optional, Union

import attrs
from pyrsistent import PVector, pvector

from refold.actions.action import Action, action
from refold.reducers.reducer import Reducer

__all__ = ["Orders", "root"]


@attrs.frozen
class Orders:
    """Unions and literals inside generic types, which typing keeps and compares as sets."""

    choices: Optional[Union[int, str]] = None  # noqa: UP007, UP045  # the very form that is kept
    literals: PVector[Literal["a", "b"]] = pvector()  # noqa: RUF009  # immutable
    unions: PVector[Union[int, bytes]] = pvector()  # noqa: RUF009, UP007  # immutable


@action("union_orders/orders_set")
class OrdersSet(Action):
    """The state is set."""

    orders: Orders
    words: frozenset[str]


root = Reducer(Orders())


@root.on(OrdersSet)
def _(_state: Orders, action: OrdersSet) -> Orders:
    return action.orders
