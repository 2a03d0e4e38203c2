"""The hooks of commits: when `committed` is called, in which order, and with which actions.

What belongs here: middleware that offers `committed`.  What does not: transactions themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs
import pytest

from refold.actions.action import Action, action
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


@action("commit_hooks/left_added")
class LeftAdded(Action):
    """The left counter went up."""

    by: int = 1


@action("commit_hooks/right_added")
class RightAdded(Action):
    """The right counter went up."""

    by: int = 1


@action("commit_hooks/failed")
class Failed(Action):
    """The reducer raises."""


class ReducerFailedError(Exception):
    """What a reducer raises."""


@attrs.define(eq=False)
class Hook:
    """A middleware that notes what was committed."""

    name: str
    notes: list[object]
    read: Callable[[], object] = lambda: None

    def __call__(self, store: StoreAPI[Root], next_dispatch: Dispatch, /) -> Dispatch:
        """Change nothing on an action's way."""
        self.read = lambda: store.state
        return next_dispatch

    def committed(self, actions: tuple[Action, ...], /) -> None:
        """Note the actions of a commit."""
        self.notes.append((self.name, actions))


def make_reducer() -> Reducer[Root]:
    """Return a reducer of two counters."""
    left, right = Reducer(Counter()), Reducer(Counter())

    @left.on(LeftAdded)
    def _(state: Counter, action: LeftAdded) -> Counter:
        return Counter(state.value + action.by)

    @right.on(RightAdded)
    def _(state: Counter, action: RightAdded) -> Counter:
        return Counter(state.value + action.by)

    @right.on(Failed)
    def _(_state: Counter, _action: Failed) -> Counter:
        raise ReducerFailedError

    return combine_reducers(Root, left=left, right=right)


def make_store(*hooks: Hook) -> Store[Root]:
    """Return a store with these middlewares."""
    return Store(make_reducer(), middleware=hooks)


def test_committed_is_called_after_the_reducer_and_before_any_subscriber() -> None:
    """Each hook is called once per commit, in the listed order, before plain and selecting ones."""
    notes: list[object] = []
    first, second = Hook("first", notes), Hook("second", notes)
    store = make_store(first, second)
    store.subscribe(lambda: notes.append("told"))
    store.subscribe(lambda new, _old: notes.append(new), select=lambda root: root.left.value)
    store.dispatch(LeftAdded())
    assert notes[:2] == [("first", (LeftAdded(),)), ("second", (LeftAdded(),))]
    assert sorted(map(str, notes[2:])) == ["1", "told"]


def test_committed_sees_the_new_state() -> None:
    """The state that a hook reads is the one after the commit."""
    seen: list[object] = []

    @attrs.define(eq=False)
    class Reading(Hook):
        """A hook that reads the state."""

        def committed(self, actions: tuple[Action, ...], /) -> None:
            """Note the state."""
            seen.append((self.read(), actions))

    store = make_store(Reading("reading", []))
    store.dispatch(LeftAdded(3))
    with store.transaction():
        store.dispatch(RightAdded(1))
        store.dispatch(RightAdded(1))
    assert seen == [
        (Root(Counter(3), Counter(0)), (LeftAdded(3),)),
        (Root(Counter(3), Counter(2)), (RightAdded(1), RightAdded(1))),
    ]


def test_committed_gets_what_reached_the_reducer_wherever_the_hook_stands() -> None:
    """A hook gets the replacement of an action, nothing of a stopped one or of one that failed."""
    notes: list[object] = []
    replacement = LeftAdded(100)

    def replace_or_stop(_store: StoreAPI[Root], next_dispatch: Dispatch) -> Dispatch:
        def handle(action: Action, /) -> Action:
            match action:
                case LeftAdded():
                    return next_dispatch(replacement)
                case Failed():
                    return next_dispatch(action)
                case _:
                    return action

        return handle

    before, after = Hook("before", notes), Hook("after", notes)
    store = Store(make_reducer(), middleware=[before, replace_or_stop, after])
    store.dispatch(LeftAdded(1))
    store.dispatch(RightAdded(1))
    with pytest.raises(ReducerFailedError):
        store.dispatch(Failed())
    assert notes == [("before", (replacement,)), ("after", (replacement,))]
    assert store.state == Root(Counter(100), Counter(0))


def test_commits_nested_by_subscribers_are_noted_in_the_order_of_the_commits() -> None:
    """A dispatch nested in a subscriber is committed after the one it was told of."""
    notes: list[object] = []
    store = make_store(Hook("hook", notes))

    def follow() -> None:
        if store.state.right.value == 0:
            store.dispatch(RightAdded())

    store.subscribe(follow)
    store.dispatch(LeftAdded())
    assert notes == [("hook", (LeftAdded(),)), ("hook", (RightAdded(),))]


def test_an_unhandled_action_is_committed_all_the_same() -> None:
    """An action that changed nothing is a commit, as it reached the reducer."""
    notes: list[object] = []
    store = Store(
        combine_reducers(Root, left=Reducer(Counter()), right=Reducer(Counter())),
        middleware=[Hook("hook", notes)],
    )
    store.dispatch(LeftAdded())
    assert notes == [("hook", (LeftAdded(),))]
