"""No law is said to be broken where none is.

More runs, on default settings and under ten seeds: ``python bench/mutation/false_alarms.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from refold.testing.check_laws import check_reducer_laws
from tests.testing.laws.all_correct_reducers import CORRECT_REDUCERS

if TYPE_CHECKING:
    from tests.testing.laws.correct_reducers.correct_reducer import CorrectReducer

QUICK = settings(
    max_examples=15,
    stateful_step_count=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
"""A few runs of some length; each time others."""


@pytest.mark.parametrize("case", CORRECT_REDUCERS, ids=lambda case: case.name)
def test_a_correct_reducer_keeps_all_laws(case: CorrectReducer) -> None:
    """Nothing is found in a reducer that is pure, whatever its states are made of."""
    for _ in range(2):
        check_reducer_laws(case.reducer, case.invariants, actions=case.actions, settings=QUICK)


def test_there_are_fifty_of_them() -> None:
    """Fifty shapes at least, each with a name of its own."""
    assert len({case.name for case in CORRECT_REDUCERS}) == len(CORRECT_REDUCERS) >= 50
