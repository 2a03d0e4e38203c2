"""Behaviours 69 to 71 and 74 to 77: thunks, the default list, dynamic middleware, enhancers.

What belongs here: the middleware that refold brings along.  What does not: the chain itself
(`test_middleware_behaviours`).
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any, cast

import attrs
import pytest

from refold.actions.action import Action, action
from refold.errors import NotAnActionError, RefoldWarning
from refold.middleware.default_middleware import default_middleware
from refold.middleware.dynamic_middleware import DynamicMiddleware
from refold.middleware.thunks import thunks
from refold.reducers.reducer import Reducer
from refold.store.create_store import create_store
from refold.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from refold.store.create_store import Create
    from refold.store.middleware import Dispatch, Middleware, StoreAPI

COUNT_DEFAULT_MIDDLEWARE = """
from refold.middleware.default_middleware import default_middleware
names = [getattr(one, "__name__", type(one).__name__) for one in default_middleware()]
print(any("Check" in name for name in names), len(default_middleware(action_class_check=False)))
print(len(names))
"""


@attrs.frozen
class Todos:
    """A state of texts."""

    texts: tuple[str, ...] = ()


@action("shipped_middleware_behaviours/todo_added")
class TodoAdded(Action):
    """A text was added."""

    text: str


def make_todos() -> Reducer[Todos]:
    """Return a reducer that collects texts."""
    todos = Reducer(Todos())

    @todos.on(TodoAdded)
    def _(state: Todos, action: TodoAdded) -> Todos:
        return Todos((*state.texts, action.text))

    return todos


def note_as(name: str, notes: list[tuple[str, int | None]]) -> Middleware[Todos]:
    """Return a middleware that notes its name and the time that each action carries."""

    def note(_store: StoreAPI[Todos], next_dispatch: Dispatch) -> Dispatch:
        def handle(action: Action, /) -> Action:
            notes.append((name, action.at_ms))
            return next_dispatch(action)

        return handle

    return note


def add_if_empty(dispatch: Dispatch, get_state: Callable[[], Todos]) -> Action | None:
    """Add a text only if there is none."""
    if get_state().texts:
        return None
    return dispatch(TodoAdded("first"))


async def add_later(dispatch: Dispatch, get_state: Callable[[], Todos]) -> str:
    """Add a text and return how many there are, in words."""
    dispatch(TodoAdded("later"))
    return f"{len(get_state().texts)} texts"


def test_b069_a_dispatched_function_is_called_with_dispatch_and_get_state() -> None:
    """A dispatched function gets (dispatch, get_state), and its result is returned."""
    store = Store(make_todos(), middleware=[thunks])
    result = object()
    seen: list[Todos] = []

    def thunk(dispatch: Dispatch, get_state: Callable[[], Todos]) -> object:
        seen.append(get_state())
        dispatch(TodoAdded("by thunk"))
        seen.append(get_state())
        return result

    assert cast("Any", store.dispatch)(thunk) is result
    assert seen == [Todos(), Todos(("by thunk",))]
    assert store.state is seen[1]


async def test_b069_the_result_of_an_async_function_can_be_awaited() -> None:
    """A dispatched async function returns something to await."""
    async with Store(make_todos(), middleware=[thunks]) as store:
        pending = cast("Awaitable[str]", store.dispatch(cast("Any", add_later)))
        assert await pending == "1 texts"
        assert store.state == Todos(("later",))


def test_b069_an_action_passes_the_thunks_unchanged() -> None:
    """An ordinary action goes through `thunks` as it is."""
    store = Store(make_todos(), middleware=[thunks])
    added = TodoAdded("plain")
    assert store.dispatch(added) is added
    assert store.state == Todos(("plain",))


def test_b069_without_thunks_a_function_is_refused() -> None:
    """Without the middleware a dispatched function is no action."""
    with pytest.raises(NotAnActionError, match="function"):
        Store(make_todos()).dispatch(cast("Any", add_if_empty))


def test_b069_a_thunk_inside_a_thunk_is_called_too() -> None:
    """The dispatch that a thunk gets goes through the whole chain, thunks included."""
    store = Store(make_todos(), middleware=[thunks])

    def outer(dispatch: Dispatch, _get_state: Callable[[], Todos]) -> object:
        return dispatch(cast("Any", add_if_empty))

    assert cast("Any", store.dispatch)(outer) == TodoAdded("first")
    assert store.state == Todos(("first",))


def test_b070_a_conditional_thunk_reads_the_present_state() -> None:
    """A thunk that adds if there is nothing, dispatched twice, adds once."""
    store = Store(make_todos(), middleware=[thunks])
    assert cast("Any", store.dispatch)(add_if_empty) == TodoAdded("first")
    assert cast("Any", store.dispatch)(add_if_empty) is None
    assert store.state == Todos(("first",))


def make_watcher(seen: list[tuple[object, ...]]) -> Middleware[Todos]:
    """Return a middleware that notes each action, what came with it by place, and by name."""

    def watch(_store: StoreAPI[Todos], next_dispatch: Dispatch) -> Dispatch:
        def handle(action: Action, /, *extra: object, **named: object) -> Action:
            seen.append((action, extra, named))
            return next_dispatch(action)

        return handle

    return watch


def answer_with(*extra: object, **named: object) -> Middleware[Todos]:
    """Return a middleware that answers one action by another dispatch with these arguments."""

    def answer(store: StoreAPI[Todos], next_dispatch: Dispatch) -> Dispatch:
        def handle(action: Action, /, *_extra: object, **_named: object) -> Action:
            if action == TodoAdded("asked"):
                return cast(
                    "Action", cast("Any", store).dispatch(TodoAdded("given"), *extra, **named)
                )
            return next_dispatch(action)

        return handle

    return answer


def test_b071_extra_arguments_of_an_inner_dispatch_reach_the_other_middlewares() -> None:
    """Whatever else an inner dispatch is given reaches the other middlewares unchanged."""
    seen: list[tuple[object, ...]] = []
    note = object()
    store = Store(make_todos(), middleware=[make_watcher(seen), answer_with(note, 3)])
    store.dispatch(TodoAdded("asked"))
    assert seen == [(TodoAdded("asked"), (), {}), (TodoAdded("given"), (note, 3), {})]
    assert store.state == Todos(("given",))


def test_b071_keyword_arguments_of_an_inner_dispatch_reach_the_other_middlewares() -> None:
    """Extra arguments given by name reach the other middlewares unchanged as well."""
    seen: list[tuple[object, ...]] = []
    store = Store(make_todos(), middleware=[make_watcher(seen), answer_with(retry=3)])
    store.dispatch(TodoAdded("asked"))
    assert seen == [(TodoAdded("asked"), (), {}), (TodoAdded("given"), (), {"retry": 3})]
    assert store.state == Todos(("given",))


def test_b074_the_default_list_checks_in_development() -> None:
    """In development the default list refuses a class for its instance, and stamps the time."""
    store = Store(make_todos(), middleware=default_middleware())
    with (
        pytest.warns(RefoldWarning, match="TodoAdded"),
        pytest.raises(NotAnActionError, match="not an instance"),
    ):
        store.dispatch(cast("Any", TodoAdded))
    times: list[tuple[str, int | None]] = []
    stamped = Store(make_todos(), middleware=[*default_middleware(), note_as("inner", times)])
    stamped.dispatch(TodoAdded("now"))
    assert isinstance(times[0][1], int)


def test_b074_in_production_the_default_list_has_no_checks() -> None:
    """Under `python -O` the default list holds none of the checks, and what is left is the same."""
    command = [sys.executable, "-O", "-c", COUNT_DEFAULT_MIDDLEWARE]
    finished = subprocess.run(command, capture_output=True, text=True, check=True)
    has_checks, without_check, all_of_them = finished.stdout.split()
    assert has_checks == "False"
    assert int(all_of_them) == int(without_check)

    command.remove("-O")
    finished = subprocess.run(command, capture_output=True, text=True, check=True)
    has_checks, without_check, all_of_them = finished.stdout.split()
    assert has_checks == "True"
    assert int(all_of_them) == int(without_check) + 1


def test_b074_each_of_the_default_list_can_be_turned_off_by_name() -> None:
    """Each middleware of the default list is turned off by its name."""
    complete = len(default_middleware())
    assert len(default_middleware(timestamps=False)) == complete - 1
    assert len(default_middleware(action_class_check=False)) == complete - 1
    assert default_middleware(timestamps=False, action_class_check=False) == []

    times: list[tuple[str, int | None]] = []
    unstamped = [*default_middleware(timestamps=False), note_as("inner", times)]
    Store(make_todos(), middleware=unstamped).dispatch(TodoAdded("now"))
    assert times == [("inner", None)]


def test_b074_each_of_the_default_list_takes_options() -> None:
    """The clock of the timestamps and the predicate of the class check can be given."""
    times: list[tuple[str, int | None]] = []
    stamped = [*default_middleware(timestamps=lambda: 1.5), note_as("inner", times)]
    Store(make_todos(), middleware=stamped).dispatch(TodoAdded("now"))
    assert times == [("inner", 1500)]

    asked: list[object] = []

    def is_action_class(candidate: object) -> bool:
        asked.append(candidate)
        return False

    store = Store(make_todos(), middleware=default_middleware(action_class_check=is_action_class))
    store.dispatch(TodoAdded("now"))
    with pytest.raises(NotAnActionError):
        store.dispatch(cast("Any", TodoAdded))
    assert TodoAdded in asked


def test_b075_prepending_and_appending_to_the_default_list_keep_order() -> None:
    """What stands before the default list sees an action before it, what stands after, after it."""
    notes: list[tuple[str, int | None]] = []
    default = default_middleware(timestamps=lambda: 2.0)
    store = Store(
        make_todos(),
        middleware=[
            note_as("first", notes),
            note_as("second", notes),
            *default,
            note_as("third", notes),
            note_as("fourth", notes),
        ],
    )
    store.dispatch(TodoAdded("ordered"))
    assert notes == [("first", None), ("second", None), ("third", 2000), ("fourth", 2000)]


def test_b076_a_middleware_added_later_works_from_the_next_dispatch_at_its_slot() -> None:
    """A middleware added after creation works from the next dispatch on, in the dynamic slot."""
    notes: list[tuple[str, int | None]] = []
    dynamic = DynamicMiddleware()
    store = Store(
        make_todos(), middleware=[note_as("before", notes), dynamic, note_as("after", notes)]
    )
    store.dispatch(TodoAdded("one"))
    assert [name for name, _ in notes] == ["before", "after"]

    dynamic.add(note_as("added", notes))
    notes.clear()
    store.dispatch(TodoAdded("two"))
    assert [name for name, _ in notes] == ["before", "added", "after"]

    dynamic.add(note_as("added last", notes))
    notes.clear()
    store.dispatch(TodoAdded("three"))
    assert [name for name, _ in notes] == ["before", "added", "added last", "after"]
    assert store.state == Todos(("one", "two", "three"))


def test_b076_a_middleware_added_during_a_dispatch_does_not_see_that_one() -> None:
    """A middleware added while an action is on its way sees only the next one."""
    notes: list[tuple[str, int | None]] = []
    dynamic = DynamicMiddleware()
    added = note_as("added", notes)
    waiting = [added]

    def add_once(_store: StoreAPI[Todos], next_dispatch: Dispatch) -> Dispatch:
        def handle(action: Action, /) -> Action:
            result = next_dispatch(action)
            while waiting:
                dynamic.add(waiting.pop())
            return result

        return handle

    store = Store(make_todos(), middleware=[add_once, dynamic])
    store.dispatch(TodoAdded("one"))
    assert notes == []
    store.dispatch(TodoAdded("two"))
    assert notes == [("added", None)]


def test_b076_a_middleware_added_later_is_set_up_once_with_the_store() -> None:
    """A middleware added later is set up once and can read and dispatch."""
    dynamic = DynamicMiddleware()
    store = Store(make_todos(), middleware=[dynamic])
    apis: list[StoreAPI[Todos]] = []

    def keep_api(api: StoreAPI[Todos], next_dispatch: Dispatch) -> Dispatch:
        apis.append(api)
        return next_dispatch

    dynamic.add(keep_api)
    store.dispatch(TodoAdded("one"))
    store.dispatch(TodoAdded("two"))
    assert len(apis) == 1
    assert apis[0].state is store.state
    apis[0].dispatch(TodoAdded("three"))
    assert store.state == Todos(("one", "two", "three"))


def test_b077_middleware_that_an_enhancer_leaves_out_is_reported() -> None:
    """Middleware given to a store whose enhancer never calls `create` is reported."""
    notes: list[tuple[str, int | None]] = []

    def leave_out(_create: Create) -> Create:
        def create_without(reducer: Reducer[Todos], _state: object) -> Store[Todos]:
            return Store(reducer)

        return create_without

    with pytest.warns(RefoldWarning, match="middleware"):
        store = create_store(
            make_todos(), middleware=[note_as("left out", notes)], enhancer=leave_out
        )
    store.dispatch(TodoAdded("unseen"))
    assert notes == []


@pytest.mark.filterwarnings("error::refold.errors.RefoldWarning")
def test_b077_an_enhancer_that_leaves_out_nothing_is_not_reported() -> None:
    """No middleware, or an enhancer that calls `create`, gives no report."""

    def leave_out(_create: Create) -> Create:
        return lambda reducer, _state: Store(reducer)

    def keep(create: Create) -> Create:
        return create

    notes: list[tuple[str, int | None]] = []
    create_store(make_todos(), enhancer=leave_out)
    store = create_store(make_todos(), middleware=[note_as("kept", notes)], enhancer=keep)
    store.dispatch(TodoAdded("seen"))
    assert notes == [("kept", None)]
