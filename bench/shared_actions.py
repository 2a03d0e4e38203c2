"""The action classes of refold, which the bare contestant uses too.

What belongs here: declaring them and making an action of a `Step`.  What does not: reducers.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

from refold.actions.action import Action, action
from shared_states import entity_key
from work import Step, Work

__all__ = [
    "AddToCounter",
    "IgnoredByAll",
    "SliceActions",
    "SubtractFromCounter",
    "UpdateEntity",
    "make_actions",
    "slice_actions",
]


@action("bench/add_to_counter")
class AddToCounter(Action):
    """Add to the one counter."""

    amount: int


@action("bench/subtract_from_counter")
class SubtractFromCounter(Action):
    """Subtract from the one counter."""

    amount: int


@action("bench/update_entity")
class UpdateEntity(Action):
    """Give one entity a new value."""

    key: str
    value: int


@action("bench/ignored_by_all")
class IgnoredByAll(Action):
    """What no reducer handles."""


class SliceActions(NamedTuple):
    """The two action classes of one slice."""

    add: type[Any]
    rename: type[Any]


@functools.cache
def slice_actions(number: int) -> SliceActions:
    """Return the action classes of one slice, the same ones each time."""

    @action(f"bench/add_to_slice_{number}")
    class AddToSlice(Action):
        amount: int

    @action(f"bench/rename_slice_{number}")
    class RenameSlice(Action):
        label: str

    return SliceActions(AddToSlice, RenameSlice)


def make_actions(work: Work) -> list[Action]:
    """Return the actions of one pass; making them is no part of what is measured."""
    return [_make_action(work, step) for step in work.steps]


def _make_action(work: Work, step: Step) -> Action:
    made: Any
    match work.kind, step.verb:
        case _, "ignore":
            made = IgnoredByAll()
        case "counter", verb:
            made = (AddToCounter if verb == "add" else SubtractFromCounter)(step.amount)
        case "entities", _:
            made = UpdateEntity(entity_key(step.target), step.amount)
        case _, "add":
            made = slice_actions(step.target).add(step.amount)
        case _:
            made = slice_actions(step.target).rename(step.label)
    return made  # type: ignore[no-any-return]  # one of the classes above
