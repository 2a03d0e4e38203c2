"""What can happen to a debugger's ledger of events, its focus and its timers.

What belongs here: the actions, one per entry point with its full name, and the values they carry.
What does not: what follows from them, which `refold.reducers.ledger` says.

Every value may be missing: what a debugger shows must not fail on an event that is incomplete.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import attrs
import orjson

from refold.actions.action import Action, action

__all__ = [
    "AppendRealtimeEventAndUpdateFocusIfNeeded",
    "ClearPinnedFocus",
    "CommitStepReleaseAppendEventAndSetFocusAndExplanation",
    "FlowEvent",
    "HealthBadge",
    "HealthStatus",
    "Mode",
    "RestartSessionClearOrBoundary",
    "SetHealthBadge",
    "SetLocalPause",
    "SetModeAndResetBuffersIfNeeded",
    "SetPinnedFocus",
    "SetPlayerWaitTimerStartMs",
    "SetPlayerWaitTimerStopMsAndResetProgress",
    "SetSpeedAndUpdateNominalTickInterval",
    "SetTickDisplayProgress01",
    "Speed",
    "StepFocus",
    "StepRelease",
    "WaitTimerAction",
]

Mode: TypeAlias = Literal["stepper", "realtime"]
"""Whether events are released one by one, or come as they happen."""

Speed: TypeAlias = Literal["pause", "1x", "2x", "3x"]
"""How fast steps are released."""

WaitTimerAction: TypeAlias = Literal["start", "stop", "none"]
"""What a release does to the bar that shows how long a player waits."""

HealthStatus: TypeAlias = Literal["OK", "WARN", "ERROR", "UNKNOWN"]
"""How a module is."""


def _as_text(payload: Any) -> str | None:
    """Return a payload as text: JSON of what is no text, its `repr` if it has no JSON."""
    if payload is None or isinstance(payload, str):
        return payload
    try:
        return orjson.dumps(payload, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:
        return repr(payload)


@attrs.frozen
class FlowEvent:
    """One thing that happened in the program that is debugged."""

    id: str | None = None
    """Stable, and unique in its session; None if the event has none."""

    at_ms: int | None = None
    """When it happened, in milliseconds since the Unix epoch; None if that is not known."""

    call_type: str | None = None
    """What kind of call it was, such as ``code``, ``graph`` or ``agent``."""

    label: str | None = None
    """What it is called."""

    node_id: str | None = None
    """The node that it happened at; None for none."""

    edge_id: str | None = None
    """The edge that it went along; None for none."""

    step_key: str | None = None
    """Which step of the script it is; None if it is no step."""

    duration_ms: float | None = None
    """How long it took, 0 to infinity; None if that is not known."""

    payload: str | None = attrs.field(default=None, converter=_as_text)
    """What came with it, as text; kept only if the ledger is told to keep it."""

    arrival_index: int | None = attrs.field(default=None, eq=False)
    """Its place in the order of arrival, from 0; the ledger gives it, so it is no part of what
    happened."""


@attrs.frozen
class StepFocus:
    """What is looked at: at most one of each."""

    node_id: str | None = None
    """The node; None for none."""

    edge_id: str | None = None
    """The edge; None for none."""

    step_key: str | None = None
    """The step of the script; None for none."""

    zone_id: str | None = None
    """The zone that the node is in, such as ``FE``; None if that is not known."""


@attrs.frozen
class StepRelease:
    """One step of a script, with all that changes with it."""

    event: FlowEvent | None = None
    """What is appended to the ledger."""

    focus: StepFocus | None = None
    """What is looked at from now on."""

    explanation_sentence: str | None = None
    """What the step does, in one sentence."""

    explanation_notes: str | None = None
    """More about it; None for nothing."""

    wait_timer_action: WaitTimerAction | None = None
    """Whether a player begins to wait, or need not wait any more; None for neither."""

    cursor_next: int | None = None
    """The index of the step that comes next, from 0; None for the one after the present cursor."""


@attrs.frozen
class HealthBadge:
    """How a module is, for people to see."""

    status: HealthStatus = "UNKNOWN"
    """The worst that was found."""

    tooltip: str = ""
    """What was found, with counts."""


@action("ledger/commit_step_release_append_event_and_set_focus_and_explanation")
class CommitStepReleaseAppendEventAndSetFocusAndExplanation(Action):
    """A step was released; all that belongs to it changes at once."""

    release: StepRelease
    """The step."""


@action("ledger/append_realtime_event_and_update_focus_if_needed")
class AppendRealtimeEventAndUpdateFocusIfNeeded(Action):
    """An event arrived; the focus follows it unless it is pinned or paused."""

    event: FlowEvent
    """What happened; events are kept in the order in which they arrive."""


@action("ledger/set_mode_and_reset_buffers_if_needed")
class SetModeAndResetBuffersIfNeeded(Action):
    """The mode was chosen.

    Another one begins without the cursor, the focus, the view's pause, the explanation and the
    timers of the last.
    """

    mode: Mode


@action("ledger/set_speed_and_update_nominal_tick_interval")
class SetSpeedAndUpdateNominalTickInterval(Action):
    """The speed was chosen, and with it how long a tick takes."""

    speed: Speed


@action("ledger/restart_session_clear_or_boundary")
class RestartSessionClearOrBoundary(Action):
    """A new session began, by the policy that the ledger was made with."""

    session_id: str
    """By which the session is known; no earlier session may have had it."""


@action("ledger/set_player_wait_timer_start_ms")
class SetPlayerWaitTimerStartMs(Action):
    """A player began to wait."""

    started_at_ms: int
    """In milliseconds since the Unix epoch."""


@action("ledger/set_player_wait_timer_stop_ms_and_reset_progress")
class SetPlayerWaitTimerStopMsAndResetProgress(Action):
    """The answer came; the bar is empty again."""

    stopped_at_ms: int
    """In milliseconds since the Unix epoch."""


@action("ledger/set_tick_display_progress_0_1")
class SetTickDisplayProgress01(Action):
    """The present tick went on."""

    progress_0_1: float
    """How much of it is over; below 0 counts as 0, above 1 as 1, and what is no number as 0."""


@action("ledger/set_pinned_focus")
class SetPinnedFocus(Action):
    """The user fixed what is looked at; events no longer move it."""

    focus: StepFocus


@action("ledger/clear_pinned_focus")
class ClearPinnedFocus(Action):
    """The focus may follow the events again."""


@action("ledger/set_local_pause")
class SetLocalPause(Action):
    """The view was halted, or let go on; events are kept meanwhile, and the focus stands still."""

    local_pause: bool


@action("ledger/set_health_badge")
class SetHealthBadge(Action):
    """It was found out how a module is."""

    module: str
    """Its name."""

    badge: HealthBadge
