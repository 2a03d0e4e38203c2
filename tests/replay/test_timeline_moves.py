"""Going through a timeline and changing what it folds.

What belongs here: jumps, skipped and reordered records, forks.  What does not: verification
(`test_verify`), searching for a broken state, and behaviours 198 to 201, which
`test_time_travel_behaviours` pins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refold.errors import LogError
from tests.replay.bank_timelines import BANK, counting_bank, days, short_session, timeline_of
from tests.replay.bank_with_bugs import (
    Bank,
    Deposited,
    Frozen,
    Opened,
    fold_bank,
)

if TYPE_CHECKING:
    from refold.actions.action import Action


@settings(max_examples=25)
@given(st.integers(0, 999), st.lists(st.integers(0, 30), min_size=1, max_size=8))
def test_a_state_is_the_fold_of_the_actions_before_it(seed: int, asked: list[int]) -> None:
    """`at`, `jump` and `step` give what folding n actions gives, asked in any order."""
    session = short_session(seed)
    timeline = timeline_of(session)
    for seq in asked:
        expected = fold_bank(session[:seq], BANK)
        assert timeline.at(seq) == timeline.jump(seq) == timeline.state == expected
        assert timeline.seq == seq
        assert timeline.step() == fold_bank(session[: seq + 1], BANK)
        assert timeline.step(-100) == Bank()


@settings(max_examples=25)
@given(st.integers(0, 999), st.lists(st.integers(1, 30), min_size=1, max_size=4), st.booleans())
def test_a_skipped_record_is_as_if_it_never_was(seed: int, skips: list[int], sweep: bool) -> None:  # noqa: FBT001  # drawn
    """Skipping folds as without the records, before and after a sweep; taking back undoes it."""
    session = short_session(seed)
    timeline = timeline_of(session)
    whole = timeline.at(30)
    timeline.skip(*skips)
    left = [one for seq, one in enumerate(session, 1) if seq not in skips]
    if sweep:
        timeline.sweep()
        assert len(timeline.seqs) == len(left)
        assert timeline.skipped == frozenset()
    assert [action for _, action in timeline.actions()] == left
    assert timeline.at(timeline.head) == fold_bank(left, BANK)
    if not sweep:
        timeline.unskip(*skips)
        assert timeline.at(30) == whole


@settings(max_examples=25)
@given(st.integers(0, 999), st.integers(1, 30), st.none() | st.integers(1, 30))
def test_a_reordered_record_is_folded_at_its_new_place(
    seed: int, moved: int, before: int | None
) -> None:
    """The line is the naive list with the record moved, and every state is its fold."""
    session = short_session(seed)
    timeline = timeline_of(session)
    timeline.at(30)
    timeline.reorder(moved, before=before)
    naive = list(range(1, 31))
    if moved != before:
        naive.remove(moved)
        naive.insert(29 if before is None else naive.index(before), moved)
    assert timeline.seqs == naive
    for place, seq in enumerate(naive, 1):
        assert timeline.at(seq) == fold_bank([session[s - 1] for s in naive[:place]], BANK)


@settings(max_examples=25)
@given(st.integers(0, 999), st.integers(0, 30), st.integers(1, 30))
def test_a_fork_leaves_the_original_whole(seed: int, forked_at: int, skipped: int) -> None:
    """Whatever is done to a fork, or to the original, the other does not notice."""
    session = short_session(seed)
    timeline = timeline_of(session)
    twin, part = timeline.fork(), timeline.fork(forked_at)
    assert part.seqs == list(range(1, forked_at + 1))
    part.append(Deposited("a", 7))
    assert part.at(part.head) == fold_bank([*session[:forked_at], Deposited("a", 7)], BANK)
    twin.skip(skipped)
    twin.sweep()
    twin.reset()
    assert timeline.seqs == list(range(1, 31))
    assert timeline.skipped == frozenset()
    assert timeline.at(30) == fold_bank(session, BANK)
    timeline.reset()
    assert part.head == 31
    assert timeline.head == 0


def test_a_jump_folds_less_than_the_distance_of_two_keyframes() -> None:
    """With keyframes in place no jump folds 500 actions, and a sweep keeps them."""
    folded, reducer = counting_bank()
    timeline = timeline_of(days(3000), reducer)
    timeline.at(3000)
    for seq in (1, 2999, 499, 1750, 2500):
        folded.clear()
        timeline.jump(seq)
        assert len(folded) < 500
    timeline.skip(2999)
    timeline.at(3000)
    timeline.sweep()
    folded.clear()
    assert timeline.at(3000).days == 2999
    assert folded == []


def test_leaving_the_line_is_refused_and_changes_nothing() -> None:
    """A seq that is not there is refused; steps stop at the ends."""
    timeline = timeline_of([Opened("a"), Opened("b")])
    timeline.jump(1)
    for seq in (-1, 3):
        with pytest.raises(LogError):
            timeline.jump(seq)
        with pytest.raises(LogError):
            timeline.skip(seq)
        with pytest.raises(LogError):
            timeline.reorder(seq, before=1)
    assert timeline.seq == 1
    assert timeline.step(5) == timeline.at(2)
    timeline.skip(2)
    timeline.sweep()
    assert timeline.seq == 1
    with pytest.raises(LogError, match="seq 2 is not in the timeline: it was swept or committed"):
        timeline.at(2)


def test_an_index_error_of_a_reducer_is_no_end_of_the_log() -> None:
    """Whatever a reducer raises is its failure, also what sequences raise beyond their end."""

    def reducer(state: Bank | None, action: Action) -> Bank:
        if isinstance(action, Frozen):
            raise IndexError
        return BANK(state, action)

    with pytest.raises(IndexError):
        timeline_of([Opened("a"), Frozen("a")], reducer).at(2)


def test_a_diff_names_the_parts_that_differ() -> None:
    """Two states anywhere are compared, in both directions."""
    timeline = timeline_of([Opened("a"), Deposited("a", 5), Opened("b")])
    assert [one.path for one in timeline.diff(1, 3)] == [
        "accounts['a']",
        "accounts['b']",
        "should_hold",
    ]
    assert [one.new for one in timeline.diff(2, 1)] == [0, 0]
    assert timeline.diff(2, 2) == []
