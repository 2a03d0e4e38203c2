"""Behaviours 122 to 125: what `weak_memoize` remembers of objects, and how it stays bounded.

What belongs here: the weak memoizer on its own.  What does not: what it shares with `lru_memoize`.
"""

from __future__ import annotations

import gc
import weakref
from typing import Any

import attrs
import pytest

from refold.selectors.weak_memoize import weak_memoize


@attrs.frozen
class Basket:
    """A state with one field that is read, and one that is not."""

    amount: int
    note: str = ""


def read_amount(basket: Basket) -> int:
    """Read the amount."""
    return basket.amount


def list_amount(basket: Basket) -> list[int]:
    """Return a fresh list with the amount."""
    return [basket.amount]


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


def test_b122_weak_memo_calls_with_1_2_1_2_compute_twice() -> None:
    """The weak memoizer keeps the results of all arguments, not of the last only."""
    counted = Counted()
    memoized = weak_memoize(counted)
    results = [memoized(key) for key in (1, 2, 1, 2)]
    assert counted.runs == [(1,), (2,)]
    assert results[2] is results[0]
    assert results[3] is results[1]


@pytest.mark.parametrize("keys", [(1, 2, 3, 4, 5), tuple(Token() for _ in range(5))])
def test_b122_weak_memo_ten_rounds_over_five_keys_compute_five_times(keys: tuple[Any, ...]) -> None:
    """Coming round to the same five keys again and again computes each of them once."""
    counted = Counted()
    memoized = weak_memoize(counted)
    for _ in range(10):
        for key in keys:
            memoized(key)
    assert counted.runs == [(key,) for key in keys]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_b123_weak_memo_an_object_arguments_entries_vanish_when_it_is_collected(place: int) -> None:
    """The memoizer does not keep an argument alive, wherever it stands, nor the result under it."""
    memoized = weak_memoize(lambda *arguments: [len(arguments)])
    token: Token | None = Token()
    arguments: list[object] = ["x", "y", "z"]
    arguments[place] = token
    seen = weakref.ref(token)
    memoized(*arguments)
    assert memoized.results_count() == 1
    token = None
    arguments.clear()
    gc.collect()
    assert seen() is None
    assert memoized.results_count() == 0


def test_b123_weak_memo_a_frozen_record_vanishes_too() -> None:
    """A frozen attrs record as an argument is not kept alive."""
    memoized = weak_memoize(list_amount)
    basket: Basket | None = Basket(1)
    seen = weakref.ref(basket)
    memoized(basket)
    basket = None
    gc.collect()
    assert seen() is None
    assert memoized.results_count() == 0


def test_b123_weak_memo_an_object_in_the_place_of_a_collected_one_is_a_miss() -> None:
    """Objects that come and go never get each other's results, even at one address."""
    memoized = weak_memoize(read_amount)
    for amount in range(2000):
        assert memoized(Basket(amount)) == amount


@pytest.mark.parametrize("max_size", [1, 10])
def test_b124_weak_memo_takes_max_size_so_primitives_cannot_grow_without_bound(
    max_size: int,
) -> None:
    """A long run over ever new numbers holds at most `max_size` results."""
    counted = Counted()
    memoized = weak_memoize(counted, max_size=max_size)
    for number in range(500):
        memoized(number, "a")
        assert memoized.results_count() <= max_size
    last = memoized(499, "a")
    assert memoized(499, "a") is last
    assert len(counted.runs) == 500


def test_b124_weak_memo_is_bounded_without_being_asked() -> None:
    """The default size is a bound of 1000 results."""
    memoized = weak_memoize(Counted())
    for number in range(3000):
        memoized(f"key {number}")
    assert memoized.results_count() <= 1000


def test_b124_weak_memo_is_bounded_for_live_objects_too() -> None:
    """Objects that stay alive do not grow the memory without bound either."""
    memoized = weak_memoize(Counted(), max_size=10)
    tokens = [Token() for _ in range(100)]
    for token in tokens:
        memoized(token)
    assert memoized.results_count() <= 10


def test_b125_weak_memo_keys_unhashable_arguments_by_identity() -> None:
    """The same list is a hit; another list, though equal, is computed for itself."""
    counted = Counted()
    memoized = weak_memoize(counted)
    numbers, equal_numbers = [1, 2], [1, 2]
    first = memoized(numbers)
    assert memoized(numbers) is first
    assert memoized(equal_numbers) is not first
    assert len(counted.runs) == 2


def test_b125_weak_memo_holds_unhashable_arguments_strongly_so_none_is_mistaken() -> None:
    """Short-lived lists never get the result of another that stood at the same address."""
    memoized = weak_memoize(tuple)
    for number in range(2000):
        assert memoized([number]) == (number,)


def test_b125_weak_memo_is_bounded_for_unhashable_arguments() -> None:
    """Lists and dicts as arguments hold at most `max_size` results."""
    memoized = weak_memoize(len, max_size=5)
    for number in range(100):
        memoized([number])
        memoized({number: number})
    assert memoized.results_count() <= 5


def test_b125_weak_memo_keys_texts_and_numbers_by_value() -> None:
    """Equal texts and numbers are one key, though they are other objects."""
    counted = Counted()
    memoized = weak_memoize(counted)
    letters, digits = ["a", "b"], "1" * 30
    first = memoized("".join(letters), int(digits), float(digits))
    assert memoized("".join(letters), int(digits), float(digits)) is first
    assert len(counted.runs) == 1


@pytest.mark.parametrize("pair", [(1, True), (0, False), (1, 1.0), (0.0, -0.0)], ids=repr)
def test_b125_weak_memo_does_not_mistake_values_that_only_compare_equal(
    pair: tuple[object, object],
) -> None:
    """1, 1.0 and True, or 0.0 and -0.0, compare equal but are different arguments."""
    memoized = weak_memoize(repr)
    for value in (*pair, *pair):
        assert memoized(value) == repr(value)
