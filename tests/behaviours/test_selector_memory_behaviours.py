"""Behaviours 98 to 104: memoizers and counters of a selector, its parts, and structured selectors.

What belongs here: what a selector remembers with, and what it tells about itself.  What does not:
what it computes, which behaviours 88 to 97 pin.
"""

from __future__ import annotations

import functools
import gc
import re
import weakref
from typing import TYPE_CHECKING, Any, cast

import attrs
import pytest

from refold.errors import SelectorDeclarationError
from refold.selectors.development_checks import set_development_checks
from refold.selectors.lru_memoize import lru_memoize
from refold.selectors.selector import selector
from refold.selectors.selector_factory import selector_factory
from refold.selectors.structured_selector import structured_selector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MANY_CALLS = 100_000
"""Calls of the behaviour about very many; enough to show growth, quick under coverage."""


@attrs.frozen
class Shop:
    """A state with three fields."""

    price: int = 10
    amount: int = 2
    note: str = ""


@attrs.frozen
class Offer:
    """What the structured selector of this file answers with."""

    price: int
    pieces: int


@pytest.fixture(autouse=True)
def _no_checks() -> Iterator[None]:
    """Let every input run once only, so that runs can be counted."""
    set_development_checks(inputs="never", identity="never")
    yield
    set_development_checks(inputs="once", identity="once")


class Recorded:
    """A function that keeps the arguments of all its runs."""

    def __init__(self, function: Callable[..., Any], name: str = "recorded") -> None:
        self.function = function
        self.runs: list[tuple[object, ...]] = []
        self.__name__ = name
        self.__qualname__ = name

    def __call__(self, *arguments: Any) -> Any:
        """Note the arguments, then answer."""
        self.runs.append(arguments)
        return self.function(*arguments)


class Extra:
    """An extra argument that can be referred to weakly."""


def read_extra(_shop: Shop, extra: Extra) -> Extra:
    """Read the extra argument."""
    return extra


def select_price(shop: Shop, *_extra: object) -> int:
    """Read the price."""
    return shop.price


def select_amount(shop: Shop, *_extra: object) -> int:
    """Read the amount."""
    return shop.amount


def multiply(price: int, amount: int) -> list[int]:
    """Return a fresh list, so that a cached one can be told from a new one."""
    return [price * amount]


def make_list(value: int) -> list[int]:
    """Return a fresh list, for selectors of one input."""
    return [value]


def same_type(stored: object, new: object) -> bool:
    """Call all values of one type equal, which is absurd."""
    return type(stored) is type(new)


def test_b098_a_custom_equality_is_honoured_even_if_absurd() -> None:
    """Where all values of one type are equal, the old result comes back for another value."""

    def select_field(state: tuple[object]) -> object:
        return state[0]

    select = selector(select_field, equal=same_type)(lambda value: f"value {value}")
    assert select((1,)) == "value 1"
    assert select((2,)) == "value 1"
    assert select.recomputations == 1
    assert select(("A",)) == "value A"
    assert select.recomputations == 2


def counting_memoizer(made_for: list[Callable[..., Any]]) -> Callable[[Any], Any]:
    """Return a memoizer of the plainest kind that notes the functions it was asked to memoize."""

    def memoize(function: Callable[..., Any]) -> Callable[..., Any]:
        made_for.append(function)
        return lru_memoize(function, max_size=1)

    return memoize


def test_b099_a_custom_memoiser_is_honoured_for_the_result_function() -> None:
    """The memoizer given for results decides what is remembered: three results, with its option."""
    select = selector(select_price, memoize=functools.partial(lru_memoize, max_size=3))(
        lambda price: [price]
    )
    kept = [select(Shop(price, price)) for price in (1, 2, 3)]
    for price in (1, 2, 3):
        assert select(Shop(price, 99)) is kept[price - 1]
    assert select.recomputations == 3
    select(Shop(4))
    assert select(Shop(1, 7)) is not kept[0]


def test_b099_a_custom_memoiser_is_honoured_for_the_arguments() -> None:
    """The memoizer given for arguments decides which calls are remembered, with its option."""
    select = selector(select_price, memoize_arguments=functools.partial(lru_memoize, max_size=2))(
        lambda price: [price]
    )
    one, two, three = Shop(1), Shop(2), Shop(3)
    for shop in (one, two, one, two):
        select(shop)
    assert select.dependency_recomputations == 2
    select(three)
    select(one)
    assert select.dependency_recomputations == 4


