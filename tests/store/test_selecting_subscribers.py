"""Selecting subscribers: whatever a selector reads of the root, its subscriber hears of changes.

What belongs here: the ways in which a plain function may look at the state.  What does not: when
and how often a subscriber is told, which the behaviours pin.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs
import pytest

from refold.actions.action import Action, action
from refold.reducers.combine_reducers import combine_reducers
from refold.reducers.evolve import evolve
from refold.reducers.reducer import Reducer
from refold.selectors.selector import selector
from refold.store.store import Store


@attrs.frozen
class Root:
    """A root of three numbers, which can be asked as well."""

    left: int = 0
    right: int = 0
    flag: int = 0

    @property
    def flipped(self) -> tuple[int, int]:
        """The two numbers the other way round."""
        return self.right, self.left

    def total(self) -> int:
        """Return the sum of the two numbers."""
        return self.left + self.right


@action("selecting_subscribers/number_set")
class NumberSet(Action):
    """One of the numbers was set."""

    name: str
    value: int


STEPS = (
    NumberSet("right", 1),
    NumberSet("left", 1),
    NumberSet("flag", 1),
    NumberSet("right", 2),
    NumberSet("left", 2),
    NumberSet("left", 2),
    NumberSet("flag", 0),
    NumberSet("right", 3),
    NumberSet("left", 3),
)


def make_slice(name: str) -> Reducer[int]:
    """Return the reducer of one number."""
    number = Reducer(0)

    @number.on(NumberSet)
    def _(state: int, action: NumberSet) -> int:
        return action.value if action.name == name else state

    return number


def make_store() -> Store[Root]:
    """Return a store of the three numbers."""
    names = [field.name for field in attrs.fields(Root)]
    return Store(combine_reducers(Root, {name: make_slice(name) for name in names}))


def is_all_ones(root: Root) -> bool:
    """Return whether every number is 1."""
    match root:
        case Root(left=1, right=1, flag=1):
            return True
        case _:
            return False


def select_left(root: Root) -> int:
    """Return the left number."""
    return root.left


def select_right(root: Root) -> int:
    """Return the right number."""
    return root.right


@selector(select_left, select_right)
def select_product(left: int, right: int) -> int:
    """Return the product of the two numbers."""
    return left * right


SELECTORS: dict[str, Callable[[Root], object]] = {
    "a field": select_left,
    "one field or another": lambda root: root.left if root.flag else root.right,
    "a method": Root.total,
    "a property": lambda root: root.flipped,
    "a pattern": is_all_ones,
    "a memoized selector": select_product,
    "the root itself": lambda root: root,
    "the root in a tuple": lambda root: (root, 1),
    "equality of the root": lambda root: root == Root(1, 1, 1),
    "equality with the root": lambda root: Root(1, 1, 1) == root,
    "the class of the root": lambda root: (root.__class__ is Root, root.left),
    "the hash of the root": hash,
    "the text of the root": repr,
    "a copy by attrs": lambda root: attrs.evolve(root, flag=7),
    "a copy by evolve": lambda root: evolve(root, flag=7),
    "a tuple by attrs": attrs.astuple,
    "a dict by attrs": attrs.asdict,
    "a field by name": lambda root: [getattr(root, name) for name in ("left", "flag")],
}


@pytest.mark.parametrize("name", SELECTORS)
def test_a_selecting_subscriber_hears_every_change_of_what_its_selector_gives(name: str) -> None:
    """A subscriber gets (new, old) of exactly the changes of its selector over plain roots."""
    select = SELECTORS[name]
    store = make_store()
    seen: list[tuple[object, object]] = []
    expected: list[tuple[object, object]] = []
    store.subscribe(lambda new, old: seen.append((new, old)), select=select)

    root = Root()
    for step in STEPS:
        before, root = root, attrs.evolve(root, **{step.name: step.value})
        if select(root) != select(before):
            expected.append((select(root), select(before)))
        store.dispatch(step)
    assert expected
    assert seen == expected


def test_a_selector_that_raises_when_it_is_subscribed_raises_there() -> None:
    """The exception of a selector at its subscription reaches the subscriber, who is not added."""
    store = make_store()
    seen: list[object] = []
    with pytest.raises(ZeroDivisionError):
        store.subscribe(lambda new, _old: seen.append(new), select=lambda root: 1 / root.left)
    store.dispatch(NumberSet("left", 1))
    assert seen == []
