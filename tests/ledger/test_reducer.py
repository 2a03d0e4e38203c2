"""What each action of a ledger changes, and that it changes nothing else."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

import attrs
import pytest
from hypothesis import given

from refold.actions.action import Action, action
from refold.actions.ledger import (
    AppendRealtimeEventAndUpdateFocusIfNeeded,
    ClearPinnedFocus,
    CommitStepReleaseAppendEventAndSetFocusAndExplanation,
    FlowEvent,
    HealthBadge,
    RestartSessionClearOrBoundary,
    SetHealthBadge,
    SetLocalPause,
    SetModeAndResetBuffersIfNeeded,
    SetPinnedFocus,
    SetPlayerWaitTimerStartMs,
    SetPlayerWaitTimerStopMsAndResetProgress,
    SetSpeedAndUpdateNominalTickInterval,
    SetTickDisplayProgress01,
    StepFocus,
    StepRelease,
)
from refold.middleware.record import record
from refold.reducers.ledger import ledger_reducer, make_ledger_reducer
from refold.reducers.ledger_config import LedgerConfig
from refold.reducers.ledger_state import ActiveFocus, CurrentExplanation, LedgerState, WaitProgress
from refold.replay.canonical_digest import canonical_digest
from refold.replay.replay import replay
from refold.store.store import Store
from tests.ledger.ledger_scene import fold, ledger_of, realtime, step
from tests.ledger.ledger_strategies import ledger_configs, ledger_runs

if TYPE_CHECKING:
    from pathlib import Path


@action("ledger_test/nobody_cares")
class NobodyCares(Action):
    """No ledger handles it."""


APPENDING = {"ledger", "commit_id", "arrived_count"}

BUSY = fold(
    SetModeAndResetBuffersIfNeeded("realtime"),
    step(0, wait_timer_action="start"),
    SetTickDisplayProgress01(0.5),
    SetSpeedAndUpdateNominalTickInterval("2x"),
    SetHealthBadge("x", HealthBadge("OK", "")),
    SetPinnedFocus(StepFocus("pinned")),
)
"""A ledger in which no field that an action may change has its first value."""


def changed_fields(before: LedgerState, after: LedgerState) -> set[str]:
    """Return the names of the fields that differ; what is equal must be the same object."""
    names = [field.name for field in attrs.fields(LedgerState)]
    for name in names:
        old, new = getattr(before, name), getattr(after, name)
        assert old != new or type(old) in {int, str, bool} or old is new, name
    return {name for name in names if getattr(before, name) != getattr(after, name)}


@pytest.mark.parametrize(
    ("act", "fields"),
    [
        (step(7), {*APPENDING, "active_focus", "current_explanation", "cursor"}),
        (
            step(7, wait_timer_action="stop"),
            {*APPENDING, "active_focus", "current_explanation", "cursor", "wait_progress"},
        ),
        (realtime(7), APPENDING),
        (
            SetModeAndResetBuffersIfNeeded("stepper"),
            {
                "mode",
                "cursor",
                "active_focus",
                "pinned_focus",
                "current_explanation",
                "wait_progress",
                "tick_display",
            },
        ),
        (SetSpeedAndUpdateNominalTickInterval("pause"), {"speed", "tick_display"}),
        (SetPlayerWaitTimerStartMs(50), {"wait_progress"}),
        (SetPlayerWaitTimerStopMsAndResetProgress(50), {"wait_progress"}),
        (SetTickDisplayProgress01(0.25), {"tick_display"}),
        (SetPinnedFocus(StepFocus("other")), {"active_focus", "pinned_focus"}),
        (ClearPinnedFocus(), {"pinned_focus"}),
        (SetLocalPause(local_pause=True), {"local_pause"}),
        (SetHealthBadge("y", HealthBadge("WARN", "1")), {"health_badges"}),
        (NobodyCares(), set[str]()),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_action_changes_its_fields_and_no_other(act: Action, fields: set[str]) -> None:
    """What an action is not about is the same object afterwards."""
    assert changed_fields(BUSY, ledger_reducer(BUSY, act)) == fields


@pytest.mark.parametrize(
    "act",
    [
        SetModeAndResetBuffersIfNeeded("realtime"),
        SetSpeedAndUpdateNominalTickInterval("2x"),
        SetPlayerWaitTimerStartMs(0),
        SetTickDisplayProgress01(0.5),
        SetPinnedFocus(StepFocus("pinned")),
        SetLocalPause(local_pause=False),
        SetHealthBadge("x", HealthBadge("OK", "")),
        NobodyCares(),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_action_that_changes_nothing_gives_the_same_object(act: Action) -> None:
    """Nothing changed means the same object."""
    assert ledger_reducer(BUSY, act) is BUSY


def test_unpinning_or_stopping_twice_gives_the_same_object() -> None:
    """The second time there is nothing to change."""
    for act in (ClearPinnedFocus(), SetPlayerWaitTimerStopMsAndResetProgress(9)):
        once = ledger_reducer(BUSY, act)
        assert ledger_reducer(once, act) is once


def test_a_release_without_anything_is_committed() -> None:
    """Missing fields never raise: texts are "?", ids None, and the cursor goes on by one."""
    state = fold(CommitStepReleaseAppendEventAndSetFocusAndExplanation(StepRelease()))
    (event,) = state.ledger
    assert attrs.astuple(event) == (None, None, "?", "?", None, None, None, None, None, 0)
    assert state.active_focus == ActiveFocus()
    assert state.current_explanation == CurrentExplanation("?", None)
    assert (state.cursor, state.commit_id) == (1, 1)


def test_an_event_without_anything_is_appended_in_realtime() -> None:
    """An empty event has texts "?" and ids None, and focuses nothing."""
    state = fold(
        SetModeAndResetBuffersIfNeeded("realtime"),
        AppendRealtimeEventAndUpdateFocusIfNeeded(FlowEvent()),
    )
    assert (state.ledger[0].call_type, state.ledger[0].label, state.ledger[0].id) == (
        "?",
        "?",
        None,
    )
    assert state.active_focus == ActiveFocus()


def test_an_empty_text_is_no_missing_one() -> None:
    """Only None is missing: an empty label and an empty sentence stay."""
    state = fold(step(0, event=FlowEvent(label="", call_type=""), explanation_sentence=""))
    assert (state.ledger[0].label, state.ledger[0].call_type) == ("", "")
    assert state.current_explanation.sentence == ""


@pytest.mark.parametrize(("at_ms", "event_at_ms"), [(7, None), (None, 7)])
def test_a_release_starts_the_wait_when_it_happened(
    at_ms: int | None, event_at_ms: int | None
) -> None:
    """Now is the time of the action; without one, that of the event."""
    release = StepRelease(FlowEvent(at_ms=event_at_ms), wait_timer_action="start")
    act = CommitStepReleaseAppendEventAndSetFocusAndExplanation(release, at_ms=at_ms)
    assert fold(act).wait_progress == WaitProgress(7, None)


@pytest.mark.parametrize("action_name", ["none", None])
def test_a_release_that_says_nothing_of_the_wait_leaves_it(action_name: str | None) -> None:
    """A running wait goes on."""
    state = fold(SetPlayerWaitTimerStartMs(5), step(1, wait_timer_action=action_name))
    assert state.wait_progress == WaitProgress(5, None)


@pytest.mark.parametrize(
    ("given_progress", "progress"),
    [
        (-1.0, 0.0),
        (0.0, 0.0),
        (0.3, 0.3),
        (1.0, 1.0),
        (2.0, 1.0),
        (7, 1.0),
        (math.inf, 1.0),
        (-math.inf, 0.0),
        (math.nan, 0.0),
        (10**400, 1.0),
    ],
    ids=lambda number: f"{number:.5}" if isinstance(number, float) else "whole",
)
def test_the_tick_progress_is_clamped(given_progress: float, progress: float) -> None:
    """Below 0 counts as 0, above 1 as 1, and what is no number as 0."""
    state = ledger_reducer(BUSY, SetTickDisplayProgress01(given_progress))
    assert state.tick_display.progress_0_1 == progress


def test_realtime_follows_the_newest_event_unless_pinned() -> None:
    """The pin holds against events; a release moves the focus; unpinned, events move it again."""
    state = fold(SetModeAndResetBuffersIfNeeded("realtime"), realtime(1))
    assert state.active_focus == ActiveFocus("n1")
    state = ledger_reducer(state, SetPinnedFocus(StepFocus("p", "q", "r", "FE")))
    state = ledger_reducer(state, realtime(2))
    assert state.active_focus == state.pinned_focus == ActiveFocus("p", "q", "r", "FE")
    state = ledger_reducer(state, ClearPinnedFocus())
    assert state.active_focus == ActiveFocus("p", "q", "r", "FE")
    assert ledger_reducer(state, realtime(3)).active_focus == ActiveFocus("n3")


def test_a_local_pause_keeps_events_and_stops_the_focus() -> None:
    """While the view stands still events are kept; afterwards the next one is followed."""
    state = fold(SetModeAndResetBuffersIfNeeded("realtime"), realtime(1), SetLocalPause(True))  # noqa: FBT003
    state = ledger_reducer(state, realtime(2))
    assert (len(state.ledger), state.active_focus) == (2, ActiveFocus("n1"))
    state = ledger_reducer(state, SetLocalPause(local_pause=False))
    assert ledger_reducer(state, realtime(3)).active_focus == ActiveFocus("n3")


@pytest.mark.parametrize(
    ("times", "config", "kept"),
    [
        ([0, 1, 2, 3], LedgerConfig(max_events=2), [2, 3]),
        ([0, 1, 2, 3], LedgerConfig(max_events=1), [3]),
        ([0, 10, 20], LedgerConfig(max_age_ms=10), [10, 20]),
        ([0, 10, 21], LedgerConfig(max_age_ms=10), [21]),
        ([0, 10, 21], LedgerConfig(max_age_ms=10, max_events=None), [21]),
        ([0, 10, 11, 12], LedgerConfig(max_age_ms=10, max_events=2), [11, 12]),
        ([50, 0, 60], LedgerConfig(max_age_ms=20), [50, 0, 60]),
        ([0, None, None], LedgerConfig(max_age_ms=10), [0, None, None]),
        ([0, None, 100], LedgerConfig(max_age_ms=10), [None, 100]),
        ([0, None, 5, 100], LedgerConfig(max_age_ms=10), [100]),
        ([None, 0, 100], LedgerConfig(max_age_ms=10), [100]),
        ([None, 95, 100], LedgerConfig(max_age_ms=10), [None, 95, 100]),
    ],
)
def test_retention_in_realtime_mode(
    times: list[int | None], config: LedgerConfig, kept: list[int | None]
) -> None:
    """Too many or too old events go, counted; one without a time goes with those after it."""
    events = [realtime(number, at_ms) for number, at_ms in enumerate(times)]
    state = fold(SetModeAndResetBuffersIfNeeded("realtime"), *events, config=config)
    held = [event.at_ms for event in state.ledger]
    assert held == kept
    assert state.evicted_count == len(times) - len(kept)
    assert state.arrived_count == state.commit_id == len(times)


def test_an_event_without_a_time_does_not_end_retention() -> None:
    """With a greatest age alone, the ledger stays short although one event had no time."""
    config = LedgerConfig(max_age_ms=10, max_events=None)
    events = [realtime(0), *(realtime(number, number * 100) for number in range(1, 50))]
    state = fold(SetModeAndResetBuffersIfNeeded("realtime"), *events, config=config)
    assert len(state.ledger) == 1


def test_nothing_is_evicted_in_stepper_mode() -> None:
    """However many and however old, events stay; also those that came as realtime ones."""
    config = LedgerConfig(max_events=1, max_age_ms=1)
    state = fold(*(step(number) for number in range(20)), realtime(99, 10**9), config=config)
    assert (len(state.ledger), state.evicted_count) == (21, 0)


@pytest.mark.parametrize(("keep", "kept"), [(True, '{"a":1}'), (False, None)])
def test_a_payload_is_kept_only_if_configured(keep: bool, kept: str | None) -> None:  # noqa: FBT001
    """The raw payload stays while keep_raw_payload is on, in both modes."""
    payload: Any = {"a": 1}
    event = FlowEvent(payload=payload)
    state = fold(
        step(0, event=event),
        SetModeAndResetBuffersIfNeeded("realtime"),
        AppendRealtimeEventAndUpdateFocusIfNeeded(event),
        config=LedgerConfig(keep_raw_payload=keep),
    )
    assert [event.payload for event in state.ledger] == [kept, kept]


def test_a_clear_restart_empties_and_a_boundary_marks() -> None:
    """Each policy does what it says to the ledger, and nobody's commit is counted twice."""
    clear = make_ledger_reducer(LedgerConfig(restart_policy="clear"))
    boundary = make_ledger_reducer(LedgerConfig(restart_policy="boundary"))
    restart = RestartSessionClearOrBoundary("s1", at_ms=5)
    before = ledger_of(3)
    assert len(clear(before, restart).ledger) == 0
    marked = boundary(before, restart)
    assert marked.ledger.right == FlowEvent("s1", 5, "code", "SESSION_BOUNDARY")
    assert (marked.ledger.right.arrival_index, marked.commit_id) == (3, before.commit_id + 1)


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("restart_policy", "forget", ValueError),
        ("max_events", 0, ValueError),
        ("max_events", -1, ValueError),
        ("max_events", 1.5, TypeError),
        ("max_events", True, TypeError),
        ("max_age_ms", 0, ValueError),
        ("max_age_ms", "1", TypeError),
        ("keep_raw_payload", 1, TypeError),
        ("max_wait_seconds", 0, ValueError),
        ("max_wait_seconds", -4.0, ValueError),
        ("max_wait_seconds", math.nan, ValueError),
        ("max_wait_seconds", math.inf, ValueError),
        ("max_wait_seconds", "4", TypeError),
        ("max_wait_seconds", True, TypeError),
    ],
)
def test_a_bad_configuration_is_refused(name: str, value: object, error: type[Exception]) -> None:
    """A wrong type or a value out of range is refused, and the message names the field."""
    with pytest.raises(error, match=name):
        cast("Any", LedgerConfig)(**{name: value})


