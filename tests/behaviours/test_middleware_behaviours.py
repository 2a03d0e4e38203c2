"""Behaviours 61 to 68 and 72, 73: the chain of middleware, its order and what may stand in it.

What belongs here: what every middleware meets.  What does not: middleware that refold brings along
(`test_shipped_middleware_behaviours`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import attrs
import pytest

from refold.actions.action import Action, action
from refold.errors import MiddlewareError, MiddlewareSetupError
from refold.reducers.reducer import Reducer
from refold.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable

    from refold.store.middleware import Dispatch, Middleware, StoreAPI


@attrs.frozen
class Counter:
    """A state with one number."""

    value: int = 0


@action("middleware_behaviours/increased")
class Increased(Action):
    """The counter went up."""

    by: int = 1


@action("middleware_behaviours/increase_asked_for")
class IncreaseAskedFor(Action):
    """A middleware answers it by another dispatch."""


@action("middleware_behaviours/answered")
class Answered(Action):
    """What the outermost middleware returns instead of the action."""


def make_counter() -> Reducer[Counter]:
    """Return a counter."""
    counter = Reducer(Counter())

    @counter.on(Increased)
    def _(state: Counter, action: Increased) -> Counter:
        return Counter(state.value + action.by)

    return counter


def note_as(name: str, notes: list[str]) -> Middleware[Counter]:
    """Return a middleware that notes when an action comes in and when its result goes out."""

    def note(_store: StoreAPI[Counter], next_dispatch: Dispatch) -> Dispatch:
        def handle(action: Action, /) -> Action:
            notes.append(f"{name} in")
            result = next_dispatch(action)
            notes.append(f"{name} out")
            return result

        return handle

    return note


def note_actions_in(seen: list[Action]) -> Middleware[Counter]:
    """Return a middleware that notes every action."""

    def note(_store: StoreAPI[Counter], next_dispatch: Dispatch) -> Dispatch:
        def handle(action: Action, /) -> Action:
            seen.append(action)
            return next_dispatch(action)

        return handle

    return note


def pass_everything_on(_store: StoreAPI[Counter], next_dispatch: Dispatch) -> Dispatch:
    """Do nothing."""
    return next_dispatch


def build_nothing(_store: StoreAPI[Counter], _next_dispatch: Dispatch) -> Dispatch:
    """Forget to return the handler."""
    return cast("Dispatch", None)


def test_b061_dispatching_while_middleware_is_being_set_up_raises() -> None:
    """A middleware that dispatches while it is set up gets an error of its own."""
    raised: list[MiddlewareSetupError] = []

    def dispatch_too_early(store: StoreAPI[Counter], next_dispatch: Dispatch) -> Dispatch:
        with pytest.raises(MiddlewareSetupError) as caught:
            store.dispatch(Increased())
        raised.append(caught.value)
        return next_dispatch

    store = Store(make_counter(), middleware=[dispatch_too_early])
    assert len(raised) == 1
    assert isinstance(raised[0], RuntimeError)
    assert store.state == Counter(0)
    store.dispatch(Increased())
    assert store.state == Counter(1)


def test_b061_the_error_of_a_dispatch_during_setup_reaches_whoever_makes_the_store() -> None:
    """Uncaught, the error of a dispatch during setup comes out of `Store(...)`."""

    def dispatch_too_early(store: StoreAPI[Counter], next_dispatch: Dispatch) -> Dispatch:
        store.dispatch(Increased())
        return next_dispatch

    with pytest.raises(MiddlewareSetupError):
        Store(make_counter(), middleware=[dispatch_too_early])


def test_b062_each_middleware_is_set_up_once_per_store_with_state_and_dispatch() -> None:
    """A middleware is set up exactly once per store and given that store's state and dispatch."""
    given: list[StoreAPI[Counter]] = []

    def keep_api(store: StoreAPI[Counter], next_dispatch: Dispatch) -> Dispatch:
        given.append(store)
        return next_dispatch

    store = Store(make_counter(), state=Counter(5), middleware=[keep_api])
    assert len(given) == 1
    assert given[0].state == Counter(5)
    given[0].dispatch(Increased())
    store.dispatch(Increased())
    assert len(given) == 1
    assert given[0].state is store.state
    assert store.state == Counter(7)

    Store(make_counter(), middleware=[keep_api])
    assert len(given) == 2
    assert given[1].state == Counter(0)


