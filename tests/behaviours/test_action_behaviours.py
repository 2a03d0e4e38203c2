"""Behaviours 126 and 139 to 144: wire names, prepared actions, matching, slice selectors, misuse.

What belongs here: what actions and the questions about them promise.  What does not: the details of
declaring an action class, which `tests/actions/` pins.
"""

from __future__ import annotations

import warnings
from typing import Any, assert_type, cast

import attrs
import pytest

from refold.actions.action import Action, action
from refold.actions.bind_actions import bind_actions
from refold.actions.matchers import all_of, any_of
from refold.actions.operation_actions import (
    OperationError,
    is_fulfilled,
    is_pending,
    is_rejected,
    is_settled,
    operation_actions,
)
from refold.errors import ActionDeclarationError, NotAnActionError, RefoldWarning
from refold.middleware.action_class_check import ActionClassCheck
from refold.middleware.thunks import thunks
from refold.reducers.combine_reducers import combine_reducers
from refold.reducers.reducer import Reducer
from refold.selectors.selector import selector
from refold.store.store import Store


@attrs.frozen
class Ledger:
    """A list of entries and their sum."""

    entries: tuple[str, ...] = ()
    total: int = 0


@attrs.frozen
class Books:
    """A root with a ledger at its own place and one at another."""

    ledger: Ledger = Ledger()
    archive: Ledger = Ledger(("old",), 40)


@action("action_behaviours/entry_booked")
class EntryBooked(Action):
    """An entry with its amount was booked."""

    entry_id: str
    amount: int


@action("action_behaviours/entry_struck")
class EntryStruck(Action):
    """An entry was struck out."""

    entry_id: str


@action("action_behaviours/books_closed")
class BooksClosed(Action):
    """The books were closed."""


load = operation_actions("action_behaviours/load_ledger", argument=str, value=int)
save = operation_actions("action_behaviours/save_ledger", argument=int, value=str)


def failure() -> OperationError:
    """Return the plain data of a failed operation."""
    return OperationError(name="OSError", message="no disk", code=None, stack=None)


def book_next(prefix: str, amount: int, *, number: int = 1) -> EntryBooked:
    """Prepare an action: several arguments, an id made of them, and a time."""
    return EntryBooked(f"{prefix}-{number}", amount, at_ms=1000 + number)


def make_ledger_reducer() -> Reducer[Ledger]:
    """Return a reducer of ledgers."""
    reducer = Reducer(Ledger())

    @reducer.on(EntryBooked)
    def _(state: Ledger, action: EntryBooked) -> Ledger:
        return Ledger((*state.entries, action.entry_id), state.total + action.amount)

    return reducer


def select_total(ledger: Ledger) -> int:
    """Read the sum of a ledger."""
    return ledger.total


def read_archive(books: Books) -> Ledger:
    """Read the ledger at the other place of the root."""
    return books.archive


@pytest.mark.parametrize("wire_name", ["", "/", "booked", "/booked", "ledger/"])
def test_b126_a_group_name_is_required_and_not_empty(wire_name: str) -> None:
    """A wire name without a group, or without a name in it, is refused at the declaration."""
    with pytest.raises(ActionDeclarationError):

        @action(wire_name)
        class Refused(Action):  # pyright: ignore[reportUnusedClass]  # declaring it is the test
            """Never declared."""


def test_b126_the_wire_name_is_group_slash_name() -> None:
    """The class keeps the wire name it was declared with, whatever its module and its own name."""
    assert EntryBooked.wire_name == "action_behaviours/entry_booked"
    assert EntryBooked("a", 1).wire_name == "action_behaviours/entry_booked"


def test_b139_a_prepared_action_passes_all_arguments_and_arrives_finished() -> None:
    """A factory gets every argument as given, and the reducer the action the factory made."""
    seen: list[EntryBooked] = []
    reducer = Reducer(Ledger())

    @reducer.on(EntryBooked)
    def _(state: Ledger, action: EntryBooked) -> Ledger:
        seen.append(action)
        return Ledger((*state.entries, action.entry_id), state.total + action.amount)

    store = Store(reducer)
    book = bind_actions(book_next, store.dispatch)
    returned = book("rent", 900, number=7)
    assert len(seen) == 1
    assert seen[0] is returned
    assert returned == EntryBooked("rent-7", 900)
    assert returned.at_ms == 1007
    assert store.state == Ledger(("rent-7",), 900)