def test_the_defaults_are_those_that_were_decided() -> None:
    """A boundary, 10,000 events of any age, no payload, 4.0 s."""
    assert attrs.astuple(LedgerConfig()) == ("boundary", 10_000, None, False, 4.0)
    assert attrs.fields_dict(LedgerConfig)["max_events"].kw_only


async def test_an_infinite_interval_survives_the_log(tmp_path: Path) -> None:
    """A log recorded at pause, with an endless duration, replays to the same digest."""
    store = Store(ledger_reducer, middleware=[record(tmp_path / "a.jsonl")])
    store.dispatch(SetSpeedAndUpdateNominalTickInterval("pause"))
    store.dispatch(step(0, event=FlowEvent(duration_ms=math.inf, label="\u2028\ud800")))
    await store.aclose()
    timeline = replay(tmp_path / "a.jsonl", ledger_reducer)
    timeline.verify()
    assert timeline.at(2) == store.state
    assert timeline.at(2).tick_display.nominal_interval_ms == math.inf
    assert timeline.at(2).ledger[0].duration_ms == math.inf
    assert canonical_digest(timeline.at(2)) == canonical_digest(store.state)


@given(run=ledger_runs(), config=ledger_configs)
def test_the_same_actions_give_the_same_digest(run: list[Action], config: LedgerConfig) -> None:
    """A ledger is a fold: the same actions lead to the same state, by another reducer too."""
    assert canonical_digest(fold(*run, config=config)) == canonical_digest(
        fold(*run, config=config)
    )
