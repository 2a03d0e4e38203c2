"""What is found in a state: ids first of all, and always in the same order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
from hypothesis import given
from pyrsistent import PMap, PSet, pmap, pset, pvector

from refold.reducers.entity_adapter import EntityAdapter
from refold.testing.value_pool import ValuePool
from tests.strategies.observatory_strategies import states

if TYPE_CHECKING:
    from tests.strategies.observatory_states import Observatory


@attrs.frozen
class Book:
    """What entities are of."""

    isbn: str
    pages: int


@attrs.frozen
class Library:
    """A state with keys of several kinds."""

    lent: PMap[int, str]
    tags: PSet[str]
    title: str = "library"


books = EntityAdapter[str, Book](key=lambda book: book.isbn)


def test_keys_ids_and_elements_are_found() -> None:
    """Keys of maps and elements of sets are keys; texts of fields are not."""
    pool = ValuePool(Library(pmap({7: "ann", 3: "ben"}), pset(["b", "a"])))
    assert pool.keys(int) == (3, 7)
    assert pool.keys(str) == ("a", "b")
    assert set(pool.values(str)) == {"library", "ann", "ben"}
    assert pool.named("title", str) == ("library",)
    assert pool.groups(int) == [[3, 7]]


def test_entities_are_found_in_their_order() -> None:
    """Ids come in the order of the entities, and the entities' fields by name."""
    state = books.add_many(books.empty(), [Book("z", 10), Book("a", 20)])
    pool = ValuePool(state)
    assert pool.keys(str) == ("z", "a")
    assert pool.named("pages", int) == (10, 20)
    assert pool.records(Book) == [Book("z", 10), Book("a", 20)]


def test_a_large_state_is_not_walked_to_the_end() -> None:
    """Of long collections both ends are taken, and no more than a few hundred values in all."""
    pool = ValuePool(pvector(range(10**5)))
    assert pool.values(int) == (*range(8), *range(10**5 - 8, 10**5))
    deep = ValuePool(tuple(tuple(range(n, n + 16)) for n in range(0, 1600, 16)))
    assert len(deep.values(int)) < 400


@given(states)
def test_any_state_can_be_walked(state: Observatory) -> None:
    """Every instrument's name is a key that is found, up to sixteen of them."""
    keys = ValuePool(state).keys(str)
    assert set(keys) >= set(state.fleet.instruments)


def test_nothing_is_found_in_nothing() -> None:
    """A pool without a state is empty."""
    pool = ValuePool()
    assert not pool.keys(int)
    assert not pool.values(str)
    assert not pool.records(Book)
