"""Every reducer of the project that has a state worth the name, for tests that draw its runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from examples.shopping_cart.state import root as shopping_cart
from examples.todo.state import root as todo
from refold.reducers.connection import connection_reducer
from refold.reducers.ledger import ledger_reducer
from tests.strategies.observatory_reducer import make_observatory

if TYPE_CHECKING:
    from refold.reducers.reducer import Reducer

__all__ = ["REDUCERS"]

REDUCERS: Final[dict[str, Reducer[Any]]] = {
    "todo": todo,
    "shopping_cart": shopping_cart,
    "connection": connection_reducer,
    "ledger": ledger_reducer,
    "observatory": make_observatory(),
}
