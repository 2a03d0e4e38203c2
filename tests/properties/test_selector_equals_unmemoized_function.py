"""A selector answers as the plain function it was made of, whatever it remembers.

What belongs here: every way of declaring a selector against its unmemoized function, over random
states and arguments.  What does not: how often anything runs.
"""

from __future__ import annotations

import functools
import operator
from typing import TYPE_CHECKING, Any, cast

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refold.selectors.development_checks import set_development_checks
from refold.selectors.lru_memoize import lru_memoize
from refold.selectors.selector import selector
from refold.selectors.structured_selector import structured_selector
from refold.selectors.weak_memoize import weak_memoize

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@attrs.frozen
class Shelf:
    """A state whose fields are of several kinds."""

    count: Any = 0
    names: tuple[str, ...] = ()
    label: Any = ""


@attrs.frozen
class Summary:
    """What the structured selector answers with."""

    count: Any
    label: Any


Steps = list[tuple[Shelf, tuple[Any, ...]]]

TWINS = [
    1,
    True,
    1.0,
    0,
    False,
    0.0,
    -0.0,
    None,
    "",
    "a",
    (),
    (1,),
    (True,),
    (0.0,),
    (-0.0,),
    10**30,
    float("nan"),
]
"""Values of which some compare equal though they are not the same value."""

shelves = st.builds(
    Shelf,
    count=st.sampled_from(TWINS),
    names=st.lists(st.sampled_from("abc"), max_size=3).map(tuple),
    label=st.sampled_from(TWINS),
)
plain_shelves = st.builds(
    Shelf,
    count=st.integers(-3, 3),
    names=st.lists(st.sampled_from("abc"), max_size=3).map(tuple),
    label=st.sampled_from(["x", "y"]),
)
twin_arguments = st.lists(st.sampled_from(TWINS), min_size=2, max_size=2).map(tuple)
plain_arguments = st.tuples(st.integers(-2, 2), st.sampled_from(["p", "q"]))


def steps_of(
    states: st.SearchStrategy[Shelf], arguments: st.SearchStrategy[tuple[Any, ...]]
) -> st.SearchStrategy[Steps]:
    """Return sequences of calls over few objects, so that the same ones come back."""

    def calls(pools: tuple[list[Shelf], list[tuple[Any, ...]]]) -> st.SearchStrategy[Steps]:
        one_call = st.tuples(st.sampled_from(pools[0]), st.sampled_from(pools[1]))
        return st.lists(one_call, min_size=1, max_size=25)

    pools = st.tuples(
        st.lists(states, min_size=1, max_size=5), st.lists(arguments, min_size=1, max_size=5)
    )
    return pools.flatmap(calls)


@pytest.fixture(autouse=True, scope="module")
def _no_checks() -> Iterator[None]:
    """Leave the reports of inputs and result functions to their own tests."""
    set_development_checks(inputs="never", identity="never")
    yield
    set_development_checks(inputs="once", identity="once")


def read_count(shelf: Shelf, *_arguments: Any) -> Any:
    """Read the count."""
    return shelf.count


def read_names(shelf: Shelf, *_arguments: Any) -> tuple[str, ...]:
    """Read the names."""
    return shelf.names


def read_label(shelf: Shelf, *_arguments: Any) -> Any:
    """Read the label."""
    return shelf.label


def read_first_argument(_shelf: Shelf, first: Any, _second: Any) -> Any:
    """Read the first extra argument."""
    return first


def read_second_argument(_shelf: Shelf, _first: Any, second: Any) -> Any:
    """Read the second extra argument."""
    return second


def describe(*values: Any) -> str:
    """Return a text that is another for values that only compare equal."""
    return repr(values)


def as_tuple(*values: Any) -> tuple[Any, ...]:
    """Return the values themselves."""
    return values


