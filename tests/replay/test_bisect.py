"""`bisect` and `first_broken`: which action broke an invariant.

What belongs here: both searches.  What does not: the shrunken run, which `test_shrink` tests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.replay.bank_timelines import timeline_of
from tests.replay.bank_with_bugs import (
    Bank,
    DayEnded,
    Deposited,
    Frozen,
    Opened,
    Withdrawn,
    fold_bank,
    is_balanced,
    make_bank,
    random_session,
    record_bank,
)

if TYPE_CHECKING:
    from pathlib import Path

    from refold.actions.action import Action

BUGS = ["moving to itself doubles", "renaming loses the other", "interest from nowhere"]


@settings(max_examples=25)
@given(st.integers(0, 1300), st.integers(0, 1300))
def test_both_find_where_a_lasting_breach_begins(count: int, limit: int) -> None:
    """The seq is the first beyond the limit, wherever keyframes stand; None if there is none."""
    timeline = timeline_of([DayEnded() for _ in range(count)])
    expected = limit + 1 if limit < count else None
    assert timeline.bisect(lambda bank: bank.days <= limit) == expected
    assert timeline.first_broken(lambda bank: bank.days <= limit) == expected


@pytest.mark.parametrize("bug", BUGS)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_first_breach_of_a_long_session_is_found(tmp_path: Path, bug: str, seed: int) -> None:
    """In 5,000 random actions, the invariant holds before the seq that is found, not at it."""
    session, reducer = random_session(seed), make_bank(bug)
    timeline = record_bank(tmp_path / "log", session, bug)
    found = timeline.first_broken(is_balanced)
    assert found is not None
    assert not is_balanced(fold_bank(session[:found], reducer))
    assert all(is_balanced(fold_bank(session[:seq], reducer)) for seq in range(found))
    crossing = timeline.bisect(is_balanced)
    assert crossing is None or crossing >= found
    if crossing is not None:
        assert is_balanced(timeline.at(crossing - 1))
        assert not is_balanced(timeline.at(crossing))


def test_a_breach_that_heals_is_found_by_looking_everywhere() -> None:
    """An invariant that holds again at the end is only found by `first_broken`."""
    session: list[Action] = [Opened("a"), Deposited("a", 9), Withdrawn("a", 9), DayEnded()]
    timeline = timeline_of(session)

    def is_empty(bank: Bank) -> bool:
        return bank.should_hold == 0

    assert timeline.bisect(is_empty) is None
    assert timeline.first_broken(is_empty) == 2


def test_a_start_that_is_broken_is_told() -> None:
    """An invariant that never holds is broken at the start, seq 0."""
    timeline = timeline_of([DayEnded()])
    assert timeline.bisect(lambda _: False) == timeline.first_broken(lambda _: False) == 0


def test_bisecting_asks_about_few_states() -> None:
    """5,000 states need some 15 questions, and no second fold of the whole run."""
    timeline = timeline_of([DayEnded() for _ in range(5000)])
    asked: list[int] = []

    def is_early(bank: Bank) -> bool:
        asked.append(bank.days)
        return bank.days < 3333

    assert timeline.bisect(is_early) == 3333
    assert len(asked) <= 18


def test_a_run_in_the_present_order_is_searched() -> None:
    """The seq is that of the record that breaks the rule now, with others skipped or moved."""
    timeline = timeline_of([DayEnded(), Opened("a"), DayEnded(), DayEnded()])
    timeline.skip(1)
    timeline.reorder(2, before=None)
    for search in (timeline.bisect, timeline.first_broken):
        assert search(lambda bank: bank.days < 2) == 4
        assert search(lambda bank: not bank.accounts) == 2


def test_a_reducer_that_raises_ends_the_search() -> None:
    """What was broken before is found; otherwise the error is what there is to tell."""
    session: list[Action] = [Opened("a"), Frozen("a"), Withdrawn("a", 1), DayEnded()]
    timeline = timeline_of(session, make_bank("raises when frozen"))
    for search in (timeline.bisect, timeline.first_broken):
        assert search(lambda bank: not bank.frozen) == 2
        with pytest.raises(ZeroDivisionError):
            search(lambda bank: bank.days == 0)
