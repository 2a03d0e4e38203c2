"""The invariants V1 to V4, the properties P1 and P2, and the errors E1 and E2 of the documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refold.actions.ledger import (
    CommitStepReleaseAppendEventAndSetFocusAndExplanation,
    RestartSessionClearOrBoundary,
    SetModeAndResetBuffersIfNeeded,
    SetPinnedFocus,
    SetPlayerWaitTimerStartMs,
    SetTickDisplayProgress01,
    StepFocus,
)
from refold.reducers.ledger import make_ledger_reducer
from refold.reducers.ledger_config import LedgerConfig
from refold.reducers.ledger_state import ActiveFocus, CurrentExplanation, WaitProgress
from refold.selectors.ledger import select_wait_progress
from refold.selectors.ledger_export import (
    parse_ledger_jsonl,
    serialize_ledger_to_jsonl,
    serialize_ledger_to_text,
)
from refold.store.store import Store
from tests.ledger.ledger_scene import fold, ledger_of, realtime, step
from tests.ledger.ledger_strategies import ledger_configs, ledger_runs, ledger_states
from tests.strategies.sameness import exactly_same

if TYPE_CHECKING:
    from refold.actions.action import Action
    from refold.actions.ledger import FlowEvent
    from refold.reducers.ledger_config import RestartPolicy
    from refold.reducers.ledger_state import LedgerState


@given(run=ledger_runs(), config=ledger_configs)
def test_v1_nothing_is_lost_or_changed_within_a_session(
    run: list[Action], config: LedgerConfig
) -> None:
    """V1: kept and evicted events never become fewer, and each kept one is the object it was."""
    reducer = make_ledger_reducer(config)
    state = reducer.initial
    for action in run:
        before, state = state, reducer(state, action)
        if state.session_id != before.session_id:
            continue
        gone = state.evicted_count - before.evicted_count
        assert gone >= 0
        assert len(state.ledger) + gone >= len(before.ledger)
        kept = list(before.ledger)[gone:]
        assert [id(event) for event in kept] == [id(event) for event in state.ledger][: len(kept)]


@given(run=ledger_runs(), config=ledger_configs)
def test_v1_no_eviction_in_stepper_mode(run: list[Action], config: LedgerConfig) -> None:
    """V1: while the mode is stepper the ledger itself never becomes shorter within a session."""
    reducer = make_ledger_reducer(config)
    state = reducer.initial
    for action in run:
        before, state = state, reducer(state, action)
        if before.mode == state.mode == "stepper" and state.session_id == before.session_id:
            assert len(state.ledger) >= len(before.ledger)
            assert state.evicted_count == before.evicted_count


@given(run=ledger_runs(), config=ledger_configs)
def test_v2_each_part_of_the_focus_is_one_id_or_none(
    run: list[Action], config: LedgerConfig
) -> None:
    """V2: after any action there is one node or none, one edge or none, one step or none."""
    reducer = make_ledger_reducer(config)
    state = reducer.initial
    for action in run:
        state = reducer(state, action)
        for part in attrs.astuple(state.active_focus):
            assert part is None or isinstance(part, str)


@given(run=ledger_runs(), config=ledger_configs)
def test_v3_no_release_is_seen_in_part(run: list[Action], config: LedgerConfig) -> None:
    """V3: a subscriber is called once per release, when all that belongs to it has changed."""
    store = Store(make_ledger_reducer(config))
    seen: list[tuple[ActiveFocus, CurrentExplanation, int]] = []
    store.subscribe(
        lambda: seen.append(
            (store.state.active_focus, store.state.current_explanation, store.state.commit_id)
        )
    )
    for action in run:
        before, seen[:] = store.state, []
        store.dispatch(action)
        if isinstance(action, CommitStepReleaseAppendEventAndSetFocusAndExplanation):
            release = action.release
            focus, sentence = release.focus or StepFocus(), release.explanation_sentence
            wanted = CurrentExplanation(
                "?" if sentence is None else sentence, release.explanation_notes
            )
            assert seen == [(ActiveFocus(*attrs.astuple(focus)), wanted, before.commit_id + 1)]


@given(
    started=st.integers(-(2**70), 2**70),
    now=st.integers(-(2**70), 2**70),
    most=st.sampled_from([0.5, 4.0, 30]),
)
def test_v4_what_a_wait_shows_is_clamped_and_has_one_decimal(
    started: int, now: int, most: float
) -> None:
    """V4: at any time, before the start too, 0 to the maximum is shown, to a tenth."""
    config = LedgerConfig(max_wait_seconds=most)
    bar = select_wait_progress(fold(SetPlayerWaitTimerStartMs(started), config=config), now)
    assert 0.0 <= bar.value_0_1 <= 1.0
    assert 0.0 <= bar.seconds_display <= most
    assert bar.seconds_display == round(bar.seconds_display, 1)
    if now <= started:
        assert (bar.value_0_1, bar.seconds_display) == (0.0, 0.0)
    if now - started >= most * 1000:
        assert (bar.value_0_1, bar.seconds_display) == (1.0, most)


@given(state=ledger_states)
def test_p1_an_export_equals_the_ledger(state: LedgerState) -> None:
    """P1: JSON lines read back are the ledger, to the last bit, with the session before them."""
    exported = parse_ledger_jsonl(serialize_ledger_to_jsonl(state))
    assert exactly_same(exported.events, tuple(state.ledger))
    assert exported.session_id == state.session_id
    assert exported.evicted_count == state.evicted_count


@given(state=ledger_states)
def test_p1_the_text_has_one_line_per_event(state: LedgerState) -> None:
    """P1: the text for people has a header and one line per event, whatever the texts hold."""
    lines = serialize_ledger_to_text(state).splitlines()
    assert len(lines) == len(state.ledger) + 1
    for event, line in zip(state.ledger, lines[1:], strict=True):
        assert line.startswith(f"#{event.arrival_index} ")


@pytest.mark.parametrize("mode", ["stepper", "realtime"])
@pytest.mark.parametrize("policy", ["boundary", "clear"])
def test_p2_a_restart_begins_a_session_at_its_start(policy: RestartPolicy, mode: str) -> None:
    """P2: cursor 0, no focus, no explanation, no timers, a new session; mode and speed stay."""
    config = LedgerConfig(restart_policy=policy)
    begin = [SetModeAndResetBuffersIfNeeded("realtime")] if mode == "realtime" else []
    before = fold(
        *begin,
        step(0, wait_timer_action="start"),
        SetTickDisplayProgress01(0.5),
        SetPinnedFocus(StepFocus("pinned")),
        config=config,
    )
    after = make_ledger_reducer(config)(before, RestartSessionClearOrBoundary("s1", at_ms=77))
    assert (after.session_id, after.cursor, after.evicted_count) == ("s1", 0, 0)
    assert (after.active_focus, after.pinned_focus) == (ActiveFocus(), None)
    assert after.current_explanation == CurrentExplanation()
    assert after.wait_progress == WaitProgress()
    assert after.tick_display.progress_0_1 == 0.0
    assert (after.mode, after.speed) == (mode, "1x")
    labels = [(event.call_type, event.label, event.at_ms) for event in after.ledger]
    marked = [("code", "label 0", 0), ("code", "SESSION_BOUNDARY", 77)]
    assert labels == (marked if policy == "boundary" else [])


def test_p2_a_boundary_keeps_every_earlier_event_as_it_was() -> None:
    """P2: a boundary changes none of the events before it, restart after restart."""
    reducer = make_ledger_reducer()
    state = ledger_of(3)
    for number in range(3):
        events: list[FlowEvent] = list(state.ledger)
        state = reducer(state, RestartSessionClearOrBoundary(f"s{number}"))
        assert [id(event) for event in state.ledger][:-1] == [id(event) for event in events]
    assert len(state.ledger) == 6


def test_e1_two_events_at_once_leave_one_focus() -> None:
    """E1: after two events of different nodes and edges, no part of the first focus is left."""
    state = fold(SetModeAndResetBuffersIfNeeded("realtime"), step(0), realtime(1), realtime(2))
    assert state.active_focus == ActiveFocus("n2", None, None, None)


def test_e2_a_ledger_cannot_be_changed_in_place() -> None:
    """E2: neither an event nor the ledger lets itself be changed."""
    state = ledger_of(2)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        cast("Any", state.ledger[0]).label = "changed"
    with pytest.raises(TypeError):
        cast("Any", state.ledger)[0] = state.ledger[1]


def test_e2_appending_leaves_the_old_ledger_as_it_was() -> None:
    """E2: a ledger that somebody holds does not grow with the store's."""
    held = ledger_of(2)
    events = list(held.ledger)
    make_ledger_reducer()(held, step(2))
    assert list(held.ledger) == events
