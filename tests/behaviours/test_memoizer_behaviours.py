"""Behaviours 111 to 121: what both memoizers remember, how they compare, count and forget.

What belongs here: the two memoizers on their own, and clearing them inside a selector.  What does
not: how a selector uses them.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any, cast

import attrs
import pytest

from refold.selectors.lru_memoize import lru_memoize
from refold.selectors.selector import selector
from refold.selectors.weak_memoize import weak_memoize


@attrs.frozen
class Basket:
    """A state with one field that is read, and one that is not."""

    amount: int
    note: str = ""


class Counted:
    """A function that answers with a fresh list of its arguments and counts its runs."""

    def __init__(self) -> None:
        self.runs: list[tuple[object, ...]] = []

    def __call__(self, *arguments: object) -> list[object]:
        """Note the arguments, then answer."""
        self.runs.append(arguments)
        return list(arguments)


class Token:
    """An object that can be referred to weakly and is equal to nothing but itself."""


def read_amount(basket: Basket) -> int:
    """Read the amount."""
    return basket.amount


MEMOIZERS = [lru_memoize, weak_memoize]
Memoize = Callable[[Any], Any]


def test_b111_size_1_the_same_argument_hits_and_another_replaces_it() -> None:
    """With room for one result the same argument is a hit, and another one takes its place."""
    counted = Counted()
    memoized = lru_memoize(counted)
    first = memoized("a")
    assert memoized("a") is first
    assert len(counted.runs) == 1
    memoized("b")
    assert memoized("a") is not first
    assert counted.runs == [("a",), ("b",), ("a",)]


def test_b111_size_1_is_the_default_and_compares_by_identity() -> None:
    """Without options an equal argument that is another object is a miss."""
    counted = Counted()
    memoized = lru_memoize(counted)
    one, other = Basket(1000), Basket(1000)
    memoized(one)
    memoized(other)
    assert len(counted.runs) == 2


@pytest.mark.parametrize("memoize", MEMOIZERS)
def test_b112_different_numbers_of_arguments_are_different_keys(memoize: Memoize) -> None:
    """Calls with more or fewer arguments never answer for each other."""
    counted = Counted()
    memoized = memoize(counted)
    assert memoized() == []
    assert memoized("a") == ["a"]
    assert memoized("a", "b") == ["a", "b"]
    assert memoized("a") == ["a"]
    assert memoized() == []
    assert memoized("a", None) == ["a", None]
    assert memoized("a", "b", "c") == ["a", "b", "c"]


@pytest.mark.parametrize("memoize", [functools.partial(lru_memoize, max_size=9), weak_memoize])
def test_b112_all_numbers_of_arguments_are_kept_side_by_side(memoize: Memoize) -> None:
    """With room enough each number of arguments keeps its own result."""
    counted = Counted()
    memoized = memoize(counted)
    for _ in range(3):
        memoized()
        memoized("a")
        memoized("a", None)
    assert counted.runs == [(), ("a",), ("a", None)]


def test_b113_max_size_3_evicts_the_least_recently_used_in_a_sequence_of_8_calls() -> None:
    """Room for three: d evicts a, asking c moves it to the front, e and b evict b and d."""
    counted = Counted()
    memoized = lru_memoize(counted, max_size=3)
    runs_after_each_call: list[int] = []
    for key in "abcdcebc":
        memoized(key)
        runs_after_each_call.append(len(counted.runs))
    assert runs_after_each_call == [1, 2, 3, 4, 4, 5, 6, 6]
    assert [key for (key,) in counted.runs] == ["a", "b", "c", "d", "e", "b"]


def test_b113_max_size_3_forgets_a_when_d_comes_and_keeps_what_was_asked_last() -> None:
    """After a, b, c, d the first is a miss; after asking c again, it outlives two new keys."""
    counted = Counted()
    memoized = lru_memoize(counted, max_size=3)
    a, b, c, d, e, f = "abcdef"
    kept = {key: memoized(key) for key in (a, b, c, d)}
    assert memoized(c) is kept[c]
    memoized(e)
    memoized(f)
    assert memoized(c) is kept[c]
    assert memoized(a) is not kept[a]
    assert memoized(d) is not kept[d]


@pytest.mark.parametrize("max_size", [0, -1, -100])
def test_b114_a_size_under_1_means_1(max_size: int) -> None:
    """A memoizer keeps at least the last result, whatever size it is given."""
    counted = Counted()
    memoized = lru_memoize(counted, max_size=max_size)
    first = memoized("a")
    assert memoized("a") is first
    memoized("b")
    memoized("a")
    assert len(counted.runs) == 3


@pytest.mark.parametrize("max_size", [1, 2])
def test_b115_equality_gets_stored_and_new_argument_by_argument_never_on_the_first_call(
    max_size: int,
) -> None:
    """Equality is asked with (stored, new), argument by argument, once there is a result."""
    asked: list[tuple[object, object]] = []

    def equal(stored: object, new: object) -> bool:
        asked.append((stored, new))
        return stored == new

    memoized = lru_memoize(Counted(), max_size=max_size, equal=equal)
    memoized("a", 1)
    assert asked == []
    memoized("a", 2)
    assert asked == [("a", "a"), (1, 2)]
    asked.clear()
    memoized("a", 2)
    assert asked[:2] == [("a", "a"), (2, 2)]


def test_b116_an_equal_new_result_is_replaced_by_the_old_object_and_the_key_is_updated() -> None:
    """With `result_equal` an equal result stays the old object, and its new key is then a hit."""
    counted = Counted()

    def sort_letters(word: str) -> list[object]:
        return sorted(cast("list[Any]", counted(*word)))

    memoized = lru_memoize(sort_letters, result_equal=operator.eq)
    old = memoized("abc")
    assert memoized("cab") is old
    assert len(counted.runs) == 2
    assert memoized("cab") is old
    assert len(counted.runs) == 2
    assert memoized("xyz") == ["x", "y", "z"]


def test_b116_weak_memo_too_keeps_the_old_object_for_an_equal_new_result() -> None:
    """`result_equal` of the weak memoizer gives back the old object, and remembers the new key."""
    counted = Counted()

    def amounts(basket: Basket) -> list[object]:
        return counted(basket.amount)

    memoized = weak_memoize(amounts, result_equal=operator.eq)
    first, second = Basket(1, "x"), Basket(1, "y")
    old = memoized(first)
    assert memoized(second) is old
    assert memoized(second) is old
    assert memoized(first) is old
    assert len(counted.runs) == 2


@pytest.mark.parametrize("memoize", MEMOIZERS)
def test_b117_result_equal_is_not_called_on_the_first_computation(memoize: Any) -> None:
    """There is nothing to compare the first result with."""
    compared: list[tuple[object, object]] = []

    def equal(old: object, new: object) -> bool:
        compared.append((old, new))
        return old == new

    memoized = memoize(Counted(), result_equal=equal)
    memoized("a")
    assert compared == []
    memoized("b")
    assert compared == [(["a"], ["b"])]


@pytest.mark.parametrize("memoize", MEMOIZERS)
def test_b118_result_equal_is_behaves_as_none_at_all(memoize: Any) -> None:
    """Comparing results by identity gives the runs and the results of not comparing them."""
    with_is, without = Counted(), Counted()
    memoized_with_is = memoize(with_is, result_equal=operator.is_)
    memoized_without = memoize(without)
    for key in "aabbacab":
        assert memoized_with_is(key) == memoized_without(key)
        assert memoized_with_is.results_count() == memoized_without.results_count()
    assert with_is.runs == without.runs


def test_b119_results_count_counts_distinct_results_held_not_runs() -> None:
    """`results_count` is how many different results are remembered, however often it ran."""
    memoized = lru_memoize(Counted(), max_size=3)
    assert memoized.results_count() == 0
    for key in "abcdab":
        memoized(key)
    assert memoized.results_count() == 3
    memoized("b")
    assert memoized.results_count() == 3


def test_b119_results_count_of_size_1_is_1_after_many_runs() -> None:
    """A memoizer with room for one result never counts more than one."""
    memoized = lru_memoize(Counted())
    for key in "abcab":
        memoized(key)
    assert memoized.results_count() == 1


@pytest.mark.parametrize("memoize", [functools.partial(lru_memoize, max_size=9), weak_memoize])
def test_b119_results_that_were_found_equal_count_once(memoize: Any) -> None:
    """Keys that share one result, because it was equal, hold one result."""
    memoized = memoize(sorted, result_equal=operator.eq)
    memoized("ab")
    memoized("ba")
    assert memoized.results_count() == 1
    memoized("xy")
    assert memoized.results_count() == 2


@pytest.mark.parametrize("memoize", MEMOIZERS)
def test_b119_clearing_resets_results_count(memoize: Memoize) -> None:
    """After clearing no result is held."""
    memoized = memoize(Counted())
    memoized("a")
    assert memoized.results_count() == 1
    memoized.clear_cache()
    assert memoized.results_count() == 0
    memoized("a")
    assert memoized.results_count() == 1


@pytest.mark.parametrize("memoize", MEMOIZERS)
@pytest.mark.parametrize(
    "answer", [None, False, 0, "", (), NotImplemented, Ellipsis, KeyError, KeyError("a"), object()]
)
def test_b120_a_cached_none_is_a_hit(memoize: Memoize, answer: object) -> None:
    """A result that looks like "not found" is remembered like any other."""
    runs: list[object] = []

    def answers(argument: object) -> object:
        runs.append(argument)
        return answer

    memoized = memoize(answers)
    assert memoized("a") is answer
    assert memoized("a") is answer
    assert runs == ["a"]


@pytest.mark.parametrize("memoize", MEMOIZERS)
def test_b120_an_argument_none_is_a_key_like_any_other(memoize: Memoize) -> None:
    """None as an argument is remembered, and is not the same as no argument."""
    counted = Counted()
    memoized = memoize(counted)
    first = memoized(None)
    assert memoized(None) is first
    assert memoized() == []
    assert counted.runs == [(None,), ()]


@pytest.mark.parametrize("memoize", MEMOIZERS)
def test_b121_clear_cache_forgets_results(memoize: Memoize) -> None:
    """After `clear_cache()` the same call computes again."""
    counted = Counted()
    memoized = memoize(counted)
    first = memoized("a")
    memoized.clear_cache()
    assert memoized("a") is not first
    assert len(counted.runs) == 2


@pytest.mark.parametrize("memoize", MEMOIZERS)
def test_b121_on_a_selector_the_inner_and_the_outer_cache_are_cleared_apart(
    memoize: Any,
) -> None:
    """`clear_arguments_cache()` keeps the results; `clear_cache()` forgets them."""
    select_amounts = selector(
        read_amount,
        memoize=memoize,
        memoize_arguments=memoize,
        check_inputs="never",
        check_identity="never",
    )(lambda amount: [amount])
    state = Basket(7)
    first = select_amounts(state)
    select_amounts.clear_arguments_cache()
    assert select_amounts(state) is first
    assert (select_amounts.recomputations, select_amounts.dependency_recomputations) == (1, 2)
    select_amounts.clear_cache()
    assert select_amounts(state) is not first
    assert select_amounts.recomputations == 2
    select_amounts.clear_cache()
    second = select_amounts(Basket(7, "another"))
    assert select_amounts.recomputations == 3
    assert select_amounts(Basket(7, "a third")) is second
