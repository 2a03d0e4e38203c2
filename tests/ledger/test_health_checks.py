"""Each of the six checks: it passes sound steps, and fails steps that were broken on purpose.

What belongs here: one list of breakages per check.  What does not: running checks on a store or a
log, which the tests of the dock and of ``refold health`` do.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from pyrsistent import pdeque

from refold.actions.ledger import (
    FlowEvent,
    HealthBadge,
    RestartSessionClearOrBoundary,
    SetHealthBadge,
    SetLocalPause,
    SetModeAndResetBuffersIfNeeded,
    SetPinnedFocus,
    SetPlayerWaitTimerStartMs,
    SetPlayerWaitTimerStopMsAndResetProgress,
    SetTickDisplayProgress01,
    StepFocus,
)
from refold.reducers.evolve import evolve
from refold.reducers.ledger import ledger_reducer, make_ledger_reducer
from refold.reducers.ledger_config import LedgerConfig
from refold.reducers.ledger_state import (
    ActiveFocus,
    CurrentExplanation,
    LedgerState,
    TickDisplay,
    WaitProgress,
)
from refold.selectors import ledger_health
from refold.selectors.ledger import WaitProgressDisplay
from refold.selectors.ledger_export import serialize_ledger_to_jsonl
from refold.selectors.ledger_health import (
    LEDGER_HEALTH_CHECKS,
    HealthCheck,
    health_check_atomic_commit_updates_all_fields,
    health_check_export_equals_ledger,
    health_check_ledger_is_append_only,
    health_check_restart_policy_is_consistent,
    health_check_single_active_focus,
    health_check_wait_timer_clamps_to_max_4_seconds,
)
from tests.ledger.ledger_scene import Break, changed_at, fold, ledger_of, realtime, step
from tests.ledger.ledger_strategies import ledger_configs, ledger_runs

if TYPE_CHECKING:
    from refold.actions.action import Action

TICK = SetTickDisplayProgress01(0.5)
RESTART = RestartSessionClearOrBoundary("s1")
REALTIME = ledger_of(3, mode="realtime")
PINNED = ledger_reducer(REALTIME, SetPinnedFocus(StepFocus("pinned")))
PAUSED = ledger_reducer(REALTIME, SetLocalPause(local_pause=True))
STEPPER = ledger_of(3)
BOTH: Any = ("one", "other")
ELSEWHERE = ActiveFocus("elsewhere")


def with_events(after: LedgerState, *events: FlowEvent) -> LedgerState:
    """Return the state with these events for its ledger."""
    return evolve(after, ledger=pdeque(events))


LEDGER_BROKEN: list[Break] = [
    lambda _before, after: changed_at(after, 0),
    lambda _before, after: changed_at(after, 2),
    lambda _before, after: evolve(after, ledger=after.ledger.popleft()),
    lambda _before, after: evolve(after, ledger=after.ledger.pop(2)),
    lambda _before, after: evolve(after, ledger=after.ledger.rotate(1)),
    lambda _before, after: evolve(after, ledger=after.ledger.appendleft(FlowEvent(id="new"))),
    lambda _before, after: evolve(after, evicted_count=after.evicted_count - 1),
    lambda _before, after: evolve(after, evicted_count=after.evicted_count + 1),
    lambda _before, after: with_events(
        after,
        *(evolve(event, arrival_index=(event.arrival_index or 0) + 1) for event in after.ledger),
    ),
]

FOCUS_BROKEN: list[tuple[LedgerState, Action, Break]] = [
    (STEPPER, TICK, lambda _before, after: evolve(after, active_focus=ELSEWHERE)),
    (STEPPER, TICK, lambda _before, after: evolve(after, active_focus=ActiveFocus())),
    (
        STEPPER,
        step(3),
        lambda _before, after: evolve(after, active_focus=ActiveFocus(BOTH)),
    ),
    (
        STEPPER,
        step(3),
        lambda _before, after: evolve(after, active_focus=ActiveFocus("n1", BOTH)),
    ),
    (PINNED, realtime(4), lambda _before, after: evolve(after, active_focus=ELSEWHERE)),
    (PAUSED, realtime(4), lambda _before, after: evolve(after, active_focus=ELSEWHERE)),
    (REALTIME, realtime(4), lambda _before, after: evolve(after, active_focus=ELSEWHERE)),
    (
        STEPPER,
        SetModeAndResetBuffersIfNeeded("stepper"),
        lambda _before, after: evolve(after, active_focus=ELSEWHERE),
    ),
]

RELEASE_BROKEN: list[Break] = [
    lambda before, after: evolve(after, ledger=before.ledger),
    lambda before, after: evolve(after, active_focus=before.active_focus),
    lambda before, after: evolve(after, current_explanation=before.current_explanation),
    lambda before, after: evolve(after, cursor=before.cursor),
    lambda before, after: evolve(after, commit_id=before.commit_id),
    lambda _before, after: evolve(after, active_focus=ActiveFocus("n3", "d3", "s3", "BE")),
    lambda _before, after: evolve(after, current_explanation=CurrentExplanation("Sentence 3.")),
    lambda _before, after: evolve(after, ledger=after.ledger.append(FlowEvent(id="e3"))),
    lambda before, after: evolve(after, ledger=before.ledger.append(FlowEvent(id="other"))),
    lambda before, after: evolve(after, ledger=before.ledger.append(FlowEvent(id="e3"))),
]

BAD_DISPLAYS: list[Callable[[float], tuple[float, float]]] = [
    lambda seconds: (seconds / 4, round(seconds, 1)),
    lambda seconds: (max(seconds, 0) / 4, round(max(seconds, 0), 1)),
    lambda seconds: (min(seconds, 4) / 4, round(min(seconds, 4), 1)),
    lambda seconds: (min(max(seconds, 0), 4) / 4, round(min(max(seconds, 0), 4), 2)),
    lambda seconds: (min(max(seconds, 0), 4) / 4, round(min(max(seconds, 0), 4))),
    lambda seconds: (min(max(seconds, 0), 5) / 5, round(min(max(seconds, 0), 5), 1)),
]

EXPORT_BROKEN: list[Callable[[LedgerState], LedgerState]] = [
    lambda state: evolve(state, ledger=state.ledger.pop()),
    lambda state: evolve(state, ledger=state.ledger.popleft()),
    lambda state: evolve(state, ledger=state.ledger.append(FlowEvent())),
    lambda state: evolve(state, ledger=state.ledger.rotate(1)),
    lambda state: changed_at(state, 1),
    lambda state: evolve(state, session_id="other"),
]


def finds(check: HealthCheck, before: LedgerState, act: Action, harm: Break) -> str:
    """Return what a check says of a step that was sound before it was harmed."""
    after = ledger_reducer(before, act)
    assert check(before, act, after) is None
    finding = check(before, act, harm(before, after))
    assert finding is not None, "the check did not see the harm"
    assert finding.checker == check.__name__
    return finding.difference


@given(run=ledger_runs(), config=ledger_configs)
def test_sound_steps_pass_every_check(run: list[Action], config: LedgerConfig) -> None:
    """No check complains of anything that the ledger's reducer does, by any rules."""
    reducer = make_ledger_reducer(config)
    state = reducer.initial
    for action in run:
        before, state = state, reducer(state, action)
        for check in LEDGER_HEALTH_CHECKS:
            assert check(before, action, state) is None


