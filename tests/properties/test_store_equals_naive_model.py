"""The property that a store, whatever is done to it, equals a naive model of it.

What belongs here: random orders of subscribing, unsubscribing, dispatching, transactions, reducers
replaced and reducers that fail.  What does not: time, threads and middleware.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any, TypeAlias, cast

import attrs
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from refold.actions.action import Action, action
from refold.errors import NotAnActionError
from refold.reducers.combine_reducers import combine_reducers
from refold.reducers.reducer import Reducer
from refold.store.store import Store


@attrs.frozen
class Counter:
    """A slice with one number."""

    value: int = 0


@attrs.frozen
class Root:
    """A root of two counters."""

    left: Counter = Counter()
    right: Counter = Counter()


@action("store_model/left_added")
class LeftAdded(Action):
    """The left counter went up."""

    by: int


@action("store_model/both_added")
class BothAdded(Action):
    """Both counters went up."""

    by: int


@action("store_model/nobody_cares")
class NobodyCares(Action):
    """No reducer handles it."""


@action("store_model/failed")
class Failed(Action):
    """The left counter takes it, then the reducer of the right one raises."""


class ReducerFailedError(Exception):
    """What the failing reducer raises."""


class BlockFailedError(Exception):
    """What a failing block of a transaction raises."""


@attrs.frozen
class Block:
    """A transaction: what is done in it, and whether it raises at its end."""

    steps: tuple[Action | Block, ...]
    fails: bool


Numbers: TypeAlias = tuple[int, int]
"""The model of the state: the left number and the right one."""

numbers = st.integers(-2, 3)
harmless_actions: st.SearchStrategy[Action] = st.one_of(
    st.builds(LeftAdded, by=numbers),
    st.builds(BothAdded, by=numbers),
    st.builds(NobodyCares),
)
blocks: st.SearchStrategy[Block] = st.recursive(
    st.builds(
        Block,
        steps=st.lists(harmless_actions | st.builds(Failed), max_size=4).map(tuple),
        fails=st.booleans(),
    ),
    lambda inner: st.builds(
        Block,
        steps=st.lists(harmless_actions | st.builds(Failed) | inner, max_size=4).map(tuple),
        fails=st.booleans(),
    ),
    max_leaves=5,
)
SELECTIONS: dict[str, Callable[[Root], object]] = {
    "left parity": lambda root: root.left.value % 2,
    "right": lambda root: root.right,
    "sum as text": lambda root: str(root.left.value + root.right.value),
    "right, but only while left is even": lambda root: root.left.value % 2 or root.right.value,
    "the root itself": lambda root: root,
    "constant": lambda _root: "always the same",
}


def make_slice(factor: int, *, fails: bool) -> Reducer[Counter]:
    """Return a counter that multiplies what it adds; the left one by `LeftAdded`, too."""
    counter = Reducer(Counter())

    @counter.on(BothAdded)
    def _(state: Counter, action: BothAdded) -> Counter:
        return Counter(state.value + factor * action.by) if action.by else state

    @counter.on(Failed)
    def _(state: Counter, _action: Failed) -> Counter:
        if fails:
            raise ReducerFailedError
        return Counter(state.value + 1000)

    return counter


def make_reducer(factor: int) -> Reducer[Root]:
    """Return the root's reducer for a factor."""
    left = make_slice(factor, fails=False)

    @left.on(LeftAdded)
    def _(state: Counter, action: LeftAdded) -> Counter:
        return Counter(state.value + factor * action.by) if action.by else state

    return combine_reducers(Root, left=left, right=make_slice(factor, fails=True))


def make_root(numbers: Numbers) -> Root:
    """Return the state that the model's numbers stand for."""
    return Root(Counter(numbers[0]), Counter(numbers[1]))


@attrs.define(eq=False)
class Subscription:
    """A subscription of the model and how to end it in the store."""

    name: int
    function: Callable[[], None]
    once: bool = False
    unsubscribe: Callable[[], None] = lambda: None


@attrs.define(eq=False)
class Selection:
    """A selecting subscription of the model and how to end it in the store."""

    name: int
    selection: str
    unsubscribe: Callable[[], None] = lambda: None


