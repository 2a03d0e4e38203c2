"""What is inferred of reducers and stores."""

from __future__ import annotations

from typing import Any, assert_type

from refold import (
    Action,
    Dispatch,
    Reducer,
    Store,
    StoreAPI,
    Timeline,
    evolve,
    record,
    replay,
    selector,
    timestamps,
)
from typing_tests.accepted.counter import AddToCounter, Counter, Root, counter, root


def for_this_root(store: StoreAPI[Root], next: Dispatch) -> Dispatch:  # noqa: A002
    """Middleware that reads the state of this root."""

    def handle(action: Action, /) -> Action:
        assert_type(store.state, Root)
        return next(action)

    return handle


def for_any_state(_store: StoreAPI[Any], next: Dispatch) -> Dispatch:  # noqa: A002
    """Middleware that reads no state."""
    return next


def for_every_object(_store: StoreAPI[object], next: Dispatch) -> Dispatch:  # noqa: A002
    """Middleware that asks nothing of the state."""
    return next


def a_reducer_knows_its_state() -> None:
    """A reducer is of the type of its initial state."""
    assert_type(counter, Reducer[Counter])
    assert_type(counter.initial, Counter)
    assert_type(counter(None, AddToCounter(1)), Counter)
    assert_type(root.initial, Root)
    assert_type(evolve(Counter(), value=1), Counter)


def a_store_knows_its_state() -> None:
    """A store is of its reducer's state, and dispatch returns the very type it was given."""
    store = Store(root, middleware=[for_this_root, for_any_state, for_every_object, timestamps()])
    assert_type(store, Store[Root])
    assert_type(store.state, Root)
    assert_type(store.dispatch(AddToCounter(1)), AddToCounter)


def select_counter(state: Root) -> Counter:
    """Read the slice."""
    return state.counter


@selector(select_counter)
def select_value(counter: Counter) -> int:
    """Read a field of it."""
    return counter.value


async def a_subscription_knows_its_value() -> None:
    """A selected subscription gets two values of the selector's type."""

    def hear(new: int, old: int) -> None:
        print(new - old)

    async with Store(root, middleware=[record("counter.jsonl")]) as store:
        assert_type(store, Store[Root])
        store.subscribe(lambda: None)
        store.subscribe(hear, select=select_value)
        async for value in store.changes(select_value):
            assert_type(value, int)


def a_timeline_knows_its_state() -> None:
    """Replaying with a reducer gives the states of that reducer."""
    timeline = replay("counter.jsonl", root)
    assert_type(timeline, Timeline[Root])
    assert_type(timeline.at(1), Root)
