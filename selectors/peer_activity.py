"""Questions about what happened with peers; each takes its own state, `at` lifts it to a root."""

from __future__ import annotations

from typing import TYPE_CHECKING

from refold.selectors.plain_selector import plain_selector

if TYPE_CHECKING:
    from pyrsistent import PDeque

    from refold.reducers.peer_activity import ActivityEvent, PeerActivityState

__all__ = [
    "select_activity_events",
    "select_activity_of_peer",
    "select_latest_activity_events",
]


@plain_selector
def select_activity_events(state: PeerActivityState) -> PDeque[ActivityEvent]:
    """Return all events that are kept, oldest first."""
    return state.events


@plain_selector
def select_latest_activity_events(
    state: PeerActivityState, count: int
) -> tuple[ActivityEvent, ...]:
    """Return the latest events, oldest first.

    Args:
        state: the activity's state.
        count: how many at most, 0 or more.
    """
    events = tuple(state.events)
    return events[max(len(events) - count, 0) :]


@plain_selector
def select_activity_of_peer(state: PeerActivityState, peer_id: str) -> tuple[ActivityEvent, ...]:
    """Return what happened with one peer, oldest first."""
    return tuple(event for event in state.events if event.peer_id == peer_id)