class StoreMachine(RuleBasedStateMachine):
    """Does the same to a store and to lists and numbers, and compares them."""

    subscriptions = Bundle[Subscription]("subscriptions")
    selections = Bundle[Selection]("selections")

    def __init__(self) -> None:
        """Start a store and a model of it."""
        super().__init__()
        self.factor = 1
        self.store = Store(make_reducer(self.factor))
        self.expected: Numbers = (0, 0)
        self.subscribed: list[Subscription] = []
        self.selecting: list[Selection] = []
        self.calls: list[tuple[int, Numbers]] = []
        self.expected_calls: list[tuple[int, Numbers]] = []
        self.selected: list[tuple[int, object, object]] = []
        self.expected_selected: list[tuple[int, object, object]] = []
        self.names = 0

    def read(self) -> Numbers:
        """Return the store's numbers."""
        return self.store.state.left.value, self.store.state.right.value

    def next_name(self) -> int:
        """Return a name for one more subscription."""
        self.names += 1
        return self.names

    @rule(target=subscriptions, once=st.booleans())
    def subscribe(self, once: bool) -> Subscription:  # noqa: FBT001  # Hypothesis passes by name
        """Subscribe a function that notes the state; perhaps it removes itself when called."""
        name = self.next_name()

        def note() -> None:
            self.calls.append((name, self.read()))
            if subscription.once:
                subscription.unsubscribe()

        subscription = Subscription(name, note, once)
        subscription.unsubscribe = self.store.subscribe(note)
        self.subscribed.append(subscription)
        return subscription

    @rule(target=subscriptions, other=subscriptions)
    def subscribe_the_same_function_again(self, other: Subscription) -> Subscription:
        """Subscribe a function that was subscribed before, whether it still is or not."""
        subscription = Subscription(other.name, other.function)
        subscription.unsubscribe = self.store.subscribe(other.function)
        self.subscribed.append(subscription)
        return subscription

    @rule(subscription=subscriptions)
    def unsubscribe(self, subscription: Subscription) -> None:
        """End a subscription, perhaps for the second time."""
        subscription.unsubscribe()
        if subscription in self.subscribed:
            self.subscribed.remove(subscription)

    @rule(target=selections, selection=st.sampled_from(sorted(SELECTIONS)))
    def subscribe_selecting(self, selection: str) -> Selection:
        """Subscribe to what a selection gives."""
        selecting = Selection(self.next_name(), selection)
        selecting.unsubscribe = self.store.subscribe(
            lambda new, old: self.selected.append((selecting.name, new, old)),
            select=SELECTIONS[selection],
        )
        self.selecting.append(selecting)
        return selecting

    @rule(selecting=selections)
    def unsubscribe_selecting(self, selecting: Selection) -> None:
        """End a selecting subscription, perhaps for the second time."""
        selecting.unsubscribe()
        if selecting in self.selecting:
            self.selecting.remove(selecting)

    @rule(action=harmless_actions)
    def dispatch(self, action: Action) -> None:
        """Dispatch an action whose reducers do not fail."""
        before = self.store.state
        assert self.store.dispatch(action) is action
        expected = self.fold(self.expected, action)
        assert (self.store.state is before) == (expected == self.expected)
        self.commit(expected)

    @rule()
    def dispatch_what_fails(self) -> None:
        """Dispatch an action for which one of two reducers raises."""
        before = self.store.state
        with pytest.raises(ReducerFailedError):
            self.store.dispatch(Failed())
        assert self.store.state is before

    @rule(value=st.sampled_from([None, 42, "action", LeftAdded]))
    def dispatch_no_action(self, value: object) -> None:
        """Dispatch something that is no action."""
        before = self.store.state
        with pytest.raises(NotAnActionError):
            self.store.dispatch(cast("Any", value))
        assert self.store.state is before

    @rule(block=blocks)
    def run_transaction(self, block: Block) -> None:
        """Run a transaction, perhaps with others inside; any of them may raise."""
        before = self.store.state
        with contextlib.suppress(BlockFailedError):
            self.run(block)
        expected, committed = self.fold_block(self.expected, block)
        if not committed:
            assert self.store.state is before
            return
        self.commit(expected)

    @rule(factor=st.sampled_from([1, 2, -1]))
    def replace_reducer(self, factor: int) -> None:
        """Replace the reducer by one with other steps; whether that notifies is left open."""
        before = self.store.state
        self.store.replace_reducer(make_reducer(factor))
        self.factor = factor
        assert self.store.state is before
        told = {name for name, _ in self.calls[len(self.expected_calls) :]}
        self.subscribed = [one for one in self.subscribed if not (one.once and one.name in told)]
        self.expected_calls = list(self.calls)

    @invariant()
    def state_and_calls_agree(self) -> None:
        """The store's state and all calls so far are the model's."""
        assert self.read() == self.expected
        assert self.calls == self.expected_calls
        assert self.selected == self.expected_selected

    def run(self, block: Block) -> None:
        """Do in the store what a block says; a block inside that raises is caught here."""
        with self.store.transaction():
            for step in block.steps:
                with contextlib.suppress(BlockFailedError, ReducerFailedError):
                    if isinstance(step, Block):
                        self.run(step)
                    else:
                        self.store.dispatch(step)
            if block.fails:
                raise BlockFailedError

    def fold_block(self, present: Numbers, block: Block) -> tuple[Numbers, int]:
        """Return the numbers after a block, and how many actions of it were committed."""
        numbers, committed = present, 0
        for step in block.steps:
            if isinstance(step, Block):
                numbers, inside = self.fold_block(numbers, step)
                committed += inside
            elif not isinstance(step, Failed):
                numbers = self.fold(numbers, step)
                committed += 1
        return (present, 0) if block.fails else (numbers, committed)

    def fold(self, present: Numbers, action: Action) -> Numbers:
        """Return the numbers after an action."""
        left, right = present
        match action:
            case LeftAdded(by=by):
                return left + self.factor * by, right
            case BothAdded(by=by):
                return left + self.factor * by, right + self.factor * by
            case _:
                return present

    def commit(self, expected: Numbers) -> None:
        """Move the model to the numbers and note who must have been told."""
        for subscription in tuple(self.subscribed):
            self.expected_calls.append((subscription.name, expected))
            if subscription.once:
                self.subscribed.remove(subscription)
        for selecting in self.selecting:
            selection = SELECTIONS[selecting.selection]
            old, new = selection(make_root(self.expected)), selection(make_root(expected))
            if new != old:
                self.expected_selected.append((selecting.name, new, old))
        self.expected = expected


TestStoreMachine: type[Any] = StoreMachine.TestCase
TestStoreMachine.settings = settings(stateful_step_count=30, deadline=None)
