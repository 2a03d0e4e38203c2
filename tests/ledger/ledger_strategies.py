"""Random events, actions and configurations of a ledger; every value may be missing or strange."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st
from pyrsistent import pdeque

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
from refold.reducers.ledger_config import LedgerConfig
from refold.reducers.ledger_state import LedgerState

if TYPE_CHECKING:
    from refold.actions.action import Action

__all__ = [
    "focuses",
    "ledger_actions",
    "ledger_configs",
    "ledger_runs",
    "ledger_states",
    "plain_events",
    "releases",
    "strange_events",
    "strange_texts",
]

strange_texts = st.text(st.characters(exclude_categories=())) | st.sampled_from(
    ["", "-", "?", "a b", '"', "\\", "\n", "\r\n", "\x0b", "\x85", "\u2028", "\ud800", "a\udfff"]
)
"""Any text: lone surrogates and every kind of line break too."""

_strange_integers = st.integers() | st.sampled_from([2**53 + 1, 2**63, 2**64, -(2**63) - 1, 10**40])
_strange_floats = st.floats() | st.sampled_from([float("inf"), float("-inf"), float("nan"), -0.0])

strange_events = st.builds(
    FlowEvent,
    id=st.none() | strange_texts,
    at_ms=st.none() | _strange_integers,
    call_type=st.none() | strange_texts,
    label=st.none() | strange_texts,
    node_id=st.none() | strange_texts,
    edge_id=st.none() | strange_texts,
    step_key=st.none() | strange_texts,
    duration_ms=st.none() | _strange_floats,
    payload=st.none() | strange_texts,
    arrival_index=st.none() | st.integers(0, 2**70),
)
"""Whatever an export may meet."""

_names = st.none() | st.sampled_from(["a", "b", "c"])
_times = st.none() | st.integers(0, 9_000)

plain_events = st.builds(
    FlowEvent,
    id=_names,
    at_ms=_times,
    call_type=st.none() | st.sampled_from(["code", "graph"]),
    label=_names,
    node_id=_names,
    edge_id=_names,
    step_key=_names,
    duration_ms=st.none() | st.floats(0),
    payload=st.none() | st.just("raw"),
    arrival_index=st.none() | st.integers(0, 5),
)
"""Events close in time, out of order, often alike."""

focuses = st.builds(StepFocus, node_id=_names, edge_id=_names, step_key=_names, zone_id=_names)

releases = st.builds(
    StepRelease,
    event=st.none() | plain_events,
    focus=st.none() | focuses,
    explanation_sentence=_names,
    explanation_notes=_names,
    wait_timer_action=st.sampled_from([None, "start", "stop", "none"]),
    cursor_next=st.none() | st.integers(0, 5),
)

_badges = st.builds(
    HealthBadge, status=st.sampled_from(["OK", "WARN", "ERROR"]), tooltip=st.sampled_from(["", "x"])
)

ledger_actions: st.SearchStrategy[Action] = st.one_of(
    st.builds(CommitStepReleaseAppendEventAndSetFocusAndExplanation, releases, at_ms=_times),
    st.builds(AppendRealtimeEventAndUpdateFocusIfNeeded, plain_events, at_ms=_times),
    st.builds(SetModeAndResetBuffersIfNeeded, st.sampled_from(["stepper", "realtime"])),
    st.builds(SetSpeedAndUpdateNominalTickInterval, st.sampled_from(["pause", "1x", "2x", "3x"])),
    st.builds(SetPlayerWaitTimerStartMs, st.integers(0, 9_000)),
    st.builds(SetPlayerWaitTimerStopMsAndResetProgress, st.integers(0, 9_000)),
    st.builds(SetTickDisplayProgress01, st.floats()),
    st.builds(SetPinnedFocus, focuses),
    st.builds(ClearPinnedFocus),
    st.builds(SetLocalPause, st.booleans()),
    st.builds(SetHealthBadge, st.sampled_from(["state_store", "x"]), _badges),
)
"""Every action of a ledger but the restart, whose session must be new."""


@st.composite
def ledger_runs(draw: st.DrawFn) -> list[Action]:
    """Draw up to thirty actions; each restart has a session of its own."""
    steps = draw(st.lists(st.none() | ledger_actions, max_size=30))
    return [
        RestartSessionClearOrBoundary(f"session {number}") if step is None else step
        for number, step in enumerate(steps)
    ]


ledger_configs = st.builds(
    LedgerConfig,
    restart_policy=st.sampled_from(["boundary", "clear"]),
    max_events=st.none() | st.integers(1, 6),
    max_age_ms=st.none() | st.integers(1, 5_000),
    keep_raw_payload=st.booleans(),
    max_wait_seconds=st.sampled_from([0.5, 4.0, 7]),
)

ledger_states = st.builds(
    LedgerState,
    session_id=strange_texts,
    evicted_count=st.integers(0, 2**70),
    ledger=st.lists(strange_events, max_size=5).map(pdeque),
)
"""Ledgers of strange events."""