def test_the_checks_have_the_names_of_the_documents() -> None:
    """There are six, by the names of the documents."""
    assert [check.__name__ for check in LEDGER_HEALTH_CHECKS] == [
        "health_check_ledger_is_append_only",
        "health_check_single_active_focus",
        "health_check_atomic_commit_updates_all_fields",
        "health_check_wait_timer_clamps_to_max_4_seconds",
        "health_check_export_equals_ledger",
        "health_check_restart_policy_is_consistent",
    ]


@pytest.mark.parametrize(
    "act", [TICK, step(3), realtime(3), RESTART], ids=lambda act: act.wire_name
)
@pytest.mark.parametrize(
    "harm",
    LEDGER_BROKEN,
    ids=["first", "third", "lost", "lost 2", "rotated", "before", "less", "more", "index"],
)
def test_append_only_finds_it(act: Action, harm: Break) -> None:
    """V1: an event changed, lost, moved or put before others; a wrong count of evictions."""
    assert finds(health_check_ledger_is_append_only, STEPPER, act, harm)


def test_append_only_finds_a_session_without_a_restart() -> None:
    """V1: only a restart begins a session."""
    difference = finds(
        health_check_ledger_is_append_only,
        STEPPER,
        TICK,
        lambda _before, after: evolve(after, session_id="other"),
    )
    assert "'other'" in difference


