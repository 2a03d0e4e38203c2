"""`blame` and `why`: which record changed a part of the state, and what led to it.

What belongs here: both questions.  What does not: how a cause gets into the log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refold.errors import LogError
from refold.middleware.record import record
from refold.replay.blame_causes import cause_chain
from refold.replay.blame_path import part_at, split_path
from refold.replay.changed_paths import changed_paths
from refold.replay.log_record import LogRecord
from refold.replay.replay import replay
from refold.store.store import Store
from tests.replay.bank_timelines import BANK, timeline_of
from tests.replay.bank_with_bugs import (
    Bank,
    DayEnded,
    Deposited,
    Opened,
    fold_bank,
    make_bank,
    random_session,
)
from tests.strategies.observatory_reducer import make_observatory
from tests.strategies.observatory_strategies import actions as observatory_actions

if TYPE_CHECKING:
    from pathlib import Path

    from refold.actions.action import Action
    from tests.strategies.observatory_states import Observatory

PATHS = ["accounts['a']", "accounts", "frozen", "should_hold", "days", "accounts['never']", ""]


@settings(max_examples=25)
@given(st.integers(0, 999), st.sampled_from(PATHS))
def test_the_blamed_record_is_the_last_that_changed_the_part(seed: int, path: str) -> None:
    """It is the last one with a difference at the path, found in the simplest way."""
    session = random_session(seed, 40)
    steps = split_path(path)
    parts = [part_at(fold_bank(session[:seq], BANK), steps) for seq in range(41)]
    changes = [seq for seq in range(1, 41) if parts[seq] != parts[seq - 1]]
    blamed = timeline_of(session).blame(path)
    assert (blamed and blamed.seq) == (changes[-1] if changes else None)


def test_a_change_long_ago_is_found() -> None:
    """Many records and keyframes later, and through a change there and back, it is still found."""
    session: list[Action] = [Opened("a"), *[DayEnded() for _ in range(1200)], Deposited("a", 5)]
    timeline = timeline_of(session)
    assert [r.seq for r in [timeline.blame("accounts['a']"), timeline.blame("days")] if r] == [
        1202,
        1201,
    ]
    timeline.skip(1202)
    blamed = timeline.blame("accounts['a']")
    assert blamed is not None
    assert blamed.name == "bank/opened"


@pytest.mark.parametrize("path", ["account", "days.more", "accounts['a'].held", "accounts.a"])
def test_a_path_that_no_state_has_is_refused(path: str) -> None:
    """A field that is not there is a slip of the pen, not a part that never changed."""
    with pytest.raises(LogError, match="there is no field"):
        timeline_of([Opened("a")]).blame(path)


@pytest.mark.parametrize("path", ["accounts[", ".days", "days..x", "accounts['a]", "a b"])
def test_a_text_that_is_no_path_is_refused(path: str) -> None:
    """The error shows the character from which on it is none."""
    with pytest.raises(LogError, match="is no path from its character"):
        split_path(path)


def test_a_key_into_a_number_is_refused() -> None:
    """What has no entries cannot be asked for one."""
    with pytest.raises(LogError, match=r"\[0\] leads nowhere: int has no such entries"):
        part_at(Bank(), split_path("days[0]"))


@given(st.lists(observatory_actions, max_size=8))
def test_every_path_of_a_change_leads_to_what_changed(session: list[Action]) -> None:
    """The paths that `changed_paths` writes are read back, whatever keys the state has."""
    old = new = make_observatory().initial
    for one in session:
        new = _fold_observatory(new, one)
    for change in changed_paths(old, new):
        steps = split_path(change.path)
        assert part_at(new, steps) is change.new
        assert part_at(old, steps) is change.old


def _fold_observatory(state: Observatory, one: Action) -> Observatory:
    try:
        return make_observatory()(state, one)
    except Exception:  # noqa: BLE001  # one of its actions always raises
        return state


def test_why_names_what_led_to_a_record(tmp_path: Path) -> None:
    """A chain of dispatches in subscribers is told from the record back to what began it."""
    store = Store(make_bank(), middleware=[record(tmp_path / "log")])
    answers = [Deposited("a", 1), Deposited("a", 2)]
    store.subscribe(lambda: store.dispatch(answers.pop(0)) if answers else None)
    store.dispatch(Opened("a"))
    store.dispatch(DayEnded())
    timeline = replay(tmp_path / "log", make_bank())
    assert [one.seq for one in timeline.why(3)] == [3, 2, 1]
    assert [one.seq for one in timeline.why(4)] == [4]
    with pytest.raises(LogError, match="no record with the seq 5"):
        timeline.why(5)
    timeline.append(DayEnded())
    assert [(one.seq, one.name, one.origin) for one in timeline.why(5)] == [
        (5, "bank/day_ended", "app")
    ]


def test_a_chain_ends_where_the_log_does() -> None:
    """A cause that is not in the log ends the chain, and so does one that was told before."""
    first = LogRecord(1, "w-1", "bank/day_ended", 1, None, "elsewhere-9", "app", {})
    own = LogRecord(2, "w-2", "bank/day_ended", 1, None, "w-2", "app", {})
    assert cause_chain(first, [first, own]) == [first]
    assert cause_chain(own, [first, own]) == [own]
