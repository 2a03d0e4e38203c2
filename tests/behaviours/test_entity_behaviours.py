"""Behaviours 145 to 164: what an entity adapter's operations do, sorted or not, over both maps.

What belongs here: the numbered promises.  What does not: further orders and indexes, which
`tests/reducers/test_entities.py` has, and any sequence of operations, which the machine of
`tests/properties/test_entities_machine.py` runs.
"""

from __future__ import annotations

import random
import subprocess
import sys
import warnings
from typing import TYPE_CHECKING, Any, cast

import attrs
import pytest
from pyrsistent import PMap, PVector, pmap, pvector

from refold.actions.action import Action, action
from refold.errors import EntityError, RefoldWarning
from refold.reducers.entities import Entities
from refold.reducers.entity_adapter import EntityAdapter
from refold.reducers.reducer import Reducer
from refold.selectors.selector import Selector, selector
from refold.selectors.selector_factory import selector_factory
from tests.reducers.entity_scene import (
    EMMA,
    IDIOT,
    ULYSSES,
    Book,
    Counted,
    count_comparisons,
    every_adapter,
    every_map,
    full_adapter,
    keys_of,
    make_adapter,
    sorted_adapter,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from refold.reducers.entity_map import MapName


@attrs.frozen
class Library:
    """A root: entities, beside fields of its own."""

    books: Entities[str, Book]
    is_open: bool = False


@action("entity_behaviours/book_came")
class BookCame(Action):
    """A book came."""

    book: Book


@action("entity_behaviours/books_came")
class BooksCame(Action):
    """Several books came."""

    books: PVector[Book]


@action("entity_behaviours/books_counted")
class BooksCounted(Action):
    """Somebody counted the pages of books."""

    pages_of: PMap[str, PMap[str, int]]


@action("entity_behaviours/book_renamed")
class BookRenamed(Action):
    """A book got another title."""

    id: str
    title: str


@action("entity_behaviours/book_left")
class BookLeft(Action):
    """A book left."""

    id: str


@action("entity_behaviours/books_left")
class BooksLeft(Action):
    """Several books left."""

    ids: tuple[str, ...]


@action("entity_behaviours/all_left")
class AllLeft(Action):
    """The library burnt down."""


def read_books(library: Library) -> Entities[str, Book]:
    """Return the slice of entities."""
    return library.books


def by_key(books: list[Book]) -> dict[str, Book]:
    """Return books as a mapping."""
    return {book.id: book for book in books}


FORMS: list[Any] = [list, tuple, iter, pvector, by_key]
"""Ways in which several entities may be given."""


# --- 145


@every_adapter
def test_b145_the_empty_state_has_no_ids(kind: str, map_kind: MapName) -> None:
    """The empty state has no ids and no entities, and is the identical object each time."""
    adapter = make_adapter(kind, map_kind)
    empty = adapter.empty()
    assert (list(empty.ids), len(empty.by_id), empty.all) == ([], 0, ())
    assert adapter.empty() is empty


@every_adapter
def test_b145_initial_entities_and_further_fields_can_be_given(
    kind: str, map_kind: MapName
) -> None:
    """A first state may hold entities, and stands beside further fields in a record of its own."""
    adapter = make_adapter(kind, map_kind)
    library = Library(adapter.of([ULYSSES, EMMA]), is_open=True)
    assert library.books.by_id["e"] is EMMA
    assert sorted(keys_of(library.books)) == ["e", "u"]
    assert adapter.of({"any": EMMA}).all == (EMMA,)


# --- 146, 147


@every_adapter
def test_b146_add_one_adds_and_an_existing_id_changes_nothing(kind: str, map_kind: MapName) -> None:
    """A new entity is added; with an id that is there the state stays the identical object."""
    adapter = make_adapter(kind, map_kind)
    state = adapter.add_one(adapter.empty(), EMMA)
    assert state.all == (EMMA,)
    assert adapter.add_one(state, Book("e", "Emma II")) is state


@every_adapter
@pytest.mark.parametrize("form", FORMS)
def test_b147_add_many_takes_a_sequence_or_a_mapping(
    kind: str, map_kind: MapName, form: Callable[[list[Book]], Any]
) -> None:
    """Entities come as a sequence, an iterator or a mapping; those that are there stay."""
    adapter = make_adapter(kind, map_kind)
    state = adapter.add_one(adapter.empty(), EMMA)
    state = adapter.add_many(state, form([IDIOT, Book("e", "Emma II"), ULYSSES]))
    assert keys_of(state) == ["e", "i", "u"]
    assert state.by_id["e"] is EMMA


@every_adapter
def test_b147_of_duplicates_the_first_wins(kind: str, map_kind: MapName) -> None:
    """Of two entities with one id in a call, the first is added."""
    adapter = make_adapter(kind, map_kind)
    state = adapter.add_many(adapter.empty(), [EMMA, Book("e", "Emma II")])
    assert state.all == (EMMA,)
    assert adapter.add_many(state, [EMMA, EMMA]) is state


# --- 148, 149


@every_adapter
@pytest.mark.parametrize("is_mapping", [False, True])
def test_b148_set_all_replaces_everything(
    kind: str, map_kind: MapName, *, is_mapping: bool
) -> None:
    """What was there goes, from a sequence as from a mapping."""
    adapter = make_adapter(kind, map_kind)
    books = [IDIOT, ULYSSES]
    given: Any = by_key(books) if is_mapping else books
    state = adapter.set_all(adapter.of([EMMA]), given)
    assert keys_of(state) == ["i", "u"]
    assert adapter.set_all(state, []) == adapter.empty()


@every_adapter
def test_b148_of_duplicates_in_set_all_the_last_wins(kind: str, map_kind: MapName) -> None:
    """Of two entities with one id the last stays, and the id stands there once."""
    adapter = make_adapter(kind, map_kind)
    second = Book("e", "Emma II")
    state = adapter.set_all(adapter.empty(), [EMMA, IDIOT, second])
    assert keys_of(state) == ["e", "i"]
    assert state.by_id["e"] is second


@every_adapter
def test_b148_set_all_to_what_is_there_changes_nothing(kind: str, map_kind: MapName) -> None:
    """The same entities in the same order are the identical state; the same ids are kept."""
    adapter = make_adapter(kind, map_kind)
    state = adapter.of([EMMA, IDIOT])
    assert adapter.set_all(state, state.all) is state
    assert adapter.set_all(state, [EMMA, Book("i", "The Idiot", "anna")]).ids is state.ids


@every_adapter
def test_b149_set_one_inserts_or_replaces_the_whole_entity(kind: str, map_kind: MapName) -> None:
    """Nothing of the old entity stays, not even a field that the new one leaves at its default."""
    adapter = make_adapter(kind, map_kind)
    state = adapter.set_one(adapter.empty(), Book("e", "Emma", "anna", 400))
    assert len(state.by_id) == 1
    state = adapter.set_one(state, EMMA)
    assert state.all == (EMMA,)
    assert adapter.set_one(state, EMMA) is state


@every_map
def test_b149_a_field_that_the_new_entity_lacks_vanishes(map_kind: MapName) -> None:
    """An entity that is a map keeps no key of the one before it."""
    adapter = EntityAdapter[str, PMap[str, str]](key=lambda e: e["id"], map_kind=map_kind)
    state = adapter.of([pmap({"id": "e", "title": "Emma"})])
    assert adapter.set_one(state, pmap({"id": "e"})).by_id["e"] == pmap({"id": "e"})


@every_adapter
def test_b149_of_duplicates_in_set_many_the_last_wins(kind: str, map_kind: MapName) -> None:
    """Each replaces the one before it."""
    adapter = make_adapter(kind, map_kind)
    second = Book("e", "Emma II")
    state = adapter.set_many(adapter.of([IDIOT]), [EMMA, second])
    assert state.by_id["e"] is second
    assert keys_of(adapter.set_many(state, {"u": ULYSSES})) == keys_of(
        adapter.set_one(state, ULYSSES)
    )


# --- 150 to 152


@every_adapter
def test_b150_upsert_inserts_or_merges_the_named_fields(kind: str, map_kind: MapName) -> None:
    """A new entity comes whole; of one that is there, only the named fields are taken over."""
    adapter = make_adapter(kind, map_kind)
    state = adapter.upsert_one(adapter.empty(), Book("e", "Emma", "anna"), "title")
    assert state.all == (Book("e", "Emma", "anna"),)
    merged = adapter.upsert_one(state, Book("e", "Emma II", "bob"), "title")
    assert merged.all == (Book("e", "Emma II", "anna"),)
    whole = adapter.upsert_one(state, Book("e", "Emma II", "bob"))
    assert whole.all == (Book("e", "Emma II", "bob"),)


@every_map
def test_b150_upsert_merges_the_keys_of_an_entity_that_is_a_map(map_kind: MapName) -> None:
    """What the new map does not have stays."""
    adapter = EntityAdapter[str, PMap[str, str]](key=lambda e: e["id"], map_kind=map_kind)
    state = adapter.of([pmap({"id": "e", "title": "Emma"})])
    state = adapter.upsert_one(state, pmap({"id": "e", "owner": "anna"}))
    assert state.by_id["e"] == pmap({"id": "e", "title": "Emma", "owner": "anna"})
    assert adapter.upsert_one(state, pmap({"id": "e", "owner": "anna"})) is state


@every_adapter
def test_b150_several_upserts_of_one_id_apply_in_order(kind: str, map_kind: MapName) -> None:
    """The second merges into what the first made."""
    adapter = make_adapter(kind, map_kind)
    books = [Book("e", "Emma", "anna"), Book("e", "Emma II", "bob"), Book("e", "Emma III", "eve")]
    state = adapter.upsert_many(adapter.empty(), books, "title")
    assert state.all == (Book("e", "Emma III", "anna"),)


@every_adapter
def test_b150_an_upsert_of_equal_fields_changes_nothing(kind: str, map_kind: MapName) -> None:
    """A server that tells the same again makes no new state."""
    adapter = make_adapter(kind, map_kind)
    state = adapter.of([Book("e", "Emma", "anna", 400)])
    assert adapter.upsert_one(state, Book("e", "Em" + "ma", "anna", 400)) is state


@every_adapter
def test_b151_update_merges_changes(kind: str, map_kind: MapName) -> None:
    """Named fields change, the others stay, in one entity or in several."""
    adapter = make_adapter(kind, map_kind)
    state = adapter.of([Book("e", "Emma", "anna"), IDIOT])
    state = adapter.update_one(state, "e", pages=400)
    assert state.by_id["e"] == Book("e", "Emma", "anna", 400)
    state = adapter.update_many(state, {"e": {"owner": "bob"}, "i": {"pages": 700}})
    assert state.by_id["e"] == Book("e", "Emma", "bob", 400)
    assert state.by_id["i"].pages == 700


@every_adapter
def test_b151_an_unknown_id_returns_the_identical_state(kind: str, map_kind: MapName) -> None:
    """Nothing is made of changes to an entity that is not there, or of none."""
    adapter = make_adapter(kind, map_kind)
    state = adapter.of([EMMA])
    assert adapter.update_one(state, "x", title="X") is state
    assert adapter.update_many(state, {"x": {"title": "X"}}) is state
    assert adapter.update_one(state, "e") is state
    assert adapter.update_one(state, "e", title="Emma", pages=0) is state


@every_adapter
def test_b151_a_field_that_no_entity_has_is_an_error(kind: str, map_kind: MapName) -> None:
    """A misspelt field is reported, not dropped."""
    adapter = make_adapter(kind, map_kind)
    with pytest.raises(TypeError, match="titel"):
        adapter.update_one(adapter.of([EMMA]), "e", titel="X")


@every_adapter
def test_b152_updating_a_field_keeps_the_identical_ids(kind: str, map_kind: MapName) -> None:
    """A selector over the ids is not run again for a change inside an entity."""
    adapter = make_adapter(kind, map_kind)
    for state in (adapter.of([EMMA, IDIOT]), adapter.add_one(adapter.of([EMMA]), IDIOT)):
        changed = adapter.update_one(state, "e", owner="anna")
        again = adapter.set_one(changed, Book("e", "Emma", "bob"))
        assert changed != state
        assert changed.ids is state.ids is again.ids


# --- 153, 154


@every_adapter
def test_b153_a_changed_id_moves_the_entity(kind: str, map_kind: MapName) -> None:
    """The old id goes, the new one stands in its place."""
    adapter = make_adapter(kind, map_kind)
    state = adapter.update_one(adapter.of([EMMA, IDIOT, ULYSSES]), "i", id="j")
    assert keys_of(state) == ["e", "j", "u"]
    assert state.by_id["j"] == Book("j", "The Idiot")


@every_adapter
def test_b153_a_changed_id_replaces_who_had_it(kind: str, map_kind: MapName) -> None:
    """The entity that had the new id is gone, and the id stands there once."""
    adapter = make_adapter(kind, map_kind)
    for old, new, expected in (("i", "u", ["e", "u"]), ("u", "e", ["i", "e"])):
        state = adapter.of([EMMA, IDIOT, ULYSSES])
        title = state.by_id[old].title
        state = adapter.update_one(state, old, id=new, owner="anna")
        assert keys_of(state) == expected
        assert state.by_id[new] == Book(new, title, "anna")


@every_adapter
@pytest.mark.parametrize("second", ["e", "f"])
def test_b154_two_renames_in_one_call_leave_the_last_id(
    kind: str, map_kind: MapName, second: str
) -> None:
    """By its first id or by the one just given, the entity is found, and all fields are merged."""
    adapter = make_adapter(kind, map_kind)
    changes: list[tuple[str, dict[str, object]]] = [
        ("e", {"id": "f", "owner": "anna"}),
        (second, {"id": "g", "pages": 300}),
        ("e", {"pages": 400}),
    ]
    state = adapter.update_many(adapter.of([EMMA, IDIOT]), changes)
    assert keys_of(state) == ["g", "i"]
    assert state.by_id["g"] == Book("g", "Emma", "anna", 400)


# --- 155, 156


@every_adapter
def test_b155_removing_takes_out_one_many_or_all(kind: str, map_kind: MapName) -> None:
    """What is removed is gone from the ids and the map; unknown ids do nothing."""
    adapter = make_adapter(kind, map_kind)
    state = adapter.of([EMMA, IDIOT, ULYSSES])
    assert keys_of(adapter.remove_one(state, "i")) == ["e", "u"]
    assert keys_of(adapter.remove_many(state, ["e", "x", "u", "e"])) == ["i"]
    assert adapter.remove_all(state) == adapter.empty()
    assert adapter.remove_one(state, "x") is state
    assert adapter.remove_many(state, ["x", "y"]) is state
    assert adapter.remove_all(adapter.empty()) is adapter.empty()


@every_adapter
def test_b156_many_of_nothing_does_nothing(kind: str, map_kind: MapName) -> None:
    """An empty sequence or mapping gives the identical state."""
    adapter = make_adapter(kind, map_kind)
    for state in (adapter.empty(), adapter.of([EMMA])):
        assert adapter.upsert_many(state, []) is state
        assert adapter.set_many(state, ()) is state
        assert adapter.add_many(state, {}) is state
        assert adapter.update_many(state, {}) is state
        assert adapter.remove_many(state, []) is state


@every_adapter
@pytest.mark.parametrize(
    "name", ["add_many", "set_many", "set_all", "upsert_many", "update_many", "remove_many"]
)
def test_b156_many_of_none_raises(kind: str, map_kind: MapName, name: str) -> None:
    """None is no empty sequence: it is reported, with what to give instead."""
    adapter = make_adapter(kind, map_kind)
    with pytest.raises(EntityError, match=r"None.*\(\)"):
        getattr(adapter, name)(adapter.of([EMMA]), None)


# --- 157 to 161


@every_map
def test_b157_every_operation_leaves_the_ids_in_order(map_kind: MapName) -> None:
    """Added, set, merged, updated, renamed and removed: the titles stand in order."""
    adapter = sorted_adapter(map_kind)
    state = adapter.of([ULYSSES, EMMA])
    states = [
        state,
        adapter.add_one(state, IDIOT),
        adapter.add_many(state, [IDIOT, Book("a", "Zorba"), Book("z", "Aesop")]),
        adapter.set_one(state, Book("u", "A book")),
        adapter.set_many(state, [Book("u", "A book"), Book("x", "Dracula")]),
        adapter.upsert_many(state, [Book("u", "A book"), Book("x", "Dracula")]),
        adapter.update_one(state, "u", title="A book"),
        adapter.update_one(state, "e", id="zzz"),
        adapter.update_many(state, {"u": {"title": "B"}, "e": {"title": "C", "id": "c"}}),
        adapter.remove_one(adapter.add_one(state, IDIOT), "i"),
    ]
    for one in states:
        assert len(keys_of(one)) >= 2
        titles = [book.title for book in one.all]
        assert titles == sorted(titles)


@every_map
def test_b158_equal_values_keep_their_order(map_kind: MapName) -> None:
    """Books of one title stay as they came when another field of one of them changes."""
    adapter = sorted_adapter(map_kind)
    state = adapter.of([Book("b", "X"), Book("a", "X"), EMMA, Book("c", "X")])
    assert keys_of(state) == ["e", "b", "a", "c"]
    for key in ("a", "b", "c", "e"):
        assert keys_of(adapter.update_one(state, key, owner="anna")) == ["e", "b", "a", "c"]
    assert keys_of(adapter.add_one(state, Book("0", "X"))) == ["e", "b", "a", "c", "0"]


@every_map
def test_b159_an_update_that_does_not_move_keeps_the_identical_ids(map_kind: MapName) -> None:
    """Also when what the order is by changes: only a move makes other ids."""
    adapter = sorted_adapter(map_kind)
    state = adapter.of([EMMA, IDIOT, ULYSSES])
    assert adapter.update_one(state, "i", owner="anna").ids is state.ids
    assert adapter.update_one(state, "i", title="The Idiots").ids is state.ids
    assert adapter.update_one(state, "e", title="A").ids is state.ids
    assert adapter.update_one(state, "u", title="Z").ids is state.ids
    moved = adapter.update_one(state, "i", title="Zorba")
    assert keys_of(moved) == ["e", "u", "i"]


def test_b160_inserting_one_of_10_000_needs_under_50_comparisons() -> None:
    """Wherever the new entity goes, it is found by halving."""
    size = 10_000
    ranks = random.Random(6).sample(range(size), size)  # noqa: S311  # no secret
    adapter = count_comparisons(ranks)
    places = [0, size // 2, size - 1, *range(7, size, 997)]
    state = adapter.of(n for n in range(size) if n not in places)
    for n in places:
        Counted.comparisons = 0
        state = adapter.add_one(state, n)
        assert Counted.comparisons < 50
    assert [ranks[n] for n in state.ids] == list(range(size))


def test_b160_adding_1_000_to_10_000_needs_under_20_000_comparisons() -> None:
    """Many together cost no more than one by one."""
    size = 11_000
    ranks = random.Random(7).sample(range(size), size)  # noqa: S311  # no secret
    adapter = count_comparisons(ranks)
    state = adapter.of(range(10_000))
    Counted.comparisons = 0
    state = adapter.add_many(state, range(10_000, size))
    assert Counted.comparisons < 20_000
    assert [ranks[n] for n in state.ids] == list(range(size))


@every_map
def test_b161_sorted_and_unsorted_agree_on_duplicates_and_renames(map_kind: MapName) -> None:
    """The order differs, the entities do not."""
    plain, ordered = make_adapter("plain", map_kind), full_adapter(map_kind)
    second = Book("e", "Emma II")
    for name, given in (
        ("add_many", [second, EMMA]),
        ("set_many", [second, EMMA]),
        ("set_all", [second, EMMA]),
        ("upsert_many", [EMMA, second, IDIOT]),
        ("update_many", [("u", {"id": "e"}), ("u", {"id": "i"})]),
        ("update_many", [("u", {"id": "i"}), ("i", {"id": "u"})]),
    ):
        one, other = (getattr(a, name)(a.of([ULYSSES, IDIOT]), given) for a in (plain, ordered))
        assert dict(one.by_id.items()) == dict(other.by_id.items())
        assert sorted(keys_of(one)) == sorted(keys_of(other))


# --- 162


@every_adapter
def test_b162_operations_serve_as_handlers(kind: str, map_kind: MapName) -> None:
    """An action in the place of an entity, entities, a key or keys stands for what it carries."""
    adapter = make_adapter(kind, map_kind)
    books = Reducer(adapter.empty())
    books.on(BookCame)(adapter.add_one)
    books.on(BooksCame)(adapter.upsert_many)
    books.on(BookRenamed)(adapter.update_one)
    books.on(BooksCounted)(adapter.update_many)
    books.on(BookLeft)(adapter.remove_one)
    books.on(BooksLeft)(adapter.remove_many)
    books.on(AllLeft)(adapter.remove_all)

    state = books(None, BookCame(EMMA))
    assert state.all == (EMMA,)
    state = books(state, BooksCame(pvector([IDIOT, ULYSSES])))
    assert keys_of(state) == ["e", "i", "u"]
    state = books(state, BookRenamed("e", "Emma II"))
    assert state.by_id["e"] == Book("e", "Emma II")
    state = books(state, BooksCounted(pmap({"e": pmap({"pages": 400}), "x": pmap({"pages": 1})})))
    assert state.by_id["e"].pages == 400
    assert books(state, BookLeft("x")) is state
    assert keys_of(books(state, BookLeft("i"))) == ["e", "u"]
    assert keys_of(books(state, BooksLeft(("i", "u")))) == ["e"]
    assert books(state, AllLeft()) == adapter.empty()


@every_adapter
@pytest.mark.parametrize("name", ["add_one", "set_one", "upsert_one"])
def test_b162_an_action_and_what_it_carries_do_the_same(
    kind: str, map_kind: MapName, name: str
) -> None:
    """Given by hand or carried by an action, an entity is the same one."""
    adapter = make_adapter(kind, map_kind)
    operation: Any = getattr(adapter, name)
    for state in (adapter.empty(), adapter.of([IDIOT, Book("e", "X")])):
        by_hand, carried = operation(state, EMMA), operation(state, BookCame(EMMA))
        assert by_hand == carried
    many: Any = getattr(adapter, name.replace("one", "many"))
    assert many(adapter.empty(), BooksCame(pvector([EMMA]))) == adapter.of([EMMA])


def test_b162_an_action_of_several_fields_is_refused() -> None:
    """Which field is the entity cannot be guessed; the message says what to write."""
    adapter = make_adapter("plain", "pyrsistent")
    with pytest.raises(EntityError, match=r"BookRenamed has id, title; write a handler"):
        adapter.remove_one(adapter.empty(), BookRenamed("e", "X"))
    with pytest.raises(EntityError, match="AllLeft has none"):
        adapter.add_one(adapter.empty(), AllLeft())
    with pytest.raises(EntityError, match="AllLeft has none"):
        adapter.update_one(adapter.empty(), AllLeft())


# --- 163


@every_adapter
@pytest.mark.parametrize("factory", [None, selector, selector_factory(check_inputs="always")])
def test_b163_selectors_over_a_root_and_over_the_slice(
    kind: str, map_kind: MapName, factory: Any
) -> None:
    """Ids, entities, all in order, total and one by id, from a root or from the slice itself."""
    adapter = make_adapter(kind, map_kind)
    books = adapter.of([Book("e", "Emma", "anna"), ULYSSES])
    root = Library(books)
    over_root: Any = adapter.selectors(read_books, selector=factory)
    over_slice: Any = adapter.selectors(selector=factory)
    for selectors, state in ((over_root, root), (over_slice, books)):
        assert selectors.select_ids(state) is books.ids
        assert selectors.select_entities(state) is books.by_id
        assert selectors.select_all(state) == (books.by_id["e"], ULYSSES)
        assert selectors.select_all(state) is selectors.select_all(state)
        assert selectors.select_total(state) == 2
        assert selectors.select_by_id(state, "u") is ULYSSES
        assert selectors.select_by_id(state, "x") is None


def test_b163_all_is_not_made_again_for_another_part_of_the_root() -> None:
    """Selectors of one slice give the identical tuple while that slice stays."""
    adapter = make_adapter("plain", "pyrsistent")
    root = Library(adapter.of([EMMA]))
    select_all = adapter.selectors(read_books).select_all
    before = select_all(root)
    assert select_all(attrs.evolve(root, is_open=True)) is before
    assert select_all(attrs.evolve(root, books=adapter.add_one(root.books, IDIOT))) is not before


def test_b163_a_custom_factory_makes_the_selectors() -> None:
    """What derives something is made by the factory, so it has all that the factory's have."""
    adapter = make_adapter("plain", "pyrsistent")
    select_all = cast("Selector[Any, Any]", adapter.selectors(selector=selector).select_all)
    select_all(adapter.of([EMMA]))
    assert select_all.recomputations == 1


def test_b163_selectors_of_further_orders_and_indexes() -> None:
    """The adapter's further orders and indexes are asked over a root, too."""
    adapter = full_adapter()
    emma, idiot = Book("e", "Emma", "anna", 400), Book("i", "The Idiot", "anna", 100)
    root = Library(adapter.of([emma, idiot]))
    selectors = adapter.selectors(read_books)
    assert selectors.select_in_order(root, "by_pages") == (idiot, emma)
    assert selectors.select_found(root, "by_owner", "anna") == (emma, idiot)


# --- 164

WITHOUT_A_KEY = """
import warnings
from pyrsistent import pmap
from refold import EntityAdapter
warnings.simplefilter("error")
adapter = EntityAdapter(key=lambda e: e.get("id"))
state = adapter.add_one(adapter.empty(), pmap({"title": "Emma"}))
print(list(state.ids))
"""


@every_map
@pytest.mark.parametrize("entity", [pmap({"title": "Emma"}), pmap({"id": None})])
@pytest.mark.parametrize("name", ["add_one", "set_one", "upsert_one"])
def test_b164_a_missing_key_is_reported_in_development(
    map_kind: MapName, entity: PMap[str, str | None], name: str
) -> None:
    """A key that is missing or None is reported, with the entity and advice, at the caller."""
    adapter = EntityAdapter[Any, Any](key=lambda e: e.get("id"), map_kind=map_kind)
    with pytest.warns(RefoldWarning, match=r"key is None: pmap.*right field") as caught:
        getattr(adapter, name)(adapter.empty(), entity)
    assert caught[0].filename == __file__


@every_map
def test_b164_a_key_that_is_zero_or_empty_is_a_key(map_kind: MapName) -> None:
    """Only None is reported."""
    adapter = EntityAdapter[Any, Any](key=lambda e: e["id"], map_kind=map_kind)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        state = adapter.add_many(adapter.empty(), [pmap({"id": 0}), pmap({"id": ""})])
    assert list(state.ids) == [0, ""]


def test_b164_nothing_is_reported_in_production() -> None:
    """Under ``python -O`` nobody looks."""
    done = subprocess.run(
        [sys.executable, "-O", "-c", WITHOUT_A_KEY], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "[None]\n"), done.stderr
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_A_KEY], capture_output=True, text=True, check=False
    )
    assert "RefoldWarning" in done.stderr
