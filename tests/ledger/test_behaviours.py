"""The behaviours, edge cases and anti-behaviours of the state store's documents, one by one."""

from __future__ import annotations

import math
from typing import get_args

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refold.actions.ledger import (
    FlowEvent,
    SetLocalPause,
    SetModeAndResetBuffersIfNeeded,
    SetPlayerWaitTimerStartMs,
    SetPlayerWaitTimerStopMsAndResetProgress,
    SetSpeedAndUpdateNominalTickInterval,
    SetTickDisplayProgress01,
    Speed,
)
from refold.reducers.ledger import ledger_reducer
from refold.reducers.ledger_state import ActiveFocus, CurrentExplanation, LedgerState
from refold.selectors.ledger import select_ledger, select_tick_display, select_wait_progress
from refold.selectors.ledger_export import parse_ledger_jsonl, serialize_ledger_to_jsonl
from refold.store.store import Store
from tests.ledger.ledger_scene import fold, ledger_of, realtime, step
from tests.strategies.sameness import exactly_same


def test_b1_a_step_changes_highlight_sentence_and_log_together() -> None:
    """B1: whoever watches the store sees one change, with focus, explanation and log entry."""
    store = Store(ledger_reducer)
    seen: list[tuple[str | None, str, int]] = []

    def watch() -> None:
        state = store.state
        focused = state.active_focus.active_node_id
        seen.append((focused, state.current_explanation.sentence, len(state.ledger)))

    store.subscribe(watch)
    store.dispatch(step(0))
    store.dispatch(step(1))
    assert seen == [("n0", "Sentence 0.", 1), ("n1", "Sentence 1.", 2)]


def test_b1_a_step_changes_cursor_and_timer_with_the_rest() -> None:
    """B1: the counters and the timer that a step starts are part of the same commit."""
    state = fold(step(4, wait_timer_action="start"))
    assert (state.cursor, state.commit_id) == (5, 1)
    assert (state.wait_progress.started_at_ms, state.wait_progress.stopped_at_ms) == (4000, None)


def test_b2_the_export_is_exactly_the_ledger() -> None:
    """B2: a copied log has each entry of the store, with its id and its required fields."""
    state = ledger_of(3)
    exported = parse_ledger_jsonl(serialize_ledger_to_jsonl(state))
    assert exactly_same(exported.events, tuple(state.ledger))
    assert [event.id for event in exported.events] == ["e0", "e1", "e2"]
    for event in exported.events:
        assert (event.call_type, event.arrival_index is None) == ("code", False)


def test_b3_the_focus_is_one_node_and_one_edge_until_the_next_release() -> None:
    """B3: what a release focused stays through everything that is no release."""
    state = ledger_of(1)
    wanted = ActiveFocus("n0", "d0", "s0", "FE")
    for action in (
        SetSpeedAndUpdateNominalTickInterval("3x"),
        SetTickDisplayProgress01(0.5),
        SetPlayerWaitTimerStartMs(5),
        SetPlayerWaitTimerStopMsAndResetProgress(6),
        SetLocalPause(local_pause=True),
        SetModeAndResetBuffersIfNeeded("stepper"),
    ):
        state = ledger_reducer(state, action)
        assert state.active_focus == wanted
    state = ledger_reducer(state, step(1))
    assert state.active_focus == ActiveFocus("n1", "d1", "s1", "FE")


@given(started=st.integers(0, 2**60), waited=st.lists(st.integers(0, 10_000), min_size=2))
def test_b4_progress_grows_with_time_up_to_four_seconds(started: int, waited: list[int]) -> None:
    """B4: while no answer came, the bar only grows, and is full after 4.0 s."""
    state = fold(SetPlayerWaitTimerStartMs(started))
    shown = [select_wait_progress(state, started + elapsed) for elapsed in sorted(waited)]
    values = [bar.value_0_1 for bar in shown]
    assert values == sorted(values)
    for elapsed, bar in zip(sorted(waited), shown, strict=True):
        assert (bar.value_0_1 == 1.0) == (elapsed >= 4000)
        assert bar.value_0_1 == pytest.approx(min(elapsed / 4000, 1.0))
        assert bar.seconds_display <= 4.0


