"""`stamp_events`: give each event that has no time the time of its action."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from refold import evolve
from refold.actions.ledger import (
    AppendRealtimeEventAndUpdateFocusIfNeeded,
    CommitStepReleaseAppendEventAndSetFocusAndExplanation,
)

if TYPE_CHECKING:
    from refold import Action, Dispatch, StoreAPI
    from refold.actions.ledger import FlowEvent

__all__ = ["stamp_events"]


def stamp_events(_store: StoreAPI[Any], next: Dispatch) -> Dispatch:  # noqa: A002  # its usual name
    """Return a handler to stand below ``timestamps()``; an event's own time is kept."""

    def handle(action: Action) -> Action:
        match action:
            case CommitStepReleaseAppendEventAndSetFocusAndExplanation(release=release):
                if release.event is not None:
                    event = _stamped(release.event, action.at_ms)
                    action = evolve(action, release=evolve(release, event=event))
            case AppendRealtimeEventAndUpdateFocusIfNeeded(event=event):
                action = evolve(action, event=_stamped(event, action.at_ms))
            case _:
                pass
        return next(action)

    return handle


def _stamped(event: FlowEvent, at_ms: int | None) -> FlowEvent:
    return evolve(event, at_ms=at_ms) if event.at_ms is None else event
