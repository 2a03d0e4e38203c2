"""The state of a connection, and how it follows from what happened.

Times come from ``action.at_ms``, which is None where no clock stamps actions.
"""

from __future__ import annotations

import math
from typing import Any

import attrs
from pyrsistent import PVector, pvector

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
    LastError,
    OutboundMessagesDropped,
    RecoveryTold,
    ResetConnectionErrorCount,
    ResetConnectionState,
    SetConnectionStatus,
    TerminalReason,
)
from refold.actions.websocket_messages import (
    BadMessageReceived,
    InboundMessagesDropped,
    MessageHandlerFailed,
)
from refold.reducers.evolve import evolve
from refold.reducers.reducer import Reducer

__all__ = [
    "ConnectionState",
    "ConnectionStatus",
    "LastError",
    "QueuedMessage",
    "connection_reducer",
]


@attrs.frozen
class QueuedMessage:
    """A message that waits for the connection."""

    message_id: str
    """By which the application knows it; nothing checks that it is unique."""

    text: str
    """What to send."""


@attrs.frozen
class ConnectionState:
    """All that is known of a connection."""

    status: ConnectionStatus = ConnectionStatus.DISCONNECTED
    """Where it stands."""

    terminal_reason: TerminalReason | None = None
    """Why it stays disconnected; None while it does not, and before it was ever connected."""

    reconnect_attempts: int = 0
    """Failures in a row; 0 again only once a link has proved stable, or a new run has begun."""

    total_connects: int = 0
    """Links opened so far."""

    error_count: int = 0
    """Errors so far; only `ResetConnectionErrorCount` clears it."""

    last_error: LastError | None = None
    """The last failure; None if there was none."""

    last_connected_at_ms: int | None = None
    """When it last became connected; None if it never was."""

    last_disconnected_at_ms: int | None = None
    """When it last stopped being connected; None if it never did."""

    last_heartbeat_at_ms: int | None = None
    """When the peer last answered a ping; None if it never did."""

    latency_seconds: float | None = None
    """How long the last ping took; None if none was answered."""

    next_retry_at_ms: int | None = None
    """When the next attempt is due; None if none is waited for."""

    queue_size: int = 0
    """Messages in the connection's own queue, as last told: when a link opened, a failure happened,
    the connection ended or a ping was answered; no frame has an action of its own."""

    dropped_count: int = 0
    """Messages that the queue had to drop, for want of room or, if volatile, for want of a link."""

    unacked_count: int = 0
    """Acknowledged messages that wait, or that the peer has not acknowledged yet; as last told,
    like ``queue_size``."""

    recovered: bool | None = None
    """Whether the present link, or the last one, brought all that was missed before it; None while
    nobody said so."""

    bad_message_count: int = 0
    """Messages that arrived and could not be read."""

    inbound_dropped_count: int = 0
    """Messages that arrived and were not handled, for want of room or of time."""

    message_queue: PVector[QueuedMessage] = attrs.field(default=pvector())
    """Messages kept in the state while disconnected, oldest first."""


connection_reducer = Reducer(ConnectionState())


@connection_reducer.on(SetConnectionStatus)
def _(state: ConnectionState, action: SetConnectionStatus) -> ConnectionState:
    return _with_status(state, action.status, action.at_ms)


@connection_reducer.on(IncrementConnectionErrorCount)
def _(state: ConnectionState, action: IncrementConnectionErrorCount) -> ConnectionState:
    error = LastError("application", "", action.error or "unknown error", at_ms=action.at_ms)
    return evolve(state, error_count=state.error_count + 1, last_error=error)


@connection_reducer.on(ResetConnectionErrorCount)
def _(state: ConnectionState, _action: ResetConnectionErrorCount) -> ConnectionState:
    return state if state.error_count == 0 else evolve(state, error_count=0)


@connection_reducer.on(ResetConnectionState)
def _(_state: ConnectionState, _action: ResetConnectionState) -> ConnectionState:
    return connection_reducer.initial


@connection_reducer.on(AddMessageToQueueWhileDisconnected)
def _(state: ConnectionState, action: AddMessageToQueueWhileDisconnected) -> ConnectionState:
    if state.status is ConnectionStatus.CONNECTED:
        return state
    message = QueuedMessage(action.message_id, action.text)
    return evolve(state, message_queue=state.message_queue.append(message))


@connection_reducer.on(ClearMessageQueue)
def _(state: ConnectionState, _action: ClearMessageQueue) -> ConnectionState:
    return evolve(state, message_queue=pvector()) if state.message_queue else state


