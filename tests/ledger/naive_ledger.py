"""A ledger as its documents say it, of plain lists and dicts: slow, and obvious.

What belongs here: one method per action, written from the documents, sharing no code with the
reducer.  What does not: health badges of other modules than the store holds.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import attrs

from refold.actions.ledger import (
    AppendRealtimeEventAndUpdateFocusIfNeeded,
    ClearPinnedFocus,
    CommitStepReleaseAppendEventAndSetFocusAndExplanation,
    FlowEvent,
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
)

if TYPE_CHECKING:
    from refold.actions.action import Action
    from refold.reducers.ledger_config import LedgerConfig
    from refold.reducers.ledger_state import LedgerState

__all__ = ["NaiveLedger", "plain"]

NO_FOCUS = (None, None, None, None)


def plain(state: LedgerState) -> dict[str, Any]:
    """Return what a naive ledger shall equal, without what the documents leave open."""
    pinned = state.pinned_focus
    return {
        "session_id": state.session_id,
        "mode": state.mode,
        "speed": state.speed,
        "local_pause": state.local_pause,
        "cursor": state.cursor,
        "ledger": [attrs.astuple(event) for event in state.ledger],
        "focus": attrs.astuple(state.active_focus),
        "pinned": None if pinned is None else attrs.astuple(pinned),
        "explanation": attrs.astuple(state.current_explanation),
        "wait": attrs.astuple(state.wait_progress),
        "tick": attrs.astuple(state.tick_display),
        "badges": {name: attrs.astuple(badge) for name, badge in state.health_badges.items()},
        "evicted_count": state.evicted_count,
    }


class NaiveLedger:
    """The same in lists."""

    def __init__(self, config: LedgerConfig) -> None:
        """Begin empty."""
        self.config = config
        self.arrived = 0
        self.value: dict[str, Any] = {
            "session_id": "",
            "mode": "stepper",
            "speed": "1x",
            "local_pause": False,
            "cursor": 0,
            "ledger": [],
            "focus": NO_FOCUS,
            "pinned": None,
            "explanation": ("", None),
            "wait": (None, None, config.max_wait_seconds),
            "tick": (1000.0, 0.0, "1x"),
            "badges": {},
            "evicted_count": 0,
        }

    def apply(self, action: Action) -> None:  # noqa: C901, PLR0912  # one branch per action
        """Do what the documents say of an action."""
        value = self.value
        match action:
            case CommitStepReleaseAppendEventAndSetFocusAndExplanation():
                self._release(action)
            case AppendRealtimeEventAndUpdateFocusIfNeeded(event=event):
                self._append(event)
                if value["pinned"] is None and not value["local_pause"]:
                    value["focus"] = (event.node_id, event.edge_id, event.step_key, None)
            case SetModeAndResetBuffersIfNeeded(mode=mode):
                if mode != value["mode"]:
                    value["mode"] = mode
                    self._reset()
            case SetSpeedAndUpdateNominalTickInterval(speed=speed):
                value["speed"] = speed
                interval = math.inf if speed == "pause" else 1000.0 / int(speed[0])
                value["tick"] = (interval, value["tick"][1], speed)
            case RestartSessionClearOrBoundary(session_id=session_id):
                self._restart(session_id, action.at_ms)
            case SetPlayerWaitTimerStartMs(started_at_ms=at_ms):
                value["wait"] = (at_ms, None, self.config.max_wait_seconds)
            case SetPlayerWaitTimerStopMsAndResetProgress(stopped_at_ms=at_ms):
                value["wait"] = (None, at_ms, self.config.max_wait_seconds)
            case SetTickDisplayProgress01(progress_0_1=part):
                part = 0.0 if math.isnan(part) else min(1.0, max(0.0, part))
                value["tick"] = (value["tick"][0], part, value["tick"][2])
            case SetPinnedFocus(focus=focus):
                value["pinned"] = value["focus"] = attrs.astuple(focus)
            case ClearPinnedFocus():
                value["pinned"] = None
            case SetLocalPause(local_pause=paused):
                value["local_pause"] = paused
            case SetHealthBadge(module=module, badge=badge):
                value["badges"][module] = attrs.astuple(badge)
            case _:
                pass

    def _release(self, action: CommitStepReleaseAppendEventAndSetFocusAndExplanation) -> None:
        release, value = action.release, self.value
        event = release.event or FlowEvent()
        self._append(event)
        value["focus"] = attrs.astuple(release.focus or StepFocus())
        sentence = release.explanation_sentence
        value["explanation"] = ("?" if sentence is None else sentence, release.explanation_notes)
        following = release.cursor_next
        value["cursor"] = value["cursor"] + 1 if following is None else following
        now = action.at_ms if action.at_ms is not None else event.at_ms
        if now is not None and release.wait_timer_action == "start":
            value["wait"] = (now, None, self.config.max_wait_seconds)
        if release.wait_timer_action == "stop":
            value["wait"] = (None, now, self.config.max_wait_seconds)

    def _restart(self, session_id: str, at_ms: int | None) -> None:
        value = self.value
        value["session_id"] = session_id
        value["evicted_count"] = 0
        self._reset()
        if self.config.restart_policy == "clear":
            value["ledger"] = []
            self.arrived = 0
        else:
            marker = FlowEvent(session_id, at_ms, call_type="code", label="SESSION_BOUNDARY")
            self._append(marker)

    def _reset(self) -> None:
        value = self.value
        value["cursor"] = 0
        value["local_pause"] = False
        value["focus"] = NO_FOCUS
        value["pinned"] = None
        value["explanation"] = ("", None)
        value["wait"] = (None, None, self.config.max_wait_seconds)
        value["tick"] = (value["tick"][0], 0.0, value["tick"][2])

    def _append(self, event: FlowEvent) -> None:
        row = list(attrs.astuple(event))
        names = [field.name for field in attrs.fields(FlowEvent)]
        row[names.index("arrival_index")] = self.arrived
        for name in ("call_type", "label"):
            if row[names.index(name)] is None:
                row[names.index(name)] = "?"
        if not self.config.keep_raw_payload:
            row[names.index("payload")] = None
        self.arrived += 1
        self.value["ledger"].append(tuple(row))
        if self.value["mode"] == "realtime":
            self._evict(event.at_ms)

    def _evict(self, newest_at_ms: int | None) -> None:
        rows, kept = self.value["ledger"], self.config.max_events
        while kept is not None and len(rows) > kept:
            self._evict_first()
        if self.config.max_age_ms is None or newest_at_ms is None:
            return
        oldest = newest_at_ms - self.config.max_age_ms
        while True:
            known = next(((at, row[1]) for at, row in enumerate(rows) if row[1] is not None), None)
            if known is None or known[1] >= oldest:
                return
            for _ in range(known[0] + 1):
                self._evict_first()

    def _evict_first(self) -> None:
        del self.value["ledger"][0]
        self.value["evicted_count"] += 1
