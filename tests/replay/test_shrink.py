"""`shrink`: planted bugs are found in long random sessions and shrunken to their minimum.

What belongs here: the bugs of the bank, and what shrinking promises.  What does not: writing the
result as a test.
"""

from __future__ import annotations

import enum
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyrsistent import PMap, pmap, pvector

from refold.actions.action import Action, action
from refold.errors import LogError
from refold.reducers.reducer import Reducer
from refold.replay.shrink_actions import Goal, shrink_actions
from refold.replay.shrink_values import simpler_values
from tests.replay.bank_with_bugs import (
    Bank,
    DayEnded,
    Deposited,
    Frozen,
    Moved,
    Opened,
    Renamed,
    Withdrawn,
    fold_bank,
    is_balanced,
    is_never_negative,
    make_bank,
    random_session,
    record_bank,
)

if TYPE_CHECKING:
    from pathlib import Path


def is_unbalanced(bank: Bank) -> bool:
    """Tell whether money came from nowhere or was lost."""
    return not is_balanced(bank)


def is_overdrawn(bank: Bank) -> bool:
    """Tell whether some account is negative."""
    return not is_never_negative(bank)


PLANTED: list[tuple[str, Goal[Bank], list[type[Action]]]] = [
    ("large sums are not checked", is_overdrawn, [Opened, Withdrawn]),
    ("moving to itself doubles", is_unbalanced, [Opened, Deposited, Moved]),
    ("renaming loses the other", is_unbalanced, [Opened, Opened, Deposited, Renamed]),
    ("interest from nowhere", is_unbalanced, [Opened, Deposited, *[DayEnded] * 3]),
    ("raises when frozen", ZeroDivisionError, [Opened, Frozen, Withdrawn]),
]


def fails_with(actions: list[Action], fails: Goal[Bank], reducer: Reducer[Bank]) -> bool:
    """Tell in the simplest way whether a run fails."""
    if isinstance(fails, type):
        try:
            fold_bank(actions, reducer)
        except ZeroDivisionError:
            return True
        return False
    return any(fails(fold_bank(actions[:n], reducer)) for n in range(len(actions) + 1))


def amounts(actions: list[Action]) -> list[int]:
    """Return the amounts in some actions."""
    return [getattr(one, "amount") for one in actions if hasattr(one, "amount")]  # noqa: B009


@pytest.mark.parametrize(("bug", "fails", "kinds"), PLANTED, ids=[bug for bug, _, _ in PLANTED])
@pytest.mark.parametrize("seed", range(5))
def test_a_planted_bug_is_shrunken_to_its_minimum(
    bug: str, fails: Goal[Bank], kinds: list[type[Action]], seed: int
) -> None:
    """5,000 random actions become the two to five without which the bug does not show."""
    found = shrink_actions(random_session(seed), fails, start=Bank(), reducer=make_bank(bug))
    assert sorted(type(one).__name__ for one in found) == sorted(kind.__name__ for kind in kinds)


@pytest.mark.parametrize("seed", [5, 36, 88, 105])
def test_actions_that_need_each_other_are_left_out_together(seed: int) -> None:
    """In these sessions no single action can be left out at the end, and two changes at once can.

    A renaming that made room for a name can be left out once the names after it are exchanged.
    """
    bug, fails, kinds = PLANTED[2]
    found = shrink_actions(random_session(seed), fails, start=Bank(), reducer=make_bank(bug))
    assert sorted(type(one).__name__ for one in found) == sorted(kind.__name__ for kind in kinds)


def test_two_numbers_that_count_together_become_one() -> None:
    """In this session the interest needs two deposits, or one of both sums."""
    found = shrink_actions(
        random_session(534), is_unbalanced, start=Bank(), reducer=make_bank(PLANTED[3][0])
    )
    assert amounts(found) == [50]