def test_b062_setup_may_read_the_state() -> None:
    """The initial state can be read while a middleware is set up."""
    seen: list[Counter] = []

    def look(store: StoreAPI[Counter], next_dispatch: Dispatch) -> Dispatch:
        seen.append(store.state)
        return next_dispatch

    Store(make_counter(), state=Counter(5), middleware=[look])
    assert seen == [Counter(5)]


def test_b063_the_first_listed_is_the_outermost() -> None:
    """The first listed middleware sees an action first and its result last."""
    notes: list[str] = []
    middleware = [note_as(name, notes) for name in ("first", "second", "third")]
    store = Store(make_counter(), middleware=middleware)
    store.dispatch(Increased())
    assert notes == ["first in", "second in", "third in", "third out", "second out", "first out"]


def test_b064_a_dispatch_inside_a_middleware_goes_through_the_whole_chain_again() -> None:
    """An action dispatched by an inner middleware is seen by the outer ones as well."""
    outer: list[Action] = []

    def answer(store: StoreAPI[Counter], next_dispatch: Dispatch) -> Dispatch:
        def handle(action: Action, /) -> Action:
            if isinstance(action, IncreaseAskedFor):
                return store.dispatch(Increased(10))
            return next_dispatch(action)

        return handle

    inner: list[Action] = []
    store = Store(
        make_counter(), middleware=[note_actions_in(outer), answer, note_actions_in(inner)]
    )
    store.dispatch(IncreaseAskedFor())
    assert outer == [IncreaseAskedFor(), Increased(10)]
    assert inner == [Increased(10)]
    assert store.state == Counter(10)


def test_b065_what_the_outermost_returns_is_what_dispatch_returns() -> None:
    """`dispatch` returns the very object that the outermost middleware returned."""
    answers = {"outer": Answered(), "inner": Answered()}

    def answer_as(name: str) -> Middleware[Counter]:
        def answer(_store: StoreAPI[Counter], next_dispatch: Dispatch) -> Dispatch:
            def handle(action: Action, /) -> Action:
                next_dispatch(action)
                return answers[name]

            return handle

        return answer

    store = Store(make_counter(), middleware=[answer_as("outer"), answer_as("inner")])
    result: object = store.dispatch(Increased())
    assert result is answers["outer"]
    assert store.state == Counter(1)


def test_b066_a_middleware_that_does_not_call_next_stops_the_action() -> None:
    """An action that is not passed on reaches no inner middleware, reducer or subscriber."""

    def stop(_store: StoreAPI[Counter], _next_dispatch: Dispatch) -> Dispatch:
        def handle(action: Action, /) -> Action:
            return action

        return handle

    inner: list[Action] = []
    calls: list[str] = []
    store = Store(make_counter(), middleware=[stop, note_actions_in(inner)])
    store.subscribe(lambda: calls.append("told"))
    before = store.state
    store.dispatch(Increased())
    assert store.state is before
    assert inner == []
    assert calls == []


def test_b067_a_middleware_may_replace_the_action() -> None:
    """The reducer sees only the action that the middleware passed on."""
    reduced: list[Action] = []
    recording = Reducer(Counter())

    @recording.otherwise
    def _(state: Counter, action: Action) -> Counter:
        reduced.append(action)
        return state

    replacement = Increased(100)

    def replace(_store: StoreAPI[Counter], next_dispatch: Dispatch) -> Dispatch:
        def handle(_action: Action, /) -> Action:
            return next_dispatch(replacement)

        return handle

    store = Store(recording, middleware=[replace])
    store.dispatch(Increased(1))
    assert len(reduced) == 1
    assert reduced[0] is replacement


