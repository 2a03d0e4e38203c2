"""Behaviour 194: a state that was changed in place is caught, and the path named.

What belongs here: when it is caught and what is said.  What does not: that every mutation is found
in states of any shape (`tests/middleware/test_state_checks.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from pyrsistent import pmap, pvector

from refold.errors import InsideReducerError, StateMutatedError, SubscriberError
from refold.middleware.state_checks import state_checks
from refold.reducers.reducer import Reducer
from refold.store.store import Store
from tests.behaviours.check_scene import (
    NO_TODOS,
    Counted,
    Done,
    FakeClock,
    Foreign,
    Ignored,
    Replaced,
    Root,
    Todo,
    liar,
    make_store,
    reduce_as,
    write,
)

if TYPE_CHECKING:
    from refold.actions.action import Action
    from refold.store.middleware import Dispatch, StoreAPI


def test_194_an_action_goes_on_and_comes_back_as_it_is() -> None:
    """Behaviour 194: the check changes nothing on the way of an action."""
    store = make_store()
    counted = Counted()
    assert store.dispatch(counted) is counted
    assert store.state.count == 1
    assert store.dispatch(Ignored()) == Ignored()


def test_194_a_reducer_that_mutates_its_input_is_caught_with_the_path() -> None:
    """Behaviour 194: the error names the action, the part, and what stood and stands there."""

    def mutate(state: Root, _action: Action) -> Root:
        write(state.todos[3], "text", "by hand")
        return state

    store = make_store(mutate)
    store.dispatch(Counted())
    with pytest.raises(
        StateMutatedError,
        match=r"the reducer for check_behaviours/done .*Root\.todos\[3\]\.text was '3'.*'by hand'",
    ) as caught:
        store.dispatch(Done())
    assert caught.value.path == "Root.todos[3].text"


def test_194_it_is_caught_when_the_reducer_returns_another_state_without_the_part() -> None:
    """Behaviour 194: what was changed in place is history, even if the next state lacks it."""

    def mutate(state: Root, _action: Action) -> Root:
        write(state.todos[0], "text", "by hand")
        return attrs.evolve(state, todos=state.todos.delete(0))

    with pytest.raises(StateMutatedError) as caught:
        make_store(mutate).dispatch(Done())
    assert caught.value.path == "Root.todos[0].text"


def test_194_a_mutation_between_dispatches_is_caught_before_the_next_action() -> None:
    """Behaviour 194: the error says that it was no reducer, and the action goes no further."""
    store = make_store()
    write(store.state.cache["a"], "text", "by hand")
    with pytest.raises(
        StateMutatedError, match="outside of a reducer, before check_behaviours/counted"
    ) as caught:
        store.dispatch(Counted())
    assert caught.value.path == "Root.cache['a'].text"
    assert store.state.count == 0


def test_194_a_mutation_is_told_once_and_the_next_dispatch_works() -> None:
    """Behaviour 194: after the error the state is watched as it is."""
    store = make_store()
    write(store.state.todos[1], "text", "once")
    with pytest.raises(StateMutatedError):
        store.dispatch(Counted())
    store.dispatch(Counted())
    write(store.state.todos[1], "text", "twice")
    with pytest.raises(StateMutatedError, match="'once' and is 'twice'"):
        store.dispatch(Counted())


def test_194_a_list_that_hides_behind_a_tuple_is_watched() -> None:
    """Behaviour 194: what was put into a lying list later is found at its place in it."""
    tags = liar("a")
    store = make_store(unserialisable=False)
    store.dispatch(Replaced(tags))
    store.dispatch(Counted())
    tags.append("b")
    with pytest.raises(StateMutatedError) as caught:
        store.dispatch(Counted())
    assert caught.value.path == "Root.todos[0].tags[1]"


def hide_dict() -> tuple[object, Callable[[], None]]:
    """Return a dictionary, and what changes it."""
    held = {"k": 1}
    return held, lambda: held.update(k=2)


def hide_set() -> tuple[object, Callable[[], None]]:
    """Return a set, and what changes it."""
    held = {1}
    return held, lambda: held.add(2)


def hide_bytearray() -> tuple[object, Callable[[], None]]:
    """Return a bytearray, and what changes it."""
    held = bytearray(b"ab")
    return held, lambda: held.extend(b"c")


def hide_foreign() -> tuple[object, Callable[[], None]]:
    """Return an object of a foreign class, and what changes it."""
    held = Foreign()
    return held, lambda: setattr(held, "x", 1)


@pytest.mark.parametrize(
    ("hide", "path"),
    [(hide_dict, "['k']"), (hide_set, ""), (hide_bytearray, "[2]"), (hide_foreign, ".x")],
)
def test_194_hidden_values_that_can_change_are_watched(
    hide: Callable[[], tuple[Any, Callable[[], None]]], path: str
) -> None:
    """Behaviour 194: a dict, set, bytearray or foreign object behind a text is watched, too."""
    held, change = hide()
    store = make_store(unserialisable=False)
    store.dispatch(Replaced((held,)))
    change()
    with pytest.raises(StateMutatedError) as caught:
        store.dispatch(Counted())
    assert caught.value.path == "Root.todos[0].tags[0]" + path


def test_194_values_that_hold_each_other_are_no_trouble() -> None:
    """Behaviour 194: the checks end where lists are in a circle."""
    circle = liar()
    circle.append(circle)
    store = make_store(unserialisable=False)
    store.dispatch(Replaced(circle))
    circle.append(1)
    with pytest.raises(StateMutatedError) as caught:
        store.dispatch(Counted())
    assert caught.value.path == "Root.todos[0].tags[1]"


def test_194_a_reducer_that_mutates_and_raises_is_told_by_a_note() -> None:
    """Behaviour 194: the reducer's own error comes out, and says what else happened."""

    def mutate_and_raise(state: Root, _action: Action) -> Root:
        write(state, "count", -1)
        raise ZeroDivisionError

    store = make_store(mutate_and_raise)
    with pytest.raises(ZeroDivisionError) as caught:
        store.dispatch(Done())
    assert "Root.count was 0 and is -1" in "".join(caught.value.__notes__)
    store.dispatch(Counted())