@pytest.mark.parametrize(
    ("before", "act", "harm"),
    FOCUS_BROKEN,
    ids=[
        "moved",
        "lost",
        "two nodes",
        "two edges",
        "pinned",
        "paused",
        "not followed",
        "same mode",
    ],
)
def test_single_focus_finds_it(before: LedgerState, act: Action, harm: Break) -> None:
    """V2: two at once; a focus moved by what is no release, against a pin or against a pause."""
    assert finds(health_check_single_active_focus, before, act, harm)


@pytest.mark.parametrize(
    "harm",
    RELEASE_BROKEN,
    ids=["log", "focus", "sentence", "cursor", "id", "zone", "notes", "twice", "other", "label"],
)
def test_atomic_commit_finds_it(harm: Break) -> None:
    """V3: a release that left one of its parts as it was, or wrote something else there."""
    assert finds(health_check_atomic_commit_updates_all_fields, STEPPER, step(3), harm)


@pytest.mark.parametrize("begin", [WaitProgress(), WaitProgress(5), WaitProgress(None, 5)])
@pytest.mark.parametrize("what", ["start", "stop"])
def test_a_timer_that_a_release_left_alone_is_found(what: str, begin: WaitProgress) -> None:
    """Principle 2: the timer that a release starts or stops changes in the same commit."""
    before, act = evolve(STEPPER, wait_progress=begin), step(3, wait_timer_action=what)
    after = ledger_reducer(before, act)
    broken = evolve(after, wait_progress=begin)
    assert any(check(before, act, broken) for check in LEDGER_HEALTH_CHECKS)


def test_an_eviction_in_stepper_mode_is_found() -> None:
    """V1: in stepper mode nothing is evicted, not even if it is counted."""
    after = ledger_reducer(STEPPER, step(3))
    broken = evolve(after, ledger=after.ledger.popleft(), evicted_count=1)
    assert any(check(STEPPER, step(3), broken) for check in LEDGER_HEALTH_CHECKS)


@pytest.mark.parametrize(
    ("act", "waiting"),
    [
        (SetPlayerWaitTimerStartMs(5), WaitProgress(5, None, 9.0)),
        (SetPlayerWaitTimerStartMs(5), WaitProgress(5, None, math.inf)),
        (TICK, WaitProgress(None, None, 40.0)),
        (SetPlayerWaitTimerStopMsAndResetProgress(7), WaitProgress(5, 7)),
        (SetPlayerWaitTimerStopMsAndResetProgress(7), WaitProgress(5, None)),
    ],
)
def test_wait_timer_finds_it(act: Action, waiting: WaitProgress) -> None:
    """V4: a greatest wait that changed, and a wait that goes on after its stop."""
    before = ledger_reducer(STEPPER, SetPlayerWaitTimerStartMs(5))
    check = health_check_wait_timer_clamps_to_max_4_seconds
    assert finds(check, before, act, lambda _before, after: evolve(after, wait_progress=waiting))


