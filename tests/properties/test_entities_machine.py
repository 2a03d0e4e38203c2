"""The property that entities, whatever is done to them, equal a plain dict and a sorted list.

What belongs here: random orders of all operations, over every kind of adapter and both maps; after
each, the ids, the further orders, the indexes, and what a log makes of the state.  What does not:
examples, which the behaviours have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from refold.reducers import entity_order
from refold.reducers.entities import Entities
from refold.reducers.entity_adapter import EntityAdapter
from refold.replay.action_codec import decode_state, encode_state
from refold.replay.canonical_digest import state_digest
from tests.reducers.entity_scene import Book, every_map

if TYPE_CHECKING:
    from collections.abc import Callable

    from refold.reducers.entity_map import MapName

keys = st.sampled_from("abcdefghijklmnop")
books = st.builds(
    Book,
    id=keys,
    title=st.sampled_from("XYZ"),
    owner=st.sampled_from(["anna", "bob"]),
    pages=st.integers(1, 3),
)
many_books = st.lists(books, max_size=12)
fields = st.lists(st.sampled_from(["title", "owner", "pages"]), max_size=2, unique=True)
changes = st.fixed_dictionaries(
    {},
    optional={
        "id": keys,
        "title": st.sampled_from("XYZ"),
        "owner": st.sampled_from(["anna", "bob"]),
        "pages": st.integers(1, 3),
    },
)

ORDERS: dict[str, Callable[[Book], Any]] = {
    "by_pages": lambda book: book.pages,
    "by_owner_backwards": lambda book: [-ord(letter) for letter in book.owner],
}
INDEXES: dict[str, Callable[[Book], Any]] = {
    "by_owner": lambda book: book.owner,
    "by_pages": lambda book: book.pages,
}


@attrs.frozen
class Root:
    """What a log has of the state."""

    books: Entities[str, Book]


class NaiveBooks:
    """A dict, and a list of its keys that is sorted after each change."""

    def __init__(self, *, is_sorted: bool) -> None:
        self.is_sorted = is_sorted
        self.books: dict[str, Book] = {}
        self.order: list[str] = []

    def put(self, book: Book, old_key: str | None = None) -> None:
        """Put a book in; in its old place, unless its title changed or it has none."""
        key = book.id if old_key is None else old_key
        before = self.books.pop(key, None)
        if key != book.id and self.books.pop(book.id, None) is not None:
            self.order.remove(book.id)
        if before is None:
            self.order.append(book.id)
        elif self.is_sorted and before.title != book.title:
            self.order.remove(key)
            self.order.append(book.id)
        else:
            self.order[self.order.index(key)] = book.id
        self.books[book.id] = book
        if self.is_sorted:
            self.order.sort(key=lambda key: self.books[key].title)

    def remove(self, key: str) -> None:
        """Take a book out if it is there."""
        if self.books.pop(key, None) is not None:
            self.order.remove(key)

    def update_many(self, pairs: list[tuple[str, dict[str, Any]]]) -> None:
        """Change books, each found by the names that it had since the call began."""
        renamed: dict[str, str] = {}
        for given, change in pairs:
            key = given
            while key not in self.books and key in renamed:
                key = renamed.pop(key)
            if key in self.books:
                book = attrs.evolve(self.books[key], **change)
                self.put(book, key)
                if book.id != key:
                    renamed[given] = renamed[key] = book.id

    def in_order(self, by: Callable[[Book], Any]) -> list[str]:
        """Return the keys in another order; equal ones stay as they are."""
        return sorted(self.order, key=lambda key: by(self.books[key]))

    def find(self, by: Callable[[Book], Any]) -> dict[Any, list[str]]:
        """Return the keys of each value."""
        found: dict[Any, list[str]] = {}
        for key in self.order:
            found.setdefault(by(self.books[key]), []).append(key)
        return found


class EntitiesMachine(RuleBasedStateMachine):
    """Does the same to entities and to the naive books, and compares them."""

    adapter: EntityAdapter[str, Book]
    is_sorted: bool
    has_more: bool

    def __init__(self) -> None:
        """Start with nothing."""
        super().__init__()
        self.state = self.adapter.empty()
        self.before: Any = None
        self.naive = NaiveBooks(is_sorted=self.is_sorted)

    def become(self, state: Entities[str, Book]) -> None:
        """Take the next state."""
        self.before = (self.state, list(self.state.ids), dict(self.state.by_id.items()))
        self.state = state

    @rule(book=books)
    def add_one(self, book: Book) -> None:
        """Add a book; one whose id is there changes nothing."""
        before = self.state
        self.become(self.adapter.add_one(self.state, book))
        if book.id in self.naive.books:
            assert self.state is before
        else:
            self.naive.put(book)

    @rule(many=many_books)
    def add_many(self, many: list[Book]) -> None:
        """Add several."""
        self.become(self.adapter.add_many(self.state, many))
        for book in many:
            if book.id not in self.naive.books:
                self.naive.put(book)

    @rule(book=books)
    def set_one(self, book: Book) -> None:
        """Set a book."""
        self.become(self.adapter.set_one(self.state, book))
        self.naive.put(book)

    @rule(many=many_books)
    def set_many(self, many: list[Book]) -> None:
        """Set several."""
        self.become(self.adapter.set_many(self.state, many))
        for book in many:
            self.naive.put(book)

    @rule(many=many_books)
    def set_all(self, many: list[Book]) -> None:
        """Have several and no others."""
        self.become(self.adapter.set_all(self.state, many))
        self.naive = NaiveBooks(is_sorted=self.is_sorted)
        for book in {book.id: book for book in many}.values():
            self.naive.put(book)

    @rule(many=many_books, names=fields)
    def upsert_many(self, many: list[Book], names: list[str]) -> None:
        """Merge several."""
        self.become(self.adapter.upsert_many(self.state, many, *names))
        for book in many:
            old = self.naive.books.get(book.id)
            kept = {} if old is None or not names else attrs.asdict(old)
            new = {name: getattr(book, name) for name in names}
            self.naive.put(attrs.evolve(book, **{**kept, **new}))

    @rule(key=keys, change=changes)
    def update_one(self, key: str, change: dict[str, Any]) -> None:
        """Change a book, perhaps its id."""
        before = self.state
        self.become(self.adapter.update_one(self.state, key, **change))
        old = self.naive.books.get(key)
        if old is None or attrs.evolve(old, **change) == old:
            assert self.state is before
        order = list(self.naive.order)
        self.naive.update_many([(key, change)])
        if order == self.naive.order:
            assert self.state.ids is before.ids

    @rule(pairs=st.lists(st.tuples(keys, changes), max_size=6))
    def update_many(self, pairs: list[tuple[str, dict[str, Any]]]) -> None:
        """Change several, one after another."""
        self.become(self.adapter.update_many(self.state, pairs))
        self.naive.update_many(pairs)

    @rule(some=st.lists(keys, max_size=5))
    def remove_many(self, some: list[str]) -> None:
        """Remove several."""
        before = self.state
        self.become(self.adapter.remove_many(self.state, some))
        if not self.naive.books.keys() & set(some):
            assert self.state is before
        for key in some:
            self.naive.remove(key)

    @rule(key=keys)
    def remove_one(self, key: str) -> None:
        """Remove one."""
        self.become(self.adapter.remove_one(self.state, key))
        self.naive.remove(key)

    @rule()
    def remove_all(self) -> None:
        """Remove all."""
        self.become(self.adapter.remove_all(self.state))
        self.naive = NaiveBooks(is_sorted=self.is_sorted)

    @rule()
    def come_back_from_a_log(self) -> None:
        """Go on from what a log has; it is equal, and so is its digest."""
        decoded = decode_state(encode_state(Root(self.state)), Root)
        assert decoded.books == self.state
        assert hash(decoded.books) == hash(self.state)
        assert state_digest(decoded) == state_digest(Root(self.state))
        self.become(decoded.books)

    @invariant()
    def the_entities_are_the_naive_books(self) -> None:
        """The ids in order, and the entities; the state before is as it was."""
        assert list(self.state.ids) == self.naive.order
        assert dict(self.state.by_id.items()) == self.naive.books
        assert list(self.state.all) == [self.naive.books[key] for key in self.naive.order]
        if self.before is not None:
            state, ids, by_id = self.before
            assert (list(state.ids), dict(state.by_id.items())) == (ids, by_id)

    @invariant()
    @precondition(lambda self: self.has_more)
    def orders_and_indexes_agree(self) -> None:
        """Each further order, and each index for every value and one that nobody has."""
        for name, by in ORDERS.items():
            assert list(self.adapter.ids_in_order(self.state, name)) == self.naive.in_order(by)
        for name, by in INDEXES.items():
            found = self.naive.find(by)
            for value in ("anna", "bob", 1, 2, 3, "nobody"):
                ids = self.adapter.find_ids(self.state, name, value)
                assert list(ids) == found.get(value, [])


@every_map
@pytest.mark.parametrize("is_sorted", [False, True])
@pytest.mark.parametrize("has_more", [False, True])
def test_entities_equal_a_dict_and_a_sorted_list(
    monkeypatch: pytest.MonkeyPatch,
    map_kind: MapName,
    *,
    is_sorted: bool,
    has_more: bool,
) -> None:
    """After any operations: the same ids in the same order, and the same further orders."""
    monkeypatch.setattr(entity_order, "_LARGEST_CHUNK", 4)  # so that many chunks are met

    class Machine(EntitiesMachine):
        pass

    Machine.is_sorted, Machine.has_more = is_sorted, has_more
    Machine.adapter = EntityAdapter[str, Book](
        key=lambda book: book.id,
        sort=(lambda book: book.title) if is_sorted else None,
        orders=ORDERS if has_more else None,
        indexes=INDEXES if has_more else None,
        map_kind=map_kind,
    )
    run_state_machine_as_test(Machine)
