"""`LiveTimeline`: a history that grows, against the naive list of what happened.

What belongs here: properties and bounds.  What does not: the single behaviours, which
`test_time_travel_behaviours` pins.
"""

from __future__ import annotations

import gc

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refold.errors import LogError
from refold.replay.live_timeline import LiveTimeline
from tests.replay.bank_timelines import BANK, counting_bank, days, short_session, timeline_of
from tests.replay.bank_with_bugs import DayEnded, fold_bank, random_session


@settings(max_examples=30)
@given(st.integers(0, 999), st.integers(1, 40), st.integers(0, 60))
def test_a_bounded_history_is_the_end_of_the_whole_one(seed: int, max_age: int, count: int) -> None:
    """Each kept state is the fold of all actions up to it; only the last max_age are kept."""
    recorded, more = short_session(seed), random_session(seed + 1, max(count, 1))[:count]
    live = LiveTimeline(timeline_of(recorded), max_age=max_age)
    for number, action in enumerate(more, len(recorded) + 1):
        assert live.append(action) == number
        assert live.state == live.timeline.at(number)
    whole = [*recorded, *more]
    kept = live.timeline.seqs
    assert kept == list(range(1, len(whole) + 1))[-max_age if more else 0 :]
    for seq in kept:
        assert live.timeline.at(seq) == fold_bank(whole[:seq], BANK)


@settings(max_examples=20)
@given(st.integers(0, 999), st.lists(st.integers(0, 45), min_size=1, max_size=6))
def test_who_does_not_stand_at_the_end_is_not_moved(seed: int, jumps: list[int]) -> None:
    """New actions move a timeline on only from its end, so looking back is not disturbed."""
    live = LiveTimeline(timeline_of(short_session(seed)))
    for target in jumps:
        head = live.timeline.head
        live.timeline.jump(min(target, head))
        live.append(DayEnded())
        assert live.timeline.seq == (head + 1 if target >= head else target)


def test_an_action_of_a_bounded_history_is_folded_once_and_its_oldest_once() -> None:
    """However long the history, an action costs two folds: the newest and the one committed."""
    folded, reducer = counting_bank()
    live = LiveTimeline(timeline_of(days(3000), reducer), max_age=2000)
    live.append(DayEnded())
    folded.clear()
    for _ in range(50):
        live.append(DayEnded())
    assert len(folded) <= 100


def test_a_bounded_history_forgets_the_actions_that_it_committed() -> None:
    """Memory does not grow with the actions that happened."""
    live = LiveTimeline(timeline_of([]), max_age=10)
    before = count_actions()
    for _ in range(500):
        live.append(DayEnded())
    assert count_actions() - before == 10
    live.timeline.commit()
    assert count_actions() - before == 0
    assert live.append(DayEnded()) == 501
    assert live.state.days == 501


def count_actions() -> int:
    """Return how many days somebody still holds."""
    gc.collect()
    return sum(type(one) is DayEnded for one in gc.get_objects())


def test_a_fork_keeps_what_the_original_forgets() -> None:
    """The actions that one of two timelines committed are still there for the other."""
    live = LiveTimeline(timeline_of(days(2)))
    for _ in range(5):
        live.append(DayEnded())
    fork = live.timeline.fork()
    live.timeline.commit_oldest(1)
    assert live.append(DayEnded()) == 8
    assert fork.at(7).days == 7
    assert [seq for seq, _ in fork.actions()] == [1, 2, 3, 4, 5, 6, 7]
    assert fork.append(DayEnded()) == 8
    live.timeline.reset()
    assert fork.at(8).days == 8


def test_a_fork_of_a_history_that_forgot_goes_on_with_its_numbers() -> None:
    """A fork appends with the next seq, also after the first actions were forgotten."""
    live = LiveTimeline(timeline_of(days(2)), max_age=2)
    for _ in range(5):
        live.append(DayEnded())
    fork = live.timeline.fork()
    assert fork.append(DayEnded()) == 8
    assert (fork.at(8).days, live.timeline.head) == (8, 7)
    with pytest.raises(LogError, match="no record with the seq 4"):
        fork.why(4)


@pytest.mark.parametrize("max_age", [0, -1])
def test_a_bound_below_one_is_refused(max_age: int) -> None:
    """A history that could keep nothing says what was expected."""
    with pytest.raises(LogError, match=f"1 or more, got {max_age}"):
        LiveTimeline(timeline_of([]), max_age=max_age)


def test_a_reducer_replaced_without_recomputing_folds_only_what_is_new() -> None:
    """States that were known stay as the old reducer made them."""
    live = LiveTimeline(timeline_of(days(3)))
    base, (folded, counting) = live.state, counting_bank()
    live.replace_reducer(counting, recompute=False)
    assert live.state is base
    live.append(DayEnded())
    assert (len(folded), live.state) == (1, attrs.evolve(base, days=4))
    live.replace_reducer(counting)
    assert len(folded) == 5