def test_b099_a_memoiser_without_methods_of_its_own_is_enough() -> None:
    """Any function that takes a function and gives one back serves as a memoizer."""
    remembered: dict[tuple[object, ...], object] = {}

    def remember_for_ever(function: Callable[..., Any]) -> Callable[..., Any]:
        def recall(*arguments: object) -> object:
            if arguments not in remembered:
                remembered[arguments] = function(*arguments)
            return remembered[arguments]

        return recall

    select = selector(select_price, memoize=cast("Any", remember_for_ever))(lambda price: [price])
    first = select(Shop(1))
    select(Shop(2))
    assert select(Shop(1, 5)) is first
    assert select.recomputations == 2


def test_b099_memoisers_are_honoured_in_a_factory() -> None:
    """A factory gives its memoizers to each selector it makes."""
    for_results: list[Callable[..., Any]] = []
    for_arguments: list[Callable[..., Any]] = []
    make_selector = selector_factory(
        memoize=counting_memoizer(for_results),
        memoize_arguments=counting_memoizer(for_arguments),
    )
    first = make_selector(select_price)(make_list)
    second = make_selector([select_amount])(make_list)
    assert (len(for_results), len(for_arguments)) == (2, 2)
    assert first(Shop()) == [10]
    assert second(Shop()) == [2]


def test_b099_an_override_on_one_selector_beats_the_factorys() -> None:
    """What one selector asks for replaces what its factory would have given, the rest stays."""
    of_factory: list[Callable[..., Any]] = []
    arguments_of_factory: list[Callable[..., Any]] = []
    of_selector: list[Callable[..., Any]] = []
    make_selector = selector_factory(
        memoize=counting_memoizer(of_factory),
        memoize_arguments=counting_memoizer(arguments_of_factory),
    )
    select = make_selector(select_price, memoize=counting_memoizer(of_selector))(make_list)
    assert select(Shop()) == [10]
    assert (len(of_factory), len(arguments_of_factory), len(of_selector)) == (0, 1, 1)


def test_b099_an_equality_in_a_factory_is_honoured_and_can_be_overridden() -> None:
    """A factory's equality holds for its selectors, except those that bring their own."""
    make_selector = selector_factory(equal=same_type)
    by_type = make_selector(select_price)(make_list)
    assert by_type(Shop(1)) is by_type(Shop(2))
    by_value = make_selector(select_price, equal=lambda old, new: old == new)(make_list)
    assert by_value(Shop(1)) == [1]
    assert by_value(Shop(2)) == [2]


def test_b099_extra_arguments_are_remembered_for_each_tuple_of_them() -> None:
    """Coming round to the same few arguments again runs neither inputs nor result function."""
    select = selector(select_price, read_extra)(lambda price, extra: [price, extra])
    shop = Shop()
    extras = [Extra() for _ in range(5)]
    first = [select(shop, extra) for extra in extras]
    for _ in range(10):
        for extra, answer in zip(extras, first, strict=True):
            assert select(shop, extra) is answer
    assert (select.recomputations, select.dependency_recomputations) == (5, 5)


def test_b099_extra_arguments_are_remembered_for_a_bounded_number_of_tuples() -> None:
    """Ever new arguments are not all kept: at most 128 calls are remembered."""
    select = selector(select_price, read_extra)(lambda price, _extra: [price])
    shop = Shop()
    alive: list[weakref.ref[Extra]] = []

    def ask_with_a_new_extra() -> None:
        extra = Extra()
        alive.append(weakref.ref(extra))
        select(shop, extra)
        select.with_args(extra)(shop)

    for _ in range(400):
        ask_with_a_new_extra()
    gc.collect()
    assert sum(each() is not None for each in alive) <= 129


def test_b100_argument_memo_and_result_memo_are_counted_and_reset_apart() -> None:
    """Runs of the inputs and of the result function have counters that never touch each other."""
    select = selector(select_price)(lambda price: [price])
    select(Shop(1))
    select(Shop(1, 3))
    select(Shop(2))
    assert (select.recomputations, select.dependency_recomputations) == (2, 3)
    select.reset_dependency_recomputations()
    assert (select.recomputations, select.dependency_recomputations) == (2, 0)
    select(Shop(3))
    assert (select.recomputations, select.dependency_recomputations) == (3, 1)
    select.reset_recomputations()
    assert (select.recomputations, select.dependency_recomputations) == (0, 1)


def test_b101_reset_recomputations_sets_the_count_to_0_and_keeps_the_cache() -> None:
    """Resetting the counter forgets no result."""
    result = Recorded(multiply)
    select = selector(select_price, select_amount)(result)
    shop = Shop()
    first = select(shop)
    select.reset_recomputations()
    assert select.recomputations == 0
    assert select(shop) is first
    assert select(Shop(note="other")) is first
    assert select.recomputations == 0
    select(Shop(price=1))
    assert select.recomputations == 1
    assert len(result.runs) == 2


