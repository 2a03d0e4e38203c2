"""The state of a debugger: its ledger of events, what is looked at, and what time it shows.

What belongs here: what follows from each action.  What does not: what the state means to a viewer,
which `refold.selectors.ledger` says; and whether it is sound, which
`refold.selectors.ledger_health` does.

Nothing here reads a clock: times come from actions.  Source: the design documents of the state
store, whose names for fields, behaviours and invariants are kept.
"""

from __future__ import annotations

import math
from typing import Final

from pyrsistent import PDeque, pdeque

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
    Speed,
    StepFocus,
    StepRelease,
)
from refold.reducers.evolve import evolve
from refold.reducers.ledger_config import LedgerConfig, RestartPolicy
from refold.reducers.ledger_state import (
    TICK_MS,
    ActiveFocus,
    CurrentExplanation,
    LedgerState,
    TickDisplay,
    WaitProgress,
)
from refold.reducers.reducer import Reducer

__all__ = [
    "SESSION_BOUNDARY",
    "ActiveFocus",
    "CurrentExplanation",
    "FlowEvent",
    "HealthBadge",
    "LedgerConfig",
    "LedgerState",
    "RestartPolicy",
    "StepFocus",
    "StepRelease",
    "TickDisplay",
    "WaitProgress",
    "ledger_reducer",
    "make_ledger_reducer",
]

SESSION_BOUNDARY: Final = "SESSION_BOUNDARY"
"""The label of the event that marks a restart."""

_UNKNOWN: Final = "?"
"""Stands for a text that is missing."""

_INTERVAL_MS: Final[dict[Speed, float]] = {
    "pause": math.inf,
    "1x": TICK_MS,
    "2x": TICK_MS / 2,
    "3x": TICK_MS / 3,
}


def make_ledger_reducer(config: LedgerConfig | None = None) -> Reducer[LedgerState]:
    """Return the reducer of a ledger.

    Args:
        config: what the application decided; None for the defaults.
    """
    rules = config or LedgerConfig()
    wait = WaitProgress(max_seconds=rules.max_wait_seconds)
    reducer = Reducer(LedgerState(wait_progress=wait))

    @reducer.on(CommitStepReleaseAppendEventAndSetFocusAndExplanation)
    def _(
        state: LedgerState, action: CommitStepReleaseAppendEventAndSetFocusAndExplanation
    ) -> LedgerState:
        release = action.release
        now = action.at_ms if action.at_ms is not None else _time_of(release.event)
        notes = release.explanation_notes
        following = state.cursor + 1 if release.cursor_next is None else release.cursor_next
        return evolve(
            _append(state, release.event or FlowEvent(), rules),
            active_focus=_active(release.focus or StepFocus()),
            current_explanation=CurrentExplanation(_text(release.explanation_sentence), notes),
            wait_progress=_waiting(state.wait_progress, release.wait_timer_action, now),
            cursor=following,
        )

    @reducer.on(AppendRealtimeEventAndUpdateFocusIfNeeded)
    def _(state: LedgerState, action: AppendRealtimeEventAndUpdateFocusIfNeeded) -> LedgerState:
        appended = _append(state, action.event, rules)
        if state.pinned_focus is not None or state.local_pause:
            return appended
        event = action.event
        return evolve(
            appended, active_focus=ActiveFocus(event.node_id, event.edge_id, event.step_key)
        )

    @reducer.on(RestartSessionClearOrBoundary)
    def _(state: LedgerState, action: RestartSessionClearOrBoundary) -> LedgerState:
        fresh = evolve(_without_buffers(state), session_id=action.session_id, evicted_count=0)
        if rules.restart_policy == "clear":
            return evolve(fresh, ledger=pdeque(), arrived_count=0)
        marker = FlowEvent(action.session_id, action.at_ms, "code", SESSION_BOUNDARY)
        return _append(fresh, marker, rules)

    reducer.on(SetModeAndResetBuffersIfNeeded)(_set_mode)
    reducer.on(SetSpeedAndUpdateNominalTickInterval)(_set_speed)
    reducer.on(SetPlayerWaitTimerStartMs)(_start_waiting)
    reducer.on(SetPlayerWaitTimerStopMsAndResetProgress)(_stop_waiting)
    reducer.on(SetTickDisplayProgress01)(_set_tick_progress)
    reducer.on(SetPinnedFocus)(_pin)
    reducer.on(ClearPinnedFocus)(_unpin)
    reducer.on(SetLocalPause)(_set_local_pause)
    reducer.on(SetHealthBadge)(_set_badge)
    return reducer


def _set_mode(state: LedgerState, action: SetModeAndResetBuffersIfNeeded) -> LedgerState:
    return state if action.mode == state.mode else evolve(_without_buffers(state), mode=action.mode)


def _set_speed(state: LedgerState, action: SetSpeedAndUpdateNominalTickInterval) -> LedgerState:
    if action.speed == state.speed:
        return state
    interval = _INTERVAL_MS[action.speed]
    tick = evolve(state.tick_display, nominal_interval_ms=interval, speed_label=str(action.speed))
    return evolve(state, speed=action.speed, tick_display=tick)


