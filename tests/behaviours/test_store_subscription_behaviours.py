"""Behaviours 11 to 20, 32 to 34 and 36: who is told about a dispatch, when and how often.

What belongs here: `subscribe` and `changes`.  What does not: subscribers that raise, which
`tests/store/test_bad_input.py` holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import attrs
import pytest

from refold.actions.action import Action, action
from refold.errors import NestedDispatchError, SubscriberError
from refold.reducers.combine_reducers import combine_reducers
from refold.reducers.reducer import Reducer
from refold.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable

DEPTH_LIMIT = 64


@attrs.frozen
class Counter:
    """A state with one number."""

    value: int = 0


@attrs.frozen
class FooAndBar:
    """A root whose two slices are changed by two actions."""

    foo: bool = False
    bar: bool = False


@action("store_subscription_behaviours/increased")
class Increased(Action):
    """The counter went up."""

    by: int = 1


@action("store_subscription_behaviours/nobody_cares")
class NobodyCares(Action):
    """No reducer of this file handles it."""


@action("store_subscription_behaviours/foo_set")
class FooSet(Action):
    """Foo became true."""


@action("store_subscription_behaviours/bar_set")
class BarSet(Action):
    """Bar became true."""


def make_store() -> Store[Counter]:
    """Return a store of one counter."""
    counter = Reducer(Counter())

    @counter.on(Increased)
    def _(state: Counter, action: Increased) -> Counter:
        return Counter(state.value + action.by)

    return Store(counter)


def append_to(calls: list[str], name: str) -> Callable[[], None]:
    """Return a subscriber that notes its name."""

    def note() -> None:
        calls.append(name)

    return note


def find_nested_dispatch_error(error: BaseException) -> NestedDispatchError | None:
    """Return the depth error that an error is or holds, however deep in subscribers' errors."""
    while isinstance(error, SubscriberError):
        error = error.errors[0]
    return error if isinstance(error, NestedDispatchError) else None


def test_b011_a_subscriber_is_called_once_per_dispatch_while_it_is_subscribed() -> None:
    """A subscriber is called once per dispatch, from when it is added to when it is removed."""
    store, calls = make_store(), list[str]()
    remove_early = store.subscribe(append_to(calls, "early"))
    store.dispatch(Increased())
    store.dispatch(NobodyCares())
    assert calls == ["early", "early"]

    remove_late = store.subscribe(append_to(calls, "late"))
    assert calls == ["early", "early"]
    calls.clear()
    store.dispatch(Increased())
    assert calls == ["early", "late"]

    remove_early()
    calls.clear()
    store.dispatch(Increased())
    assert calls == ["late"]

    remove_late()
    calls.clear()
    store.dispatch(Increased())
    assert calls == []


def test_b012_unsubscribing_and_subscribing_again_works() -> None:
    """The same function may be subscribed again after it was unsubscribed."""
    store, calls = make_store(), list[str]()
    note = append_to(calls, "note")
    store.subscribe(note)()
    store.subscribe(note)
    store.dispatch(Increased())
    assert calls == ["note"]


def test_b013_unsubscribing_twice_is_harmless_and_removes_nobody_else() -> None:
    """A second call of the same unsubscribe does nothing."""
    store, calls = make_store(), list[str]()
    remove = store.subscribe(append_to(calls, "first"))
    store.subscribe(append_to(calls, "second"))
    remove()
    remove()
    store.dispatch(Increased())
    assert calls == ["second"]


def test_b014_a_function_subscribed_twice_is_called_twice_and_removed_one_by_one() -> None:
    """The same function subscribed twice is called twice; one unsubscribe removes one of them."""
    store, calls = make_store(), list[str]()
    note = append_to(calls, "note")
    remove_one = store.subscribe(note)
    remove_other = store.subscribe(note)
    store.dispatch(Increased())
    assert calls == ["note", "note"]

    remove_one()
    remove_one()
    calls.clear()
    store.dispatch(Increased())
    assert calls == ["note"]

    remove_other()
    calls.clear()
    store.dispatch(Increased())
    assert calls == []


