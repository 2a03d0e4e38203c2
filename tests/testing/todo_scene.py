"""A small list of things to do, with listeners of every kind: what tests of `TestStore` watch."""

from __future__ import annotations

import attrs
from pyrsistent import PVector, pvector

from refold import Action, Reducer, action, evolve

__all__ = ["AddTodo", "Count", "Rename", "Todo", "Todos", "TodosSaved", "count", "todos"]


@attrs.frozen
class Todo:
    """A thing to do."""

    text: str
    """What."""

    done: bool = False
    """Whether it was done."""


@attrs.frozen
class Todos:
    """The whole state."""

    todos: PVector[Todo] = pvector()  # noqa: RUF009  # it is immutable
    """All of them."""

    title: str = "to do"
    """Of the list."""

    saved: bool = True
    """Whether a file has all of them."""

    added_at_ms: int | None = None
    """When the last one was added; None if none was."""


@action("todo_scene/add_todo")
class AddTodo(Action):
    """A thing to do came up."""

    text: str


@action("todo_scene/todos_saved")
class TodosSaved(Action):
    """A file has them."""


@action("todo_scene/rename")
class Rename(Action):
    """The list got another title."""

    title: str
    count: float = 1.0


todos = Reducer(Todos())


@todos.on(AddTodo)
def _(state: Todos, action: AddTodo) -> Todos:
    added = state.todos.append(Todo(action.text))
    return evolve(state, todos=added, saved=False, added_at_ms=action.at_ms)


@todos.on(TodosSaved)
def _(state: Todos, _action: TodosSaved) -> Todos:
    return evolve(state, saved=True)


@todos.on(Rename)
def _(state: Todos, action: Rename) -> Todos:
    return evolve(state, title=action.title)


@action("todo_scene/count")
class Count(Action):
    """Something happened so often."""

    by: int = 1


count = Reducer(0)


@count.on(Count)
def _(state: int, action: Count) -> int:
    return state + action.by
