"""Refold's own slices, and those of its examples, keep the laws that it tests users' by.

What belongs here: one line per slice.  What does not: what a slice does, which its own tests say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from examples.shopping_cart import state as shopping_cart
from examples.todo import state as todo
from refold.reducers.connection import connection_reducer
from refold.reducers.ledger import make_ledger_reducer
from refold.reducers.recording_health import recording_health_reducer
from refold.testing.check_laws import check_reducer_laws
from tests.strategies.observatory_actions import PartFailed
from tests.strategies.observatory_reducer import make_observatory

if TYPE_CHECKING:
    from refold.reducers.reducer import Reducer

SLICES: dict[str, Reducer[Any]] = {
    "connection": connection_reducer,
    "ledger": make_ledger_reducer(),
    "observatory": make_observatory(),
    "recording health": recording_health_reducer(),
    "shopping cart": shopping_cart.root,
    "shopping cart's lines": shopping_cart.lines,
    "to-do list": todo.root,
    "to-do list without undo": todo.todos,
}


@pytest.mark.parametrize("name", SLICES)
def test_a_slice_keeps_the_laws(name: str) -> None:
    """No law is broken by any run that was tried."""
    reducer = SLICES[name]
    actions = reducer.handles - {PartFailed}  # whose handler raises on purpose
    check_reducer_laws(reducer, actions=actions, settings=settings(max_examples=30))
