"""What the customer knows, and how it follows from what happened: no socket, no clock.

Nothing to run here; see client.py.  ``refold replay LOG --app examples.shopping_cart.state:root``
folds a recorded run again.

A change of the cart counts from the moment it is asked for: the cart that is shown is what the shop
has confirmed and, on top, every change that it has not answered.  A refused change is taken away
from these, whatever happened meanwhile; nothing has to be computed backwards.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import attrs

from examples.shopping_cart.questions import Articles, Refused, check_out, reserve, visit
from refold import (
    Action,
    Entities,
    EntityAdapter,
    Reducer,
    action,
    combine_reducers,
    evolve,
    selector,
)

if TYPE_CHECKING:
    from examples.shopping_cart.questions import Receipt
    from refold.actions.operation_actions import (
        OperationFulfilled,
        OperationPending,
        OperationRejected,
    )

__all__ = [
    "Change",
    "Shopping",
    "StockRanLow",
    "Till",
    "root",
    "select_cart_line",
    "select_notice",
    "select_order",
]


@action("shopping_cart/stock_ran_low")
class StockRanLow(Action):
    """The shop has only few more of something."""

    product: str
    """Of what."""

    left: int
    """How many."""


@attrs.frozen
class Change:
    """Articles that were put into the cart and are not confirmed."""

    request_id: str
    """Of the operation that asks for them."""

    articles: Articles
    """What was put in."""


@attrs.frozen
class Till:
    """Where orders are paid."""

    is_ordering: bool = False
    """Whether an order is under way."""


@attrs.frozen
class Shopping:
    """All that the customer knows."""

    lines: Entities[str, Articles]
    """What the shop has confirmed, by product."""

    changes: Entities[str, Change]
    """What it has not answered, by request, in the order in which it was asked for."""

    till: Till
    """The order."""

    notice: str
    """What the customer was told last."""


lines_by_product = EntityAdapter[str, Articles](
    key=lambda line: line.product, sort=lambda line: line.product
)
changes_by_request = EntityAdapter[str, Change](key=lambda change: change.request_id)

lines = Reducer(lines_by_product.empty())
changes = Reducer(changes_by_request.empty())
till = Reducer(Till())
notice = Reducer("")


@changes.on(reserve.pending)
def _put_in(
    state: Entities[str, Change], action: OperationPending[Articles]
) -> Entities[str, Change]:
    return changes_by_request.add_one(state, Change(action.request_id, action.argument))


@changes.on(reserve.fulfilled, reserve.rejected)
def _answered(
    state: Entities[str, Change],
    action: OperationFulfilled[Articles, int] | OperationRejected[Articles],
) -> Entities[str, Change]:
    return changes_by_request.remove_one(state, action.request_id)


@lines.on(reserve.fulfilled)
def _confirm(
    state: Entities[str, Articles], action: OperationFulfilled[Articles, int]
) -> Entities[str, Articles]:
    more = action.argument
    known = state.by_id.get(more.product, Articles(more.product, 0))
    line = evolve(known, count=known.count + more.count)
    return lines_by_product.set_one(state, line)


@lines.on(check_out.fulfilled)
def _empty(state: Entities[str, Articles], _action: Action) -> Entities[str, Articles]:
    return lines_by_product.remove_all(state)


@till.on(check_out.pending)
def _begin_order(state: Till, _action: Action) -> Till:
    return evolve(state, is_ordering=True)


@till.on(check_out.fulfilled, check_out.rejected)
def _end_order(state: Till, _action: Action) -> Till:
    return evolve(state, is_ordering=False)


@notice.on(visit.fulfilled)
def _greet(_state: str, action: OperationFulfilled[str, tuple[str, ...]]) -> str:
    return f"the shop has {', '.join(action.value)}"


@notice.on(visit.rejected)
def _wait(_state: str, action: OperationRejected[str]) -> str:
    return f"no server there yet ({_reason(action)}); waiting for it"


@notice.on(reserve.rejected)
def _take_back(_state: str, action: OperationRejected[Articles]) -> str:
    return f"taken back: {_words(action.argument)} ({_reason(action)})"


@notice.on(StockRanLow)
def _warn(_state: str, action: StockRanLow) -> str:
    return f"only {action.left} {action.product} left in the shop"


@notice.on(check_out.fulfilled)
def _thank(_state: str, action: OperationFulfilled[tuple[Articles, ...], Receipt]) -> str:
    bought = ", ".join(map(_words, action.argument))
    return f"order {action.value.number}: {bought} for {action.value.cents / 100:.2f}"


@notice.on(check_out.rejected)
def _regret(_state: str, action: OperationRejected[tuple[Articles, ...]]) -> str:
    return f"no order ({_reason(action)})"


root = combine_reducers(Shopping, lines=lines, changes=changes, till=till, notice=notice)
"""Folds every action of the shopping."""


def _words(articles: Articles) -> str:
    return f"{articles.count} {articles.product}"


def _reason(action: OperationRejected[object]) -> str:
    refused = action.payload
    return refused.reason if isinstance(refused, Refused) else action.error.message


def _lines_of(state: Shopping) -> Entities[str, Articles]:
    return state.lines


def _changes_of(state: Shopping) -> Entities[str, Change]:
    return state.changes


def select_notice(state: Shopping) -> str:
    """Return what the customer was told last."""
    return state.notice


@selector(_lines_of)
def select_order(confirmed: Entities[str, Articles]) -> tuple[Articles, ...]:
    """Return what the shop has confirmed, by product."""
    return tuple(confirmed.by_id[product] for product in confirmed.ids)


@selector(_lines_of, _changes_of)
def select_cart_line(confirmed: Entities[str, Articles], waiting: Entities[str, Change]) -> str:
    """Return the cart in one line; what the shop has not confirmed has a question mark."""
    counts = Counter({line.product: line.count for line in confirmed.by_id.values()})
    unsure: set[str] = set()
    for change in waiting.by_id.values():
        counts[change.articles.product] += change.articles.count
        unsure.add(change.articles.product)
    parts = [f"{count} {name}{'?' * (name in unsure)}" for name, count in sorted(counts.items())]
    return f"cart: {', '.join(parts) or 'nothing'}"
