"""A to-do list: what can happen to it, and what it is then.

What belongs here: actions, state, reducer and selectors.  What does not: files and the terminal.
"""

from __future__ import annotations

import attrs

from refold import (
    Action,
    Entities,
    EntityAdapter,
    Reducer,
    action,
    combine_reducers,
    selector,
    undoable,
)
from refold.reducers.undo_history import UndoHistory

__all__ = [
    "Root",
    "Todo",
    "TodoAdded",
    "TodoDone",
    "TodoEdited",
    "TodoRemoved",
    "Todos",
    "root",
    "select_open",
    "select_todos",
]


@attrs.frozen
class Todo:
    """One thing to do."""

    number: int
    text: str
    is_done: bool = False


@attrs.frozen
class Todos:
    """All of them, and the number that the next one gets."""

    items: Entities[int, Todo]
    next_number: int = 1


@attrs.frozen
class Root:
    """The whole state: a list whose changes can be undone."""

    todos: UndoHistory[Todos]


@action("todo/todo_added")
class TodoAdded(Action):
    """There is one more thing to do."""

    text: str


@action("todo/todo_edited")
class TodoEdited(Action):
    """It is another thing to do."""

    number: int
    text: str


@action("todo/todo_done")
class TodoDone(Action):
    """It is done, or not after all."""

    number: int
    is_done: bool = True


@action("todo/todo_removed")
class TodoRemoved(Action):
    """Nobody needs to do it."""

    number: int


items = EntityAdapter[int, Todo](
    key=lambda todo: todo.number, indexes={"by_done": lambda todo: todo.is_done}
)
todos = Reducer(Todos(items.empty()))


@todos.on(TodoAdded)
def _(state: Todos, action: TodoAdded) -> Todos:
    todo = Todo(state.next_number, action.text)
    return Todos(items.add_one(state.items, todo), state.next_number + 1)


@todos.on(TodoEdited)
def _(state: Todos, action: TodoEdited) -> Todos:
    return _with_items(state, items.update_one(state.items, action.number, text=action.text))


@todos.on(TodoDone)
def _(state: Todos, action: TodoDone) -> Todos:
    return _with_items(state, items.update_one(state.items, action.number, is_done=action.is_done))


@todos.on(TodoRemoved)
def _(state: Todos, action: TodoRemoved) -> Todos:
    return _with_items(state, items.remove_one(state.items, action.number))


def _with_items(state: Todos, changed: Entities[int, Todo]) -> Todos:
    """Keep the identical state if nothing changed: then there is nothing to undo either."""
    return state if changed is state.items else attrs.evolve(state, items=changed)


root = combine_reducers(Root, todos=undoable(todos))


def _read_items(state: Root) -> Entities[int, Todo]:
    return state.todos.present.items


@selector(_read_items)
def select_todos(entities: Entities[int, Todo]) -> tuple[Todo, ...]:
    """Return all todos in the order in which they were added."""
    return tuple(entities.by_id[number] for number in entities.ids)


@selector(_read_items)
def select_open(entities: Entities[int, Todo]) -> int:
    """Return how many are not done."""
    return len(items.find(entities, "by_done", False))  # noqa: FBT003  # what they are indexed by
