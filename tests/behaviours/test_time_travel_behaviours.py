"""Behaviours 198 to 201: time travel, in a log folded again and in a running store's history.

What belongs here: what is folded and what is kept.  What does not: single jumps and forks
(`test_timeline_moves`), undo and redo.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pyrsistent import pset

from refold.errors import LogError
from refold.replay.live_timeline import LiveTimeline
from tests.replay.bank_timelines import BANK, counting_bank, days, timeline_of
from tests.replay.bank_with_bugs import (
    Bank,
    DayEnded,
    Deposited,
    Frozen,
    Opened,
    Withdrawn,
    fold_bank,
    make_bank,
)

if TYPE_CHECKING:
    from refold.actions.action import Action

RAISING = "raises when frozen"


def test_b198_only_what_comes_after_a_change_is_folded_again() -> None:
    """Skipping, taking in again and reordering fold again only from the first change on."""
    folded, reducer = counting_bank()
    timeline = timeline_of(days(2000), reducer)
    timeline.jump(2000)
    assert len(folded) == 2000
    folded.clear()
    timeline.skip(1501)
    timeline.jump(2000)
    assert len(folded) == 499
    folded.clear()
    timeline.unskip(1501)
    timeline.reorder(1801, before=None)
    timeline.jump(1801)
    assert len(folded) == 500
    folded.clear()
    timeline.reorder(1801, before=1)
    timeline.jump(1)
    assert len(folded) == 2


def test_b198_jumping_and_looking_fold_nothing_again() -> None:
    """A jump to a kept state and every question about the line itself fold no action."""
    folded, reducer = counting_bank()
    live = LiveTimeline(timeline_of(days(2000), reducer))
    timeline = live.timeline
    folded.clear()
    for seq in (2000, 1500, 1000, 0):
        timeline.jump(seq)
    _ = timeline.seqs, timeline.head, timeline.skipped, timeline.failure, timeline.interrupted
    timeline.skip()
    timeline.reorder(7, before=7)
    timeline.sweep()
    live.is_locked = True
    live.pause()
    live.resume()
    timeline.fork().jump(0)
    assert folded == []


def test_b199_commit_makes_the_present_the_base_and_rollback_returns_to_it() -> None:
    """Commit forgets the records and keeps the state; rollback forgets what came since."""
    timeline = timeline_of([Opened("a"), Deposited("a", 5), Deposited("a", 9)])
    timeline.jump(2)
    timeline.commit()
    assert (timeline.seqs, timeline.start.should_hold, timeline.seq) == ([], 5, 2)
    added = timeline.append(Deposited("a", 30))
    assert timeline.jump(added).should_hold == 35
    timeline.rollback()
    assert (timeline.seqs, timeline.state.should_hold) == ([], 5)
    added = timeline.append(Deposited("a", 2))
    assert timeline.jump(added).should_hold == 7


def test_b199_reset_returns_to_the_very_first_state() -> None:
    """Reset forgets all records and every commit, but not the log."""
    timeline = timeline_of([Opened("a"), Deposited("a", 5)])
    timeline.jump(2)
    timeline.commit()
    timeline.append(DayEnded())
    timeline.reset()
    assert (timeline.seqs, timeline.seq, timeline.state) == ([], 0, Bank())
    timeline.verify()


def test_b199_sweep_drops_skipped_actions() -> None:
    """Swept records cannot be taken in again, and no state changes."""
    timeline = timeline_of([Opened("a"), Deposited("a", 5), Deposited("a", 9)])
    timeline.skip(2)
    before = timeline.at(3)
    timeline.sweep()
    assert (timeline.seqs, timeline.skipped, timeline.at(3)) == ([1, 3], frozenset(), before)
    with pytest.raises(LogError, match="seq 2 is not in the timeline: it was swept"):
        timeline.at(2)


def test_b199_the_oldest_are_committed_but_not_past_a_failure() -> None:
    """What is committed keeps every later state, and stops before a record that raised."""
    session: list[Action] = [Opened("a"), Deposited("a", 5), Frozen("a"), Withdrawn("a", 1)]
    timeline = timeline_of([*session, DayEnded()], make_bank(RAISING))
    timeline.commit_oldest(keep=3)
    assert timeline.seqs == [3, 4, 5]
    assert timeline.at(3) == fold_bank(session[:3], BANK)
    timeline.commit_oldest(keep=0)
    assert timeline.seqs == [4, 5]
    assert timeline.start == timeline.state == fold_bank(session[:3], BANK)


def test_b199_max_age_commits_the_oldest_at_each_new_action() -> None:
    """A bounded history keeps its newest records, and the start takes the others in."""
    live = LiveTimeline(timeline_of([Opened("a")]), max_age=3)
    for amount in (1, 2, 3, 4):
        live.append(Deposited("a", amount))
    assert live.timeline.seqs == [3, 4, 5]
    assert live.timeline.start.should_hold == 1
    assert live.state.should_hold == 10


def test_b199_max_age_never_commits_an_action_that_raised() -> None:
    """The history grows beyond its bound from an error on, until the error is healed."""
    live = LiveTimeline(timeline_of([Opened("a"), Frozen("a")], make_bank(RAISING)), max_age=2)
    for action in [Withdrawn("a", 1), DayEnded(), DayEnded(), DayEnded()]:
        live.append(action)
    assert live.timeline.seqs == [3, 4, 5, 6]
    assert live.timeline.failure is not None
    live.replace_reducer(BANK)
    live.append(DayEnded())
    assert live.timeline.seqs == [6, 7]
    assert live.state.days == 4


def test_b200_an_error_stands_at_its_entry_and_later_entries_are_marked() -> None:
    """The record that raised has the error; those after it, in the present order, are told."""
    session: list[Action] = [Opened("a"), Frozen("a"), Withdrawn("a", 1), DayEnded(), DayEnded()]
    timeline = timeline_of(session, make_bank(RAISING))
    assert (timeline.failure, timeline.interrupted) == (None, [])
    for seq in (3, 4, 3):
        with pytest.raises(ZeroDivisionError):
            timeline.at(seq)
    assert timeline.failure is not None
    assert (timeline.failure.seq, timeline.interrupted) == (3, [4, 5])
    assert len(timeline.failure.error.__notes__) == 1
    assert timeline.at(2).frozen == pset({"a"})
    timeline.reorder(5, before=1)
    assert timeline.go_to_end().days == 1
    assert timeline.interrupted == [4]


def test_b200_a_replaced_reducer_that_fixes_it_heals_them() -> None:
    """Without the error no record is marked; leaving the record out heals a fork as well."""
    session: list[Action] = [Opened("a"), Frozen("a"), Withdrawn("a", 1), DayEnded()]
    live = LiveTimeline(timeline_of(session, make_bank(RAISING)))
    assert (live.state.frozen, live.state.days) == (pset({"a"}), 0)
    skipping = live.timeline.fork()
    skipping.skip(3)
    assert (skipping.failure, skipping.at(4).days) == (None, 1)
    assert live.timeline.interrupted == [4]
    live.replace_reducer(BANK)
    assert (live.timeline.failure, live.timeline.interrupted) == (None, [])
    assert live.state.days == 1


def test_b200_an_action_that_raises_in_a_running_store_is_kept_as_its_entry() -> None:
    """Appending records the action and its error, and the state stays the one before."""
    live = LiveTimeline(timeline_of([Opened("a"), Frozen("a")], make_bank(RAISING)))
    before = live.state
    assert live.append(Withdrawn("a", 1)) == 3
    assert live.append(DayEnded()) == 4
    assert live.timeline.failure is not None
    assert live.timeline.failure.seq == 3
    assert live.state is before


def test_b201_an_imported_log_is_folded_and_replaces_the_history() -> None:
    """After an import nothing of the former history is left, and all is folded by its reducer."""
    folded, reducer = counting_bank()
    live = LiveTimeline(timeline_of([Opened("a")], reducer))
    other = timeline_of([Opened("b"), Deposited("b", 5)])
    folded.clear()
    live.import_log(other)
    assert len(folded) == 2
    assert live.state == fold_bank([Opened("b"), Deposited("b", 5)], BANK)
    live.append(DayEnded())
    assert (live.timeline.seqs, other.seqs) == ([1, 2, 3], [1, 2])
    live.timeline.reset()
    assert live.state == Bank()


def test_b201_an_imported_log_can_be_taken_without_recomputing() -> None:
    """The states that the imported history knows are taken as they are; new actions are folded."""
    folded, reducer = counting_bank()
    live = LiveTimeline(timeline_of([], reducer))
    other = timeline_of(days(700), make_bank())
    other.jump(700)
    live.import_log(other, recompute=False)
    assert (live.state.days, folded) == (700, [])
    live.append(DayEnded())
    assert (live.state.days, len(folded)) == (701, 1)


def test_b201_an_imported_log_whose_reducer_raises_shows_its_error() -> None:
    """An import that cannot be folded to its end stands before the record that raised."""
    live = LiveTimeline(timeline_of([], make_bank(RAISING)))
    live.import_log(timeline_of([Opened("a"), Frozen("a"), Withdrawn("a", 1), DayEnded()]))
    assert (live.timeline.seq, live.timeline.interrupted) == (2, [4])
    assert live.state.frozen == pset({"a"})


def test_b201_a_locked_history_refuses_new_actions() -> None:
    """Locked, nothing happens and the error says what to do; going about is still allowed."""
    live = LiveTimeline(timeline_of([Opened("a"), DayEnded()]))
    live.is_locked = True
    with pytest.raises(LogError, match="locked, so bank/day_ended did not happen; set is_locked"):
        live.append(DayEnded())
    assert live.timeline.seqs == [1, 2]
    live.timeline.jump(1)
    assert live.state.days == 0
    live.is_locked = False
    assert live.append(DayEnded()) == 3


def test_b201_while_paused_no_action_is_recorded_but_the_application_goes_on() -> None:
    """The state changes and the history does not; resuming, it begins anew from that state."""
    live = LiveTimeline(timeline_of([Opened("a"), DayEnded()]))
    live.pause()
    assert (live.append(DayEnded()), live.append(DayEnded())) == (None, None)
    assert live.is_paused
    assert live.state.days == 3
    assert (live.timeline.seqs, live.timeline.at(2).days) == ([1, 2], 1)
    live.resume()
    assert (live.timeline.seqs, live.state.days, live.is_paused) == ([], 3, False)
    assert live.append(DayEnded()) == 3
    assert (live.timeline.seqs, live.state.days) == ([3], 4)
    live.timeline.rollback()
    assert live.state.days == 3


def test_b201_a_pause_in_which_nothing_happened_keeps_the_history() -> None:
    """Resuming from the state that was paused forgets no record."""
    live = LiveTimeline(timeline_of(days(3)))
    live.pause()
    live.resume()
    assert (live.timeline.seqs, live.state.days) == ([1, 2, 3], 3)


def test_b201_an_action_that_raises_while_paused_changes_nothing() -> None:
    """The error of the reducer passes through, and the state is the one before."""
    live = LiveTimeline(timeline_of([Opened("a"), Frozen("a")], make_bank(RAISING)))
    live.pause()
    live.append(DayEnded())
    with pytest.raises(ZeroDivisionError):
        live.append(Withdrawn("a", 1))
    assert live.state.days == 1
