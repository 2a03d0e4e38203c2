"""What the shop is asked: one operation for each question, and what it may answer.

Nothing to run here; see client.py, which knows how the shop is reached.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import attrs

from refold import operation

if TYPE_CHECKING:
    from refold.middleware.operation_run import OperationCall

__all__ = ["Articles", "Asks", "Receipt", "Refused", "check_out", "reserve", "visit"]


class Asks(Protocol):
    """A way to ask the shop, which the operations get as ``call.extra``."""

    async def ask(self, question: str, body: dict[str, Any]) -> dict[str, Any]:
        """Return the answer; one with ``refused`` says why there is no other."""
        ...


@attrs.frozen
class Articles:
    """Some articles of one product."""

    product: str
    """Its name."""

    count: int
    """How many."""


@attrs.frozen
class Receipt:
    """What an order gives."""

    number: int
    """Of the order."""

    cents: int
    """What it costs."""


@attrs.frozen
class Refused:
    """What the shop says when it does not do what it was asked for."""

    reason: str
    """For people."""


@operation("shopping_cart/visit", rejection=Refused)
async def visit(customer: str, call: OperationCall) -> tuple[str, ...]:
    """Ask what there is to buy."""
    answer = await _ask(call, "visit", {"customer": customer})
    return tuple(answer["products"])


@operation("shopping_cart/reserve", rejection=Refused)
async def reserve(articles: Articles, call: OperationCall) -> int:
    """Have articles reserved; return how many more the shop has."""
    answer = await _ask(call, "reserve", attrs.asdict(articles))
    return int(answer["left"])


def may_check_out(order: tuple[Articles, ...], call: OperationCall) -> bool:
    """Tell whether there is something to pay, all of it reserved, and no other order under way."""
    is_ordering, is_waiting = call.state.till.is_ordering, bool(call.state.changes.ids)
    return bool(order) and not is_ordering and not is_waiting


@operation("shopping_cart/check_out", condition=may_check_out, rejection=Refused)
async def check_out(order: tuple[Articles, ...], call: OperationCall) -> Receipt:
    """Order what is reserved."""
    answer = await _ask(call, "order", {"lines": [attrs.asdict(articles) for articles in order]})
    return Receipt(answer["number"], answer["cents"])


async def _ask(call: OperationCall, question: str, body: dict[str, Any]) -> dict[str, Any]:
    shop: Asks = call.extra
    answer = await shop.ask(question, body)
    if "refused" in answer:
        call.reject(Refused(answer["refused"]))
    return answer
