"""Questions about a ledger; each takes the ledger's own state, `at` lifts it to a root."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs

from refold.actions.ledger import FlowEvent
from refold.selectors.plain_selector import plain_selector

if TYPE_CHECKING:
    from pyrsistent import PDeque, PMap

    from refold.actions.ledger import HealthBadge, Mode, Speed
    from refold.reducers.ledger_state import (
        ActiveFocus,
        CurrentExplanation,
        LedgerState,
        TickDisplay,
    )

__all__ = [
    "WaitProgressDisplay",
    "select_active_focus",
    "select_current_explanation",
    "select_cursor",
    "select_health_badges",
    "select_latest_events",
    "select_ledger",
    "select_mode",
    "select_pinned_focus",
    "select_session_id",
    "select_speed",
    "select_tick_display",
    "select_wait_progress",
]


@attrs.frozen
class WaitProgressDisplay:
    """What the bar of a waiting player shows."""

    value_0_1: float
    """How full it is."""

    seconds_display: float
    """How long the player has waited, to a tenth of a second; no more than where it is full."""


@plain_selector
def select_session_id(state: LedgerState) -> str:
    """Return by what the session is known; empty before the first restart."""
    return state.session_id


@plain_selector
def select_mode(state: LedgerState) -> Mode:
    """Return how events come."""
    return state.mode


@plain_selector
def select_speed(state: LedgerState) -> Speed:
    """Return how fast steps are released."""
    return state.speed


@plain_selector
def select_cursor(state: LedgerState) -> int:
    """Return the index of the step that comes next."""
    return state.cursor


@plain_selector
def select_ledger(state: LedgerState) -> PDeque[FlowEvent]:
    """Return the events that are kept, oldest first."""
    return state.ledger


@plain_selector
def select_active_focus(state: LedgerState) -> ActiveFocus:
    """Return what is looked at."""
    return state.active_focus


@plain_selector
def select_pinned_focus(state: LedgerState) -> ActiveFocus | None:
    """Return what the user fixed; None if the focus follows the events."""
    return state.pinned_focus


@plain_selector
def select_current_explanation(state: LedgerState) -> CurrentExplanation:
    """Return what is said about the present step."""
    return state.current_explanation


@plain_selector
def select_tick_display(state: LedgerState) -> TickDisplay:
    """Return what is shown of the ticks."""
    return state.tick_display


@plain_selector
def select_health_badges(state: LedgerState) -> PMap[str, HealthBadge]:
    """Return how each module is, by its name."""
    return state.health_badges


@plain_selector
def select_latest_events(state: LedgerState, count: int) -> tuple[FlowEvent, ...]:
    """Return the latest events, oldest first, without a walk over all that are kept.

    Args:
        state: the ledger's state.
        count: how many at most, 0 or more.
    """
    rest, latest = state.ledger, list[FlowEvent]()
    while rest and len(latest) < count:
        latest.append(rest.right)
        rest = rest.pop()
    return tuple(reversed(latest))


@plain_selector
def select_wait_progress(state: LedgerState, now_ms: int) -> WaitProgressDisplay:
    """Return how long a player has waited; nothing, if nobody waits.

    Args:
        state: the ledger's state.
        now_ms: milliseconds since the Unix epoch; a start after that counts as now.
    """
    waiting = state.wait_progress
    if waiting.started_at_ms is None:
        return WaitProgressDisplay(0.0, 0.0)
    elapsed = (now_ms - waiting.started_at_ms) / 1000
    seconds = min(max(elapsed, 0.0), waiting.max_seconds)
    most = math.floor(waiting.max_seconds * 10) / 10
    return WaitProgressDisplay(seconds / waiting.max_seconds, min(round(seconds, 1), most))
