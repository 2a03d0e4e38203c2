"""The reducers that are mutated, and where what is known of them stands.

What belongs here: names.  What does not: making and trying mutants.
"""

from __future__ import annotations

from typing import Final

import attrs

__all__ = ["SLICES", "MutatedSlice"]


@attrs.frozen
class MutatedSlice:
    """One module with a reducer."""

    name: str
    """What ``--only`` calls it."""

    module: str
    """The module's full name."""

    path: str
    """Its file, from the checkout on."""

    left_out: tuple[str, ...] = ()
    """Functions in it that are no part of the reducer: selectors, and what only they call."""

    @property
    def invariants_module(self) -> str:
        """The module with its ``CHECKS``: reducers, each with at most three invariants."""
        return f"mutation.invariants_{self.name}"


SLICES: Final = (
    MutatedSlice(
        "connection",
        "refold.reducers.connection",
        "reducers/connection.py",
    ),
    MutatedSlice("ledger", "refold.reducers.ledger", "reducers/ledger.py"),
    MutatedSlice(
        "todo",
        "examples.todo.state",
        "examples/todo/state.py",
        left_out=("_read_items", "select_todos", "select_open"),
    ),
    MutatedSlice(
        "shopping_cart",
        "examples.shopping_cart.state",
        "examples/shopping_cart/state.py",
        left_out=("_lines_of", "_changes_of", "select_notice", "select_order", "select_cart_line"),
    ),
)
"""All of them."""