def test_two_actions_of_which_neither_can_be_left_out_alone() -> None:
    """What is done and undone again goes as a pair."""

    def reducer(state: int, action: Action) -> int:
        if isinstance(action, Opened):
            return {0: 1, 1: 0}[state]
        return 2 if isinstance(action, DayEnded) and state == 0 else state

    run: list[Action] = [Opened("a"), Frozen("a"), Opened("a"), DayEnded()]
    assert shrink_actions(run, lambda state: state == 2, start=0, reducer=reducer) == [DayEnded()]


@pytest.mark.parametrize(("bug", "fails", "kinds"), PLANTED, ids=[bug for bug, _, _ in PLANTED])
@settings(max_examples=5)
@given(seed=st.integers(0, 10**6))
def test_the_result_fails_and_needs_each_of_its_actions(
    bug: str, fails: Goal[Bank], kinds: list[type[Action]], seed: int
) -> None:
    """Whatever the session: the shortest run fails, and passes without any one of its actions."""
    reducer = make_bank(bug)
    found = shrink_actions(random_session(seed), fails, start=Bank(), reducer=reducer)
    assert len(found) == len(kinds)
    assert fails_with(found, fails, reducer)
    for index in range(len(found)):
        assert not fails_with(found[:index] + found[index + 1 :], fails, reducer)
    assert not fails_with(found, fails, make_bank()), "the bug is in the reducer, not in the run"


@pytest.mark.parametrize(
    ("bug", "fails", "smallest"),
    [
        ("large sums are not checked", is_overdrawn, [101]),
        ("moving to itself doubles", is_unbalanced, [1, 1]),
        ("renaming loses the other", is_unbalanced, [1]),
        ("interest from nowhere", is_unbalanced, [50]),
        ("raises when frozen", ZeroDivisionError, [0]),
    ],
)
def test_the_values_are_the_smallest_that_fail(
    bug: str, fails: Goal[Bank], smallest: list[int]
) -> None:
    """Amounts stop exactly at the bound of the bug, and a note that plays no part is gone."""
    found = shrink_actions(random_session(7), fails, start=Bank(), reducer=make_bank(bug))
    assert amounts(found) == smallest
    assert all(one.note is None for one in found if isinstance(one, Withdrawn))


def test_shrinking_is_deterministic() -> None:
    """The same run gives the same result, to the last value."""
    results = [
        shrink_actions(
            random_session(3), is_unbalanced, start=Bank(), reducer=make_bank(PLANTED[2][0])
        )
        for _ in range(2)
    ]
    assert results[0] == results[1]


def test_a_timeline_shrinks_what_it_folds(tmp_path: Path) -> None:
    """A recorded run is shrunken without its skipped records, and the timeline stays as it is."""
    session: list[Action] = [
        Opened("a"), Withdrawn("a", 500), DayEnded(), Opened("b"), Withdrawn("b", 300)
    ]  # fmt: skip
    timeline = record_bank(tmp_path / "log", session, "large sums are not checked")
    assert timeline.shrink(is_overdrawn) == [Opened(""), Withdrawn("", 101)]
    timeline.skip(2)
    assert timeline.shrink(is_overdrawn) == [Opened(""), Withdrawn("", 101)]
    assert timeline.seqs == [1, 2, 3, 4, 5]
    assert is_overdrawn(timeline.at(5))


def test_a_run_that_does_not_fail_is_refused() -> None:
    """Shrinking needs a failing run, and says so."""
    with pytest.raises(LogError, match="does not fail"):
        shrink_actions([Opened("a")], is_overdrawn, start=Bank(), reducer=make_bank())


def test_a_failing_start_needs_no_action() -> None:
    """A start that fails is the shortest run."""
    broken = Bank(should_hold=1)
    assert shrink_actions([Opened("a")], is_unbalanced, start=broken, reducer=make_bank()) == []


