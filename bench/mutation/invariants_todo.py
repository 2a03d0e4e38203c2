"""What holds of the to-do list."""

from __future__ import annotations

from typing import Final

from examples.todo.state import (
    Root,
    Todo,
    TodoAdded,
    TodoDone,
    TodoEdited,
    TodoRemoved,
    items,
    root,
)
from refold.actions.action import Action

__all__ = ["CHECKS"]


def a_todo_is_as_was_said(before: Root, action: Action, after: Root) -> bool:
    """What is added, edited, done and removed is so afterwards; numbers are given in a row."""
    old, new = before.todos.present, after.todos.present
    match action:
        case TodoAdded(text=text):
            added = Todo(old.next_number, text)
            is_said = new.items.by_id.get(old.next_number) == added
            return is_said and new.next_number == old.next_number + 1
        case TodoEdited(number=number, text=text) if number in old.items.by_id:
            return new.items.by_id[number].text == text
        case TodoDone(number=number, is_done=is_done) if number in old.items.by_id:
            return new.items.by_id[number].is_done == is_done
        case TodoRemoved(number=number):
            return number not in new.items.by_id
        case _:
            return True


def open_todos_are_found(state: Root) -> bool:
    """The index has those that are not done, under their own numbers."""
    entities = state.todos.present.items
    found = {todo.number for todo in items.find(entities, "by_done", False)}  # noqa: FBT003  # the index's value
    return found == {number for number, todo in entities.by_id.items() if not todo.is_done}


def a_step_has_changed_something(before: Root, _action: Action, after: Root) -> bool:
    """There is a step to undo only where something changed."""
    has_step = len(after.todos.past) > len(before.todos.past)
    return not has_step or after.todos.present != before.todos.present


CHECKS: Final = (
    (root, (a_todo_is_as_was_said, open_todos_are_found, a_step_has_changed_something)),
)
"""What is checked: a reducer and its invariants."""
