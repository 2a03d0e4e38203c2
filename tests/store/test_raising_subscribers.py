"""Subscribers that raise: the others run, the action stays committed, nothing is swallowed."""

from __future__ import annotations

import attrs
import pytest

from refold.actions.action import Action, action
from refold.errors import SubscriberError
from refold.reducers.combine_reducers import combine_reducers
from refold.reducers.reducer import Reducer
from refold.store.store import Store


@attrs.frozen
class Counter:
    """A state with one number."""

    value: int = 0


@attrs.frozen
class Root:
    """A root of two counters."""

    tame: Counter
    wild: Counter


@action("raising_subscribers/increased")
class Increased(Action):
    """Both counters went up."""


@action("raising_subscribers/provoked")
class Provoked(Action):
    """The tame counter counts it; the wild one goes to five."""


class WildError(Exception):
    """What a subscriber raises."""


def increase(state: Counter, _action: Action) -> Counter:
    """Count one more."""
    return Counter(state.value + 1)


def make_store() -> Store[Root]:
    """Return a store of two counters."""
    tame, wild = Reducer(Counter()), Reducer(Counter())
    tame.on(Increased, Provoked)(increase)
    wild.on(Increased)(increase)
    wild.on(Provoked)(lambda _state, _action: Counter(5))
    return Store(combine_reducers(Root, tame=tame, wild=wild))


def test_all_subscribers_run_although_some_raise() -> None:
    """A raising subscriber stops no other; the error comes after all of them, with every cause."""
    store, calls = make_store(), list[str]()
    errors = [WildError("first"), WildError("second")]

    def raise_first() -> None:
        calls.append("first")
        raise errors[0]

    def raise_second() -> None:
        calls.append("second")
        raise errors[1]

    store.subscribe(raise_first)
    store.subscribe(lambda: calls.append("between"))
    store.subscribe(raise_second)
    store.subscribe(lambda: calls.append("last"))
    with pytest.raises(SubscriberError) as caught:
        store.dispatch(Provoked())

    assert calls == ["first", "between", "second", "last"]
    assert caught.value.errors == (errors[0], errors[1])
    assert caught.value.errors[0] is errors[0]
    assert caught.value.__cause__ is errors[0]
    assert store.state == Root(Counter(1), Counter(5))


def test_the_error_of_a_subscriber_says_that_the_action_is_committed() -> None:
    """A subscriber's error names what failed and says that the state has changed all the same."""
    store = make_store()

    def repaint() -> None:
        words = "no screen"
        raise WildError(words)

    remove = store.subscribe(repaint)
    with pytest.raises(SubscriberError) as caught:
        store.dispatch(Provoked())
    message = str(caught.value)
    assert "no screen" in message or "WildError" in message
    assert "committed" in message
    assert "subscriber" in message
    remove()
    store.dispatch(Increased())
    assert store.state == Root(Counter(2), Counter(6))


def test_a_selecting_subscriber_or_its_selector_that_raises_is_a_subscriber_error() -> None:
    """A raising selector or selecting subscriber stops no other subscriber either."""
    store, calls = make_store(), list[object]()
    armed: list[bool] = []

    def select_or_fail(root: Root) -> int:
        if armed:
            raise WildError
        return root.tame.value

    def fail(_new: int, _old: int) -> None:
        raise WildError

    store.subscribe(lambda new, _old: calls.append(new), select=select_or_fail)
    store.subscribe(fail, select=lambda root: root.wild.value)
    store.subscribe(lambda new, old: calls.append((new, old)), select=lambda root: root.tame.value)
    armed.append(True)
    with pytest.raises(SubscriberError) as caught:
        store.dispatch(Provoked())
    assert [type(error) for error in caught.value.errors] == [WildError, WildError]
    assert calls == [(1, 0)]
    assert store.state == Root(Counter(1), Counter(5))

    armed.clear()
    calls.clear()
    with pytest.raises(SubscriberError):
        store.dispatch(Increased())
    assert calls == [2, (2, 1)]
