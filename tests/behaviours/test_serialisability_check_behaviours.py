"""Behaviour 195: a value that no log can carry is reported with its path.

What belongs here: what is reported, and what can be left out.  What does not: the types of fields,
which are refused when a store is made.
"""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from pyrsistent import pmap, pvector

from tests.behaviours.check_scene import (
    Counted,
    Done,
    Foreign,
    Replaced,
    Root,
    Todo,
    liar,
    make_store,
    reports_of,
    write,
)


def test_195_a_value_in_an_action_is_reported_with_its_path() -> None:
    """Behaviour 195: before the reducer; the warning says the path, the type and the value."""
    store = make_store()
    (text,) = reports_of(lambda: store.dispatch(Replaced(liar("a"))))
    assert text.startswith(
        "Replaced.tags holds a value of type list, which no log can carry: ['a']"
    )


def test_195_a_value_in_the_state_is_reported_with_its_path() -> None:
    """Behaviour 195: also when a reducer made it."""
    foreign: Any = Foreign()
    todo = Todo(foreign)
    store = make_store(lambda state, _: attrs.evolve(state, todos=state.todos.set(2, todo)))
    (text,) = reports_of(lambda: store.dispatch(Done()))
    assert text.startswith("Root.todos[2].text holds a value of type Foreign")


def test_195_a_value_in_the_state_at_the_start_is_reported_when_the_store_is_made() -> None:
    """Behaviour 195: nobody needs to wait for an action."""
    (text,) = reports_of(lambda: make_store(state=Root(count=liar())))
    assert text.startswith("Root.count holds a value of type list")


def test_195_what_a_log_can_carry_is_not_reported() -> None:
    """Behaviour 195: texts, records, tuples and persistent collections are silent."""
    store = make_store()
    assert reports_of(lambda: store.dispatch(Replaced(("a", "b"), ("c",)))) == []
    assert reports_of(lambda: store.dispatch(Counted())) == []


def test_195_the_first_of_several_is_the_one_given() -> None:
    """Behaviour 195: in the order of fields; the others are counted."""
    store = make_store()
    nested: Any = (Foreign(), liar(liar()))
    texts = reports_of(lambda: store.dispatch(Replaced(nested, liar())))
    assert texts[0].startswith("Replaced.tags[0] holds a value of type Foreign")
    assert "(and 2 more behind it)" in texts[0]


def test_195_nothing_is_checked_twice() -> None:
    """Behaviour 195: a value in an action that went into the state is reported once, for good."""
    store = make_store()
    tags = liar("a")
    assert len(reports_of(lambda: store.dispatch(Replaced(tags)))) == 1
    assert reports_of(lambda: store.dispatch(Counted())) == []
    assert reports_of(lambda: store.dispatch(Replaced(tags))) == []


class CountsReads(tuple[str, ...]):
    """A tuple that counts how often somebody goes through it."""

    __slots__ = ()

    reads = 0

    def __iter__(self) -> Any:
        """Count."""
        CountsReads.reads += 1
        return super().__iter__()


def test_195_a_part_that_is_unchanged_is_not_gone_through_again() -> None:
    """Behaviour 195: neither as a part of the action and of the state, nor at the next action."""
    CountsReads.reads = 0
    store = make_store(mutations=False)
    store.dispatch(Replaced(CountsReads("ab")))
    assert CountsReads.reads == 1
    for _ in range(5):
        store.dispatch(Counted())
    assert CountsReads.reads == 1


def test_195_values_that_hold_each_other_are_no_trouble() -> None:
    """Behaviour 195: the check ends where values are in a circle."""
    todo = Todo("circle")
    write(todo, "tags", (todo,))
    store = make_store(state=Root(pvector([todo])), mutations=False)
    assert reports_of(lambda: store.dispatch(Counted())) == []


@pytest.mark.parametrize(
    "choice",
    [
        {"ignored_paths": ["Replaced.tags", "Root.todos[0].tags"]},
        {"ignored_paths": ["*.tags"]},
        {"ignored_types": [list]},
        {"ignored_actions": [Replaced], "ignored_slices": ["todos"]},
        {"unserialisable": False},
    ],
)
def test_195_ignored_parts_are_silent(choice: dict[str, Any]) -> None:
    """Behaviour 195: types, paths, patterns of paths, actions and whole slices can be left out."""
    store = make_store(**choice)
    assert reports_of(lambda: store.dispatch(Replaced(liar("a")))) == []


@pytest.mark.parametrize(
    ("choice", "path"),
    [
        ({"ignored_paths": ["Replaced.tags"]}, "Root.todos[0].tags"),
        ({"ignored_actions": [Replaced]}, "Root.todos[0].tags"),
        ({"ignored_slices": ["todos", "tags"]}, "Replaced.tags"),
        ({"ignored_paths": ["Root.todos0.tags", "Replaced.tag"]}, "Replaced.tags"),
        ({"ignored_types": [set]}, "Replaced.tags"),
    ],
)
def test_195_what_is_not_ignored_is_reported(choice: dict[str, Any], path: str) -> None:
    """Behaviour 195: what is ignored in an action is not so in the state, nor the other way."""
    store = make_store(**choice)
    (text,) = reports_of(lambda: store.dispatch(Replaced(liar("a"))))
    assert text.startswith(f"{path} holds")


def test_195_brackets_of_a_pattern_are_brackets() -> None:
    """Behaviour 195: the index in a pattern is that index, no set of characters."""
    store = make_store(ignored_paths=["Root.todos[0].tags", "Replaced.*"])
    assert reports_of(lambda: store.dispatch(Replaced(liar()))) == []
    other = make_store(ignored_paths=["Root.todos[1].tags", "Replaced.*"])
    assert len(reports_of(lambda: other.dispatch(Replaced(liar())))) == 1


def test_195_a_part_ignored_at_one_path_is_reported_at_another() -> None:
    """Behaviour 195: that a part was passed over where it was ignored does not vouch for it."""
    todo = Todo("", liar())
    store = make_store(
        lambda state, _: attrs.evolve(state, todos=state.todos.append(todo)),
        state=Root(pvector(), pmap({"a": todo})),
        ignored_paths=["Root.cache*.tags"],
    )
    (text,) = reports_of(lambda: store.dispatch(Done()))
    assert text.startswith("Root.todos[0].tags")
