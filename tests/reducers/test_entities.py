"""Entities beside their numbered behaviours: further orders, indexes, both maps, logs, refusals.

What belongs here: examples of what no sequence of operations shows.  What does not: the operations
themselves, which the behaviours and the machine have.
"""

from __future__ import annotations

import copy
import functools
import pickle
import subprocess
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import attrs
import pytest
from pyrsistent import PMap, pmap, pset, pvector

from refold.actions.action import Action, action
from refold.actions.check_value_type import check_value_type
from refold.errors import EntityError, PayloadError, ValueTypeError
from refold.middleware.record import record
from refold.reducers import entity_order
from refold.reducers.combine_reducers import combine_reducers
from refold.reducers.entities import Entities, recall_upkeep
from refold.reducers.entity_adapter import EntityAdapter
from refold.reducers.reducer import Reducer
from refold.replay.action_codec import decode_state, decode_value, encode_state
from refold.replay.canonical_digest import canonical_digest, state_digest
from refold.replay.changed_paths import changed_paths
from refold.replay.replay import replay
from refold.store.store import Store
from tests.reducers.entity_scene import (
    BOTH_MAPS,
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
    needs_immutables,
    plain_adapter,
    sorted_adapter,
)

if TYPE_CHECKING:
    from pathlib import Path

    from refold.reducers.entity_map import MapName


@attrs.frozen
class Library:
    """A root with entities."""

    books: Entities[str, Book]


class Page(NamedTuple):
    """An entity that is a tuple with names."""

    number: int
    text: str = ""


@attrs.frozen
class Mutable:
    """An entity that no log can carry."""

    id: str
    tags: list[str]


@action("entities_test/book_came")
class BookCame(Action):
    """A book came."""

    book: Book


def map_of(books: list[Book]) -> PMap[str, Book]:
    """Return books as a persistent map."""
    return pmap({book.id: book for book in books})


UNORDERED: list[Any] = [pset, frozenset, map_of]
"""Ways to give several entities whose order differs between processes."""

ANNAS = Book("a", "Middlemarch", "anna", 800)
BOBS = Book("b", "Dracula", "bob", 400)
ANNAS_OTHER = Book("c", "Beloved", "anna", 300)


# --- further orders and indexes


@every_map
def test_an_index_finds_in_the_adapters_order(map_kind: MapName) -> None:
    """Who has a value is found at once, in the order of the ids, as ids or as entities."""
    adapter = full_adapter(map_kind)
    state = adapter.of([ANNAS, BOBS, ANNAS_OTHER])
    assert adapter.find(state, "by_owner", "anna") == (ANNAS_OTHER, ANNAS)
    assert adapter.find_ids(state, "by_owner", "anna") == pvector(["c", "a"])
    assert adapter.find(state, "by_owner", "eve") == ()
    state = adapter.update_one(state, "b", owner="anna")
    assert adapter.find(state, "by_owner", "bob") == ()
    assert keys_of(state) == list(adapter.find_ids(state, "by_owner", "anna"))


@every_map
def test_equal_values_of_a_further_order_stand_in_the_adapters_order(map_kind: MapName) -> None:
    """Books of as many pages stand by title, and move when a title changes."""
    adapter = full_adapter(map_kind)
    state = adapter.of([attrs.evolve(book, pages=1) for book in (ANNAS, BOBS, ANNAS_OTHER)])
    assert adapter.ids_in_order(state, "by_pages") == pvector(["c", "b", "a"])
    state = adapter.update_one(state, "c", title="Zorba")
    assert adapter.ids_in_order(state, "by_pages") == pvector(["b", "a", "c"])
    state = adapter.update_one(state, "c", pages=0)
    assert [book.id for book in adapter.in_order(state, "by_pages")] == ["c", "b", "a"]


@every_map
def test_what_a_change_does_not_touch_stays_identical(map_kind: MapName) -> None:
    """A selector over one index value or one order is not run again for other changes."""
    adapter = full_adapter(map_kind)
    before = adapter.of([ANNAS, BOBS, ANNAS_OTHER])
    after = adapter.update_one(adapter.remove_one(before, "b"), "a", title="Middlemarch II")
    assert adapter.find_ids(after, "by_owner", "anna") is adapter.find_ids(
        before, "by_owner", "anna"
    )
    renamed = adapter.update_one(before, "b", title="Dracula II")
    assert adapter.ids_in_order(renamed, "by_pages") is adapter.ids_in_order(before, "by_pages")