def test_b140_matches_is_true_for_own_and_structurally_equal_actions_false_for_others() -> None:
    """`matches` knows actions by their wire name: its own, and those of a re-declared class."""

    def declare() -> type[Action]:
        @action("action_behaviours/declared_again")
        class DeclaredAgain(Action):
            """Declared twice, as a reload does."""

        return DeclaredAgain

    older = declare()
    newer = declare()
    assert older is not newer
    assert newer.matches(newer())
    assert newer.matches(older())
    assert EntryStruck.matches(EntryStruck("a"))
    for other in (EntryBooked("a", 1), BooksClosed(), None, "a", EntryStruck, object()):
        assert EntryStruck.matches(other) is False


def test_b140_matches_narrows_the_type() -> None:
    """After a true `matches` the type checkers know the action's fields."""
    found: Action = EntryBooked("a", 5)
    assert EntryBooked.matches(found)
    assert_type(found, EntryBooked)
    assert found.amount == 5


def is_large(found: Action) -> bool:
    """Match entries of more than 100."""
    return isinstance(found, EntryBooked) and found.amount > 100


def test_b141_any_of_is_true_if_one_matches() -> None:
    """`any_of` takes classes, matchers and predicates, and is true if one of them matches."""
    matcher = any_of(EntryStruck, is_large, any_of(BooksClosed))
    assert matcher(EntryStruck("a")) is True
    assert matcher(EntryBooked("a", 101)) is True
    assert matcher(BooksClosed()) is True
    assert matcher(EntryBooked("a", 100)) is False


def test_b141_all_of_is_true_if_every_one_matches() -> None:
    """`all_of` takes classes, matchers and predicates, and is true only if all of them match."""
    matcher = all_of(EntryBooked, is_large, any_of(EntryBooked, BooksClosed))
    assert matcher(EntryBooked("a", 101)) is True
    assert matcher(EntryBooked("a", 100)) is False
    assert matcher(BooksClosed()) is False
    assert all_of(EntryBooked, EntryStruck)(EntryBooked("a", 101)) is False


def test_b141_a_composed_matcher_chooses_the_actions_of_on_any() -> None:
    """A matcher made of others declares a handler like any predicate."""
    reducer = Reducer(Ledger())
    reducer.on_any(any_of(EntryStruck, is_large))(
        lambda state, _action: Ledger((), state.total + 1)
    )
    assert reducer(Ledger(), EntryStruck("a")).total == 1
    assert reducer(Ledger(), EntryBooked("a", 101)).total == 1
    assert reducer(Ledger(), EntryBooked("a", 1)).total == 0


ACTIONS_OF_LOAD = {
    "pending": load.pending("1", "books"),
    "fulfilled": load.fulfilled("1", "books", 12),
    "rejected": load.rejected("1", "books", failure()),
}
ACTIONS_OF_SAVE = {
    "pending": save.pending("2", 12),
    "fulfilled": save.fulfilled("2", 12, "done"),
    "rejected": save.rejected("2", 12, failure()),
}
MATCHER_CASES = [
    (is_pending, {"pending"}),
    (is_fulfilled, {"fulfilled"}),
    (is_rejected, {"rejected"}),
    (is_settled, {"fulfilled", "rejected"}),
]


@pytest.mark.parametrize(("make_matcher", "kinds"), MATCHER_CASES)
def test_b142_matchers_of_given_operations_match_those_only(
    make_matcher: Any,
    kinds: set[str],
) -> None:
    """With operations given, a matcher takes their actions of its kind and no other's."""
    of_load = make_matcher(load)
    of_both = make_matcher(load, save)
    for kind in ("pending", "fulfilled", "rejected"):
        assert of_load(ACTIONS_OF_LOAD[kind]) is (kind in kinds)
        assert of_load(ACTIONS_OF_SAVE[kind]) is False
        assert of_both(ACTIONS_OF_LOAD[kind]) is (kind in kinds)
        assert of_both(ACTIONS_OF_SAVE[kind]) is (kind in kinds)
    assert of_both(EntryStruck("a")) is False


