"""What holds of the shopping."""

from __future__ import annotations

from typing import Any, Final

from examples.shopping_cart.questions import Articles, Receipt, check_out, reserve, visit
from examples.shopping_cart.state import Shopping, StockRanLow, root

__all__ = ["CHECKS"]


def articles_are_counted_once(before: Shopping, action: Any, after: Shopping) -> bool:
    """What was asked for waits until it is answered; what was confirmed is in the cart."""
    waiting, lines = _waiting(before), _counts(before)
    if type(action) is reserve.pending:
        waiting.setdefault(action.request_id, action.argument)
    if type(action) in {reserve.fulfilled, reserve.rejected}:
        waiting.pop(action.request_id, None)
    if type(action) is reserve.fulfilled:
        product, count = action.argument.product, action.argument.count
        lines[product] = lines.get(product, 0) + count
    if type(action) is check_out.fulfilled:
        lines.clear()
    return _waiting(after) == waiting and _counts(after) == lines


def lines_stand_by_product(state: Shopping) -> bool:
    """Lines are in the order of their names, and changes are found by their requests."""
    products = [line.product for line in state.lines.all]
    return (
        products == sorted(state.lines.by_id)
        and all(line.product == key for key, line in state.lines.by_id.items())
        and all(change.request_id == key for key, change in state.changes.by_id.items())
    )


def the_customer_is_told(before: Shopping, action: Any, after: Shopping) -> bool:
    """Each answer is told with what it says; the till is busy from a question to its answer."""
    busy = before.till.is_ordering
    if type(action) is check_out.pending:
        busy = True
    elif type(action) in {check_out.fulfilled, check_out.rejected}:
        busy = False
    words = _words_of(action)
    is_told = all(word in after.notice for word in words) if words else _is_same(before, after)
    return after.till.is_ordering == busy and is_told


CHECKS: Final = ((root, (articles_are_counted_once, lines_stand_by_product, the_customer_is_told)),)
"""What is checked: a reducer and its invariants."""


def _counts(state: Shopping) -> dict[str, int]:
    return {line.product: line.count for line in state.lines.all}


def _waiting(state: Shopping) -> dict[str, Articles]:
    return {change.request_id: change.articles for change in state.changes.all}


def _is_same(before: Shopping, after: Shopping) -> bool:
    return before.notice == after.notice


def _words_of(action: Any) -> tuple[str, ...]:
    """Return what the customer has to read of an action; nothing if it is none of theirs."""
    kind: Any = action.__class__  # of which generic type, nobody knows
    if kind is StockRanLow:
        return (action.product, str(action.left), "left")
    if kind is visit.fulfilled:
        return ("shop", *action.value)
    if kind is check_out.fulfilled:
        receipt: Receipt = action.value
        bought = ", ".join(map(_articles, action.argument))
        return (str(receipt.number), f"{receipt.cents / 100:.2f}", bought)
    if kind is reserve.rejected:
        return (_articles(action.argument), _reason_of(action))
    return ("no", _reason_of(action)) if kind in {visit.rejected, check_out.rejected} else ()


def _articles(articles: Articles) -> str:
    return f"{articles.count} {articles.product}"


def _reason_of(action: Any) -> str:
    reason: str = action.error.message if action.payload is None else action.payload.reason
    return reason
