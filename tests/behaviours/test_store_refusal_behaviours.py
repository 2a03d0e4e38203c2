"""Behaviours 21 to 29: what a store refuses to dispatch, and what a reducer may not do.

What belongs here: each refusal of Redux.  What does not: the words of the messages beyond what the
behaviours name, which `tests/store/test_bad_input.py` holds.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any, cast

import attrs
import pytest

from refold.actions.action import Action, action
from refold.errors import ActionDeclarationError, InsideReducerError, NotAnActionError
from refold.reducers.reducer import Reducer
from refold.store.store import Store


@attrs.frozen
class Counter:
    """A state with one number."""

    value: int = 0


@attrs.frozen
class Doubling:
    """A value that knows how to compute, carried by an action."""

    times: int

    def apply(self, number: int) -> int:
        """Return the number doubled so many times."""
        return number << self.times


class NeverDeclared(Action):
    """A subclass of Action without the decorator that gives it a wire name."""


@action("store_refusal_behaviours/increased")
class Increased(Action):
    """The counter went up."""

    by: int = 1


@action("store_refusal_behaviours/provoked")
class Provoked(Action):
    """The reducer does what the test tells it to."""


@action("store_refusal_behaviours/doubled")
class Doubled(Action):
    """The counter was doubled by a value that the action carries."""

    doubling: Doubling


@action("store_refusal_behaviours/computed_by_callback")
class ComputedByCallback(Action):
    """The counter was computed by a function that the action carries."""

    compute: Callable[[int], int]


async def forgotten_await() -> None:
    """Do nothing; its coroutine is dispatched by mistake."""


def make_store(provoke: Callable[[], object] = lambda: None) -> Store[Counter]:
    """Return a store of one counter whose reducer calls the function when provoked."""
    counter = Reducer(Counter())

    @counter.on(Increased)
    def _(state: Counter, action: Increased) -> Counter:
        return Counter(state.value + action.by)

    @counter.on(Doubled)
    def _(state: Counter, action: Doubled) -> Counter:
        return Counter(action.doubling.apply(state.value))

    @counter.on(Provoked)
    def _(state: Counter, _action: Provoked) -> Counter:
        provoke()
        return Counter(state.value + 1000)

    return Store(counter)


def raise_when_provoked(store: Store[Counter], words: str) -> None:
    """Provoke the reducer and check the refusal: its words, the state kept, the store usable."""
    before = store.state
    with pytest.raises(InsideReducerError, match=words):
        store.dispatch(Provoked())
    assert store.state is before
    store.dispatch(Increased())
    assert store.state.value == before.value + 1


@pytest.mark.parametrize("value", [None, 42, "increased", Counter(), {"type": "x"}, object()])
def test_b021_dispatching_what_is_no_action_is_a_type_error(value: object) -> None:
    """Dispatching None, a number, a string or an undeclared class's instance raises TypeError."""
    store = make_store()
    before = store.state
    with pytest.raises(TypeError) as caught:
        store.dispatch(cast("Any", value))
    assert isinstance(caught.value, NotAnActionError)
    assert store.state is before


def test_b021_dispatching_an_undeclared_subclass_of_action_is_a_type_error() -> None:
    """An instance of a class that was never declared by @action is refused and named."""
    store = make_store()
    before = store.state
    with pytest.raises(NotAnActionError, match="NeverDeclared"):
        store.dispatch(NeverDeclared())
    assert store.state is before


def test_b021_a_refused_dispatch_tells_nobody() -> None:
    """No subscriber hears of what was refused."""
    store, calls = make_store(), list[str]()
    store.subscribe(lambda: calls.append("told"))
    with pytest.raises(TypeError):
        store.dispatch(cast("Any", 42))
    assert calls == []


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (None, "None"),
        (datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC), "datetime"),
        (forgotten_await, "function"),
        (lambda: None, "function"),
        (42, "int"),
        ("increased", "str"),
        (Increased, "the action class itself, not an instance"),
    ],
)
def test_b022_the_refusal_names_what_was_received(value: object, name: str) -> None:
    """The refusal says what came: a function, a datetime, None, or a class for its instance."""
    with pytest.raises(NotAnActionError, match=name):
        make_store().dispatch(cast("Any", value))


