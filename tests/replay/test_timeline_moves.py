"""Going through a timeline and changing what it folds; behaviours 198 to 200.

What belongs here: jumps, skipped and reordered records, forks, new starts, failures.  What does
not: searching for a broken state.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refold.errors import LogError, ReplayMismatchError
from refold.middleware.record import record
from refold.replay.replay import replay
from refold.store.store import Store
from tests.replay.bank_with_bugs import (
    Bank,
    DayEnded,
    Deposited,
    Frozen,
    Opened,
    Renamed,
    Withdrawn,
    fold_bank,
    make_bank,
    random_session,
    record_bank,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from refold.actions.action import Action
    from refold.replay.timeline import Timeline

BANK = make_bank()


def short_session(seed: int) -> list[Action]:
    """Return a session of 30 actions."""
    return random_session(seed, 30)


def timeline_of(
    actions: list[Action], reducer: Callable[[Any, Any], Bank] = BANK
) -> Timeline[Bank]:
    """Return the timeline of a run, read into memory, folded by some reducer."""
    with tempfile.TemporaryDirectory() as folder:
        timeline = record_bank(Path(folder, "log"), actions)
        assert timeline.head == len(actions)
    timeline.replace_reducer(reducer)
    return timeline


def counting() -> tuple[list[Action], Callable[[Any, Any], Bank]]:
    """Return a list, and a reducer that adds each action that it folds."""
    folded: list[Action] = []

    def reducer(state: Bank | None, action: Action) -> Bank:
        if state is None:
            return Bank()
        folded.append(action)
        return BANK(state, action)

    return folded, reducer


def days(count: int) -> list[Action]:
    """Return so many days."""
    return [DayEnded() for _ in range(count)]


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


def test_only_what_comes_after_a_change_is_folded_again() -> None:
    """198: toggling or reordering refolds from the change on, jumping to a known state nothing."""
    folded, reducer = counting()
    timeline = timeline_of(days(2000), reducer)
    timeline.jump(2000)
    assert len(folded) == 2000
    folded.clear()
    timeline.jump(1500)
    timeline.jump(1000)
    _ = timeline.seqs, timeline.head, timeline.skipped
    assert folded == []
    timeline.skip(1501)
    timeline.jump(2000)
    assert len(folded) == 499
    folded.clear()
    timeline.unskip(1501)
    timeline.reorder(1801, before=None)
    timeline.jump(1801)
    assert len(folded) == 500
    folded.clear()
    timeline.jump(1500)
    assert folded == []


def test_a_jump_folds_less_than_the_distance_of_two_keyframes() -> None:
    """With keyframes in place no jump folds 500 actions, and a sweep keeps them."""
    folded, reducer = counting()
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


def test_commit_rollback_and_reset() -> None:
    """199: commit makes the present the base, rollback returns to it, reset to the very first."""
    timeline = timeline_of([Opened("a"), Deposited("a", 5), Deposited("a", 9)])
    timeline.jump(2)
    timeline.commit()
    assert (timeline.seqs, timeline.start.should_hold, timeline.seq) == ([], 5, 2)
    added = timeline.append(Deposited("a", 30))
    assert timeline.jump(added).should_hold == 35
    timeline.rollback()
    assert (timeline.seqs, timeline.state.should_hold) == ([], 5)
    timeline.reset()
    assert (timeline.seqs, timeline.state) == ([], Bank())
    timeline.verify()


def test_the_oldest_are_committed_but_not_past_a_failure() -> None:
    """199: what is committed keeps every later state, and stops before a record that raised."""
    session: list[Action] = [Opened("a"), Deposited("a", 5), Frozen("a"), Withdrawn("a", 1)]
    timeline = timeline_of([*session, DayEnded()], make_bank("raises when frozen"))
    timeline.commit_oldest(keep=3)
    assert timeline.seqs == [3, 4, 5]
    assert timeline.at(3) == fold_bank(session[:3], BANK)
    timeline.commit_oldest(keep=0)
    assert timeline.seqs == [4, 5]
    assert timeline.start == timeline.state == fold_bank(session[:3], BANK)


def test_a_failure_is_recorded_and_healed() -> None:
    """200: an error stands at its record, later ones are interrupted, another reducer heals."""
    session: list[Action] = [Opened("a"), Frozen("a"), Withdrawn("a", 1), DayEnded()]
    timeline = timeline_of(session, make_bank("raises when frozen"))
    assert timeline.failure is None
    for seq in (3, 4, 3):
        with pytest.raises(ZeroDivisionError):
            timeline.at(seq)
    assert timeline.failure is not None
    assert timeline.failure.seq == 3
    assert len(timeline.failure.error.__notes__) == 1
    assert timeline.at(2).frozen == {"a"}
    skipping = timeline.fork()
    skipping.skip(3)
    assert skipping.failure is None
    assert skipping.at(4).days == 1
    timeline.replace_reducer(BANK)
    assert timeline.failure is None
    assert timeline.at(4).days == 1


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


async def test_verifying_names_the_record_and_path_of_an_impure_reducer(tmp_path: Path) -> None:
    """A reducer with a memory of its own is found at its first record, with the part below."""
    calls: list[int] = []

    def impure(state: Bank | None, action: Action) -> Bank:
        following = BANK(state, action)
        if isinstance(action, Deposited):
            calls.append(1)
            return BANK(following, Deposited(action.name, len(calls)))
        return following

    session: list[Action] = [DayEnded(), Opened("a"), Deposited("a", 5), DayEnded(), DayEnded()]
    async with Store(impure, middleware=[record(tmp_path / "log")]) as store:
        for one in session:
            store.dispatch(one)
    with pytest.raises(ReplayMismatchError) as caught:
        replay(tmp_path / "log", impure).verify()
    assert (caught.value.seq, caught.value.path) == (3, "Bank.accounts['a']")
    assert "seq 3 (bank/deposited) twice" in str(caught.value)


async def test_verifying_tells_what_a_changed_reducer_changed(tmp_path: Path) -> None:
    """Of a reducer that is only another one, the field is sure and the parts are candidates."""
    async with Store(make_bank(), middleware=[record(tmp_path / "log")]) as store:
        for one in [Opened("a"), Opened("b"), Deposited("a", 5), Renamed("a", "b")]:
            store.dispatch(one)
    with pytest.raises(ReplayMismatchError) as caught:
        replay(tmp_path / "log", make_bank("renaming loses the other")).verify()
    assert (caught.value.seq, caught.value.path) == (4, "Bank.accounts")
    assert "the replay changed Bank.accounts['b']" in str(caught.value)


async def test_an_edited_timeline_verifies_the_log(tmp_path: Path) -> None:
    """Skipped records do not make a log wrong."""
    async with Store(make_bank(), middleware=[record(tmp_path / "log")]) as store:
        store.dispatch(DayEnded())
    timeline = replay(tmp_path / "log", make_bank())
    timeline.skip(1)
    assert timeline.at(1).days == 0
    timeline.verify()
