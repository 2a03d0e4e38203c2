"""Questions about a ledger: how long a player waits, what came last, and both from a root."""

from __future__ import annotations

from typing import Any, cast

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refold.actions.ledger import (
    SetPlayerWaitTimerStartMs,
    SetPlayerWaitTimerStopMsAndResetProgress,
)
from refold.reducers.ledger_config import LedgerConfig
from refold.reducers.ledger_state import LedgerState
from refold.selectors.ledger import (
    select_active_focus,
    select_current_explanation,
    select_cursor,
    select_health_badges,
    select_latest_events,
    select_ledger,
    select_mode,
    select_pinned_focus,
    select_session_id,
    select_speed,
    select_tick_display,
    select_wait_progress,
)
from tests.ledger.ledger_scene import fold, ledger_of

READERS = {
    "active_focus": select_active_focus,
    "current_explanation": select_current_explanation,
    "cursor": select_cursor,
    "health_badges": select_health_badges,
    "ledger": select_ledger,
    "mode": select_mode,
    "pinned_focus": select_pinned_focus,
    "session_id": select_session_id,
    "speed": select_speed,
    "tick_display": select_tick_display,
}


@attrs.frozen
class Root:
    """A root that holds a ledger among other things."""

    other: int
    debugger: LedgerState


def debugger_of(root: Root) -> LedgerState:
    """Return the ledger of a root."""
    return root.debugger


def waiting(*, most: float = 4.0) -> LedgerState:
    """Return a ledger where a player waits since 10,000 ms."""
    return fold(SetPlayerWaitTimerStartMs(10_000), config=LedgerConfig(max_wait_seconds=most))


@pytest.mark.parametrize(
    ("now_ms", "value", "seconds"),
    [
        (10_000, 0.0, 0.0),
        (10_049, 0.01225, 0.0),
        (10_060, 0.015, 0.1),
        (11_234, 0.3085, 1.2),
        (12_000, 0.5, 2.0),
        (13_999, 0.99975, 4.0),
        (14_000, 1.0, 4.0),
        (14_001, 1.0, 4.0),
        (99_000_000, 1.0, 4.0),
        (9_999, 0.0, 0.0),
        (0, 0.0, 0.0),
        (-(10**40), 0.0, 0.0),
        (10**40, 1.0, 4.0),
    ],
)
def test_a_wait_shows_its_part_and_its_tenths(now_ms: int, value: float, seconds: float) -> None:
    """A wait is clamped to 0 and 4 s; a start in the future counts as 0; one decimal is shown."""
    bar = select_wait_progress(waiting(), now_ms)
    assert bar.value_0_1 == pytest.approx(value)
    assert bar.seconds_display == seconds


def test_nobody_waits_before_a_start_or_after_a_stop() -> None:
    """Without a start, or after a stop, nothing is shown."""
    stopped = fold(
        SetPlayerWaitTimerStartMs(10_000), SetPlayerWaitTimerStopMsAndResetProgress(11_000)
    )
    for state in (fold(), stopped):
        bar = select_wait_progress(state, 12_000)
        assert (bar.value_0_1, bar.seconds_display) == (0.0, 0.0)


def test_a_second_wait_begins_at_nothing() -> None:
    """A start after a stop, or in the middle of a wait, counts from itself."""
    stop = SetPlayerWaitTimerStopMsAndResetProgress(11_000)
    for between in ([stop], []):
        state = fold(SetPlayerWaitTimerStartMs(10_000), *between, SetPlayerWaitTimerStartMs(13_000))
        assert select_wait_progress(state, 14_000).seconds_display == 1.0


def test_the_greatest_wait_can_be_configured() -> None:
    """The bar is full where the ledger's configuration says."""
    assert select_wait_progress(waiting(most=10), 15_000).value_0_1 == 0.5
    assert select_wait_progress(waiting(most=0.5), 15_000).seconds_display == 0.5


@given(most=st.floats(0.001, 100), now_ms=st.integers(0, 200_000))
def test_no_more_seconds_are_shown_than_where_the_bar_is_full(most: float, now_ms: int) -> None:
    """The display is to a tenth, and rounding does not lead beyond the greatest wait."""
    bar = select_wait_progress(waiting(most=most), now_ms)
    assert 0.0 <= bar.value_0_1 <= 1.0
    assert 0.0 <= bar.seconds_display <= most


@pytest.mark.parametrize(
    ("count", "ids"),
    [(0, []), (1, ["e4"]), (3, ["e2", "e3", "e4"]), (9, ["e0", "e1", "e2", "e3", "e4"])],
)
def test_the_latest_events_come_oldest_first(count: int, ids: list[str]) -> None:
    """As many as asked for, or all; the last of them is the newest."""
    assert [event.id for event in select_latest_events(ledger_of(5), count)] == ids


@given(length=st.integers(0, 12), count=st.integers(0, 14))
def test_the_latest_events_are_the_end_of_the_ledger(length: int, count: int) -> None:
    """They equal a slice of the whole ledger."""
    state = ledger_of(length)
    assert select_latest_events(state, count) == tuple(state.ledger)[max(length - count, 0) :]


@pytest.mark.parametrize("name", READERS)
def test_a_field_is_given_as_it_is_also_from_a_root(name: str) -> None:
    """Each selector gives the very object of its field; `at` lifts it to a root."""
    state = ledger_of(2)
    select = READERS[name]
    wanted: object = getattr(state, name)
    assert select(state) is wanted
    lifted: Any = cast("Any", select).at(debugger_of)
    assert lifted(Root(1, state)) is wanted


def test_selectors_with_arguments_can_be_lifted() -> None:
    """What a selector takes beside the state stays after it is lifted."""
    root = Root(1, fold(SetPlayerWaitTimerStartMs(10_000)))
    progress = select_wait_progress.at(debugger_of)
    assert progress(root, 12_000).value_0_1 == 0.5
    latest = select_latest_events.at(debugger_of)
    assert latest(Root(1, ledger_of(3)), 1)[0].id == "e2"
