"""The scene of behaviours 194 to 196: a checked store whose reducer does what a test likes.

What belongs here: the state, the actions, the store.  What does not: tests.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, Final

import attrs
from pyrsistent import PMap, PVector, pmap, pvector

from refold.actions.action import Action, action
from refold.errors import RefoldWarning
from refold.middleware.state_checks import state_checks
from refold.reducers.reducer import Reducer
from refold.store.store import Store

__all__ = [
    "NO_TODOS",
    "START",
    "Counted",
    "Done",
    "FakeClock",
    "Foreign",
    "Ignored",
    "Replaced",
    "Root",
    "Todo",
    "liar",
    "make_store",
    "reduce_as",
    "reports_of",
    "write",
]


@attrs.frozen
class Todo:
    """Something to do."""

    text: str = ""
    tags: tuple[str, ...] = ()


NO_TODOS: Final[PVector[Todo]] = pvector()
NO_CACHE: Final[PMap[str, Todo]] = pmap()


@attrs.frozen
class Root:
    """A state with parts of several kinds."""

    todos: PVector[Todo] = NO_TODOS
    cache: PMap[str, Todo] = NO_CACHE
    count: int = 0


@action("check_behaviours/counted")
class Counted(Action):
    """The count went up."""


@action("check_behaviours/replaced")
class Replaced(Action):
    """The first todo was replaced by one with these tags."""

    tags: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()


@action("check_behaviours/done")
class Done(Action):
    """A reducer does something of the test's choice."""


@action("check_behaviours/ignored")
class Ignored(Action):
    """Nobody handles it."""


Reduce = Callable[[Root, Action], Root]


def reduce_as(on_done: Reduce) -> Callable[[Root | None, Action], Root]:
    """Return a plain reducer that does something of the test's choice for `Done`."""

    def reduce(state: Root | None, action: Action) -> Root:
        if state is None:
            return START
        match action:
            case Counted():
                return attrs.evolve(state, count=state.count + 1)
            case Replaced(tags=tags):
                return attrs.evolve(state, todos=state.todos.set(0, Todo("new", tags)))
            case Done():
                return on_done(state, action)
            case _:
                return state

    return reduce


START = Root(pvector(Todo(str(number)) for number in range(5)), pmap({"a": Todo("cached")}))


def write(record: object, name: str, value: object) -> None:
    """Write to a frozen record, as no program should."""
    object.__setattr__(record, name, value)


def liar(*values: object) -> Any:
    """Return a list where a tuple is expected."""
    return list(values)


def make_store(
    on_done: Reduce = lambda state, _action: state, *, state: Root | None = None, **choices: Any
) -> Store[Root]:
    """Return a checked store; its state is made anew, because tests change it in place.

    Checks take no time, unless the test says so.
    """
    choices.setdefault("clock", FakeClock())
    start = state or Root(
        pvector(Todo(todo.text) for todo in START.todos), pmap({"a": Todo("cached")})
    )
    reducer = Reducer.of(reduce_as(on_done), start)
    return Store(reducer, state=start, middleware=[state_checks(**choices)])


def reports_of(call: Callable[[], object]) -> list[str]:
    """Return the texts of all warnings that the call gives."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    assert all(issubclass(each.category, RefoldWarning) for each in caught)
    return [str(each.message) for each in caught]


class FakeClock:
    """A clock that stands still but for what is told to take time."""

    def __init__(self, per_reading: float = 0.0) -> None:
        self.now = 0.0
        self.per_reading = per_reading

    def __call__(self) -> float:
        """Return the seconds."""
        self.now += self.per_reading
        return self.now


class Foreign:
    """An object of a class that no state may hold."""

    def __init__(self) -> None:
        self.x = 0