def _start_waiting(state: LedgerState, action: SetPlayerWaitTimerStartMs) -> LedgerState:
    waiting = _waiting(state.wait_progress, "start", action.started_at_ms)
    return _with_wait(state, waiting)


def _stop_waiting(
    state: LedgerState, action: SetPlayerWaitTimerStopMsAndResetProgress
) -> LedgerState:
    waiting = _waiting(state.wait_progress, "stop", action.stopped_at_ms)
    return _with_wait(state, waiting)


def _set_tick_progress(state: LedgerState, action: SetTickDisplayProgress01) -> LedgerState:
    given = action.progress_0_1
    progress = float(min(max(given, 0.0), 1.0)) if given == given else 0.0  # noqa: PLR0124  # nan
    if progress == state.tick_display.progress_0_1:
        return state
    return evolve(state, tick_display=evolve(state.tick_display, progress_0_1=progress))


def _pin(state: LedgerState, action: SetPinnedFocus) -> LedgerState:
    focus = _active(action.focus)
    if focus == state.pinned_focus and focus == state.active_focus:
        return state
    return evolve(state, pinned_focus=focus, active_focus=focus)


def _unpin(state: LedgerState, _action: ClearPinnedFocus) -> LedgerState:
    return state if state.pinned_focus is None else evolve(state, pinned_focus=None)


def _set_local_pause(state: LedgerState, action: SetLocalPause) -> LedgerState:
    if action.local_pause == state.local_pause:
        return state
    return evolve(state, local_pause=action.local_pause)


def _set_badge(state: LedgerState, action: SetHealthBadge) -> LedgerState:
    if state.health_badges.get(action.module) == action.badge:
        return state
    return evolve(state, health_badges=state.health_badges.set(action.module, action.badge))


# --- what several actions have in common ----------------------------------------------------------


def _append(state: LedgerState, event: FlowEvent, rules: LedgerConfig) -> LedgerState:
    """Append an event in whole form; in realtime mode evict what the rules no longer keep."""
    whole = FlowEvent(
        id=event.id,
        at_ms=event.at_ms,
        call_type=_text(event.call_type),
        label=_text(event.label),
        node_id=event.node_id,
        edge_id=event.edge_id,
        step_key=event.step_key,
        duration_ms=event.duration_ms,
        payload=event.payload if rules.keep_raw_payload else None,
        arrival_index=state.arrived_count,
    )
    ledger = state.ledger.append(whole)
    before = len(ledger)
    if state.mode == "realtime":
        ledger = _retained(ledger, whole.at_ms, rules)
    return evolve(
        state,
        ledger=ledger,
        commit_id=state.commit_id + 1,
        arrived_count=state.arrived_count + 1,
        evicted_count=state.evicted_count + before - len(ledger),
    )


def _retained(
    ledger: PDeque[FlowEvent], newest_at_ms: int | None, rules: LedgerConfig
) -> PDeque[FlowEvent]:
    """Return the ledger without what is too much or too old at its front."""
    if rules.max_events is not None and len(ledger) > rules.max_events:
        ledger = ledger.popleft(len(ledger) - rules.max_events)
    if rules.max_age_ms is None or newest_at_ms is None:
        return ledger
    rest = ledger
    while (at_ms := rest.left.at_ms) is None or at_ms < newest_at_ms - rules.max_age_ms:
        rest = rest.popleft()  # ends at the newest, which has a time
        if at_ms is not None:
            ledger = rest
    return ledger


def _without_buffers(state: LedgerState) -> LedgerState:
    """Return the state without what belongs to the run that ends.

    That is the cursor, the view's pause, the focus, the explanation and the timers.
    """
    return evolve(
        state,
        cursor=0,
        local_pause=False,
        active_focus=ActiveFocus(),
        pinned_focus=None,
        current_explanation=CurrentExplanation(),
        wait_progress=WaitProgress(max_seconds=state.wait_progress.max_seconds),
        tick_display=evolve(state.tick_display, progress_0_1=0.0),
    )


def _active(focus: StepFocus) -> ActiveFocus:
    return ActiveFocus(focus.node_id, focus.edge_id, focus.step_key, focus.zone_id)


def _waiting(before: WaitProgress, what: str | None, now: int | None) -> WaitProgress:
    """Return the timer after a start or a stop; a start at an unknown time is none."""
    if what == "start" and now is not None:
        return evolve(before, started_at_ms=now, stopped_at_ms=None)
    if what == "stop":
        return evolve(before, started_at_ms=None, stopped_at_ms=now)
    return before


def _with_wait(state: LedgerState, waiting: WaitProgress) -> LedgerState:
    return state if waiting == state.wait_progress else evolve(state, wait_progress=waiting)


def _time_of(event: FlowEvent | None) -> int | None:
    return None if event is None else event.at_ms


def _text(text: str | None) -> str:
    return _UNKNOWN if text is None else text


ledger_reducer: Final = make_ledger_reducer(LedgerConfig())
"""The reducer with the defaults."""
