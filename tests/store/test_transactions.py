"""Transactions: several dispatches, one commit, one notification, all of it or nothing.

What belongs here: `transaction()`.  What does not: the hooks of commits (`test_commit_hooks`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import attrs
import pytest

from refold.actions.action import Action, action
from refold.errors import SubscriberError, TransactionError
from refold.reducers.combine_reducers import combine_reducers
from refold.reducers.reducer import Reducer
from refold.store.store import Store

if TYPE_CHECKING:
    from refold.store.middleware import Dispatch, StoreAPI


@attrs.frozen
class Counter:
    """A state with one number."""

    value: int = 0


@attrs.frozen
class Root:
    """A root of two counters."""

    left: Counter
    right: Counter


@action("transactions/left_added")
class LeftAdded(Action):
    """The left counter went up."""

    by: int = 1


@action("transactions/right_added")
class RightAdded(Action):
    """The right counter went up."""

    by: int = 1


@action("transactions/failed")
class Failed(Action):
    """The reducer raises."""


class BlockFailedError(Exception):
    """What a block raises."""


class ReducerFailedError(Exception):
    """What a reducer raises."""


@attrs.define(eq=False)
class Hook:
    """A middleware that notes what was committed."""

    name: str
    notes: list[object]

    def __call__(self, _store: StoreAPI[Root], next_dispatch: Dispatch, /) -> Dispatch:
        """Change nothing on an action's way."""
        return next_dispatch

    def committed(self, actions: tuple[Action, ...], /) -> None:
        """Note the actions of a commit."""
        self.notes.append((self.name, actions))


def make_counter(added: type[LeftAdded | RightAdded]) -> Reducer[Counter]:
    """Return a counter of one of the two actions."""
    counter = Reducer(Counter())

    @counter.on(added)
    def _(state: Counter, action: LeftAdded | RightAdded) -> Counter:
        return Counter(state.value + action.by)

    return counter


def make_reducer() -> Reducer[Root]:
    """Return a reducer of two counters."""
    left, right = make_counter(LeftAdded), make_counter(RightAdded)

    @right.on(Failed)
    def _(_state: Counter, _action: Failed) -> Counter:
        raise ReducerFailedError

    return combine_reducers(Root, left=left, right=right)


def make_store(*hooks: Hook) -> Store[Root]:
    """Return a store with these middlewares."""
    return Store(make_reducer(), middleware=hooks)


def watch_states(store: Store[Root]) -> list[Root]:
    """Return a list that gets the state at each notification."""
    states: list[Root] = []
    store.subscribe(lambda: states.append(store.state))
    return states


def dispatch_and_fail(store: Store[Root], *actions: Action) -> NoReturn:
    """Dispatch the actions in a transaction whose block then raises."""
    with store.transaction():
        for one in actions:
            store.dispatch(one)
        raise BlockFailedError


def test_a_transaction_is_one_notification() -> None:
    """Several dispatches in a transaction are told once, at its end, with the last state."""
    store = make_store()
    states = watch_states(store)
    with store.transaction():
        store.dispatch(LeftAdded())
        store.dispatch(RightAdded())
        store.dispatch(LeftAdded())
        assert states == []
    assert states == [Root(Counter(2), Counter(1))]
    assert states[0] is store.state


def test_the_state_is_read_step_by_step_inside() -> None:
    """Inside a transaction each dispatch returns its action, and the state is the newest."""
    store = make_store()
    with store.transaction():
        added = LeftAdded(5)
        assert store.dispatch(added) is added
        assert store.state == Root(Counter(5), Counter(0))
        store.dispatch(RightAdded(3))
        assert store.state == Root(Counter(5), Counter(3))
    assert store.state == Root(Counter(5), Counter(3))


def test_a_transaction_without_a_dispatch_tells_nobody() -> None:
    """A transaction in which nothing was dispatched is no commit and no notification."""
    notes: list[object] = []
    store = make_store(Hook("hook", notes))
    states = watch_states(store)
    before = store.state
    with store.transaction():
        pass
    assert states == []
    assert notes == []
    assert store.state is before


