"""`check_told_in_order`: what holds of the events of any node, whatever happened.

What belongs here: the rules that `node_events` states.  What does not: any one schedule.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from refold.middleware.peer_network.node_events import (
    AttemptsCancelled,
    AttemptsFailed,
    AttemptStarted,
    LinkDown,
    LinkUp,
    MessageReceived,
    NodeStarted,
)

if TYPE_CHECKING:
    from refold.middleware.peer_network.node_events import NodeEvent

__all__ = ["check_told_in_order"]


def check_told_in_order(
    events: Sequence[NodeEvent], *, max_links_per_peer: int, is_stopped: bool
) -> None:
    """Refuse what breaks a rule; after the stop nothing may be open."""
    attempts: dict[str, int] = {}
    up: dict[str, str] = {}
    used: set[str] = set()
    assert not events or isinstance(events[0], NodeStarted)
    for event in events[1:]:
        match event:
            case AttemptStarted(peer_id, attempt):
                assert attempt == attempts.get(peer_id, 0) + 1, events
                attempts[peer_id] = attempt
            case AttemptsFailed(peer_id, error, count):
                assert attempts.pop(peer_id, None) == count, events
                assert error
            case AttemptsCancelled(peer_id):
                assert attempts.pop(peer_id, None) is not None, events
            case LinkUp(peer_id, link_id):
                attempts.pop(peer_id, None)
                assert link_id not in used, events
                used.add(link_id)
                up[link_id] = peer_id
                assert list(up.values()).count(peer_id) <= max_links_per_peer, events
            case LinkDown(peer_id, link_id, reason):
                assert up.pop(link_id, None) == peer_id, events
                assert reason
            case MessageReceived(peer_id):
                assert peer_id in up.values(), events
            case NodeStarted():
                raise AssertionError(events)
    if is_stopped:
        assert not attempts, events
        assert not up, events