def test_b102_result_func_is_the_function_given_and_dependencies_the_inputs_in_order() -> None:
    """A selector shows its parts: the very result function and the very inputs, in order."""
    select = selector(select_amount, select_price)(multiply)
    assert select.result_func is multiply
    assert select.dependencies == (select_amount, select_price)
    assert select.dependencies[0] is select_amount


def test_b102_last_result_is_the_last_value_unset_before_the_first_call() -> None:
    """`last_result()` is what the last computation gave; before any it raises `LookupError`."""
    select = selector(select_price, select_amount)(multiply)
    with pytest.raises(LookupError):
        select.last_result()
    first = select(Shop())
    assert select.last_result() is first
    second = select(Shop(price=3))
    assert select.last_result() is second


def test_b103_very_many_cached_calls_run_the_result_function_once() -> None:
    """However often the identical state is asked for, inputs and result function run once."""
    select = selector(select_price, select_amount)(multiply)
    shop = Shop()
    first = select(shop)
    for _ in range(MANY_CALLS):
        select(shop)
    assert select(shop) is first
    assert (select.recomputations, select.dependency_recomputations) == (1, 1)


def test_b103_very_many_states_with_identical_inputs_run_the_result_function_once() -> None:
    """However many states have the same input values, the result function runs once."""
    select = selector(select_price, select_amount)(multiply)
    first = select(Shop())
    for number in range(MANY_CALLS):
        select(cast("Any", Shop(10, 2, cast("Any", number))))
    assert select(Shop()) is first
    assert select.recomputations == 1
    assert select.dependency_recomputations == MANY_CALLS + 2


def test_b104_a_structured_selector_gives_the_identical_value_until_an_input_changes() -> None:
    """It answers with a record of the named fields, the identical one while no input changed."""
    select = structured_selector(Offer, price=select_price, pieces=select_amount)
    first = select(Shop())
    assert first == Offer(10, 2)
    assert type(first) is Offer
    assert select(Shop(note="other")) is first
    assert select(Shop(price=11)) == Offer(11, 2)


def test_b104_it_has_the_dependencies_and_counters_of_the_hand_made_one() -> None:
    """It shows inputs and counts as a selector that builds the record by hand does."""
    structured = structured_selector(Offer, price=select_price, pieces=select_amount)
    by_hand = selector(select_price, select_amount)(Offer)
    for shop in (Shop(), Shop(note="other"), Shop(price=11), Shop(price=11)):
        assert structured(shop) == by_hand(shop)
    assert structured.dependencies == by_hand.dependencies
    assert structured.recomputations == by_hand.recomputations == 2
    assert structured.dependency_recomputations == by_hand.dependency_recomputations == 4
    structured.reset_recomputations()
    assert structured.recomputations == 0
    assert structured.last_result() == Offer(11, 2)


def test_b104_the_order_of_the_names_does_not_matter() -> None:
    """Fields are found by name, not by place."""
    select = structured_selector(Offer, pieces=select_amount, price=select_price)
    assert select(Shop(7, 8)) == Offer(7, 8)


def test_b104_extra_arguments_reach_its_inputs() -> None:
    """Arguments after the state go to each input of a structured selector too."""

    def add_to_price(shop: Shop, extra: int) -> int:
        return shop.price + extra

    def read_pieces(_shop: Shop, extra: int) -> int:
        return extra

    select = structured_selector(Offer, price=add_to_price, pieces=read_pieces)
    assert select(Shop(), 5) == Offer(15, 5)


@pytest.mark.parametrize(
    ("record", "inputs", "named"),
    [
        (Offer, {"price": select_price, "pieces": 5}, "pieces"),
        (Offer, {"price": select_price, "pieces": select_amount, "colour": select_price}, "colour"),
        (Offer, {"price": select_price}, "pieces"),
        (dict, {"price": select_price}, "dict"),
        (5, {"price": select_price}, "5"),
    ],
    ids=["not callable", "no such field", "missing field", "no attrs class", "no class"],
)
def test_b104_wrong_arguments_raise(record: object, inputs: dict[str, object], named: str) -> None:
    """Inputs that do not fit the record are refused when declared, and what is wrong is named."""
    with pytest.raises(SelectorDeclarationError, match=re.escape(named)):
        structured_selector(cast("Any", record), **cast("Any", inputs))
