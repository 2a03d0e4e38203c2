"""Invariants of another state, and actions that are none, are rejected."""

from __future__ import annotations

from refold import Action
from refold.testing.check_laws import check_reducer_laws
from refold.testing.law_machine import reducer_machine
from typing_tests.accepted.counter import AddToCounter, Root, root


def of_another_state(state: int) -> bool:
    """Judge something else."""
    return state > 0


def of_two(before: Root, after: Root) -> bool:
    """Take no action."""
    return before is after


def says_a_text(state: Root) -> str:
    """Answer no question of yes and no."""
    return str(state)


check_reducer_laws(root, [of_another_state])  # expect-error
check_reducer_laws(root, [of_two])  # expect-error
check_reducer_laws(root, [says_a_text])  # expect-error
check_reducer_laws(root, actions=[Root])  # expect-error
check_reducer_laws(root, actions=[AddToCounter(1)])  # expect-error
check_reducer_laws(root, settings=100)  # expect-error
reducer_machine(root, invariants=[of_another_state])  # expect-error
reducer_machine(root, actions=Action)  # expect-error
