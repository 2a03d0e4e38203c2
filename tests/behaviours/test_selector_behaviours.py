"""Behaviours 88 to 97: what a selector computes, and when.

What belongs here: selectors and structured selectors as their users see them.  What does not: the
development checks and the memoizers, which have files of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import attrs
import pytest

from refold.errors import SelectorDeclarationError
from refold.selectors.development_checks import set_development_checks
from refold.selectors.selector import selector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@attrs.frozen
class Shop:
    """A state with three fields."""

    price: int = 10
    amount: int = 2
    note: str = ""


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


def select_price(shop: Shop, *_extra: object) -> int:
    """Read the price."""
    return shop.price


def select_amount(shop: Shop, *_extra: object) -> int:
    """Read the amount."""
    return shop.amount


def multiply(price: int, amount: int) -> list[int]:
    """Return a fresh list, so that a cached one can be told from a new one."""
    return [price * amount]


def test_b088_a_second_call_with_the_identical_state_does_not_run_the_result_function() -> None:
    """The identical state is answered from memory: neither result function nor inputs run."""
    result = Recorded(multiply)
    price = Recorded(select_price)
    select = selector(price, select_amount)(result)
    shop = Shop()
    first = select(shop)
    assert first == [20]
    assert select(shop) is first
    assert result.runs == [(10, 2)]
    assert len(price.runs) == 1
    assert (select.recomputations, select.dependency_recomputations) == (1, 1)


def test_b089_a_new_state_with_identical_input_values_returns_the_cached_result() -> None:
    """Another state object with the same input values gives the identical result; counts stay."""
    result = Recorded(multiply)
    select = selector(select_price, select_amount)(result)
    first = select(Shop())
    assert select(Shop(note="changed")) is first
    assert len(result.runs) == 1
    assert select.recomputations == 1


def test_b090_a_changed_input_runs_the_result_function_once_more() -> None:
    """When an input value changes the result function runs once, and `recomputations` counts it."""
    result = Recorded(multiply)
    select = selector(select_price, select_amount)(result)
    first = select(Shop())
    changed = Shop(price=11)
    second = select(changed)
    assert second == [22]
    assert second is not first
    assert select(changed) is second
    assert result.runs == [(10, 2), (11, 2)]
    assert select.recomputations == 2


def test_b091_input_selectors_may_be_given_one_by_one_or_as_a_list() -> None:
    """Inputs one by one, as one list and as one tuple make the same selector."""
    one_by_one = selector(select_price, select_amount)(multiply)
    as_list = selector([select_price, select_amount])(multiply)
    as_tuple = selector((select_price, select_amount))(multiply)
    for select in (one_by_one, as_list, as_tuple):
        assert select.dependencies == (select_price, select_amount)
        assert select(Shop(3, 4)) == [12]
        assert select.recomputations == 1


def test_b092_extra_arguments_go_to_every_input_selector() -> None:
    """Arguments after the state reach each input, in order, and not the result function."""
    price, amount, result = Recorded(select_price), Recorded(select_amount), Recorded(multiply)
    select = selector(price, amount)(result)
    shop = Shop()
    select(shop, "a", 5)
    assert price.runs == [(shop, "a", 5)]
    assert amount.runs == [(shop, "a", 5)]
    assert result.runs == [(10, 2)]


def test_b092_no_extra_arguments_are_given_when_there_were_none() -> None:
    """Without extra arguments each input gets the state and nothing else."""
    price, amount = Recorded(select_price), Recorded(select_amount)
    shop = Shop()
    selector(price, amount)(multiply)(shop)
    assert price.runs == [(shop,)]
    assert amount.runs == [(shop,)]


def test_b092_with_args_fixes_the_extra_arguments() -> None:
    """`with_args` gives a selector of the state alone that passes these arguments on."""

    def select_price_times(shop: Shop, factor: int) -> int:
        return shop.price * factor

    select = selector(select_price_times)(lambda price: price + 1)
    assert select.with_args(3)(Shop()) == 31
    assert select(Shop(), 3) == 31


@pytest.mark.parametrize(
    "pair", [(1, True), (1, 1.0), (0.0, -0.0), ((1,), (True,)), ((0.0,), (-0.0,))], ids=repr
)
def test_b092_extra_arguments_that_only_compare_equal_are_not_mistaken(
    pair: tuple[object, object],
) -> None:
    """An argument that compares equal to an earlier one, but is another value, is read anew."""

    def read_extra(_shop: Shop, extra: object) -> object:
        return extra

    select = selector(read_extra)(repr)
    shop = Shop()
    for value in (*pair, *pair):
        assert select(shop, value) == repr(value)


def test_b093_a_non_callable_input_raises_and_lists_the_kinds_received_in_order() -> None:
    """An input that cannot be called is refused, with the kinds of all inputs as they stood."""
    with pytest.raises(SelectorDeclarationError, match=r"(?s)function.*\bstr\b.*\bint\b") as raised:
        selector(select_price, cast("Any", "amount"), cast("Any", 5))(cast("Any", multiply))
    assert isinstance(raised.value, TypeError)
    with pytest.raises(SelectorDeclarationError, match=r"(?s)\bNoneType|None.*function"):
        selector([cast("Any", None), select_price])(multiply)


@pytest.mark.parametrize(("given", "kind"), [(42, "int"), ("text", "str"), (None, "None")])
def test_b093_a_missing_result_function_raises_and_names_what_came_instead(
    given: object, kind: str
) -> None:
    """A result function that cannot be called is refused, and its kind is named."""
    with pytest.raises(SelectorDeclarationError, match=rf"\b{kind}(Type)?\b"):
        selector(select_price)(cast("Any", given))


def test_b093_no_inputs_at_all_raise() -> None:
    """A selector without inputs could only ever give one answer, and is refused."""
    with pytest.raises(SelectorDeclarationError):
        cast("Any", selector)()(lambda: 1)


def test_b094_an_exception_is_not_cached() -> None:
    """A call that raised runs again when it is made again, and raises again."""

    def fails(price: int) -> int:
        message = f"no price {price}"
        raise ArithmeticError(message)

    failing = Recorded(fails)
    select = selector(select_price)(failing)
    shop = Shop()
    for _ in range(2):
        with pytest.raises(ArithmeticError, match="no price 10"):
            select(shop)
    assert failing.runs == [(10,), (10,)]


def test_b094_an_exception_of_an_input_is_not_cached_either() -> None:
    """An input that raised runs again for the same state, and its success then counts."""
    failures = [KeyError("first time")]

    def select_sometimes(shop: Shop) -> int:
        if failures:
            raise failures.pop()
        return shop.price

    select = selector(select_sometimes)(lambda price: price + 1)
    shop = Shop()
    with pytest.raises(KeyError, match="first time"):
        select(shop)
    assert select(shop) == 11


def test_b095_after_an_exception_for_another_input_the_earlier_good_result_is_cached() -> None:
    """A failing state does not cost the result of the good state before it."""

    def fails_for_zero(price: int) -> list[float]:
        return [100 / price]

    result = Recorded(fails_for_zero)
    select = selector(select_price)(result)
    good = Shop(price=4)
    first = select(good)
    with pytest.raises(ZeroDivisionError):
        select(Shop(price=0))
    assert select(good) is first
    assert select(Shop(price=4, note="other")) is first
    assert result.runs == [(4,), (0,)]


def test_b096_selectors_chain_and_the_outer_runs_only_if_an_inner_result_changed() -> None:
    """An outer selector runs again only when the result of an inner one is another."""

    def is_dear(price: int) -> bool:
        return price >= 10

    def describe_price(dear: bool) -> list[str]:  # noqa: FBT001  # given by the inner selector
        return ["dear" if dear else "cheap"]

    inner_result = Recorded(is_dear)
    inner = selector(select_price)(inner_result)
    outer_result = Recorded(describe_price)
    outer = selector(inner)(outer_result)
    first = outer(Shop(price=10))
    assert outer(Shop(price=11)) is first
    assert inner.recomputations == 2
    assert outer.recomputations == 1
    assert outer(Shop(price=9)) == ["cheap"]
    assert outer_result.runs == [(True,), (False,)]


def test_b097_chained_selectors_recompute_only_when_the_arguments_they_use_change() -> None:
    """With several extra arguments each selector runs again only for the ones it reads."""

    def read_first(_shop: Shop, first: int, _second: int) -> int:
        return first

    def read_second(_shop: Shop, _first: int, second: int) -> int:
        return second

    by_first = selector(select_price, read_first)(lambda price, first: [price, first])
    by_both = selector(by_first, read_second)(lambda inner, second: [*inner, second])
    shop = Shop()
    assert by_both(shop, 100, 200) == [10, 100, 200]
    assert (by_first.recomputations, by_both.recomputations) == (1, 1)
    assert by_both(shop, 100, 200) == [10, 100, 200]
    assert (by_first.recomputations, by_both.recomputations) == (1, 1)
    assert by_both(shop, 100, 300) == [10, 100, 300]
    assert (by_first.recomputations, by_both.recomputations) == (1, 2)
    assert by_both(shop, 101, 300) == [10, 101, 300]
    assert (by_first.recomputations, by_both.recomputations) == (2, 3)
    assert by_both(Shop(note="other"), 101, 300) == [10, 101, 300]
    assert (by_first.recomputations, by_both.recomputations) == (2, 3)
