"""What is inferred of entities."""

from __future__ import annotations

from typing import assert_type

import attrs
from pyrsistent import PMap, PVector

from refold import Action, Entities, EntityAdapter, Reducer, action, combine_reducers

__all__ = ["Todo", "TodoAdded", "TodoRenamed", "items"]


@attrs.frozen
class Todo:
    """An entity."""

    id: str
    text: str
    owner: str = ""
    rank: tuple[int, str] = (0, "")


@action("typing/todo_added")
class TodoAdded(Action):
    """Somebody has something to do."""

    todo: Todo


@action("typing/todo_renamed")
class TodoRenamed(Action):
    """It is something else."""

    id: str
    text: str


@attrs.frozen
class Root:
    """A root of one slice of entities."""

    todos: Entities[str, Todo]


items = EntityAdapter[str, Todo](
    key=lambda todo: todo.id,
    sort=lambda todo: todo.text,
    orders={"by_rank": lambda todo: todo.rank},
    indexes={"by_owner": lambda todo: todo.owner},
)

todos = Reducer(items.empty())
todos.on(TodoAdded)(items.add_one)
todos.on(TodoRenamed)(items.update_one)
root = combine_reducers(Root, todos=todos)


def entities_keep_their_types(state: Entities[str, Todo]) -> None:
    """Keys and entities are known wherever they are read."""
    assert_type(state.ids, PVector[str])
    assert_type(state.by_id, PMap[str, Todo])
    assert_type(state.all, tuple[Todo, ...])
    assert_type(items.update_one(state, "1", text="x"), Entities[str, Todo])
    assert_type(items.add_many(state, [Todo("1", "x")]), Entities[str, Todo])
    assert_type(items.in_order(state, "by_rank"), tuple[Todo, ...])
    assert_type(items.find(state, "by_owner", "anna"), tuple[Todo, ...])
    assert_type(items.find_ids(state, "by_owner", "anna"), PVector[str])


def read_todos(state: Root) -> Entities[str, Todo]:
    """Return the slice."""
    return state.todos


def selectors_keep_their_types(state: Root) -> None:
    """Selectors take the root, or the slice itself."""
    selectors = items.selectors(read_todos)
    assert_type(selectors.select_all(state), tuple[Todo, ...])
    assert_type(selectors.select_by_id(state, "1"), Todo | None)
    assert_type(items.selectors().select_ids(state.todos), PVector[str])