def test_a_reducer_that_raises_is_no_failure_unless_it_is_looked_for() -> None:
    """Leaving `Opened` out makes this reducer raise: the run without it does not count."""
    reducer = Reducer(Bank())

    @reducer.on(Opened)
    def _(state: Bank, action: Opened) -> Bank:
        return attrs.evolve(state, accounts=state.accounts.set(action.name, 0))

    @reducer.on(Withdrawn)
    def _(state: Bank, action: Withdrawn) -> Bank:
        held = state.accounts[action.name]  # raises KeyError without an account
        return attrs.evolve(state, accounts=state.accounts.set(action.name, held - action.amount))

    run: list[Action] = [Opened("a"), Withdrawn("a", 5)]
    assert shrink_actions(run, is_overdrawn, start=Bank(), reducer=reducer) == [
        Opened(""),
        Withdrawn("", 1),
    ]
    found = shrink_actions([run[1]], KeyError, start=Bank(), reducer=reducer)
    assert len(found) == 1
    with pytest.raises(KeyError):
        shrink_actions([run[1]], is_overdrawn, start=Bank(), reducer=reducer)


def test_shrinking_is_bounded() -> None:
    """At the bound of folds, the shortest run so far is returned; it fails."""
    folds: list[Action] = []
    bank = make_bank("moving to itself doubles")

    def count(state: Bank, action: Action) -> Bank:
        folds.append(action)
        return bank(state, action)

    session = random_session(1)
    found = shrink_actions(session, is_unbalanced, start=Bank(), reducer=count, most_folds=100)
    assert fails_with(found, is_unbalanced, bank)
    assert len(folds) <= len(session) + 100


@action("shrink/laid")
class Laid(Action):
    """An amount that cannot be made simpler."""

    amount: int = attrs.field(validator=attrs.validators.ge(1))


def test_values_that_their_class_refuses_are_no_progress() -> None:
    """A run whose values are all as simple as they may be is found so after a few folds."""
    folds: list[Action] = []

    def count(state: int, action: Action) -> int:
        folds.append(action)
        return state + 1

    run = [Laid(1), Laid(1)]
    assert shrink_actions(run, lambda state: state >= 2, start=0, reducer=count) == run
    assert len(folds) < 200


class Colour(enum.Enum):
    """Three colours."""

    RED = 1
    GREEN = 2
    BLUE = 3


@action("shrink/painted")
class Painted(Action):
    """Something with a field of many types happened."""

    colour: Colour = Colour.BLUE
    size: Literal["small", "large"] = "large"
    pair: tuple[int, str] = (9, "xyz")


@pytest.mark.parametrize(
    ("value", "declared", "simplest"),
    [  # pyright: ignore[reportUnknownArgumentType]  # a list of any kinds
        (77, int, 0),
        (-77, int, 0),
        (77, int | None, None),
        (True, bool, False),
        (2.75, float, 0.0),
        (float("nan"), float, 0.0),
        (Decimal("-3.5"), Decimal, Decimal(0)),
        ("words", str, ""),
        (b"words", bytes, b""),
        (Colour.BLUE, Colour, Colour.RED),
        ("large", Literal["small", "large"], "small"),
        ((1, 2, 3), tuple[int, ...], ()),
        ((9, "xyz"), tuple[int, str], (0, "")),
        (frozenset({"x", "y"}), frozenset[str], frozenset[str]()),
        (pvector([3, 1]), Any, pvector()),
        (pmap({"x": 1}), PMap[str, int], pmap()),
        (Painted(at_ms=5), Painted, Painted(Colour.RED, "small", (0, ""))),
    ],
)
def test_every_value_ends_at_its_simplest(
    value: object, declared: object, simplest: object
) -> None:
    """Whichever simpler value is taken, it comes to an end; the first ones lead to the simplest."""
    steps = 0
    while (simpler := next(simpler_values(value, declared), value)) is not value:
        value = simpler
        steps += 1
        assert steps < 100
    assert value == simplest
    assert type(value) is type(simplest)


@given(st.integers(), st.text(max_size=5))
def test_simpler_values_differ(number: int, text: str) -> None:
    """No value is simpler than itself, and none is offered that would lead round in a circle."""
    assert all((abs(n), n < 0) < (abs(number), number < 0) for n in simpler_values(number, int))
    for simpler in simpler_values(text, str):
        shorter = len(simpler) < len(text)
        assert shorter or simpler.count("a") > text.count("a")
