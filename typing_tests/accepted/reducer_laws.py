"""The laws take invariants of the reducer's own state, of both kinds."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_type

from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine

from refold.errors import BrokenLawError
from refold.testing.check_laws import check_reducer_laws
from refold.testing.failing_run_log import write_failing_run
from refold.testing.law_machine import reducer_machine
from typing_tests.accepted.counter import AddToCounter, Root, root

if TYPE_CHECKING:
    from refold import Action


def is_positive(state: Root) -> bool:
    """Judge a state."""
    return state.counter.value >= 0


def raises(state: Root) -> None:
    """Judge a state by raising."""
    state.counter.value.as_integer_ratio()


def grows(before: Root, action: Action, after: Root) -> bool:
    """Judge a step."""
    return after.counter.value >= before.counter.value


check_reducer_laws(root)
check_reducer_laws(root, [is_positive, raises, grows])
check_reducer_laws(root, invariants=[is_positive], actions=[AddToCounter], seed=1)
check_reducer_laws(root, settings=settings(max_examples=10))
machine = reducer_machine(root, actions=[AddToCounter], invariants=[is_positive, grows])
assert_type(machine, type[RuleBasedStateMachine])
TestRoot = machine.TestCase

try:
    check_reducer_laws(root)
except BrokenLawError as error:
    write_failing_run("run.jsonl", root, error.actions)
