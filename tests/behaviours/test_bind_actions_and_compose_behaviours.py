"""Behaviours 78 to 87: `bind_actions` and `compose`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, assert_type, cast

import attrs
import pytest

from refold.actions.action import Action, action
from refold.actions.bind_actions import bind_actions
from refold.reducers.reducer import Reducer
from refold.store.compose import compose
from refold.store.store import Store


@attrs.frozen
class Texts:
    """A state of texts."""

    texts: tuple[str, ...] = ()


@action("bind_actions_behaviours/text_added")
class TextAdded(Action):
    """A text was added, so many times."""

    text: str
    times: int = 1


@action("bind_actions_behaviours/texts_cleared")
class TextsCleared(Action):
    """All texts are gone."""


def make_store() -> Store[Texts]:
    """Return a store that collects texts."""
    reducer = Reducer(Texts())

    @reducer.on(TextAdded)
    def _(state: Texts, action: TextAdded) -> Texts:
        return Texts(state.texts + (action.text,) * action.times)

    @reducer.on(TextsCleared)
    def _(_state: Texts, _action: TextsCleared) -> Texts:
        return Texts()

    return Store(reducer)


def add_shouted(text: str) -> TextAdded:
    """Return the action for a text in capitals."""
    return TextAdded(text.upper())


def add_one(number: int) -> int:
    """Return the number after it."""
    return number + 1


def double(number: int) -> int:
    """Return twice the number."""
    return number * 2


def test_b078_binding_a_mapping_gives_the_same_names_which_make_and_dispatch() -> None:
    """A bound mapping has the same names; each makes its action, dispatches and returns it."""
    store = make_store()
    bound = bind_actions({"add": TextAdded, "shout": add_shouted}, store.dispatch)
    assert type(bound) is dict
    assert list(bound) == ["add", "shout"]
    assert bound["add"]("a") == TextAdded("a")
    assert bound["shout"]("b") == TextAdded("B")
    assert store.state == Texts(("a", "B"))


def test_b078_the_bound_callable_returns_what_dispatch_returned() -> None:
    """What a bound callable returns is the very object that was dispatched and came back."""
    dispatched: list[Action] = []

    def dispatch(action: Action) -> Action:
        dispatched.append(action)
        return action

    bound = bind_actions({"add": TextAdded}, dispatch)
    result = bound["add"]("a")
    assert len(dispatched) == 1
    assert result is dispatched[0]


def test_b079_binding_a_single_maker_gives_a_single_callable() -> None:
    """A bound action class or function is one callable, typed as its maker."""
    store = make_store()
    add, shout = bind_actions(TextAdded, store.dispatch), bind_actions(add_shouted, store.dispatch)
    assert assert_type(add("a"), TextAdded) == TextAdded("a")
    assert assert_type(shout("b"), TextAdded) == TextAdded("B")
    assert store.state == Texts(("a", "B"))


def test_b080_positional_and_keyword_arguments_pass_through_unchanged() -> None:
    """A bound callable hands its arguments to the maker as they came."""
    seen: list[tuple[tuple[object, ...], dict[str, object]]] = []

    def make(*args: object, **kwargs: object) -> TextsCleared:
        seen.append((args, kwargs))
        return TextsCleared()

    store = make_store()
    marker = object()
    bind_actions({"make": make}, store.dispatch)["make"](1, marker, times=2, text=marker)
    bind_actions(make, store.dispatch)(marker, text=3)
    assert seen == [((1, marker), {"times": 2, "text": marker}), ((marker,), {"text": 3})]

    bind_actions(TextAdded, store.dispatch)("a", times=2)
    assert store.state == Texts(("a", "a"))


def test_b081_what_cannot_be_called_is_skipped_in_a_mapping() -> None:
    """Values of the mapping that cannot be called are left out."""
    makers = {"add": TextAdded, "number": 42, "none": None, "text": "add", "clear": TextsCleared}
    given = cast("Mapping[str, Callable[..., Action]]", makers)
    bound = bind_actions(given, make_store().dispatch)
    assert list(bound) == ["add", "clear"]
    assert bound["add"]("a") == TextAdded("a")


@pytest.mark.parametrize(("makers", "name"), [(None, "None"), ("add", "str"), (42, "int")])
def test_b082_binding_none_or_a_string_raises_and_names_the_type(makers: object, name: str) -> None:
    """Binding None or a string raises TypeError naming what was received."""
    with pytest.raises(TypeError, match=name):
        bind_actions(cast("Any", makers), make_store().dispatch)


def test_b083_the_bound_callable_dispatches_to_the_store_it_was_bound_to() -> None:
    """Of two stores, a bound callable changes only its own."""
    one, other = make_store(), make_store()
    add_to_one = bind_actions(TextAdded, one.dispatch)
    add_to_other = bind_actions({"add": TextAdded}, other.dispatch)["add"]
    add_to_one("a")
    add_to_one("b")
    add_to_other("c")
    assert one.state == Texts(("a", "b"))
    assert other.state == Texts(("c",))


def test_b084_compose_calls_the_last_first() -> None:
    """`compose(f, g, h)(x)` is `f(g(h(x)))`."""
    assert compose(add_one, double)(5) == 11
    assert compose(double, add_one)(5) == 12
    assert compose(str, add_one, double)(5) == "11"


def test_b085_the_innermost_takes_any_number_of_arguments_and_the_others_one() -> None:
    """The last function gets all arguments, positional and keyword; the others one value each."""
    seen: list[tuple[tuple[object, ...], dict[str, object]]] = []

    def innermost(*args: int, **kwargs: int) -> int:
        seen.append((args, dict(kwargs)))
        return sum(args) + sum(kwargs.values())

    def outer(*args: int, **kwargs: int) -> int:
        seen.append((args, dict(kwargs)))
        return args[0]

    assert compose(outer, double, innermost)(1, 2, 3, more=4) == 20
    assert seen == [((1, 2, 3), {"more": 4}), ((20,), {})]
    assert compose(double, innermost)() == 0


def test_b086_compose_of_nothing_returns_its_first_argument() -> None:
    """`compose()` returns the first of its arguments, the identical object."""
    first = object()
    assert compose()(first) is first
    assert compose()(first, 2, 3) is first


def test_b086_compose_of_one_function_is_that_function() -> None:
    """`compose(f)` is `f` itself."""
    assert compose(add_one) is add_one


@pytest.mark.parametrize("place", [0, 1, 2])
def test_b087_composing_what_cannot_be_called_raises_at_once(place: int) -> None:
    """D: something that cannot be called raises TypeError when composing, not when calling."""
    functions: list[Any] = [add_one, double, str]
    functions[place] = 42
    with pytest.raises(TypeError, match="int"):
        compose(*functions)


def test_b087_a_single_thing_that_cannot_be_called_raises_too() -> None:
    """D: `compose(None)` raises TypeError, though there is nothing to join."""
    with pytest.raises(TypeError, match="None"):
        compose(cast("Any", None))