def test_b068_before_next_a_middleware_reads_the_old_state_and_after_it_the_new() -> None:
    """The state a middleware reads changes while `next` runs."""
    seen: list[tuple[int, int]] = []

    def compare(store: StoreAPI[Counter], next_dispatch: Dispatch) -> Dispatch:
        def handle(action: Action, /) -> Action:
            before = store.state.value
            result = next_dispatch(action)
            seen.append((before, store.state.value))
            return result

        return handle

    store = Store(make_counter(), middleware=[compare])
    store.dispatch(Increased(3))
    store.dispatch(Increased(3))
    assert seen == [(0, 3), (3, 6)]


@pytest.mark.parametrize("candidate", [42, None, "middleware"])
def test_b072_a_middleware_that_is_not_callable_raises_and_says_which(candidate: object) -> None:
    """A middleware that cannot be called raises, showing it and its place in the list."""
    with pytest.raises(MiddlewareError, match=r"number 2\b") as caught:
        Store(make_counter(), middleware=[pass_everything_on, cast("Any", candidate)])
    assert repr(candidate) in str(caught.value)


def test_b072_a_middleware_that_builds_nothing_raises_and_says_which() -> None:
    """A middleware whose setup returns None raises and is named."""
    with pytest.raises(MiddlewareError, match="build_nothing") as caught:
        Store(make_counter(), middleware=[pass_everything_on, build_nothing])
    assert "None" in str(caught.value)
    assert "pass_everything_on" not in str(caught.value)


def test_b072_no_middleware_of_a_refused_list_is_set_up() -> None:
    """A list with something that cannot be called is refused before any setup runs."""
    set_up: list[str] = []

    def note_setup(_store: StoreAPI[Counter], next_dispatch: Dispatch) -> Dispatch:
        set_up.append("set up")
        return next_dispatch

    with pytest.raises(MiddlewareError):
        Store(make_counter(), middleware=[note_setup, cast("Any", 42)])
    assert set_up == []


def test_b073_the_same_middleware_twice_raises() -> None:
    """The same middleware listed twice raises and is named."""
    notes: list[str] = []
    twice = note_as("twice", notes)
    with pytest.raises(MiddlewareError, match="note"):
        Store(make_counter(), middleware=[twice, pass_everything_on, twice])


def test_b073_two_middlewares_of_one_maker_are_not_the_same() -> None:
    """Two middlewares made by one function are two."""
    notes: list[str] = []
    store = Store(make_counter(), middleware=[note_as("one", notes), note_as("two", notes)])
    store.dispatch(Increased())
    assert notes == ["one in", "two in", "two out", "one out"]


def test_b073_with_the_check_turned_off_the_same_middleware_runs_twice() -> None:
    """With `check_duplicate_middleware=False` a middleware listed twice runs twice."""
    notes: list[str] = []
    twice = note_as("twice", notes)
    store = Store(make_counter(), middleware=[twice, twice], check_duplicate_middleware=False)
    store.dispatch(Increased())
    assert notes == ["twice in", "twice in", "twice out", "twice out"]


@pytest.mark.parametrize("make_list", [list, tuple, iter])
def test_b063_the_middlewares_may_come_in_any_iterable(
    make_list: Callable[[list[Middleware[Counter]]], Any],
) -> None:
    """A list, a tuple and an iterator of middlewares keep their order alike."""
    notes: list[str] = []
    middlewares = [note_as("first", notes), note_as("second", notes)]
    store = Store(make_counter(), middleware=make_list(middlewares))
    store.dispatch(Increased())
    assert notes == ["first in", "second in", "second out", "first out"]
