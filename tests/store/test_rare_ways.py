"""The rarely taken ways through a store: late slices, odd reducers, errors at the edges."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from refold.actions.action import Action, action
from refold.errors import (
    NestedDispatchError,
    NotAnActionError,
    ReducerReturnedNoneError,
    StoreClosedError,
    SubscriberError,
)
from refold.reducers.combine_reducers import combine_reducers
from refold.reducers.reducer import Reducer
from refold.store.commit_core import CommitCore
from refold.store.create_store import create_store
from refold.store.selector_subscriptions import SelectorSubscriptions
from refold.store.store import Store


@action("rare_ways/number_set")
class NumberSet(Action):
    """A number was set."""

    value: int


@attrs.frozen
class Pair:
    """Two numbers."""

    left: int = 0
    right: int = 0


def make_number() -> Reducer[int]:
    """Return the reducer of one number."""
    number = Reducer(0)

    @number.on(NumberSet)
    def _(_state: int, action: NumberSet) -> int:
        return action.value

    return number


def return_nothing(_state: object, _action: Action) -> Any:
    """Forget to return a state."""


def make_store() -> Store[Pair]:
    """Return a store of two numbers that are set together."""
    return Store(combine_reducers(Pair, left=make_number(), right=make_number()))


def test_a_plain_reducer_gets_a_handler_after_the_store_was_made() -> None:
    """A handler declared later is found by the next dispatch."""
    reducer = Reducer(0)
    store = Store(reducer)
    store.dispatch(NumberSet(1))
    assert store.state == 0

    @reducer.on(NumberSet)
    def _(_state: int, action: NumberSet) -> int:
        return action.value

    store.dispatch(NumberSet(2))
    assert store.state == 2


def test_a_combined_reducer_gets_a_handler_after_the_store_was_made() -> None:
    """A root handler declared later runs at the next dispatch, and no slice starts anew."""
    root = combine_reducers(Pair, left=make_number(), right=make_number())
    store = Store(root)
    store.dispatch(NumberSet(3))

    @root.on(NumberSet)
    def _(state: Pair, _action: NumberSet) -> Pair:
        return attrs.evolve(state, left=state.right * 2)

    store.dispatch(NumberSet(4))
    assert store.state == Pair(8, 4)


def test_a_slice_whose_field_has_another_value_than_the_default_keeps_it() -> None:
    """A slice injected over a state that was given keeps what was given."""
    root = combine_reducers(Pair, left=make_number())
    store = Store(root, state=Pair(1, 7))
    root.inject("right", Reducer(5))
    store.dispatch(NumberSet(2))
    assert store.state == Pair(2, 7)


def test_a_root_handler_that_returns_none_is_refused() -> None:
    """The error names the root's reducer, and no slice has changed."""
    root = combine_reducers(Pair, left=make_number(), right=make_number())
    root.on(NumberSet)(return_nothing)
    store = Store(root)
    before = store.state
    with pytest.raises(ReducerReturnedNoneError, match="the root"):
        store.dispatch(NumberSet(1))
    assert store.state is before


def test_a_nested_combined_slice_that_returns_none_is_refused() -> None:
    """The error of a slice of a slice names it."""
    broken = Reducer(0)
    broken.on(NumberSet)(return_nothing)
    inner = combine_reducers(Pair, left=broken)
    with pytest.raises(ReducerReturnedNoneError, match="left"):
        inner(Pair(), NumberSet(1))


def test_a_reducer_called_by_hand_that_returns_none_is_refused() -> None:
    """Calling a reducer checks its answer as a store does."""
    broken = Reducer(0)
    broken.on(NumberSet)(return_nothing)
    with pytest.raises(ReducerReturnedNoneError, match="rare_ways/number_set"):
        broken(0, NumberSet(1))


def test_a_class_that_is_no_action_is_named() -> None:
    """Dispatching any class says which class it is."""
    with pytest.raises(NotAnActionError, match="the class Pair"):
        make_store().dispatch(Pair)


def test_create_store_without_an_enhancer_is_a_store() -> None:
    """Without an enhancer the plain store comes back."""
    store = create_store(make_number())
    store.dispatch(NumberSet(4))
    assert store.state == 4


async def test_a_store_is_entered_once() -> None:
    """Entering an open or a closed store is refused, and says to make a new one."""
    store = make_store()
    async with store:
        with pytest.raises(StoreClosedError, match="new Store"):
            await store.__aenter__()
    with pytest.raises(StoreClosedError, match="new Store"):
        await store.__aenter__()


async def test_a_threadsafe_dispatch_that_was_cancelled_does_nothing() -> None:
    """A future cancelled before its turn leaves the state alone."""
    async with make_store() as store:
        future = store.dispatch_threadsafe(NumberSet(1))
        assert future.cancel()
        await store.flushed()
        changes = store.changes()
        assert await anext(changes) == Pair()


def test_changes_refuses_a_bound_below_one() -> None:
    """A reader must be allowed at least one unread value."""
    with pytest.raises(ValueError, match="max_pending"):
        make_store().changes(max_pending=0)


def test_selecting_subscribers_that_never_stop_are_stopped() -> None:
    """Selecting subscribers have the same nesting limit, and its error is not wrapped."""
    store = make_store()
    store.subscribe(lambda new, _old: store.dispatch(NumberSet(new + 1)), select=_left)
    with pytest.raises(NestedDispatchError, match="64"):
        store.dispatch(NumberSet(1))


def test_the_limit_of_a_later_subscriber_is_not_wrapped() -> None:
    """After one subscriber raised, another that never stops still gives the clear error."""
    store = make_store()

    def raise_once() -> None:
        if store.state.left == 1:
            message = "once"
            raise ValueError(message)

    store.subscribe(raise_once)
    store.subscribe(lambda: store.dispatch(NumberSet(store.state.left + 1)))
    with pytest.raises(NestedDispatchError):
        store.dispatch(NumberSet(1))


def test_plain_and_selecting_subscribers_raise_together() -> None:
    """What both kinds raise comes out as one error, the plain ones' first."""
    store = make_store()

    def fail_plainly() -> None:
        raise KeyError

    def fail_selecting(_new: int, _old: int) -> None:
        raise LookupError

    store.subscribe(fail_plainly)
    store.subscribe(fail_selecting, select=_left)
    with pytest.raises(SubscriberError) as caught:
        store.dispatch(NumberSet(1))
    assert [type(error) for error in caught.value.errors] == [KeyError, LookupError]


def test_combinations_of_changed_slices_are_remembered_for_a_bounded_number() -> None:
    """However many combinations of slices change together, only so many are remembered."""
    root = combine_reducers(Pair, left=make_number(), right=make_number())
    selections = SelectorSubscriptions(CommitCore(root, Pair()))
    subscription = selections.add(lambda _new, _old: None, _left)
    for cells in range(1, 3000):
        found = selections.find_interested(cells)
        assert found == ((subscription,) if cells & 1 else ())
        assert len(selections.interested_by_cells) <= 1024


def _left(pair: Pair) -> int:
    """Return the left number."""
    return pair.left