def test_a_block_that_raises_is_rolled_back() -> None:
    """When the block raises, the state is the very one before, and nobody hears of anything."""
    notes: list[object] = []
    store = make_store(Hook("hook", notes))
    store.dispatch(LeftAdded())
    states = watch_states(store)
    notes.clear()
    before = store.state
    with pytest.raises(BlockFailedError):
        dispatch_and_fail(store, LeftAdded(), RightAdded())
    assert store.state is before
    assert states == []
    assert notes == []

    store.dispatch(RightAdded())
    assert states == [Root(Counter(1), Counter(1))]


@pytest.mark.parametrize("error_type", [KeyboardInterrupt, GeneratorExit, SystemExit])
def test_a_block_that_is_stopped_is_rolled_back_too(error_type: type[BaseException]) -> None:
    """A block left by what is no Exception is rolled back as well."""
    store = make_store()
    before = store.state

    def stop() -> NoReturn:
        with store.transaction():
            store.dispatch(LeftAdded())
            raise error_type

    with pytest.raises(error_type):
        stop()
    assert store.state is before


def test_a_failing_reducer_inside_rolls_everything_back() -> None:
    """A reducer's exception that leaves the block takes the earlier dispatches back."""
    store = make_store()
    states = watch_states(store)
    before = store.state
    with pytest.raises(ReducerFailedError):
        dispatch_and_fail(store, LeftAdded(), Failed())
    assert store.state is before
    assert states == []


def test_a_failing_reducer_that_is_caught_inside_costs_only_its_own_action() -> None:
    """A reducer's exception caught in the block leaves the other dispatches."""
    notes: list[object] = []
    store = make_store(Hook("hook", notes))
    states = watch_states(store)
    with store.transaction():
        store.dispatch(LeftAdded())
        with pytest.raises(ReducerFailedError):
            store.dispatch(Failed())
        store.dispatch(RightAdded())
    assert states == [Root(Counter(1), Counter(1))]
    assert notes == [("hook", (LeftAdded(), RightAdded()))]


def test_nested_transactions_are_one_commit_and_one_notification() -> None:
    """A transaction inside another tells nothing by itself: the outermost is the commit."""
    notes: list[object] = []
    store = make_store(Hook("hook", notes))
    states = watch_states(store)
    with store.transaction():
        store.dispatch(LeftAdded(1))
        with store.transaction():
            store.dispatch(LeftAdded(2))
            with store.transaction():
                store.dispatch(LeftAdded(3))
        assert states == []
        assert notes == []
        store.dispatch(LeftAdded(4))
    assert states == [Root(Counter(10), Counter(0))]
    assert notes == [("hook", (LeftAdded(1), LeftAdded(2), LeftAdded(3), LeftAdded(4)))]


def test_a_nested_block_that_raises_and_is_caught_rolls_back_only_itself() -> None:
    """A nested transaction that raises takes back what it did; the outer one keeps the rest."""
    notes: list[object] = []
    store = make_store(Hook("hook", notes))
    states = watch_states(store)
    with store.transaction():
        store.dispatch(LeftAdded(1))
        before = store.state
        with pytest.raises(BlockFailedError):
            dispatch_and_fail(store, LeftAdded(10), RightAdded(10))
        assert store.state is before
        store.dispatch(RightAdded(1))
    assert states == [Root(Counter(1), Counter(1))]
    assert notes == [("hook", (LeftAdded(1), RightAdded(1)))]


def test_an_outer_block_that_raises_rolls_back_a_nested_one_that_ended() -> None:
    """A nested transaction that went well is taken back with the outer one."""
    notes: list[object] = []
    store = make_store(Hook("hook", notes))
    states = watch_states(store)
    before = store.state

    def nest_and_fail() -> NoReturn:
        with store.transaction():
            with store.transaction():
                store.dispatch(LeftAdded())
            raise BlockFailedError

    with pytest.raises(BlockFailedError):
        nest_and_fail()
    assert store.state is before
    assert states == []
    assert notes == []


def test_selecting_subscribers_compare_the_ends_of_a_transaction() -> None:
    """A selecting subscriber is told once for a transaction, and not when its value came back."""
    store = make_store()
    left: list[tuple[int, int]] = []
    right: list[tuple[int, int]] = []
    store.subscribe(lambda new, old: left.append((new, old)), select=lambda root: root.left.value)
    store.subscribe(lambda new, old: right.append((new, old)), select=lambda root: root.right.value)
    with store.transaction():
        store.dispatch(LeftAdded(2))
        store.dispatch(LeftAdded(3))
        store.dispatch(RightAdded(1))
        store.dispatch(RightAdded(-1))
    assert left == [(5, 0)]
    assert right == []