def sort_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names in alphabetical order."""
    return tuple(sorted(names))


def read_shelf(root: tuple[None, Shelf]) -> Shelf:
    """Read the shelf out of a root."""
    return root[1]


def declare(*inputs: Any, **options: Any) -> Any:
    """Declare a selector whose types are chosen at run time."""
    return cast("Any", selector)(*inputs, **options)


OPTIONS: dict[str, dict[str, Any]] = {
    "default": {},
    "lru": {"memoize": lru_memoize, "memoize_arguments": lru_memoize},
    "lru of 3": {
        "memoize": functools.partial(lru_memoize, max_size=3),
        "memoize_arguments": functools.partial(lru_memoize, max_size=2),
    },
    "weak": {"memoize": weak_memoize, "memoize_arguments": weak_memoize},
    "weak of 2": {
        "memoize": functools.partial(weak_memoize, max_size=2),
        "memoize_arguments": functools.partial(weak_memoize, max_size=3),
    },
    "weak results": {"memoize": weak_memoize},
    "weak arguments": {"memoize_arguments": weak_memoize},
}
EQUAL_OPTIONS: dict[str, dict[str, Any]] = {
    "equal": {"equal": operator.eq},
    "lru with result equality": {
        "memoize": functools.partial(lru_memoize, max_size=2, result_equal=operator.eq)
    },
    "weak with result equality": {
        "memoize": functools.partial(weak_memoize, result_equal=operator.eq)
    },
}


def assert_same_answers(
    select: Callable[..., Any], plain: Callable[..., Any], steps: Steps, *, extra: bool
) -> None:
    """Check that both functions give the same values at every step."""
    for state, arguments in steps:
        given_arguments = arguments if extra else ()
        found, expected = select(state, *given_arguments), plain(state, *given_arguments)
        assert repr(found) == repr(expected)


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS.keys())
@given(steps=steps_of(shelves, twin_arguments))
def test_selector_of_the_state_equals_its_function(options: dict[str, Any], steps: Steps) -> None:
    """A selector of the state alone answers as its function, with every memoizer."""

    def plain(state: Shelf) -> str:
        return describe(state.count, state.label)

    select = declare(read_count, read_label, **options)(describe)
    assert_same_answers(select, plain, steps, extra=False)


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS.keys())
@given(steps=steps_of(shelves, twin_arguments))
def test_selector_with_extra_arguments_equals_its_function(
    options: dict[str, Any], steps: Steps
) -> None:
    """A selector with extra arguments answers as its function, with every memoizer."""

    def plain(state: Shelf, *rest: Any) -> str:
        return describe(state.count, *rest)

    select = declare(read_count, read_first_argument, read_second_argument, **options)(describe)
    assert_same_answers(select, plain, steps, extra=True)


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS.keys())
@given(steps=steps_of(shelves, twin_arguments))
def test_chained_selectors_equal_their_functions(options: dict[str, Any], steps: Steps) -> None:
    """A selector over selectors answers as the functions applied one after the other."""

    def plain(state: Shelf, first: Any, second: Any) -> str:
        return describe((state.count, first), tuple(sorted(state.names)), second)

    inner = declare(read_count, read_first_argument, **options)(as_tuple)
    sorted_names = declare(read_names, **options)(sort_names)
    outer = declare([inner, sorted_names, read_second_argument], **options)(describe)
    assert_same_answers(outer, plain, steps, extra=True)


@pytest.mark.parametrize(
    "options", (OPTIONS | EQUAL_OPTIONS).values(), ids=(OPTIONS | EQUAL_OPTIONS).keys()
)
@given(steps=steps_of(plain_shelves, plain_arguments))
def test_selector_with_custom_equality_equals_its_function(
    options: dict[str, Any], steps: Steps
) -> None:
    """Over values that are the same when equal, a selector that compares by `==` is right too."""

    def plain(state: Shelf, first: Any, _second: Any) -> str:
        return describe(state.names, state.label, first)

    select = declare(read_names, read_label, read_first_argument, **options)(describe)
    assert_same_answers(select, plain, steps, extra=True)


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS.keys())
@given(counts=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=30))
def test_selector_of_short_lived_states_equals_its_function(
    options: dict[str, Any], counts: list[tuple[int, int]]
) -> None:
    """States and arguments that are made for one call and thrown away are never mistaken."""
    select = declare(read_names, read_first_argument, **options)(describe)
    for count, argument in counts:
        names = tuple(f"name {number}" for number in range(count))
        found = select(Shelf(names=names), [argument], None)
        assert found == describe(names, [argument])


@given(steps=steps_of(shelves, twin_arguments))
def test_selector_with_fixed_arguments_equals_its_function(steps: Steps) -> None:
    """`with_args` answers as the function with these arguments, for each of them."""
    select = declare(read_label, read_first_argument, read_second_argument)(describe)
    for state, arguments in steps:
        assert select.with_args(*arguments)(state) == describe(state.label, *arguments)


@given(steps=steps_of(shelves, twin_arguments))
def test_lifted_selector_equals_its_function(steps: Steps) -> None:
    """A selector lifted to a root answers as its function of the slice."""
    select = declare(read_count, read_label)(describe).at(read_shelf)
    for state, _arguments in steps:
        assert select((None, state)) == describe(state.count, state.label)


@given(steps=steps_of(shelves, twin_arguments))
def test_structured_selector_equals_the_record_of_its_functions(steps: Steps) -> None:
    """A structured selector answers with the record of its functions' values."""

    def plain(state: Shelf) -> Summary:
        return Summary(state.count, state.label)

    select = structured_selector(Summary, count=read_count, label=read_label)
    assert_same_answers(select, plain, steps, extra=False)


@pytest.mark.parametrize(
    "memoize",
    [lru_memoize, functools.partial(lru_memoize, max_size=3), weak_memoize],
    ids=["lru", "lru of 3", "weak"],
)
@given(calls=st.lists(st.lists(st.sampled_from(TWINS), max_size=3), max_size=30))
def test_memoized_function_equals_the_function(memoize: Any, calls: list[list[Any]]) -> None:
    """A memoized function answers as the function, for any number of any arguments."""
    memoized = memoize(describe)
    for arguments in calls:
        assert memoized(*arguments) == describe(*arguments)


@given(calls=st.lists(st.tuples(st.integers(0, 4), st.sampled_from("abc")), max_size=30))
def test_weak_memo_of_short_lived_records_equals_the_function(calls: list[tuple[int, str]]) -> None:
    """Records that are made for one call and thrown away are never mistaken for each other."""

    def count_and_text(shelf: Shelf, text: str) -> tuple[Any, str]:
        return shelf.count, text

    memoized = weak_memoize(count_and_text)
    for count, text in calls:
        assert memoized(Shelf(count), text) == (count, text)
