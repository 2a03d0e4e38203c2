"""Six checks of a ledger: whether one action led from a sound state to a sound state.

What belongs here: the checks, each a pure function ``(before, action, after) -> HealthFinding |
None``; None says that all is well.  What does not: running them, which the docks, the command
``refold health`` and property tests do.

Source: the invariants V1 to V4 and the properties P1 and P2 of the state store's documents.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import islice
from typing import TYPE_CHECKING, Final, TypeAlias

import attrs

from refold.actions.ledger import (
    AppendRealtimeEventAndUpdateFocusIfNeeded,
    CommitStepReleaseAppendEventAndSetFocusAndExplanation,
    FlowEvent,
    RestartSessionClearOrBoundary,
    SetPinnedFocus,
    SetPlayerWaitTimerStopMsAndResetProgress,
    StepFocus,
)
from refold.reducers.ledger import SESSION_BOUNDARY
from refold.reducers.ledger_state import ActiveFocus, CurrentExplanation, LedgerState, WaitProgress
from refold.selectors.ledger import select_wait_progress
from refold.selectors.ledger_export import (
    parse_ledger_jsonl,
    serialize_ledger_to_jsonl,
    serialize_ledger_to_text,
    text_of_event,
    text_of_session,
)

if TYPE_CHECKING:
    from refold.actions.action import Action

__all__ = [
    "LEDGER_HEALTH_CHECKS",
    "HealthCheck",
    "HealthFinding",
    "health_check_atomic_commit_updates_all_fields",
    "health_check_export_equals_ledger",
    "health_check_ledger_is_append_only",
    "health_check_restart_policy_is_consistent",
    "health_check_single_active_focus",
    "health_check_wait_timer_clamps_to_max_4_seconds",
]


@attrs.frozen
class HealthFinding:
    """What is wrong after an action."""

    checker: str
    """The name of the check."""

    difference: str
    """What was expected, and what was found."""


HealthCheck: TypeAlias = "Callable[[LedgerState, Action, LedgerState], HealthFinding | None]"
"""Takes the state before an action, the action, and the state after it."""


def health_check_ledger_is_append_only(
    before: LedgerState, action: Action, after: LedgerState
) -> HealthFinding | None:
    """V1: within a session no event is lost, changed or put elsewhere.

    Events may be evicted from the front, counted; a restart that clears begins anew.
    """
    restarted = isinstance(action, RestartSessionClearOrBoundary)
    if after.session_id != before.session_id and not restarted:
        return _found(
            health_check_ledger_is_append_only,
            f"the session {before.session_id!r} became {after.session_id!r} without a restart",
        )
    if restarted and len(after.ledger) == 0:
        return None
    evicted = after.evicted_count - (0 if restarted else before.evicted_count)
    kept = len(before.ledger) - evicted
    if evicted < 0 or kept > len(after.ledger):
        return _found(
            health_check_ledger_is_append_only,
            f"{len(before.ledger)} events became {len(after.ledger)}, with {evicted} evicted",
        )
    if evicted and before.mode == "stepper":
        return _found(
            health_check_ledger_is_append_only, f"{evicted} events were evicted in stepper mode"
        )
    pairs = zip(islice(before.ledger, evicted, None), after.ledger, strict=False)
    for place, (old, new) in enumerate(pairs):
        if old is not new and (old != new or old.arrival_index != new.arrival_index):
            return _found(
                health_check_ledger_is_append_only, f"event {place} was {old} and is {new}"
            )
    return None


def health_check_single_active_focus(
    before: LedgerState, action: Action, after: LedgerState
) -> HealthFinding | None:
    """V2: at most one node, edge and step is looked at, and only a release moves that."""
    parts: dict[str, object] = attrs.asdict(after.active_focus, recurse=False)
    for name, value in parts.items():
        if value is not None and not isinstance(value, str):
            return _found(
                health_check_single_active_focus, f"{name} is {value!r}, not one id or None"
            )
    expected = before.active_focus
    if isinstance(action, SetPinnedFocus):
        expected = _active(action.focus)
    elif isinstance(action, CommitStepReleaseAppendEventAndSetFocusAndExplanation):
        expected = _active(action.release.focus or StepFocus())
    elif isinstance(action, AppendRealtimeEventAndUpdateFocusIfNeeded):
        event = action.event
        if before.pinned_focus is None and not before.local_pause:
            expected = ActiveFocus(event.node_id, event.edge_id, event.step_key)
    elif isinstance(action, RestartSessionClearOrBoundary) or after.mode != before.mode:
        expected = ActiveFocus()
    return _unless_equal(
        health_check_single_active_focus,
        f"the focus after {type(action).__name__}",
        expected,
        after.active_focus,
    )


def health_check_atomic_commit_updates_all_fields(
    before: LedgerState, action: Action, after: LedgerState
) -> HealthFinding | None:
    """V3: a release changes ledger, focus, explanation and cursor in one commit.

    A realtime event appends itself and counts, in one commit.
    """
    if isinstance(action, AppendRealtimeEventAndUpdateFocusIfNeeded):
        return _first_unequal(
            health_check_atomic_commit_updates_all_fields,
            ("commit_id", before.commit_id + 1, after.commit_id),
            ("arrived_count", before.arrived_count + 1, after.arrived_count),
            (
                "the last event",
                _told_of(action.event),
                _told_of(after.ledger.right) if after.ledger else None,
            ),
        )
    if not isinstance(action, CommitStepReleaseAppendEventAndSetFocusAndExplanation):
        return None
    release = action.release
    focus = release.focus or StepFocus()
    sentence = "?" if release.explanation_sentence is None else release.explanation_sentence
    cursor = before.cursor + 1 if release.cursor_next is None else release.cursor_next
    appended = _told_of(after.ledger.right) if after.ledger else None
    return _first_unequal(
        health_check_atomic_commit_updates_all_fields,
        ("commit_id", before.commit_id + 1, after.commit_id),
        (
            "events kept and evicted",
            len(before.ledger) + before.evicted_count + 1,
            len(after.ledger) + after.evicted_count,
        ),
        ("the last event", _told_of(release.event or FlowEvent()), appended),
        (
            "active_focus",
            _active(focus),
            after.active_focus,
        ),
        (
            "current_explanation",
            CurrentExplanation(sentence, release.explanation_notes),
            after.current_explanation,
        ),
        ("cursor", cursor, after.cursor),
        (
            "the wait's start and stop",
            _wait_after(before.wait_progress, action),
            (after.wait_progress.started_at_ms, after.wait_progress.stopped_at_ms),
        ),
    )


def health_check_wait_timer_clamps_to_max_4_seconds(
    before: LedgerState, action: Action, after: LedgerState
) -> HealthFinding | None:
    """V4: a wait shows 0 to its greatest time, to a tenth of a second, and nothing after a stop."""
    check = health_check_wait_timer_clamps_to_max_4_seconds
    waiting = after.wait_progress
    if waiting.max_seconds != before.wait_progress.max_seconds:
        return _unless_equal(
            check, "max_seconds", before.wait_progress.max_seconds, waiting.max_seconds
        )
    start = waiting.started_at_ms
    if isinstance(action, SetPlayerWaitTimerStopMsAndResetProgress) and start is not None:
        return _unless_equal(check, "started_at_ms after a stop", None, start)
    if start is None:
        return None
    for milliseconds in (-1000, 0, 50, 1234, 3999, 4000, 100_000):
        shown = select_wait_progress(after, start + milliseconds)
        seconds = min(max(milliseconds / 1000, 0.0), waiting.max_seconds)
        most = math.floor(waiting.max_seconds * 10) / 10
        wanted = (seconds / waiting.max_seconds, min(round(seconds, 1), most))
        if (shown.value_0_1, shown.seconds_display) != wanted:
            return _unless_equal(
                check,
                f"what is shown after {milliseconds} ms",
                wanted,
                (shown.value_0_1, shown.seconds_display),
            )
    return None


def health_check_export_equals_ledger(
    _before: LedgerState, _action: Action, after: LedgerState
) -> HealthFinding | None:
    """P1: the export has each event of the ledger, as it is and in its order, and no other."""
    check = health_check_export_equals_ledger
    try:
        exported = parse_ledger_jsonl(serialize_ledger_to_jsonl(after))
    except ValueError as error:
        return _found(check, str(error))
    wrong = _first_unequal(
        check,
        ("the exported session", after.session_id, exported.session_id),
        ("the exported count of evictions", after.evicted_count, exported.evicted_count),
        ("exported events", len(after.ledger), len(exported.events)),
        (
            "the exported interval",
            after.tick_display.nominal_interval_ms,
            exported.nominal_interval_ms,
        ),
    )
    if wrong is not None:
        return wrong
    for place, (event, line) in enumerate(zip(after.ledger, exported.events, strict=True)):
        if repr(event) != repr(line):  # a repr tells nan from nothing, and 1 from 1.0
            return _found(check, f"exported event {place}: expected {event}, found {line}")
    lines = [text_of_session(after), *map(text_of_event, after.ledger)]
    if serialize_ledger_to_text(after) != "\n".join(lines) + "\n":
        return _found(check, f"the text has not one line for each of {len(after.ledger)} events")
    return None


def health_check_restart_policy_is_consistent(
    before: LedgerState, action: Action, after: LedgerState
) -> HealthFinding | None:
    """P2: a restart begins a new session at its start; the ledger is empty or has a boundary."""
    if not isinstance(action, RestartSessionClearOrBoundary):
        return None
    check = health_check_restart_policy_is_consistent
    waiting = after.wait_progress
    wrong = _first_unequal(
        check,
        ("session_id", action.session_id, after.session_id),
        ("cursor", 0, after.cursor),
        ("active_focus", ActiveFocus(), after.active_focus),
        ("pinned_focus", None, after.pinned_focus),
        ("current_explanation", CurrentExplanation(), after.current_explanation),
        ("started_at_ms", None, waiting.started_at_ms),
        ("stopped_at_ms", None, waiting.stopped_at_ms),
        ("the tick's progress", 0.0, after.tick_display.progress_0_1),
    )
    if wrong is not None or len(after.ledger) == 0:
        return wrong
    last = after.ledger.right
    if (last.call_type, last.label) != ("code", SESSION_BOUNDARY):
        return _found(
            check,
            f"after a restart the ledger of {len(before.ledger)} events has {len(after.ledger)},"
            f" the last of them {last}; expected none, or a boundary at its end",
        )
    return None


LEDGER_HEALTH_CHECKS: Final[tuple[HealthCheck, ...]] = (
    health_check_ledger_is_append_only,
    health_check_single_active_focus,
    health_check_atomic_commit_updates_all_fields,
    health_check_wait_timer_clamps_to_max_4_seconds,
    health_check_export_equals_ledger,
    health_check_restart_policy_is_consistent,
)
"""All of them, in the order of the documents."""


def _active(focus: StepFocus) -> ActiveFocus:
    return ActiveFocus(focus.node_id, focus.edge_id, focus.step_key, focus.zone_id)


def _told_of(event: FlowEvent) -> str:
    """Return what a ledger keeps of an event in any case, as text: nan is equal to itself there."""
    texts = tuple("?" if text is None else text for text in (event.call_type, event.label))
    places = (event.node_id, event.edge_id, event.step_key)
    return repr((event.id, event.at_ms, *texts, *places, event.duration_ms))


def _wait_after(
    before: WaitProgress, action: CommitStepReleaseAppendEventAndSetFocusAndExplanation
) -> tuple[int | None, int | None]:
    """Return when the wait began and when it ended, after a release."""
    release = action.release
    now = action.at_ms
    if now is None and release.event is not None:
        now = release.event.at_ms
    if release.wait_timer_action == "start" and now is not None:
        return now, None
    if release.wait_timer_action == "stop":
        return None, now
    return before.started_at_ms, before.stopped_at_ms


def _first_unequal(
    check: HealthCheck, *expected: tuple[str, object, object]
) -> HealthFinding | None:
    """Return what is wrong with the first of several (what, wanted, found); None if nothing is."""
    return next(
        (_unless_equal(check, *each) for each in expected if each[1] != each[2]),
        None,
    )


def _unless_equal(
    check: HealthCheck, what: str, wanted: object, found: object
) -> HealthFinding | None:
    return None if wanted == found else _found(check, f"{what}: expected {wanted}, found {found}")


def _found(check: HealthCheck, difference: str) -> HealthFinding:
    return HealthFinding(check.__name__, difference)
