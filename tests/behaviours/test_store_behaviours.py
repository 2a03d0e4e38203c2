"""Behaviours 1 to 10 and 30, 31, 35: state, dispatch, replacing the reducer, enhancers, surface.

What belongs here: what a store does with its state.  What does not: who is told about it
(`test_store_subscription_behaviours`), what is refused (`test_store_refusal_behaviours`).
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, cast

import attrs
import pytest

from refold.actions.action import Action, action
from refold.errors import MiddlewareError
from refold.reducers.combine_reducers import combine_reducers
from refold.reducers.reducer import Reducer
from refold.store.create_store import create_store
from refold.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from refold.store.create_store import Create, Enhancer
    from refold.store.middleware import Dispatch, StoreAPI


@attrs.frozen
class Counter:
    """A state with one number."""

    value: int = 0


@attrs.frozen
class Pair:
    """A root of two counters; without defaults, so that a missing slice is absent."""

    first: Counter
    second: Counter


@attrs.frozen
class Nest:
    """A root with a counter and a combined reducer's state inside."""

    counter: Counter
    pair: Pair


@action("store_behaviours/increased")
class Increased(Action):
    """The counter went up."""

    by: int = 1


@action("store_behaviours/nobody_cares")
class NobodyCares(Action):
    """No reducer of this file handles it."""


def make_counter(initial: int = 0, *, factor: int = 1) -> Reducer[Counter]:
    """Return a counter whose steps are multiplied by the factor."""
    counter = Reducer(Counter(initial))

    @counter.on(Increased)
    def _(state: Counter, action: Increased) -> Counter:
        return Counter(state.value + factor * action.by)

    return counter


def count_as_plain_function(state: Counter | None, action: Action) -> Counter:
    """Count like `make_counter`, as a function without handlers."""
    present = Counter(5) if state is None else state
    return Counter(present.value + action.by) if isinstance(action, Increased) else present


def test_b001_a_new_stores_state_is_the_reducers_initial_state() -> None:
    """A new store's state is the reducer's own initial state, before any dispatch."""
    counter = make_counter(3)
    assert Store(counter).state is counter.initial
    assert Store(counter).state == Counter(3)


def test_b001_a_new_store_over_a_plain_function_has_that_functions_initial_state() -> None:
    """A plain function called with no state gives the new store's state."""
    assert Store(count_as_plain_function).state == Counter(5)


def test_b001_a_factory_makes_the_initial_state_of_each_store() -> None:
    """A reducer made by a factory starts a store at what the factory returns."""
    assert Store(Reducer(factory=lambda: Counter(8))).state == Counter(8)


def test_b002_a_given_state_replaces_the_initial_one_and_actions_fold_over_it() -> None:
    """`state=` replaces the initial state, and later actions fold over it."""
    given = Counter(40)
    store = Store(make_counter(3), state=given)
    assert store.state is given
    store.dispatch(Increased(2))
    assert store.state == Counter(42)


@pytest.mark.parametrize("reducer", [42, "reducer", None, Counter(), {}])
def test_b003_a_reducer_that_is_not_callable_is_a_type_error(reducer: object) -> None:
    """Making a store with a reducer that cannot be called raises TypeError, naming what came."""
    with pytest.raises(TypeError, match=type(reducer).__name__.removesuffix("Type")):
        Store(cast("Any", reducer))


def test_b004_an_unhandled_action_leaves_the_state_the_identical_object() -> None:
    """An action that no reducer handles leaves `store.state` the identical object."""
    store = Store(combine_reducers(Pair, first=make_counter(), second=make_counter()))
    before = store.state
    store.dispatch(NobodyCares())
    assert store.state is before


def test_b005_each_dispatch_sees_the_result_of_the_one_before() -> None:
    """Each dispatch folds over the result of the one before it."""
    store = Store(make_counter())
    seen: list[int] = []
    for by in (1, 10, 100):
        store.dispatch(Increased(by))
        seen.append(store.state.value)
    assert seen == [1, 11, 111]


def test_b006_dispatch_returns_the_very_object_it_was_given() -> None:
    """`dispatch` returns the action object itself, handled or not."""
    store = Store(make_counter())
    increased, ignored = Increased(), NobodyCares()
    assert store.dispatch(increased) is increased
    assert store.dispatch(ignored) is ignored


def test_b007_replacing_the_reducer_keeps_the_state_and_swapping_back_works() -> None:
    """`replace_reducer` keeps the state and sends later actions through the new one, both ways."""
    by_one, by_ten = make_counter(), make_counter(factor=10)
    store = Store(by_one)
    store.dispatch(Increased(3))
    before = store.state

    store.replace_reducer(by_ten)
    assert store.state is before
    store.dispatch(Increased(3))
    assert store.state == Counter(33)

    store.replace_reducer(by_one)
    store.dispatch(Increased(3))
    assert store.state == Counter(36)


