"""What holds of the connection."""

from __future__ import annotations

import math
from typing import Any, Final

import attrs

from refold.actions.action import Action
from refold.actions.connection import (
    AddMessageToQueueWhileDisconnected,
    ClearMessageQueue,
    ConnectionAttemptStarted,
    ConnectionEnded,
    ConnectionLostAndRetryScheduled,
    ConnectionOpened,
    ConnectionProvedStable,
    ConnectionStatus,
    HeartbeatAnswered,
    IncrementConnectionErrorCount,
    OutboundMessagesDropped,
    ResetConnectionErrorCount,
    ResetConnectionState,
    SetConnectionStatus,
)
from refold.actions.websocket_messages import (
    BadMessageReceived,
    InboundMessagesDropped,
    MessageHandlerFailed,
)
from refold.reducers.connection import ConnectionState, connection_reducer

__all__ = ["CHECKS"]


def the_status_follows_and_explains_itself(
    before: ConnectionState, action: Action, after: ConnectionState
) -> bool:
    """Each action leads to its status; times, reason and retry are those of that status."""
    return (
        after.status is _status_after(before, action)
        and _is_explained(action, after)
        and _is_stamped(before, action, after)
        and (not isinstance(action, ResetConnectionState) or after == ConnectionState())
    )


def counts_grow_by_what_happened(
    before: ConnectionState, action: Action, after: ConnectionState
) -> bool:
    """Each count grows by its own actions, and by no other."""
    if isinstance(action, ResetConnectionState):
        return True
    failed = (IncrementConnectionErrorCount, ConnectionLostAndRetryScheduled, MessageHandlerFailed)
    has_error = isinstance(action, failed) or (
        isinstance(action, ConnectionEnded) and action.error is not None
    )
    errors = 0 if isinstance(action, ResetConnectionErrorCount) else before.error_count + has_error
    lost, bad, dropped = OutboundMessagesDropped, BadMessageReceived, InboundMessagesDropped
    waits = isinstance(action, AddMessageToQueueWhileDisconnected)
    waiting = len(before.message_queue) + (waits and before.status is not _CONNECTED)
    return (
        after.error_count == errors
        and after.total_connects == before.total_connects + isinstance(action, ConnectionOpened)
        and after.dropped_count == before.dropped_count + _count(action, lost)
        and after.bad_message_count == before.bad_message_count + _count(action, bad)
        and after.inbound_dropped_count == before.inbound_dropped_count + _count(action, dropped)
        and len(after.message_queue) == (0 if isinstance(action, ClearMessageQueue) else waiting)
        and (not has_error or _is_told(action, after))
    )


def what_is_told_is_kept(before: ConnectionState, action: Action, after: ConnectionState) -> bool:
    """A field of an action that the state has, too, is as the action says."""
    kind: Any = type(action)
    names = {field.name for field in attrs.fields(kind)} - {"status"}
    names &= {field.name for field in attrs.fields(ConnectionState)}
    is_kept = all(getattr(after, name) == getattr(action, name) for name in names)
    return is_kept and _is_taken_over(before, action, after)


CHECKS: Final = (
    (
        connection_reducer,
        (
            the_status_follows_and_explains_itself,
            counts_grow_by_what_happened,
            what_is_told_is_kept,
        ),
    ),
)
"""What is checked: a reducer and its invariants."""

_CONNECTED: Final = ConnectionStatus.CONNECTED
_CONNECTING: Final = ConnectionStatus.CONNECTING
_DISCONNECTED: Final = ConnectionStatus.DISCONNECTED
_RECONNECTING: Final = ConnectionStatus.RECONNECTING


def _count(action: Action, kind: type[Action]) -> int:
    """Return how many an action of a kind tells of."""
    count: int = getattr(action, "count", 0) if isinstance(action, kind) else 0
    return count


def _is_told(action: Action, after: ConnectionState) -> bool:
    """Tell whether the last error is that of the action, at its time."""
    last = after.last_error
    if last is None or last.at_ms != action.at_ms:
        return False
    match action:
        case IncrementConnectionErrorCount(error=error):
            is_ours = (last.kind, last.type_name) == ("application", "")
            return is_ours and bool(last.message) and error in {"", last.message}
        case MessageHandlerFailed(error_type=name, message=message):
            told = (last.kind, last.type_name, last.message)
            return told == ("application", name, message)
        case ConnectionLostAndRetryScheduled(error=cause) | ConnectionEnded(error=cause):
            return cause is not None and attrs.evolve(cause, at_ms=action.at_ms) == last
        case _:
            return True


def _status_after(before: ConnectionState, action: Action) -> ConnectionStatus:
    """Return where an action leads to."""
    match action:
        case ConnectionAttemptStarted(attempt=attempt):
            return _CONNECTING if attempt == 1 else _RECONNECTING
        case ConnectionOpened():
            return _CONNECTED
        case ConnectionLostAndRetryScheduled():
            return _RECONNECTING
        case ConnectionEnded() | ResetConnectionState():
            return _DISCONNECTED
        case _:
            return action.status if isinstance(action, SetConnectionStatus) else before.status


def _is_explained(action: Action, after: ConnectionState) -> bool:
    """Tell whether reason and retry are those of the status."""
    has_reason, due = after.terminal_reason is not None, after.next_retry_at_ms
    if isinstance(action, ConnectionAttemptStarted):
        return due is None and not has_reason
    if isinstance(action, ConnectionLostAndRetryScheduled):
        now, wait_ms = action.at_ms, action.delay_seconds * 1000
        expected = None if now is None or not math.isfinite(wait_ms) else now + round(wait_ms)
        return due == expected and not has_reason
    may_have_reason = after.status is _DISCONNECTED
    return (due is None or after.status is _RECONNECTING) and (may_have_reason or not has_reason)


def _is_stamped(before: ConnectionState, action: Action, after: ConnectionState) -> bool:
    """Tell whether the times of connecting and disconnecting are those of their actions."""
    begins = after.status is _CONNECTED is not before.status
    ends = before.status is _CONNECTED is not after.status
    began = action.at_ms if begins else before.last_connected_at_ms
    ended = action.at_ms if ends else before.last_disconnected_at_ms
    return (after.last_connected_at_ms, after.last_disconnected_at_ms) == (began, ended) or (
        isinstance(action, ResetConnectionState)
    )


def _is_taken_over(before: ConnectionState, action: Action, after: ConnectionState) -> bool:  # noqa: PLR0911  # a table
    """Tell whether what has another name in the action is kept, too."""
    match action:
        case ConnectionEnded(reason=reason) if before.status is not _DISCONNECTED:
            return after.terminal_reason == reason
        case ConnectionLostAndRetryScheduled(failures=failures):
            return after.reconnect_attempts == failures
        case ResetConnectionErrorCount() | ClearMessageQueue() if before == after:
            return before is after
        case ConnectionProvedStable() if before == after:
            return before is after and after.reconnect_attempts == 0
        case ConnectionProvedStable() | ConnectionAttemptStarted(attempt=1):
            return after.reconnect_attempts == 0
        case ConnectionOpened():
            return after.recovered is None
        case HeartbeatAnswered(at_ms=now):
            return after.last_heartbeat_at_ms == now
        case ConnectionAttemptStarted():
            return after.reconnect_attempts == before.reconnect_attempts
        case AddMessageToQueueWhileDisconnected(message_id=name, text=text):
            last = after.message_queue[-1] if after.message_queue else None
            is_kept = last is not None and (last.message_id, last.text) == (name, text)
            return before.status is _CONNECTED or is_kept
        case _:
            return True
