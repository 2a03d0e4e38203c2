"""What a reducer's code tells: constants, and classes that no declaration lists."""

from __future__ import annotations

import enum
import functools
from typing import Any, Final

import attrs
import pytest

from refold.actions.action import Action, action
from refold.actions.matchers import all_of, any_of
from refold.reducers.combine_reducers import combine_reducers
from refold.reducers.reducer import Reducer
from refold.reducers.undoable import undoable
from refold.testing.reducer_code import read_reducer

LIMIT: Final = 17
LEVELS: Final = frozenset({"gold", "silver"})


class Mood(enum.StrEnum):
    """Named in code."""

    HAPPY = "happy"


@attrs.frozen
class Rules:
    """Held by a closure."""

    most: int = 23


@action("reducer_code/poked")
class Poked(Action):
    """Something happened."""

    strength: int


@action("reducer_code/pushed")
class Pushed(Action):
    """Something else happened."""


def _helper(strength: int) -> bool:
    return strength > 31


def make_reducer(rules: Rules, bonus: int = 41) -> Reducer[int]:
    """Return a reducer with constants in every place where code may have them."""
    reducer = Reducer(0)

    @reducer.on(Poked)
    def _(state: int, action: Poked, extra: int = 53) -> int:
        """Say 999."""
        if action.strength in (61, 67) or str(action.strength) in LEVELS:
            return rules.most + bonus + extra
        inner = [one for one in range(3) if one == 71 or str(Mood.HAPPY) == "x"]
        return LIMIT + state + len(inner) + _helper(state)

    return reducer


@pytest.mark.parametrize("number", [17, 23, 31, 41, 53, 61, 67, 71])
def test_numbers_are_found_wherever_they_stand(number: int) -> None:
    """In the code, its helpers, its module's names, defaults, closures and nested code."""
    numbers = read_reducer(make_reducer(Rules())).constants[int]
    assert {number - 1, number, number + 1} <= set(numbers)
    assert 999 not in numbers


def test_texts_are_found() -> None:
    """Elements of sets and values of enums are found; docstrings are not."""
    texts = read_reducer(make_reducer(Rules())).constants[str]
    assert {"gold", "silver", "happy"} <= set(texts)
    assert texts.index("gold") < texts.index("silver")
    assert "a" * 18 in texts
    assert "Say 999." not in texts


def test_slices_and_children_are_read() -> None:
    """A constant of a slice's optional child counts for the root, until the slice is replaced."""

    @attrs.frozen
    class Root:
        part: Any = None

    holder: Reducer[Any] = Reducer(Rules())
    root = combine_reducers(Root, part=holder)
    assert 31 not in read_reducer(root).constants.get(int, ())
    holder.optional("most", make_reducer(Rules()))
    assert 31 in read_reducer(root).constants[int]
    assert read_reducer(root).action_classes == (Poked,)


def _match(state: int, action: Action) -> int:
    match action:
        case Poked(strength=strength):
            return state + strength
        case Pushed():
            return 0
        case _:
            return state


def test_classes_of_a_plain_function_are_found() -> None:
    """The classes that a plain function matches are those that it handles."""
    assert read_reducer(Reducer.of(_match, 0)).action_classes == (Poked, Pushed)
    assert read_reducer(Reducer.of(functools.partial(_match), 0)).action_classes == (Poked, Pushed)


def test_classes_of_matchers_are_found() -> None:
    """Classes that `any_of` and `all_of` join are handled."""
    reducer = Reducer(0)
    reducer.on_any(any_of(Poked, all_of(Pushed)))(lambda state, _action: state + 1)
    assert read_reducer(reducer).action_classes == (Poked, Pushed)


def test_scopes_of_undoable_parts_are_found() -> None:
    """Undo with another scope would change nothing."""
    assert read_reducer(undoable(make_reducer(Rules()), scope="text")).scopes == ("text",)
