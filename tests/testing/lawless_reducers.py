"""Reducers each of which breaks one law, and a small scene for them.

What belongs here: the scene.  What does not: finding that a law is broken, which is tested.
"""

from __future__ import annotations

import datetime
import itertools
import os
import random
import time
from collections.abc import Callable, Iterator
from datetime import datetime as imported_datetime
from time import time as imported_time
from typing import Any, Final
from uuid import uuid4

import attrs
from pyrsistent import PMap, PSet, pmap, pset

from refold import Action, Reducer, action, evolve

__all__ = [
    "BREAKING",
    "Box",
    "Drop",
    "Put",
    "Weigh",
    "make_box",
    "make_handler_reducer",
]

NO_NAMES: Final[PSet[str]] = pset()
NO_COUNTS: Final[PMap[str, int]] = pmap()


@attrs.frozen
class Box:
    """What things were put into."""

    names: PSet[str] = NO_NAMES
    counts: PMap[str, int] = NO_COUNTS
    label: str = ""
    weight: int = 0
    rows: tuple[int, ...] = ()


@action("lawless/put")
class Put(Action):
    """Something was put in."""

    name: str


@action("lawless/weigh")
class Weigh(Action):
    """The weight is known."""

    weight: int


@action("lawless/drop")
class Drop(Action):
    """The box is empty."""


Handler = Callable[[Box, Put], Box]


def make_handler_reducer(handler: Handler) -> Reducer[Box]:
    """Return a reducer whose handler of `Put` is given; its others are correct."""
    reducer = Reducer(Box())
    reducer.on(Put)(handler)

    @reducer.on(Weigh)
    def _(state: Box, action: Weigh) -> Box:
        return evolve(state, weight=action.weight)

    @reducer.on(Drop)
    def _(_state: Box, _action: Drop) -> Box:
        return Box()

    return reducer


def make_box() -> Reducer[Box]:
    """Return a correct reducer."""
    return make_handler_reducer(_put)


def _put(state: Box, action: Put) -> Box:
    count = state.counts.get(action.name, 0) + 1
    return evolve(
        state, names=state.names.add(action.name), counts=state.counts.set(action.name, count)
    )


def _raise_for_an_empty_name(state: Box, action: Put) -> Box:
    return evolve(state, label=action.name[0])


def _label_by(read: Callable[[], object]) -> Handler:
    return lambda state, _action: evolve(state, label=str(read()))


def _remember_outside() -> Handler:
    numbers: Iterator[int] = itertools.count()
    return lambda state, _action: evolve(state, weight=next(numbers))


def _depend_on_order(state: Box, action: Put) -> Box:
    return evolve(_put(state, action), label=",".join(state.names))


def _depend_on_order_of_a_map(state: Box, action: Put) -> Box:
    return evolve(_put(state, action), label=",".join(state.counts))


def _change_the_state(state: Box, action: Put) -> Box:
    object.__setattr__(state, "weight", state.weight + 1)
    return _put(state, action)


def _change_the_action(state: Box, action: Put) -> Box:
    object.__setattr__(action, "name", "changed")
    return state


def _keep_a_list(state: Box, action: Put) -> Box:
    rows: Any = [len(action.name)]
    return evolve(state, rows=rows)


def _keep_a_float(state: Box, _action: Put) -> Box:
    weight: Any = float(state.weight)
    return evolve(state, weight=weight)


def _compare_identity(state: Box, action: Put) -> Box:
    is_again = action.name is state.label
    return evolve(state, label=action.name, weight=int(is_again))


def _copy_for_unknown() -> Reducer[Box]:
    reducer = make_box()
    reducer.otherwise(lambda state, _action: evolve(state))
    return reducer


def _reset_for_unknown() -> Reducer[Box]:
    def fold(state: Box, action: Action) -> Box:
        return _put(state, action) if isinstance(action, Put) else Box(label=f"{state.label}x")

    return Reducer.of(fold, Box())


def _by(handler: Handler) -> Callable[[], Reducer[Box]]:
    return lambda: make_handler_reducer(handler)


BREAKING: Final[dict[str, tuple[str, str, Callable[[], Reducer[Box]]]]] = {
    "raises": ("never_raises", "", _by(_raise_for_an_empty_name)),
    "time.time": ("same_input_same_output", "Box.label", _by(_label_by(time.time))),
    "whole seconds": (
        "same_input_same_output",
        "Box.label",
        _by(_label_by(lambda: int(imported_time()))),
    ),
    "the weekday": (
        "same_input_same_output",
        "Box.label",
        _by(_label_by(lambda: imported_datetime.now().weekday())),  # noqa: DTZ005  # a user's bug
    ),
    "the day": (
        "same_input_same_output",
        "Box.label",
        _by(_label_by(lambda: datetime.datetime.now(datetime.UTC).date())),
    ),
    "random": ("same_input_same_output", "Box.label", _by(_label_by(random.random))),
    "uuid4": ("same_input_same_output", "Box.label", _by(_label_by(uuid4))),
    "urandom": ("same_input_same_output", "Box.label", _by(_label_by(lambda: os.urandom(4)))),
    "a counter outside": (
        "same_input_same_output",
        "Box.weight",
        lambda: make_handler_reducer(_remember_outside()),
    ),
    "order of a set": ("same_input_same_output", "Box.label", _by(_depend_on_order)),
    "order of a map": ("same_input_same_output", "Box.label", _by(_depend_on_order_of_a_map)),
    "changes the state": ("input_untouched", "Box.weight", _by(_change_the_state)),
    "changes the action": ("input_untouched", "Put", _by(_change_the_action)),
    "keeps a list": ("deeply_immutable", "Box.rows", _by(_keep_a_list)),
    "keeps a float as int": ("log_round_trip", "Box.weight", _by(_keep_a_float)),
    "compares identity": ("log_round_trip", "Box.weight", _by(_compare_identity)),
    "copies for unknown": ("unknown_action_keeps_identity", "Box", _copy_for_unknown),
    "resets for unknown": ("unknown_action_keeps_identity", "Box.label", _reset_for_unknown),
}
"""By what the reducer does: the law that it breaks, the path, and the reducer."""