def test_b007_a_plain_function_may_replace_a_reducer() -> None:
    """`replace_reducer` takes a plain function as well and keeps the state."""
    store = Store(make_counter(1))
    store.replace_reducer(count_as_plain_function)
    assert store.state == Counter(1)
    store.dispatch(Increased())
    assert store.state == Counter(2)


def test_b008_a_new_slice_has_its_initial_state_as_soon_as_the_reducer_is_replaced() -> None:
    """`replace_reducer` runs the new reducer once: a new slice is there before any action."""
    first, second = make_counter(), make_counter(7)
    store = Store(combine_reducers(Pair, first=first))
    store.dispatch(Increased(2))
    assert not hasattr(store.state, "second")

    store.replace_reducer(combine_reducers(Pair, first=first, second=second))
    assert store.state == Pair(Counter(2), Counter(7))


@pytest.mark.parametrize(("candidate", "name"), [(None, "None"), (42, "int"), ("reducer", "str")])
def test_b009_replacing_by_what_is_no_reducer_raises_and_keeps_the_old_one(
    candidate: object, name: str
) -> None:
    """`replace_reducer(None)` raises TypeError naming what came, and the old reducer stays."""
    store = Store(make_counter())
    with pytest.raises(TypeError, match=name):
        store.replace_reducer(cast("Any", candidate))
    store.dispatch(Increased(4))
    assert store.state == Counter(4)


def test_b010_replacing_by_fewer_slices_gives_no_warning() -> None:
    """Replacing by a reducer with fewer slices, nested ones included, is silent."""
    pair = combine_reducers(Pair, first=make_counter(), second=make_counter())
    store = Store(combine_reducers(Nest, counter=make_counter(), pair=pair))
    store.dispatch(Increased())
    smaller_pair = combine_reducers(Pair, first=make_counter())

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        store.replace_reducer(combine_reducers(Nest, counter=make_counter(), pair=smaller_pair))
        store.dispatch(Increased())
        store.replace_reducer(combine_reducers(Nest, pair=smaller_pair))
        store.dispatch(Increased())

    assert caught == []
    assert store.state.pair.first == Counter(3)
    assert not hasattr(store.state.pair, "second")
    assert not hasattr(store.state, "counter")


def test_b030_an_enhancer_gets_create_reducer_and_state_and_returns_the_store() -> None:
    """An enhancer is called once with create, gets reducer and state, and gives the store."""
    calls: list[str] = []
    arguments: list[tuple[Any, Any]] = []
    made: list[Store[Counter]] = []

    def enhance(create: Create) -> Create:
        calls.append("enhanced")

        def create_enhanced(reducer: object, state: object) -> Store[Counter]:
            arguments.append((reducer, state))
            made.append(create(reducer, state))
            return made[-1]

        return create_enhanced

    counter, given = make_counter(), Counter(9)
    store = create_store(counter, state=given, enhancer=enhance)

    assert calls == ["enhanced"]
    assert len(arguments) == 1
    assert arguments[0][0] is counter
    assert arguments[0][1] is given
    assert store is made[0]
    assert store.state is given
    store.dispatch(Increased())
    assert store.state == Counter(10)


def test_b030_the_create_function_of_an_enhancer_puts_the_middleware_in() -> None:
    """The store that `create` gives an enhancer has the middleware that was listed."""
    seen: list[Action] = []

    def see(_store: StoreAPI[Counter], next_dispatch: Dispatch) -> Dispatch:
        def handle(action: Action, /) -> Action:
            seen.append(action)
            return next_dispatch(action)

        return handle

    def enhance(create: Create) -> Create:
        return create

    store = create_store(make_counter(), middleware=[see], enhancer=enhance)
    increased = store.dispatch(Increased())
    assert seen == [increased]


def test_b031_an_enhancer_that_is_not_callable_raises() -> None:
    """An enhancer that cannot be called raises, naming what came."""
    with pytest.raises(MiddlewareError, match="int"):
        create_store(make_counter(), enhancer=cast("Any", 42))


@pytest.mark.parametrize("kind", [list, tuple])
def test_b031_several_enhancers_side_by_side_raise_and_are_told_to_compose(
    kind: Callable[[Iterable[Enhancer]], object],
) -> None:
    """Several enhancers given side by side raise, and the message says to compose them."""

    def enhance(create: Create) -> Create:
        return create

    with pytest.raises(MiddlewareError, match="compose"):
        create_store(make_counter(), enhancer=cast("Any", kind([enhance, enhance])))


def test_b035_the_public_surface_of_a_store_is_exactly_this() -> None:
    """A store has these public names and no others (D: more than Redux, as the design lists)."""
    public = {name for name in dir(Store(make_counter())) if not name.startswith("_")}
    assert public == {
        "aclose",
        "changes",
        "dispatch",
        "dispatch_threadsafe",
        "flushed",
        "replace_reducer",
        "state",
        "subscribe",
        "transaction",
    }
    assert hasattr(Store, "__aenter__")
    assert hasattr(Store, "__aexit__")
    assert not hasattr(Store, "__enter__")