@pytest.mark.parametrize(("make_matcher", "kinds"), MATCHER_CASES)
def test_b142_with_no_operations_given_any_operation_matches(
    make_matcher: Any,
    kinds: set[str],
) -> None:
    """With no operation given, a matcher takes the actions of its kind of every operation."""
    of_any = make_matcher()
    for kind in ("pending", "fulfilled", "rejected"):
        assert of_any(ACTIONS_OF_LOAD[kind]) is (kind in kinds)
        assert of_any(ACTIONS_OF_SAVE[kind]) is (kind in kinds)
    assert of_any(EntryStruck("a")) is False
    assert of_any(EntryBooked("a", 1)) is False


def test_b143_a_slice_selector_reads_the_slice_at_its_own_place() -> None:
    """A selector over a slice is lifted to the root by the combined reducer's own place for it."""
    combined = combine_reducers(Books, ledger=make_ledger_reducer(), archive=make_ledger_reducer())
    select_doubled = selector(select_total)(lambda total: total * 2)
    at_its_own_place = select_doubled.at(combined.slice("ledger"))
    assert at_its_own_place(Books(Ledger((), 3), Ledger((), 50))) == 6


def test_b143_a_slice_selector_reads_the_slice_at_a_given_place() -> None:
    """The same selector over another place of the root answers from there."""
    select_doubled = selector(select_total)(lambda total: total * 2)
    at_the_archive = select_doubled.at(read_archive)
    assert at_the_archive(Books(Ledger((), 3), Ledger((), 50))) == 100


def test_b143_each_lifted_selector_keeps_the_unwrapped_original() -> None:
    """`unwrapped` of a lifted selector is the selector over the slice."""
    combined = combine_reducers(Books, ledger=make_ledger_reducer(), archive=make_ledger_reducer())
    select_doubled = selector(select_total)(lambda total: total * 2)
    assert select_doubled.at(combined.slice("ledger")).unwrapped is select_doubled
    assert select_doubled.at(read_archive).unwrapped is select_doubled
    assert select_doubled.unwrapped(Ledger((), 4)) == 8


def test_b144_dispatching_an_action_class_is_reported_with_advice() -> None:
    """A class in place of its instance is refused by name, with the advice to make an instance."""
    store = Store(make_ledger_reducer())
    before = store.state
    with pytest.raises(NotAnActionError, match=r"not an instance.*EntryBooked"):
        store.dispatch(cast("Any", EntryBooked))
    assert store.state is before


def test_b144_the_check_reports_an_action_class_with_advice() -> None:
    """The check warns of a class in place of its instance, by name and with what to write."""
    store = Store(make_ledger_reducer(), middleware=[ActionClassCheck()])
    with (
        pytest.warns(RefoldWarning, match=r"(?s)EntryBooked.*instance|EntryBooked\("),
        pytest.raises(NotAnActionError),
    ):
        store.dispatch(cast("Any", EntryBooked))
    assert store.dispatch(EntryBooked("a", 1)) == EntryBooked("a", 1)
    assert store.state == Ledger(("a",), 1)


def test_b144_the_predicate_can_be_changed() -> None:
    """With a predicate of its own the check reports what that predicate is true for, only."""

    def looks_like_a_maker(found: object) -> bool:
        return found is forgotten_call

    def forgotten_call(_dispatch: object, _get_state: object) -> str:
        return "called"

    checked = Store(
        make_ledger_reducer(),
        middleware=[ActionClassCheck(is_action_class=looks_like_a_maker), thunks],
    )
    with pytest.warns(RefoldWarning, match="forgotten_call"):
        assert checked.dispatch(cast("Any", forgotten_call)) == "called"
    unchecked = Store(
        make_ledger_reducer(), middleware=[ActionClassCheck(is_action_class=looks_like_a_maker)]
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(NotAnActionError):
            unchecked.dispatch(cast("Any", EntryBooked))
