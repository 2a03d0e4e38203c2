"""`LedgerState`: all that a debugger shows, and its parts.

What belongs here: fields and what they mean.  What does not: how they change, which
`refold.reducers.ledger` says.
"""

from __future__ import annotations

from typing import Final

import attrs
from pyrsistent import PDeque, PMap, pdeque, pmap

from refold.actions.ledger import FlowEvent, HealthBadge, Mode, Speed

__all__ = [
    "TICK_MS",
    "ActiveFocus",
    "CurrentExplanation",
    "LedgerState",
    "TickDisplay",
    "WaitProgress",
]

TICK_MS: Final = 1000.0
"""How long a tick takes at single speed."""


@attrs.frozen
class ActiveFocus:
    """What is looked at: at most one node, one edge and one step."""

    active_node_id: str | None = None
    """The node; None for none."""

    active_edge_id: str | None = None
    """The edge; None for none."""

    active_step_key: str | None = None
    """The step; None for none."""

    active_zone_id: str | None = None
    """The zone; None if that is not known."""


@attrs.frozen
class CurrentExplanation:
    """What is said about the present step."""

    sentence: str = ""
    """One sentence; empty before the first step."""

    notes: str | None = None
    """More about it; None for nothing."""


@attrs.frozen
class WaitProgress:
    """Since when a player waits; how full the bar is, `select_wait_progress` says."""

    started_at_ms: int | None = None
    """When the player began to wait; None if nobody waits."""

    stopped_at_ms: int | None = None
    """When the last wait ended; None before the first end, and during a wait."""

    max_seconds: float = 4.0
    """Where the bar is full."""


@attrs.frozen
class TickDisplay:
    """What is shown of the ticks."""

    nominal_interval_ms: float = TICK_MS
    """How long a tick takes; infinity at pause."""

    progress_0_1: float = 0.0
    """How much of the present one is over, 0 to 1."""

    speed_label: str = "1x"
    """The speed, in words."""


@attrs.frozen
class LedgerState:
    """All that a debugger shows."""

    session_id: str = ""
    """By which the session is known; empty before the first restart."""

    mode: Mode = "stepper"
    """How events come."""

    speed: Speed = "1x"
    """How fast they come in stepper mode."""

    local_pause: bool = False
    """Whether the view stands still, in realtime mode."""

    cursor: int = 0
    """The index of the step that comes next."""

    ledger: PDeque[FlowEvent] = attrs.field(default=pdeque())
    """The events, oldest first; in stepper mode all of them since the last cleared restart."""

    active_focus: ActiveFocus = ActiveFocus()
    """What is looked at."""

    pinned_focus: ActiveFocus | None = None
    """What the user fixed; None if the focus follows the events."""

    current_explanation: CurrentExplanation = CurrentExplanation()
    """What is said about the present step."""

    wait_progress: WaitProgress = WaitProgress()
    """Since when a player waits."""

    tick_display: TickDisplay = TickDisplay()
    """What is shown of the ticks."""

    health_badges: PMap[str, HealthBadge] = attrs.field(default=pmap())
    """How each module is, by its name."""

    commit_id: int = 0
    """How many times events were appended; one more per commit."""

    evicted_count: int = 0
    """Events that were evicted in this session."""

    arrived_count: int = 0
    """Events appended since the ledger was last empty: the next one's ``arrival_index``."""
