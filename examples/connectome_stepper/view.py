"""What the panels show: pure functions of the state and of the time, for 80 by 24 characters.

What belongs here: texts, bars and colours.  What does not: where a panel stands, which client.py
says, and the two panels that have files of their own, the ledger's and the feed's.  Nothing is
remembered: two calls with the same state and time draw the same.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from rich.text import Text

from examples.connectome_stepper.script import zone_of
from refold.selectors.ledger import select_wait_progress

if TYPE_CHECKING:
    from examples.connectome_stepper.store import ConnectomeState
    from refold.actions.ledger import HealthBadge

__all__ = [
    "draw_explanation",
    "draw_focus",
    "draw_keys",
    "draw_status",
    "draw_tick",
    "draw_wait",
]

_BAR: Final = 12
"""Characters of a full bar."""

_NOTHING: Final = "-"
"""Stands for what is missing."""

_HEALTH_STYLES: Final = {"OK": "green", "WARN": "yellow", "ERROR": "bold red"}

_KEYS: Final = (
    *(("n", "next"), ("r", "restart"), ("0-3", "speed"), ("m", "mode")),
    *(("p", "pin"), ("space", "hold"), ("e", "export"), ("q", "quit")),
)


def draw_status(state: ConnectomeState, _now_ms: int) -> Text:
    """Return one line: mode, speed, place, session, commit, and how the store is."""
    ledger = state.ledger
    badge = ledger.health_badges.get("state_store")
    line = Text()
    line.append(f" {ledger.mode} ", "bold reverse")
    line.append(f" {ledger.speed}", "bold")
    line.append(" held" if ledger.local_pause else "", "bold yellow")
    for name, value in (
        ("cursor", ledger.cursor),
        ("session", ledger.session_id or _NOTHING),
        ("commit", ledger.commit_id),
    ):
        line.append(f"   {name} ", "dim").append(str(value), "bold")
    return line.append("   health ", "dim").append_text(_health(badge))


def _health(badge: HealthBadge | None) -> Text:
    status = "UNKNOWN" if badge is None else badge.status
    style = _HEALTH_STYLES.get(status, "dim")
    return Text(status, style) if badge is None or status == "OK" else Text(badge.tooltip, style)


def draw_focus(state: ConnectomeState, _now_ms: int) -> Text:
    """Return what is looked at, and what is pinned."""
    focus, pinned = state.ledger.active_focus, state.ledger.pinned_focus
    node = focus.active_node_id
    zone = focus.active_zone_id or (None if node is None else zone_of(node))
    text = Text()
    lines = (
        *(("node", node), ("edge", focus.active_edge_id)),
        *(("step", focus.active_step_key), ("zone", zone)),
    )
    for name, value in lines:
        text.append(f"{name} ", "dim").append(f"{value or _NOTHING}\n", "bold")
    if pinned is None:
        return text.append("not pinned", "dim")
    return text.append(f"pinned to {pinned.active_node_id or pinned.active_edge_id}", "magenta")


def draw_wait(state: ConnectomeState, now_ms: int) -> Text:
    """Return how long the player has waited."""
    waiting = state.ledger.wait_progress
    if waiting.started_at_ms is None:
        return Text("nobody waits", "dim")
    shown = select_wait_progress(state.ledger, now_ms)
    seconds = f" {shown.seconds_display:.1f} of {waiting.max_seconds:.1f} s"
    return _bar(shown.value_0_1, "red" if shown.value_0_1 >= 1 else "yellow").append(seconds)


def draw_tick(state: ConnectomeState, _now_ms: int) -> Text:
    """Return how much of the present tick is over, and how long one takes."""
    tick = state.ledger.tick_display
    if math.isinf(tick.nominal_interval_ms):
        return _bar(0, "cyan").append(" pause")
    interval = f" {tick.speed_label} {tick.nominal_interval_ms:.0f} ms"
    return _bar(tick.progress_0_1, "cyan").append(interval)


def _bar(value_0_1: float, style: str) -> Text:
    full = round(value_0_1 * _BAR)
    return Text().append("█" * full, style).append("░" * (_BAR - full), "dim")


def draw_explanation(state: ConnectomeState, _now_ms: int) -> Text:
    """Return the sentence about the present step, and what else there is to say."""
    known = state.ledger.current_explanation
    if known.sentence:
        return Text(known.sentence).append(f"\n{known.notes or ''}", "dim")
    if state.ledger.mode == "realtime":
        return Text("Events come as they happen; m goes back to the script.", "dim")
    return Text(
        "n releases the first step; 1, 2 and 3 let the steps come by themselves, 0 pauses.", "dim"
    )


def draw_keys(_state: ConnectomeState, _now_ms: int) -> Text:
    """Return what may be pressed."""
    line = Text()
    for key, meaning in _KEYS:
        line.append(f" {key}", "bold").append(f" {meaning} ", "dim")
    return line
