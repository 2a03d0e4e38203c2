"""The table of the latest events: a pure function of the state."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from rich.table import Table
from rich.text import Text

from refold.selectors.ledger import select_latest_events

if TYPE_CHECKING:
    from examples.connectome_stepper.store import ConnectomeState
    from refold.actions.ledger import FlowEvent
    from refold.reducers.ledger_state import ActiveFocus

__all__ = ["draw_ledger"]

_NOTHING: Final = "-"
"""Stands for what is missing."""

_CALL_STYLES: Final = {"code": "cyan", "graph": "green", "agent": "yellow"}


def draw_ledger(state: ConnectomeState, _now_ms: int, rows: int = 15) -> Table:
    """Return as many of the latest events; a mark stands at what is looked at."""
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("#", width=5, justify="right")
    table.add_column("UTC", width=8)
    table.add_column("call", width=5)
    table.add_column("label", width=16, no_wrap=True, overflow="ellipsis")
    table.add_column("ms", width=6, justify="right")
    events = select_latest_events(state.ledger, rows)
    marked = _event_looked_at(events, state.ledger.active_focus)
    for event in events:
        call = event.call_type or _NOTHING
        table.add_row(
            f"{'▸' if event is marked else ''}{event.arrival_index}",
            _time_of_day(event.at_ms),
            Text(call, _CALL_STYLES.get(call, "")),
            event.label,
            _milliseconds(event.duration_ms),
            style="bold" if event is marked else "",
        )
    return table


def _event_looked_at(events: tuple[FlowEvent, ...], focus: ActiveFocus) -> FlowEvent | None:
    """Return the newest of the events that the focus is on; None if it is on none of them."""
    wanted = (focus.active_node_id, focus.active_edge_id, focus.active_step_key)
    if wanted == (None, None, None):
        return None
    found = (it for it in reversed(events) if (it.node_id, it.edge_id, it.step_key) == wanted)
    return next(found, None)


def _time_of_day(at_ms: int | None) -> str:
    """Return such as ``12:44:33``."""
    if at_ms is None:
        return _NOTHING
    return f"{datetime.fromtimestamp(at_ms // 1000, UTC):%H:%M:%S}"


def _milliseconds(duration_ms: float | None) -> str:
    """Return such as ``18.5``, in at most 6 characters below 16 minutes."""
    if duration_ms is None:
        return _NOTHING
    return f"{duration_ms:.1f}" if duration_ms < 1000 else f"{duration_ms:.0f}"  # noqa: PLR2004
