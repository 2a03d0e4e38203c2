"""An adapter takes its own keys and entities only, and orders by what has an order."""

from __future__ import annotations

from refold import Entities, EntityAdapter
from typing_tests.accepted.entities import Todo, items

EntityAdapter[str, Todo](key=lambda todo: todo.rank)  # expect-error
EntityAdapter[str, Todo](key=lambda todo: todo.id, sort=lambda todo: todo.txet)  # expect-error
EntityAdapter[str, Todo](key=lambda todo: todo.id, sort=lambda _: None)  # expect-error
EntityAdapter[str, Todo](key=lambda todo: todo.id, indexes={"x": lambda _: [1]})  # expect-error
EntityAdapter[str, Todo](key=lambda todo: todo.id, map_kind="dict")  # expect-error


def change(state: Entities[str, Todo], numbered: Entities[int, Todo]) -> None:
    """Try what does not fit."""
    items.add_one(state, "a todo")  # expect-error
    items.add_one(numbered, Todo("1", "x"))  # expect-error
    items.remove_one(state, 1)  # expect-error
    items.add_many(state, None)  # expect-error
    print(state.idz)  # expect-error
    print(state.by_id["1"].txet)  # expect-error
