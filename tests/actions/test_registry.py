"""Looking up action classes by their wire names.

What belongs here: `find_action_class`.  What does not: who may claim a name.
"""

from __future__ import annotations

import pytest

from refold.actions.action import Action, action
from refold.actions.registry import find_action_class


@action("registry/book_lent")
class BookLent(Action):
    """A book was lent."""


def test_declared_class_is_found_by_its_wire_name() -> None:
    """A declared class is found by exactly its wire name."""
    assert find_action_class("registry/book_lent") is BookLent


@pytest.mark.parametrize(
    "wire_name", ["registry/nothing", "registry/Book_Lent", "BookLent", "", "registry/book_lent "]
)
def test_unknown_wire_name_finds_none(wire_name: str) -> None:
    """A name that nobody declared finds None."""
    assert find_action_class(wire_name) is None
