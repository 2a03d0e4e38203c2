"""What is inferred of actions."""

from __future__ import annotations

from typing import assert_type

from refold import Action, bind_actions
from typing_tests.accepted.counter import AddToCounter


def fields_keep_their_types() -> None:
    """An action's constructor and fields are typed as declared, `at_ms` included."""
    one = AddToCounter(1, at_ms=1_700_000_000_000)
    assert_type(one.amount, int)
    assert_type(one.at_ms, int | None)
    assert_type(AddToCounter.wire_name, str)


def matches_narrows(action: Action) -> None:
    """`matches` tells a type checker what the action is."""
    if AddToCounter.matches(action):
        assert_type(action, AddToCounter)


def a_bound_action_keeps_its_parameters(dispatch: object) -> None:
    """A bound maker takes what the maker takes and returns what it makes."""
    if callable(dispatch):
        add = bind_actions(AddToCounter, dispatch)
        assert_type(add(amount=1), AddToCounter)
