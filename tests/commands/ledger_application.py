"""Applications around a ledger, sound and broken, whose runs the tests of ``refold health`` use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from refold.actions.ledger import SetLocalPause
from refold.middleware.record import record
from refold.reducers.combine_reducers import combine_reducers
from refold.reducers.evolve import evolve
from refold.reducers.ledger import ledger_reducer
from refold.reducers.ledger_state import ActiveFocus, LedgerState
from refold.store.store import Store
from tests.commands.shop_application import CartState
from tests.commands.shop_application import root as shop_root
from tests.ledger.ledger_scene import broken_at, changed_at

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from refold.actions.action import Action

__all__ = ["LEDGERS", "DebuggedShop", "losing", "moving", "mutating", "record_ledger", "root"]

LEDGERS = "tests.commands.ledger_application"

mutating = broken_at(SetLocalPause, lambda _before, after: changed_at(after, 0))
"""A local pause changes the first event."""

losing = broken_at(SetLocalPause, lambda _before, after: evolve(after, ledger=after.ledger.pop()))
"""A local pause loses the last event."""

moving = broken_at(
    SetLocalPause, lambda _before, after: evolve(after, active_focus=ActiveFocus("elsewhere"))
)
"""A local pause moves the focus."""


@attrs.frozen
class DebuggedShop:
    """A root in which a ledger stands beside something else."""

    cart: CartState
    debugger: LedgerState


root = combine_reducers(
    DebuggedShop,
    cart=lambda state, action: shop_root(None, action).cart if state is None else state,
    debugger=ledger_reducer,
)


async def record_ledger(
    path: Path, actions: Iterable[Action], reducer: Any = ledger_reducer
) -> None:
    """Record a run of these actions."""
    store: Store[Any] = Store(reducer, middleware=[record(path)])
    async with store:
        for action in actions:
            store.dispatch(action)