@every_map
def test_a_comparison_function_can_be_the_order(map_kind: MapName) -> None:
    """`functools.cmp_to_key` turns one into what `sort` takes, here backwards."""

    def compare(one: int, other: int) -> int:
        return other - one

    backwards: Any = functools.cmp_to_key(compare)
    adapter = EntityAdapter[int, int](key=lambda n: n, sort=backwards, map_kind=map_kind)
    assert list(adapter.add_one(adapter.of([1, 3, 2]), 4).ids) == [4, 3, 2, 1]


@every_map
def test_a_value_that_nobody_has_any_more_leaves_the_index(map_kind: MapName) -> None:
    """An index by something that is always new does not grow for ever."""
    adapter = full_adapter(map_kind)
    state = adapter.of([ANNAS])
    for owner in ("bob", "eve", "dan"):
        state = adapter.update_one(state, "a", owner=owner)
    assert list(recall_upkeep(state).indexes["by_owner"]) == ["dan"]
    state = adapter.remove_one(state, "a")
    assert len(recall_upkeep(state).indexes["by_owner"]) == 0


@every_map
def test_each_adapter_keeps_its_own_orders_over_the_same_entities(map_kind: MapName) -> None:
    """What one adapter keeps is not taken for another's, when it reads or when it changes."""
    ordered, full = sorted_adapter(map_kind), full_adapter(map_kind)
    state = ordered.of([ANNAS, BOBS])
    assert full.find(state, "by_owner", "anna") == (ANNAS,)
    assert full.find(full.add_one(state, ANNAS_OTHER), "by_owner", "anna") == (ANNAS_OTHER, ANNAS)
    assert keys_of(plain_adapter(map_kind).add_one(state, ANNAS_OTHER)) == ["b", "a", "c"]


def test_unknown_orders_and_indexes_are_refused_by_name() -> None:
    """A misspelt name is reported with those that there are."""
    adapter = full_adapter()
    with pytest.raises(EntityError, match=r"no index 'by_ownr', it has 'by_owner'"):
        adapter.find(adapter.empty(), "by_ownr", "anna")
    with pytest.raises(EntityError, match=r"no order 'by_owner', it has 'by_pages'"):
        adapter.in_order(adapter.empty(), "by_owner")
    with pytest.raises(EntityError, match="it has none"):
        plain_adapter().find(plain_adapter().empty(), "by_owner", "anna")


def test_a_value_that_is_no_number_is_refused() -> None:
    """It would have no place in the order; the entities stay as they were."""
    adapter = EntityAdapter[str, Page](key=lambda p: p.text, sort=lambda p: float(p.text))
    with pytest.raises(EntityError, match="gave nan for Page"):
        adapter.add_one(adapter.of([Page(1, "1")]), Page(2, "nan"))


def test_values_of_which_none_is_less_are_reported() -> None:
    """Sets are compared by what is in them, so an order of them finds nothing again."""
    adapter = EntityAdapter[frozenset[int], frozenset[int]](key=lambda s: s, sort=lambda s: s)
    sets = [frozenset({n, n + 1}) for n in (5, 1, 4, 2, 0, 3)]
    state = adapter.of([*sets, frozenset({0}), frozenset({1}), frozenset({0, 1, 2})])
    with pytest.raises(EntityError, match="one is less"):
        functools.reduce(adapter.remove_one, sets, state)


def test_a_removal_and_a_move_need_few_comparisons_too() -> None:
    """What is there is found by halving, at up to two comparisons a step."""
    size = 10_000
    adapter = count_comparisons(range(size))
    state = adapter.of(range(size))
    for key in (0, 77, size - 1):
        Counted.comparisons = 0
        adapter.remove_one(state, key)
        assert Counted.comparisons < 50
    backwards = EntityAdapter[str, Book](key=lambda b: b.id, sort=lambda b: Counted(-b.pages))
    books = backwards.of(Book(str(n), pages=n) for n in range(size))
    Counted.comparisons = 0
    moved = backwards.update_one(books, "77", pages=5_000)
    assert Counted.comparisons < 100
    assert moved.ids.index("77") == size - 5_000


# --- entities of other classes, and collections of them


@every_map
def test_entities_may_be_tuples_with_names(map_kind: MapName) -> None:
    """A NamedTuple's fields are updated by name, too."""
    adapter = EntityAdapter[int, Page](key=lambda page: page.number, map_kind=map_kind)
    state = adapter.update_one(adapter.of([Page(1)]), 1, text="Once")
    assert state.all == (Page(1, "Once"),)
    assert adapter.upsert_one(state, Page(1, "Twice"), "text").all == (Page(1, "Twice"),)