def test_b015_a_subscriber_that_removes_itself_does_not_disturb_the_others() -> None:
    """A subscriber may unsubscribe itself while it is called, and is not called again."""
    store, calls = make_store(), list[str]()

    def once() -> None:
        calls.append("once")
        remove_once()

    store.subscribe(append_to(calls, "before"))
    remove_once = store.subscribe(once)
    store.subscribe(append_to(calls, "after"))
    store.dispatch(Increased())
    assert calls == ["before", "once", "after"]

    calls.clear()
    store.dispatch(Increased())
    assert calls == ["before", "after"]


def test_b016_when_a_subscriber_removes_all_the_round_that_began_is_finished() -> None:
    """Subscribers removed during a notification are called in it once more, and never after."""
    store, calls = make_store(), list[str]()
    removals: list[Callable[[], None]] = []

    def remove_all() -> None:
        calls.append("remover")
        for remove in removals:
            remove()

    removals.append(store.subscribe(append_to(calls, "first")))
    removals.append(store.subscribe(remove_all))
    removals.append(store.subscribe(append_to(calls, "last")))
    store.dispatch(Increased())
    assert calls == ["first", "remover", "last"]

    calls.clear()
    store.dispatch(Increased())
    assert calls == []


def test_b017_a_subscriber_added_in_a_notification_is_called_from_the_next_one_on() -> None:
    """A subscriber added during a notification is not called in it, and is in the next."""
    store, calls = make_store(), list[str]()
    added: list[Callable[[], None]] = []

    def add_once() -> None:
        calls.append("adder")
        if not added:
            added.append(store.subscribe(append_to(calls, "added")))

    store.subscribe(add_once)
    store.subscribe(append_to(calls, "last"))
    store.dispatch(Increased())
    assert calls == ["adder", "last"]

    calls.clear()
    store.dispatch(Increased())
    assert calls == ["adder", "last", "added"]


def test_b018_a_nested_dispatch_tells_the_newest_list_and_the_outer_keeps_its_own() -> None:
    """A nested dispatch tells the newest subscribers; the outer round keeps its older list."""
    store, calls = make_store(), list[str]()
    nested: list[Action] = []

    def change_the_list_and_dispatch() -> None:
        calls.append("nesting")
        if not nested:
            remove_old()
            store.subscribe(append_to(calls, "new"))
            nested.append(NobodyCares())
            store.dispatch(nested[0])
            calls.append("nested dispatch ended")

    store.subscribe(change_the_list_and_dispatch)
    remove_old = store.subscribe(append_to(calls, "old"))
    store.dispatch(Increased())
    assert calls == ["nesting", "nesting", "new", "nested dispatch ended", "old"]


def test_b018_nesting_without_end_is_stopped_by_a_clear_error() -> None:
    """D: dispatches nested deeper than the limit raise an error that names the limit."""
    store = make_store()
    remove = store.subscribe(lambda: store.dispatch(Increased()))
    with pytest.raises((NestedDispatchError, SubscriberError)) as caught:
        store.dispatch(Increased())

    error = find_nested_dispatch_error(caught.value)
    assert error is not None
    assert isinstance(error, RecursionError)
    assert str(DEPTH_LIMIT) in str(error)
    assert store.state.value in {DEPTH_LIMIT, DEPTH_LIMIT + 1}

    remove()
    reached = store.state.value
    store.dispatch(Increased())
    assert store.state.value == reached + 1


def test_b018_nesting_up_to_the_limit_is_no_error() -> None:
    """D: dispatches may nest as deep as the limit."""
    store = make_store()

    def go_on() -> None:
        if store.state.value < DEPTH_LIMIT:
            store.dispatch(Increased())

    store.subscribe(go_on)
    store.dispatch(Increased())
    assert store.state == Counter(DEPTH_LIMIT)


def test_b019_in_a_subscriber_the_state_is_already_the_new_one() -> None:
    """A subscriber reads the state after the dispatch it is told of."""
    store, seen = make_store(), list[int]()
    store.subscribe(lambda: seen.append(store.state.value))
    store.dispatch(Increased(5))
    store.dispatch(Increased(5))
    assert seen == [5, 10]