@connection_reducer.on(ConnectionAttemptStarted)
def _(state: ConnectionState, action: ConnectionAttemptStarted) -> ConnectionState:
    is_first = action.attempt == 1
    status = ConnectionStatus.CONNECTING if is_first else ConnectionStatus.RECONNECTING
    started = evolve(
        state,
        next_retry_at_ms=None,
        reconnect_attempts=0 if is_first else state.reconnect_attempts,
    )
    return _with_status(started, status, action.at_ms)


@connection_reducer.on(ConnectionOpened)
def _(state: ConnectionState, action: ConnectionOpened) -> ConnectionState:
    opened = evolve(
        state,
        total_connects=state.total_connects + 1,
        queue_size=action.queue_size,
        unacked_count=action.unacked_count,
        recovered=None,
    )
    return _with_status(opened, ConnectionStatus.CONNECTED, action.at_ms)


@connection_reducer.on(ConnectionProvedStable)
def _(state: ConnectionState, _action: ConnectionProvedStable) -> ConnectionState:
    return state if state.reconnect_attempts == 0 else evolve(state, reconnect_attempts=0)


@connection_reducer.on(ConnectionLostAndRetryScheduled)
def _(state: ConnectionState, action: ConnectionLostAndRetryScheduled) -> ConnectionState:
    now = action.at_ms
    lost = evolve(
        state,
        reconnect_attempts=action.failures,
        error_count=state.error_count + 1,
        last_error=evolve(action.error, at_ms=now),
        next_retry_at_ms=_after(now, action.delay_seconds),
        queue_size=action.queue_size,
        unacked_count=action.unacked_count,
    )
    return _with_status(lost, ConnectionStatus.RECONNECTING, now)


@connection_reducer.on(ConnectionEnded)
def _(state: ConnectionState, action: ConnectionEnded) -> ConnectionState:
    ended = evolve(
        state,
        terminal_reason=action.reason,
        queue_size=action.queue_size,
        unacked_count=action.unacked_count,
    )
    if action.error is not None:
        error = evolve(action.error, at_ms=action.at_ms)
        ended = evolve(ended, error_count=state.error_count + 1, last_error=error)
    return _with_status(ended, ConnectionStatus.DISCONNECTED, action.at_ms)


@connection_reducer.on(OutboundMessagesDropped)
def _(state: ConnectionState, action: OutboundMessagesDropped) -> ConnectionState:
    return evolve(
        state,
        dropped_count=state.dropped_count + action.count,
        queue_size=action.queue_size,
    )


@connection_reducer.on(HeartbeatAnswered)
def _(state: ConnectionState, action: HeartbeatAnswered) -> ConnectionState:
    return evolve(
        state,
        last_heartbeat_at_ms=action.at_ms,
        latency_seconds=action.latency_seconds,
        queue_size=action.queue_size,
        unacked_count=action.unacked_count,
    )


@connection_reducer.on(RecoveryTold)
def _(state: ConnectionState, action: RecoveryTold) -> ConnectionState:
    return evolve(state, recovered=action.recovered)


@connection_reducer.on(MessageHandlerFailed)
def _(state: ConnectionState, action: MessageHandlerFailed) -> ConnectionState:
    error = LastError("application", action.error_type, action.message, at_ms=action.at_ms)
    return evolve(state, error_count=state.error_count + 1, last_error=error)


@connection_reducer.on(BadMessageReceived)
def _(state: ConnectionState, action: BadMessageReceived) -> ConnectionState:
    return evolve(state, bad_message_count=state.bad_message_count + action.count)


@connection_reducer.on(InboundMessagesDropped)
def _(state: ConnectionState, action: InboundMessagesDropped) -> ConnectionState:
    return evolve(state, inbound_dropped_count=state.inbound_dropped_count + action.count)


def _with_status(
    state: ConnectionState, status: ConnectionStatus, now: int | None
) -> ConnectionState:
    """Return the state with a status, stamped where a connection begins or ends.

    What explains another status goes with that status: a terminal reason, a time of the next retry.
    """
    if status is state.status:
        return state
    changes: dict[str, Any] = {"status": status}
    if status is not ConnectionStatus.DISCONNECTED:
        changes["terminal_reason"] = None
    if status is not ConnectionStatus.RECONNECTING:
        changes["next_retry_at_ms"] = None
    if status is ConnectionStatus.CONNECTED:
        changes["last_connected_at_ms"] = now
    elif state.status is ConnectionStatus.CONNECTED:
        changes["last_disconnected_at_ms"] = now
    return evolve(state, **changes)


def _after(now_ms: int | None, seconds: float) -> int | None:
    """Return the time so much later; None without a clock, or if it never comes."""
    delay_ms = seconds * 1000
    return None if now_ms is None or not math.isfinite(delay_ms) else now_ms + round(delay_ms)
