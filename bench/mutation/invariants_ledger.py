"""What holds of the ledger, under two configurations that reach all of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final, TypeAlias

import attrs

from refold.actions.action import Action
from refold.actions.ledger import (
    AppendRealtimeEventAndUpdateFocusIfNeeded,
    ClearPinnedFocus,
    CommitStepReleaseAppendEventAndSetFocusAndExplanation,
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
)
from refold.reducers.ledger import LedgerConfig, LedgerState, make_ledger_reducer
from refold.reducers.reducer import Reducer
from refold.selectors.ledger_health import LEDGER_HEALTH_CHECKS

__all__ = ["CHECKS"]

Invariant: TypeAlias = Callable[[LedgerState, Action, LedgerState], bool]

_INTERVAL_MS: Final[dict[Speed, float]] = {
    "pause": math.inf,
    "1x": 1000.0,
    "2x": 500.0,
    "3x": 1000 / 3,
}


def the_health_checks_find_nothing(before: LedgerState, action: Action, after: LedgerState) -> bool:
    """The six checks that an application shows in its docks are content."""
    return all(check(before, action, after) is None for check in LEDGER_HEALTH_CHECKS)


def what_was_chosen_is_so(before: LedgerState, action: Action, after: LedgerState) -> bool:
    """What a person or a timer set is what the state has, and the same again changes nothing."""
    is_new_run = isinstance(action, RestartSessionClearOrBoundary) or before.mode != after.mode
    if is_new_run and (after.cursor, after.local_pause) != (0, False):
        return False
    if before == after and not is_new_run and before is not after:
        return False
    return _is_set(action, after)


def what_is_kept_fits_together(
    rules: LedgerConfig, before: LedgerState, action: Action, after: LedgerState
) -> bool:
    """Speed and interval, counts and events, and the rules agree."""
    tick = after.tick_display
    indexes = [event.arrival_index for event in after.ledger]
    arrived = range(after.arrived_count - len(indexes), after.arrived_count)
    is_counted = indexes == list(arrived) and 0 <= tick.progress_0_1 <= 1
    if not is_counted or tick.nominal_interval_ms != _INTERVAL_MS[after.speed]:
        return False
    if isinstance(action, RestartSessionClearOrBoundary):
        return _is_restarted(rules, action, after)
    if after.commit_id == before.commit_id:
        return True
    return _is_kept_as_ruled(rules, action, after) and _is_evicted_as_ruled(rules, before, after)


def _is_set(action: Action, after: LedgerState) -> bool:  # noqa: PLR0911  # a table of actions
    waiting, tick = after.wait_progress, after.tick_display
    match action:
        case SetModeAndResetBuffersIfNeeded(mode=mode):
            return after.mode == mode
        case SetSpeedAndUpdateNominalTickInterval(speed=speed):
            return (after.speed, tick.speed_label) == (speed, speed)
        case SetLocalPause(local_pause=local_pause):
            return after.local_pause == local_pause
        case SetHealthBadge(module=module, badge=badge):
            return after.health_badges[module] == badge
        case SetPinnedFocus():
            return after.pinned_focus == after.active_focus
        case ClearPinnedFocus():
            return after.pinned_focus is None
        case SetTickDisplayProgress01(progress_0_1=given):
            wanted = 0.0 if math.isnan(given) else min(max(given, 0.0), 1.0)
            return tick.progress_0_1 == wanted
        case SetPlayerWaitTimerStartMs(started_at_ms=now):
            return (waiting.started_at_ms, waiting.stopped_at_ms) == (now, None)
        case SetPlayerWaitTimerStopMsAndResetProgress(stopped_at_ms=now):
            return (waiting.started_at_ms, waiting.stopped_at_ms) == (None, now)
        case _:
            return True


def _is_restarted(
    rules: LedgerConfig, action: RestartSessionClearOrBoundary, after: LedgerState
) -> bool:
    if rules.restart_policy == "clear":
        return (len(after.ledger), after.arrived_count) == (0, 0)
    return bool(after.ledger) and (after.ledger.right.id, after.ledger.right.at_ms) == (
        action.session_id,
        action.at_ms,
    )


def _is_kept_as_ruled(rules: LedgerConfig, action: Action, after: LedgerState) -> bool:
    """Tell whether the payload of the newest event is kept if the rules say so."""
    event = action.event if isinstance(action, AppendRealtimeEventAndUpdateFocusIfNeeded) else None
    if isinstance(action, CommitStepReleaseAppendEventAndSetFocusAndExplanation):
        event = action.release.event
    payload = event.payload if event is not None and rules.keep_raw_payload else None
    return after.ledger.right.payload == payload


def _is_evicted_as_ruled(rules: LedgerConfig, before: LedgerState, after: LedgerState) -> bool:
    """Tell whether what is too much or too old is gone from the front, and nothing else."""
    if after.mode != "realtime" or rules.max_events is None or rules.max_age_ms is None:
        return len(after.ledger) == len(before.ledger) + 1
    first = after.arrived_count - len(after.ledger)
    newest = after.ledger.right.at_ms
    oldest = -math.inf if newest is None else newest - rules.max_age_ms
    times = [event.at_ms for event in after.ledger if event.at_ms is not None]
    old = {e.arrival_index for e in before.ledger if e.at_ms is not None and e.at_ms < oldest}
    least = max(before.arrived_count - len(before.ledger), after.arrived_count - rules.max_events)
    is_young = not times or times[0] >= oldest
    return is_young and (first == least or (first > least and first - 1 in old))


def _check_of(rules: LedgerConfig) -> tuple[Reducer[LedgerState], tuple[Invariant, ...]]:
    def what_is_kept_is_ruled(before: LedgerState, action: Action, after: LedgerState) -> bool:
        return what_is_kept_fits_together(rules, before, action, after)

    invariants = (the_health_checks_find_nothing, what_was_chosen_is_so, what_is_kept_is_ruled)
    return make_ledger_reducer(rules), invariants


_SMALL: Final = LedgerConfig(max_events=3, max_age_ms=1000)

CHECKS: Final = (
    _check_of(_SMALL),
    _check_of(attrs.evolve(_SMALL, restart_policy="clear", keep_raw_payload=True)),
)
"""What is checked: with small limits, so that a run of some actions meets them."""