def test_194_a_subscriber_that_mutates_is_not_taken_for_the_reducer() -> None:
    """Behaviour 194: what is changed after the reducer counts as done between dispatches."""
    store = make_store()
    remove = store.subscribe(lambda: write(store.state.todos[2], "text", "by hand"))
    store.dispatch(Counted())
    remove()
    with pytest.raises(StateMutatedError, match=r"outside of a reducer.*Root\.todos\[2\]\.text"):
        store.dispatch(Counted())


def test_194_a_reducer_is_told_from_the_subscriber_that_dispatches_after_it() -> None:
    """Behaviour 194: the outer action's reducer is named, also when others were dispatched."""

    def mutate(state: Root, _action: Action) -> Root:
        write(state.todos[1], "text", "by hand")
        return state

    store = make_store(mutate)

    def follow() -> None:
        if store.state.count == 0:
            store.dispatch(Counted())

    store.subscribe(follow)
    with pytest.raises(StateMutatedError, match="the reducer for check_behaviours/done"):
        store.dispatch(Done())
    assert store.state.count == 1


def test_194_a_mutation_in_a_transaction_is_caught_at_its_action() -> None:
    """Behaviour 194: the dispatch inside the block raises, so that the block is rolled back."""

    def mutate(state: Root, _action: Action) -> Root:
        write(state.todos[1], "text", "by hand")
        return state

    store = make_store(mutate)

    def block() -> None:
        with store.transaction():
            store.dispatch(Counted())
            store.dispatch(Done())

    with pytest.raises(StateMutatedError, match="the reducer for"):
        block()
    assert store.state.count == 0