@every_adapter
@pytest.mark.parametrize("form", UNORDERED)
def test_sets_and_maps_of_entities_are_taken_in_the_order_of_keys(
    kind: str, map_kind: MapName, form: Any
) -> None:
    """Their own order differs between processes, so a replay would give other ids."""
    adapter = make_adapter(kind, map_kind)
    books = [Book(letter) for letter in "hgfedcba"]
    assert keys_of(adapter.add_many(adapter.empty(), form(books))) == list("abcdefgh")
    assert keys_of(adapter.add_many(adapter.empty(), dict.fromkeys("ba", EMMA))) == ["e"]


def test_entities_of_another_adapter_are_taken_in_their_order() -> None:
    """All of one slice can be put into another."""
    given = sorted_adapter().of([ULYSSES, EMMA, IDIOT])
    assert keys_of(plain_adapter().of(given.all)) == ["e", "i", "u"]


def test_a_map_whose_keys_have_no_order_is_refused() -> None:
    """There is no order that every process would meet."""
    given: PMap[Any, Any] = pmap({1: EMMA, "x": IDIOT})
    with pytest.raises(EntityError, match="give a list or a dict"):
        plain_adapter().add_many(plain_adapter().empty(), given)


# --- the maps


@needs_immutables
@pytest.mark.parametrize("kind", ["plain", "sorted", "full"])
def test_the_map_does_not_show_in_logs_digests_and_equality(kind: str) -> None:
    """The same operations over both maps give equal states, equal digests and equal JSON."""
    states: list[Library] = []
    for map_kind in BOTH_MAPS:
        adapter = make_adapter(kind, map_kind)
        state = adapter.of([ULYSSES, EMMA])
        states.append(Library(adapter.update_one(adapter.add_one(state, IDIOT), "e", pages=400)))
    one, other = states
    assert type(one.books.by_id) is not type(other.books.by_id)
    assert one == other
    assert other == one
    assert hash(one.books) == hash(other.books)
    assert state_digest(one) == state_digest(other)
    assert encode_state(one) == encode_state(other)
    assert decode_state(encode_state(other), Library) == other


@needs_immutables
@pytest.mark.parametrize("kind", ["plain", "sorted", "full"])
def test_an_adapter_goes_on_with_the_other_map(kind: str) -> None:
    """Entities of one map are turned into the adapter's own at the next change."""
    for mine, others in (BOTH_MAPS, BOTH_MAPS[::-1]):
        adapter = make_adapter(kind, mine)
        state = adapter.add_one(make_adapter(kind, others).of([EMMA, ULYSSES]), IDIOT)
        assert type(state.by_id) is type(adapter.empty().by_id)
        assert sorted(keys_of(state)) == ["e", "i", "u"]


def test_an_unknown_map_is_refused() -> None:
    """The two names are told."""
    name: Any = "dict"
    with pytest.raises(EntityError, match="'pyrsistent' or 'immutables', got 'dict'"):
        plain_adapter(name)