def test_b020_a_subscriber_that_dispatches_until_a_condition_holds_reaches_a_fixed_point() -> None:
    """Foo is dispatched, the subscriber dispatches bar once, and both slices end changed."""
    foo, bar = Reducer(initial := False), Reducer(initial)
    foo.on(FooSet)(lambda _state, _action: True)
    bar.on(BarSet)(lambda _state, _action: True)
    store = Store(combine_reducers(FooAndBar, foo=foo, bar=bar))
    dispatched: list[Action] = []

    def follow_foo_by_bar() -> None:
        if not store.state.bar:
            dispatched.append(store.dispatch(BarSet()))

    store.subscribe(follow_foo_by_bar)
    store.dispatch(FooSet())
    assert store.state == FooAndBar(foo=True, bar=True)
    assert dispatched == [BarSet()]


@pytest.mark.parametrize("candidate", [None, 42, "subscriber", ()])
def test_b032_subscribing_what_cannot_be_called_is_a_type_error(candidate: object) -> None:
    """Subscribing something that cannot be called raises TypeError naming its type."""
    store = make_store()
    with pytest.raises(TypeError, match=type(candidate).__name__.removesuffix("Type")):
        store.subscribe(cast("Any", candidate))
    store.dispatch(Increased())
    assert store.state == Counter(1)


async def test_b033_changes_yields_the_present_state_and_then_every_later_one() -> None:
    """`changes()` gives the present state first, then every later one in order."""
    async with make_store() as store:
        store.dispatch(Increased(100))
        changes = store.changes()
        seen = [await anext(changes)]
        for by in (1, 2, 3):
            store.dispatch(Increased(by))
        seen += [await anext(changes) for _ in range(3)]
        assert seen == [Counter(100), Counter(101), Counter(103), Counter(106)]


async def test_b033_changes_of_a_selector_yields_only_what_changed() -> None:
    """`changes(select)` gives the selector's present value, then each value that is another one."""
    async with make_store() as store:
        parities = store.changes(lambda state: state.value % 2)
        seen = [await anext(parities)]
        for by in (2, 1, 2, 1):
            store.dispatch(Increased(by))
        seen += [await anext(parities) for _ in range(2)]
        assert seen == [0, 1, 0]


async def test_b034_ending_one_change_subscription_stops_only_that_one() -> None:
    """Ending one subscription to changes leaves the others going."""
    async with make_store() as store:
        ended, kept = store.changes(), store.changes()
        assert await anext(ended) == await anext(kept) == Counter(0)
        await ended.aclose()
        store.dispatch(Increased())
        assert await anext(kept) == Counter(1)
        with pytest.raises(StopAsyncIteration):
            await anext(ended)


def test_b036_a_plain_subscriber_is_told_even_when_nothing_changed() -> None:
    """D: a plain subscriber is called after every dispatch, as in Redux."""
    store, calls = make_store(), list[str]()
    store.subscribe(append_to(calls, "told"))
    before = store.state
    store.dispatch(NobodyCares())
    assert store.state is before
    assert calls == ["told"]


def test_b036_a_selecting_subscriber_is_told_only_when_its_value_changed() -> None:
    """D: with `select=` a subscriber gets (new, old) on change, and nothing when it subscribes."""
    store = make_store()
    seen: list[tuple[int, int]] = []
    remove = store.subscribe(
        lambda new, old: seen.append((new, old)), select=lambda state: state.value // 10
    )
    assert seen == []
    for by in (1, 9, 1, 20):
        store.dispatch(Increased(by))
    store.dispatch(NobodyCares())
    assert seen == [(1, 0), (3, 1)]

    remove()
    store.dispatch(Increased(100))
    assert seen == [(1, 0), (3, 1)]


def test_b036_an_equal_value_that_is_another_object_is_no_change() -> None:
    """D: a selected value that equals the one before is no change, even as a new object."""
    store = make_store()
    seen: list[tuple[Counter, Counter]] = []
    store.subscribe(
        lambda new, old: seen.append((new, old)), select=lambda state: Counter(state.value % 2)
    )
    store.dispatch(Increased(2))
    assert seen == []
    store.dispatch(Increased(1))
    assert seen == [(Counter(1), Counter(0))]