def test_194_the_record_of_an_action_that_mutated_is_not_lost() -> None:
    """Behaviour 194: whoever observes commits hears of the action before the error is raised."""
    heard: list[Action] = []

    class Hears:
        """A middleware that notes what was committed."""

        def __call__(self, _store: StoreAPI[Root], next_dispatch: Dispatch, /) -> Dispatch:
            return next_dispatch

        def committed(self, actions: tuple[Action, ...], /) -> None:
            heard.extend(actions)

    def mutate(state: Root, _action: Action) -> Root:
        write(state, "count", 9)
        return state

    checks = state_checks(clock=FakeClock())
    store = Store(Reducer.of(reduce_as(mutate), Root()), middleware=[checks, Hears()])
    with pytest.raises(StateMutatedError):
        store.dispatch(Done())
    assert heard == [Done()]


def test_194_a_reducer_that_dispatches_gets_the_error_for_that() -> None:
    """Behaviour 194: the check does not stand in front of the store's own refusals."""
    stores: list[Store[Root]] = []

    def dispatch_inside(state: Root, _action: Action) -> Root:
        stores[0].dispatch(Counted())
        return state

    stores.append(make_store(dispatch_inside))
    with pytest.raises(InsideReducerError, match="may not dispatch an action"):
        stores[0].dispatch(Done())


@pytest.mark.parametrize(
    "choice",
    [
        {"ignored_paths": ["Root.cache['a'].text"]},
        {"ignored_paths": ["Root.cache"]},
        {"ignored_paths": ["*.text"]},
        {"ignored_paths": ["Root.cache[???].text"]},
        {"ignored_slices": ["cache"]},
        {"ignored_types": [Todo]},
        {"mutations": False},
    ],
)
def test_194_ignored_parts_may_change(choice: dict[str, Any]) -> None:
    """Behaviour 194: ignored paths, patterns of paths, slices and types are not watched."""
    store = make_store(**choice)
    write(store.state.cache["a"], "text", "by hand")
    store.dispatch(Counted())


@pytest.mark.parametrize(
    "choice", [{"ignored_paths": ["Root.todos*"]}, {"ignored_slices": ["count", "todos"]}]
)
def test_194_ignoring_parts_leaves_the_others_watched(choice: dict[str, Any]) -> None:
    """Behaviour 194: also the root, of which an ignored slice is one field."""
    store = make_store(**choice)
    write(store.state, "todos", NO_TODOS)
    write(store.state.cache["a"], "text", "by hand")
    with pytest.raises(StateMutatedError) as caught:
        store.dispatch(Counted())
    assert caught.value.path == "Root.cache['a'].text"


def test_194_a_part_ignored_at_one_path_is_named_by_the_other() -> None:
    """Behaviour 194: what stands at two places is watched where it is not ignored."""
    todo = Todo("twice")
    store = make_store(
        state=Root(pvector([todo]), pmap({"a": todo})), ignored_paths=["Root.todos*"]
    )
    write(todo, "text", "by hand")
    with pytest.raises(StateMutatedError) as caught:
        store.dispatch(Counted())
    assert caught.value.path == "Root.cache['a'].text"


def test_194_a_record_that_fills_in_a_field_later_is_not_mutated() -> None:
    """Behaviour 194: a field that was absent may come, as the ids of `Entities` do."""

    @attrs.frozen
    class Lazy:
        """A record whose second field is made when it is read."""

        given: int
        made: int = attrs.field(init=False)

        def __getattr__(self, name: str) -> int:
            if name != "made":
                raise AttributeError(name)
            write(self, "made", self.given + 1)
            return self.given + 1

    held: Any = Lazy(1)
    store = make_store(unserialisable=False)
    store.dispatch(Replaced((held,)))
    store.dispatch(Counted())
    assert held.made == 2
    store.dispatch(Counted())
    write(held, "made", 3)
    with pytest.raises(StateMutatedError, match="was 2 and is 3"):
        store.dispatch(Counted())


def test_194_an_error_of_a_subscriber_comes_out_with_a_note() -> None:
    """Behaviour 194: what a subscriber raised is not hidden by what the reducer did."""

    def mutate(state: Root, _action: Action) -> Root:
        write(state, "count", 5)
        return state

    def fail() -> None:
        raise ZeroDivisionError

    store = make_store(mutate)
    store.subscribe(fail)
    with pytest.raises(SubscriberError) as caught:
        store.dispatch(Done())
    assert "Root.count was 0 and is 5" in "".join(caught.value.__notes__)
