"""All correct reducers, of every shape that states and actions have.

What belongs here: the list.  What does not: the reducers, by theme in `correct_reducers`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.testing.laws.correct_reducers import (
    children_of_states,
    choices_in_states,
    collections_in_states,
    entities_in_states,
    functions_and_defaults,
    numbers_in_states,
    records_in_states,
    roots_of_states,
    times_in_states,
    trees_in_states,
)

if TYPE_CHECKING:
    from tests.testing.laws.correct_reducers.correct_reducer import CorrectReducer

__all__ = ["CORRECT_REDUCERS"]

CORRECT_REDUCERS: Final[tuple[CorrectReducer, ...]] = (
    *numbers_in_states.CASES,
    *times_in_states.CASES,
    *choices_in_states.CASES,
    *collections_in_states.CASES,
    *children_of_states.CASES,
    *trees_in_states.CASES,
    *entities_in_states.CASES,
    *roots_of_states.CASES,
    *functions_and_defaults.CASES,
    *records_in_states.CASES,
)
"""Reducers in which no law may find anything."""