def test_a_missing_library_is_told_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks for a map that is not installed reads what to install."""
    monkeypatch.setitem(sys.modules, "immutables", None)
    with pytest.raises(EntityError, match=r"pip install 'refold\[immutables\]'"):
        plain_adapter("immutables")


# --- in states and logs


def test_the_type_is_checked_through() -> None:
    """Entities are allowed in a state; entities of what cannot be in one are not."""
    check_value_type(Entities[str, Book], "Library.books")
    with pytest.raises(ValueTypeError, match=r"Library\.books"):
        check_value_type(Entities[str, Mutable], "Library.books")


@every_map
async def test_a_recorded_run_is_replayed(map_kind: MapName, tmp_path: Path) -> None:
    """The start state has entities, and the digest of the last fits."""
    adapter = full_adapter(map_kind)
    books = Reducer(adapter.of([ULYSSES]))
    books.on(BookCame)(adapter.set_one)
    root = combine_reducers(Library, books=books)
    path = tmp_path / "run.jsonl"
    start = Library(adapter.of([IDIOT]))
    async with Store(root, state=start, middleware=[record(path)]) as store:
        for book in (EMMA, ULYSSES, Book("e", "Zorba", "anna")):
            store.dispatch(BookCame(book))
    timeline = replay(path, root)
    timeline.verify()
    assert timeline.at(3) == store.state
    assert keys_of(timeline.at(3).books) == ["i", "u", "e"]
    assert adapter.find(timeline.at(3).books, "by_owner", "anna") == (Book("e", "Zorba", "anna"),)


@every_map
def test_entities_that_are_the_whole_state_are_replayed_from_the_first(
    map_kind: MapName, tmp_path: Path
) -> None:
    """No annotation tells their class, so the log has no start state, as of a bare collection."""
    adapter = plain_adapter(map_kind)
    books = Reducer(adapter.of([ULYSSES]))
    books.on(BookCame)(adapter.add_one)
    store = Store(books, middleware=[record(tmp_path / "run.jsonl")])
    store.dispatch(BookCame(EMMA))
    assert encode_state(store.state) is None
    assert replay(tmp_path / "run.jsonl", books).at(1) == store.state


@pytest.mark.parametrize(
    "value",
    [
        {"ids": ["e"], "by_id": {}},
        {"ids": [], "by_id": {"e": {"id": "e"}}},
        {"ids": ["e", "e"], "by_id": {"e": {"id": "e"}, "i": {"id": "i"}}},
        {"ids": ["e"]},
    ],
)
def test_ids_that_are_not_those_of_the_map_are_refused(value: Any) -> None:
    """What was changed by hand does not become a state."""
    with pytest.raises(PayloadError, match="Entities"):
        decode_value(value, Entities[str, Book], "the start state")


def test_a_digest_tells_the_order() -> None:
    """The same entities in another order are another state."""
    one, other = plain_adapter().of([EMMA, IDIOT]), plain_adapter().of([IDIOT, EMMA])
    assert one != other
    assert canonical_digest(one) != canonical_digest(other)
    assert one != "other"


def test_paths_lead_into_entities() -> None:
    """A difference is told down to the field of an entity."""
    before = Library(plain_adapter().of([EMMA]))
    after = Library(plain_adapter().update_one(before.books, "e", pages=400))
    assert [one.path for one in changed_paths(before, after)] == ["books.by_id['e'].pages"]


def test_ids_are_the_same_under_any_hash_seed() -> None:
    """Another process gives the same order."""
    program = (
        "from tests.reducers.entity_scene import *\n"
        "from pyrsistent import pmap\n"
        "adapter = full_adapter()\n"
        "state = adapter.of(pmap({str(n): Book(str(n), 'X', 'anna') for n in range(50)}))\n"
        "state = adapter.remove_one(state, '7')\n"
        "print(list(state.ids), adapter.find_ids(state, 'by_owner', 'anna'))\n"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(filter(None, sys.path))},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(outputs) == 1


# --- as values


@every_adapter
def test_entities_can_be_copied_pickled_and_shown(kind: str, map_kind: MapName) -> None:
    """A copy is equal, and goes on like the original."""
    adapter = make_adapter(kind, map_kind)
    state = adapter.add_one(adapter.of([ULYSSES]), EMMA)
    copies = (pickle.loads(pickle.dumps(state)), copy.deepcopy(state), attrs.evolve(state))  # noqa: S301  # our own
    for one in copies:
        assert one == state
        assert adapter.add_one(one, IDIOT) == adapter.add_one(state, IDIOT)
    assert "ids=pvector([" in repr(state)
    assert not hasattr(state, "idz")


def test_entities_refuse_assignment() -> None:
    """They are frozen."""
    state: Any = plain_adapter().of([EMMA])
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        state.ids = pvector(["x"])


def test_entities_of_another_sort_are_sorted_at_the_next_change() -> None:
    """After an upgrade that changes what is sorted by, old states come into order by themselves."""
    old = plain_adapter().of([ULYSSES, IDIOT, EMMA])
    assert keys_of(sorted_adapter().update_one(old, "i", pages=700)) == ["e", "i", "u"]
    assert keys_of(old) == ["u", "i", "e"]


def test_chunks_are_joined_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """After many removals few chunks are left, whichever entities went."""
    monkeypatch.setattr(entity_order, "_LARGEST_CHUNK", 8)
    adapter = EntityAdapter[int, int](key=lambda n: n, sort=lambda n: n)
    state = adapter.of(range(100))
    for n in range(100):
        if n % 10:
            state = adapter.remove_one(state, n)
    assert list(state.ids) == list(range(0, 100, 10))
    order = entity_order.make_order(list(range(100)), list(range(100)), None)
    for n in range(100):
        order = order.removed(n, n) if n % 10 else order
    assert len(order.places) <= 5
    assert list(order.ids) == list(range(0, 100, 10))
