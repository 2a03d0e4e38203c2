"""What the tests of entities share: books, adapters of them, and both kinds of maps.

What belongs here: those.  What does not: any test.
"""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any, Final

import attrs
import pytest

from refold.reducers.entity_adapter import EntityAdapter

if TYPE_CHECKING:
    from collections.abc import Iterable

    from refold.reducers.entities import Entities
    from refold.reducers.entity_map import MapName

__all__ = [
    "BOTH_MAPS",
    "EMMA",
    "IDIOT",
    "ULYSSES",
    "Book",
    "Counted",
    "count_comparisons",
    "every_adapter",
    "every_map",
    "full_adapter",
    "keys_of",
    "make_adapter",
    "needs_immutables",
    "plain_adapter",
    "sorted_adapter",
]

BOTH_MAPS: Final[tuple[MapName, ...]] = ("pyrsistent", "immutables")

needs_immutables: Final = pytest.mark.skipif(
    importlib.util.find_spec("immutables") is None, reason="optional part missing: immutables"
)

_EACH_MAP: Final = [
    pytest.param(name, marks=[needs_immutables] if name == "immutables" else [])
    for name in BOTH_MAPS
]

every_map: Final = pytest.mark.parametrize("map_kind", _EACH_MAP)
"""Runs a test with each kind of map."""


@attrs.frozen
class Book:
    """An entity."""

    id: str
    title: str = ""
    owner: str = "nobody"
    pages: int = 0


EMMA: Final = Book("e", "Emma")
IDIOT: Final = Book("i", "The Idiot")
ULYSSES: Final = Book("u", "Ulysses")


def plain_adapter(map_kind: MapName = "pyrsistent") -> EntityAdapter[str, Book]:
    """Return an adapter that keeps the order of insertion."""
    return EntityAdapter[str, Book](key=lambda book: book.id, map_kind=map_kind)


def sorted_adapter(map_kind: MapName = "pyrsistent") -> EntityAdapter[str, Book]:
    """Return an adapter that sorts by title."""
    return EntityAdapter[str, Book](
        key=lambda book: book.id, sort=lambda book: book.title, map_kind=map_kind
    )


def full_adapter(map_kind: MapName = "pyrsistent") -> EntityAdapter[str, Book]:
    """Return an adapter that sorts by title, has a further order by pages, and finds by owner."""
    return EntityAdapter[str, Book](
        key=lambda book: book.id,
        sort=lambda book: book.title,
        orders={"by_pages": lambda book: book.pages},
        indexes={"by_owner": lambda book: book.owner},
        map_kind=map_kind,
    )


_MAKERS: Final = {"plain": plain_adapter, "sorted": sorted_adapter, "full": full_adapter}

every_adapter: Final = pytest.mark.parametrize(
    ("kind", "map_kind"),
    [
        pytest.param(kind, name, marks=[needs_immutables] if name == "immutables" else [])
        for kind in _MAKERS
        for name in BOTH_MAPS
    ],
)
"""Runs a test with each adapter over each kind of map; `make_adapter` makes it."""


def make_adapter(kind: str, map_kind: MapName) -> EntityAdapter[str, Book]:
    """Return the adapter of a name that `every_adapter` gives."""
    return _MAKERS[kind](map_kind)


def keys_of(entities: Entities[str, Any]) -> list[str]:
    """Return the ids as a list, after a check that they are those of the map."""
    keys = list(entities.ids)
    assert sorted(keys) == sorted(entities.by_id)
    return keys


class Counted:
    """A value that an order can be by, and that counts how often it is compared.

    It has ``<`` and nothing else, as `sorted` asks of its values.
    """

    comparisons = 0

    def __init__(self, value: int) -> None:
        self._value = value

    def __lt__(self, other: Counted) -> bool:
        Counted.comparisons += 1
        return self._value < other._value


def count_comparisons(values: Iterable[int]) -> EntityAdapter[int, int]:
    """Return an adapter of ints that is sorted by counted values.

    Args:
        values: what the ints are sorted by, in place of themselves.
    """
    ranks = list(values)
    return EntityAdapter[int, int](key=lambda n: n, sort=lambda n: Counted(ranks[n]))