@pytest.mark.parametrize(
    "show",
    BAD_DISPLAYS,
    ids=["no clamp", "no maximum", "no minimum", "two decimals", "no decimal", "five seconds"],
)
def test_wait_timer_finds_a_bad_display(show: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """V4: a display that is not clamped, or has another number of decimals."""

    def select(_state: LedgerState, now_ms: int) -> WaitProgressDisplay:
        return WaitProgressDisplay(*show((now_ms - 5) / 1000))

    monkeypatch.setattr(ledger_health, "select_wait_progress", select)
    before, act = STEPPER, SetPlayerWaitTimerStartMs(5)
    after = ledger_reducer(before, act)
    assert health_check_wait_timer_clamps_to_max_4_seconds(before, act, after) is not None


@pytest.mark.parametrize("name", ["serialize_ledger_to_jsonl", "serialize_ledger_to_text"])
@pytest.mark.parametrize(
    "harm",
    EXPORT_BROKEN,
    ids=["last", "first", "more", "order", "changed", "session"],
)
def test_export_finds_it(
    harm: Callable[[LedgerState], LedgerState], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P1: an export of other events, in another order, or of another session, in either form."""
    assert health_check_export_equals_ledger(STEPPER, TICK, STEPPER) is None
    serialize = getattr(ledger_health, name)

    def write(state: LedgerState) -> str:
        return str(serialize(harm(state)))

    monkeypatch.setattr(ledger_health, name, write)
    finding = health_check_export_equals_ledger(STEPPER, TICK, STEPPER)
    assert finding is not None
    assert finding.checker == "health_check_export_equals_ledger"


def test_export_finds_what_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """P1: an export that was cut is a finding, not an error."""
    serialize = serialize_ledger_to_jsonl

    def cut(state: LedgerState) -> str:
        return serialize(state)[:-9]

    monkeypatch.setattr(ledger_health, "serialize_ledger_to_jsonl", cut)
    assert health_check_export_equals_ledger(STEPPER, TICK, STEPPER) is not None


@pytest.mark.parametrize("text", ["\x85", "\u2028", "\u2029", "\n", "\ud800", "", "-"], ids=ascii)
def test_export_passes_any_text(text: str) -> None:
    """P1: a ledger with strange texts is sound."""
    state = fold(step(0, event=FlowEvent(label=text, duration_ms=math.nan)))
    assert health_check_export_equals_ledger(STEPPER, TICK, state) is None


@pytest.mark.parametrize("policy", ["boundary", "clear"])
@pytest.mark.parametrize(
    "changes",
    [
        {"session_id": ""},
        {"session_id": "s2"},
        {"cursor": 3},
        {"active_focus": ELSEWHERE},
        {"pinned_focus": ELSEWHERE},
        {"current_explanation": CurrentExplanation("Still there.")},
        {"wait_progress": WaitProgress(5)},
        {"wait_progress": WaitProgress(None, 5)},
        {"tick_display": evolve(STEPPER.tick_display, progress_0_1=0.5)},
        {"ledger": STEPPER.ledger},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_restart_finds_it(policy: Any, changes: dict[str, Any]) -> None:
    """P2: a restart that left something of the session before, or neither empties nor marks."""
    reducer = make_ledger_reducer(LedgerConfig(restart_policy=policy))
    after = reducer(STEPPER, RESTART)
    check = health_check_restart_policy_is_consistent
    assert check(STEPPER, RESTART, after) is None
    assert check(STEPPER, RESTART, evolve(after, **changes)) is not None


def test_restart_finds_a_boundary_that_came_in_place_of_the_ledger() -> None:
    """P2: what is marked must be kept; a marker alone is neither policy."""
    after = ledger_reducer(STEPPER, RESTART)
    broken = with_events(after, after.ledger.right)
    assert any(check(STEPPER, RESTART, broken) for check in LEDGER_HEALTH_CHECKS)


def test_no_check_raises_on_actions_of_others() -> None:
    """A badge, which the checks themselves lead to, is no step of the ledger's."""
    badge = SetHealthBadge("x", HealthBadge("OK", ""))
    after = ledger_reducer(STEPPER, badge)
    assert [check(STEPPER, badge, after) for check in LEDGER_HEALTH_CHECKS] == [None] * 6


APPEND_BROKEN: list[Break] = [
    lambda before, _after: before,
    lambda before, after: evolve(after, arrived_count=before.arrived_count),
    lambda before, after: evolve(after, ledger=before.ledger.append(FlowEvent(id="other"))),
]


@pytest.mark.parametrize("harm", APPEND_BROKEN, ids=["dropped", "not counted", "another"])
def test_atomic_commit_finds_a_realtime_event_that_is_not_there(harm: Break) -> None:
    """V3: an event that arrived is in the ledger, as it came, and counted."""
    assert finds(health_check_atomic_commit_updates_all_fields, REALTIME, realtime(4), harm)


HEADER_BROKEN: list[Callable[[LedgerState], LedgerState]] = [
    lambda state: evolve(state, evicted_count=9),
    lambda state: evolve(state, tick_display=TickDisplay(math.inf)),
]


@pytest.mark.parametrize("harm", HEADER_BROKEN, ids=["evictions", "interval"])
def test_export_finds_another_header(harm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """P1: the header says how long a tick took, and how many events were evicted."""

    def serialize(state: LedgerState) -> str:
        return serialize_ledger_to_jsonl(harm(state))

    monkeypatch.setattr(ledger_health, "serialize_ledger_to_jsonl", serialize)
    assert health_check_export_equals_ledger(STEPPER, TICK, STEPPER) is not None