def test_a_selecting_subscriber_hears_nothing_of_what_was_rolled_back() -> None:
    """After a rollback the next change is compared with the state before the transaction."""
    store = make_store()
    seen: list[tuple[int, int]] = []
    store.subscribe(lambda new, old: seen.append((new, old)), select=lambda root: root.left.value)
    with pytest.raises(BlockFailedError):
        dispatch_and_fail(store, LeftAdded(100))
    assert seen == []
    store.dispatch(LeftAdded(1))
    assert seen == [(1, 0)]


def test_a_slice_injected_in_a_block_that_raises_keeps_nothing_of_the_block() -> None:
    """What a rolled back block dispatched is gone from a slice that it injected, too."""
    left, right = make_counter(LeftAdded), make_counter(LeftAdded)
    combined = combine_reducers(Root, left=left)
    store = Store(combined)

    def inject_and_fail() -> NoReturn:
        with store.transaction():
            combined.inject("right", right)
            store.dispatch(LeftAdded(10))
            raise BlockFailedError

    with pytest.raises(BlockFailedError):
        inject_and_fail()
    assert store.state.left == Counter(0)
    store.dispatch(LeftAdded(1))
    assert store.state == Root(Counter(1), Counter(1))


def test_a_reducer_replaced_in_a_block_that_raises_keeps_nothing_of_the_block() -> None:
    """What a rolled back block dispatched is gone from the slices of a reducer it put in, too."""
    left, right = make_counter(LeftAdded), make_counter(LeftAdded)
    store = Store(combine_reducers(Root, left=left))

    def replace_and_fail() -> NoReturn:
        with store.transaction():
            store.dispatch(LeftAdded(5))
            store.replace_reducer(combine_reducers(Root, left=left, right=right))
            store.dispatch(LeftAdded(10))
            raise BlockFailedError

    with pytest.raises((BlockFailedError, TransactionError)):
        replace_and_fail()
    assert store.state.left == Counter(0)
    store.dispatch(LeftAdded(1))
    assert store.state.left == Counter(1)
    assert getattr(store.state, "right", Counter(1)) == Counter(1)


async def test_changes_see_a_transaction_as_one_change() -> None:
    """`changes()` yields the state after a transaction and none of those in between."""
    async with make_store() as store:
        lefts = store.changes(lambda root: root.left.value)
        assert await anext(lefts) == 0
        with store.transaction():
            store.dispatch(LeftAdded(1))
            store.dispatch(LeftAdded(1))
        store.dispatch(LeftAdded(5))
        assert [await anext(lefts), await anext(lefts)] == [2, 7]


def test_a_subscriber_that_raises_after_a_transaction_raises_at_its_end() -> None:
    """A subscriber's error comes out of the `with`, and the transaction is committed."""
    store = make_store()

    def fail() -> None:
        raise BlockFailedError

    remove = store.subscribe(fail)
    with pytest.raises(SubscriberError), store.transaction():
        store.dispatch(LeftAdded())
    assert store.state == Root(Counter(1), Counter(0))

    remove()
    with store.transaction():
        store.dispatch(LeftAdded())
    assert store.state == Root(Counter(2), Counter(0))


def test_a_dispatch_of_a_subscriber_after_a_transaction_is_a_commit_of_its_own() -> None:
    """What a subscriber dispatches when told of a transaction does not belong to it."""
    notes: list[object] = []
    store = make_store(Hook("hook", notes))

    def follow() -> None:
        if store.state.right.value == 0:
            store.dispatch(RightAdded())

    store.subscribe(follow)
    with store.transaction():
        store.dispatch(LeftAdded(1))
        store.dispatch(LeftAdded(2))
    assert notes == [("hook", (LeftAdded(1), LeftAdded(2))), ("hook", (RightAdded(),))]


def test_a_subscriber_may_use_a_transaction() -> None:
    """A transaction inside a notification is a commit of its own, told when it ends."""
    store = make_store()
    states = watch_states(store)

    def follow() -> None:
        if store.state.right.value == 0:
            with store.transaction():
                store.dispatch(RightAdded(1))
                store.dispatch(RightAdded(1))

    store.subscribe(follow)
    store.dispatch(LeftAdded())
    assert states == [Root(Counter(1), Counter(0)), Root(Counter(1), Counter(2))]