def test_b022_the_refusal_names_a_coroutine() -> None:
    """The refusal of a call that was not awaited says that a coroutine came."""
    coroutine = forgotten_await()
    with pytest.raises(NotAnActionError, match="coroutine"):
        make_store().dispatch(cast("Any", coroutine))
    coroutine.close()


@pytest.mark.parametrize("wire_name", ["", None, 42, b"group/name"])
def test_b023_a_wire_name_that_is_empty_or_no_string_is_refused(wire_name: object) -> None:
    """D: an empty or non-string wire name is refused when the class is declared."""
    with pytest.raises(ActionDeclarationError):

        @action(cast("Any", wire_name))
        class _WronglyNamed(Action):  # pyright: ignore[reportUnusedClass]  # declaring it raises
            """Never declared."""


def test_b023_a_declaration_without_a_wire_name_is_refused() -> None:
    """D: `@action` without a wire name is refused when the class is declared."""
    with pytest.raises(TypeError):
        cast("Any", action)()

    class Bare(Action):
        """Decorated without a name."""

    with pytest.raises(ActionDeclarationError):
        action(cast("Any", Bare))(Bare)


def test_b024_dispatching_inside_a_reducer_raises() -> None:
    """`dispatch` inside a reducer raises and says that reducers may not dispatch."""
    store = make_store(lambda: store.dispatch(Increased()))
    raise_when_provoked(store, "dispatch")


def test_b025_reading_the_state_inside_a_reducer_raises() -> None:
    """Reading `store.state` inside a reducer raises."""
    store = make_store(lambda: store.state)
    raise_when_provoked(store, "state")


def test_b026_subscribing_inside_a_reducer_raises() -> None:
    """`subscribe` inside a reducer raises, and nobody is subscribed."""
    calls: list[str] = []
    store = make_store(lambda: store.subscribe(lambda: calls.append("told")))
    raise_when_provoked(store, "subscribe")
    assert calls == []


def test_b027_unsubscribing_inside_a_reducer_raises() -> None:
    """Unsubscribing inside a reducer raises, and the subscriber stays."""
    calls: list[str] = []
    removals: list[Callable[[], None]] = []

    def unsubscribe_first() -> None:
        removals[0]()

    store = make_store(unsubscribe_first)
    remove = store.subscribe(lambda: calls.append("told"))
    removals.append(remove)
    raise_when_provoked(store, "unsubscribe")
    assert calls == ["told"]
    remove()
    store.dispatch(Increased())
    assert calls == ["told"]


def test_b028_a_harmless_function_carried_by_an_action_does_not_raise() -> None:
    """A value's method, called in a reducer for the action that carries it, does not raise."""
    store = make_store()
    store.dispatch(Increased(3))
    store.dispatch(Doubled(Doubling(2)))
    assert store.state == Counter(12)


def test_b028_a_harmless_callback_of_an_action_does_not_raise_in_a_plain_reducer() -> None:
    """A callback of an action, called in a plain function, does not raise (D: `.on` refuses it)."""

    def compute(state: Counter | None, action: Action) -> Counter:
        present = state or Counter(1)
        if isinstance(action, ComputedByCallback):
            return Counter(action.compute(present.value))
        return present

    store = Store(compute)
    store.dispatch(ComputedByCallback(lambda value: value + 41))
    assert store.state == Counter(42)


def test_b029_a_reducers_exception_reaches_the_caller_and_the_state_stays() -> None:
    """A reducer's exception reaches the caller as it is; the state stays; the next one works."""
    error = ZeroDivisionError("no")

    def fail() -> None:
        raise error

    store, calls = make_store(fail), list[str]()
    store.subscribe(lambda: calls.append("told"))
    store.dispatch(Increased(2))
    before = store.state
    with pytest.raises(ZeroDivisionError) as caught:
        store.dispatch(Provoked())
    assert caught.value is error
    assert store.state is before
    assert calls == ["told"]
    store.dispatch(Increased(2))
    assert store.state == Counter(4)
    assert calls == ["told", "told"]