@pytest.mark.parametrize("now_ms", [0, 1_000, 2_000, 9_000])
def test_b4_an_answer_stops_and_resets_progress(now_ms: int) -> None:
    """B4: once the answer came the bar is empty, whenever it is looked at."""
    waiting = fold(SetPlayerWaitTimerStartMs(1_000))
    stopped = ledger_reducer(waiting, SetPlayerWaitTimerStopMsAndResetProgress(2_000))
    bar = select_wait_progress(stopped, now_ms)
    assert (bar.value_0_1, bar.seconds_display) == (0.0, 0.0)
    assert stopped.wait_progress.stopped_at_ms == 2_000


def test_b4_a_release_can_bring_the_answer_without_any_time() -> None:
    """B4: a release that stops the wait empties the bar also if nobody knows when it was."""
    timeless = FlowEvent(id="answer")
    state = fold(
        SetPlayerWaitTimerStartMs(1_000), step(0, event=timeless, wait_timer_action="stop")
    )
    assert select_wait_progress(state, 3_000).value_0_1 == 0.0


@pytest.mark.parametrize(
    ("speed", "interval_ms"),
    [("pause", math.inf), ("1x", 1000.0), ("2x", 500.0), ("3x", 1000.0 / 3)],
)
def test_b5_interval_and_label_follow_the_speed(speed: Speed, interval_ms: float) -> None:
    """B5: the nominal interval and the label change with the speed, at once."""
    shown = select_tick_display(fold(SetSpeedAndUpdateNominalTickInterval(speed)))
    assert (shown.nominal_interval_ms, shown.speed_label) == (interval_ms, speed)


def test_b5_every_speed_of_the_documents_is_there() -> None:
    """B5: pause, 1x, 2x and 3x, and no other."""
    assert get_args(Speed) == ("pause", "1x", "2x", "3x")


def test_b5_the_fill_of_the_cron_node_stays_with_the_speed() -> None:
    """B5: the fill is a signal of its own; a new speed does not draw it anew."""
    state = fold(SetTickDisplayProgress01(0.5), SetSpeedAndUpdateNominalTickInterval("pause"))
    assert select_tick_display(state).progress_0_1 == 0.5


def test_e1_rapid_clicks_lose_no_step() -> None:
    """E1: a thousand releases at once, also from inside a subscriber, are all there in order."""
    store = Store(ledger_reducer)

    def click_again() -> None:
        if len(store.state.ledger) % 10 == 1:
            store.dispatch(step(len(store.state.ledger)))

    store.subscribe(click_again)
    while len(store.state.ledger) < 1000:
        store.dispatch(step(len(store.state.ledger)))
    state = store.state
    assert [event.id for event in state.ledger] == [f"e{number}" for number in range(1000)]
    assert [event.arrival_index for event in state.ledger] == list(range(1000))
    assert (state.cursor, state.commit_id) == (1000, 1000)
    assert state.current_explanation == CurrentExplanation("Sentence 999.", "Notes 999.")


@given(times=st.lists(st.none() | st.integers(), max_size=20))
def test_e2_realtime_events_keep_the_order_of_arrival(times: list[int | None]) -> None:
    """E2: whatever their times say, events stand as they arrived, and keep their times."""
    state = fold(
        SetModeAndResetBuffersIfNeeded("realtime"),
        *(realtime(number, at_ms) for number, at_ms in enumerate(times)),
    )
    assert [event.at_ms for event in state.ledger] == times
    assert [event.arrival_index for event in state.ledger] == list(range(len(times)))


def test_a1_the_log_is_the_ledger_itself() -> None:
    """A1: who shows the log gets the ledger of the store, no list beside it."""
    state = ledger_of(2)
    assert select_ledger(state) is state.ledger


def test_a1_no_second_list_of_events_is_in_the_state() -> None:
    """A1: no field but the ledger holds events."""
    state = ledger_of(2)
    holders = [
        field.name
        for field in attrs.fields(LedgerState)
        if "FlowEvent" in repr(getattr(state, field.name))
    ]
    assert holders == ["ledger"]


def test_a2_a_second_release_puts_out_the_first_focus() -> None:
    """A2: what the last release focused goes out whole, also where the next focuses less."""
    state = fold(step(0), step(1, focus=None))
    assert state.active_focus == ActiveFocus()
