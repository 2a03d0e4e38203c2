"""What can happen to a connection: the actions of its store, and of a WebSocket's life.

What belongs here: the facts and the values they carry.  What does not: which of them follows from
which, which `refold.reducers.reconnect_machine` says.
"""

from __future__ import annotations

import enum
from typing import Literal, TypeAlias

import attrs

from refold.actions.action import Action, action

__all__ = [
    "AddMessageToQueueWhileDisconnected",
    "ClearMessageQueue",
    "ConnectionAttemptStarted",
    "ConnectionEnded",
    "ConnectionLostAndRetryScheduled",
    "ConnectionOpened",
    "ConnectionProvedStable",
    "ConnectionStatus",
    "FailureKind",
    "HeartbeatAnswered",
    "IncrementConnectionErrorCount",
    "LastError",
    "OutboundMessagesDropped",
    "RecoveryTold",
    "ResetConnectionErrorCount",
    "ResetConnectionState",
    "SetConnectionStatus",
    "TerminalReason",
]


class ConnectionStatus(enum.StrEnum):
    """Where a connection stands; each equals its text."""

    CONNECTED = "connected"
    CONNECTING = "connecting"
    """The first attempt of a run is under way."""
    DISCONNECTED = "disconnected"
    RECONNECTING = "reconnecting"
    """A later attempt is under way or waited for."""


TerminalReason: TypeAlias = Literal["closed_by_user", "fatal", "gave_up"]
"""Why a connection is disconnected and stays so."""

FailureKind: TypeAlias = Literal[
    "application",
    "closed",
    "connect",
    "factory",
    "heartbeat_timeout",
    "http",
    "lost",
    "on_open",
    "protocol",
    "send",
    "timeout",
]
"""What failed: the first cause that is known, not what it led to."""


@attrs.frozen
class LastError:
    """A failure as plain data, without secrets: no address, no header value."""

    kind: FailureKind
    """What failed."""

    type_name: str
    """The exception's class name; empty if there was none."""

    message: str
    """What happened, in words; never empty."""

    close_code: int | None = None
    """The WebSocket close code; 1006 for a loss without one; None before the link was open."""

    http_status: int | None = None
    """The HTTP status of a refusal; None if there was none."""

    at_ms: int | None = None
    """When it happened, in milliseconds since the Unix epoch; the reducer takes the action's."""


@action("connection/set_connection_status")
class SetConnectionStatus(Action):
    """The status was set by the application."""

    status: ConnectionStatus


@action("connection/increment_connection_error_count")
class IncrementConnectionErrorCount(Action):
    """One more error happened."""

    error: str = ""
    """What happened; empty if nothing is known."""


@action("connection/reset_connection_error_count")
class ResetConnectionErrorCount(Action):
    """Errors are counted from 0 again."""


@action("connection/reset_connection_state")
class ResetConnectionState(Action):
    """Everything about the connection is forgotten."""


@action("connection/add_message_to_queue_while_disconnected")
class AddMessageToQueueWhileDisconnected(Action):
    """A message was kept for later; while connected this changes nothing."""

    message_id: str
    """By which the application knows it; nothing checks that it is unique."""

    text: str
    """What to send."""


@action("connection/clear_message_queue")
class ClearMessageQueue(Action):
    """The kept messages were sent or given up."""


@action("connection/connection_attempt_started")
class ConnectionAttemptStarted(Action):
    """The connection began to dial."""

    attempt: int
    """1 for the first attempt of a run."""


@action("connection/connection_opened")
class ConnectionOpened(Action):
    """A link is open."""

    attempt: int
    """The attempt that opened it, from 1."""

    queue_size: int = 0
    """Messages that wait to be sent."""

    unacked_count: int = 0
    """Acknowledged messages that wait, or that the peer has not acknowledged yet."""


@action("connection/recovery_told")
class RecoveryTold(Action):
    """The greeting of a new link told whether nothing was missed while there was none."""

    recovered: bool
    """Whether the peer sent, or will send, all that was missed."""


@action("connection/connection_proved_stable")
class ConnectionProvedStable(Action):
    """The link was open long enough that earlier failures no longer count."""


@action("connection/connection_lost_and_retry_scheduled")
class ConnectionLostAndRetryScheduled(Action):
    """A link or an attempt failed, and another attempt follows."""

    error: LastError
    """Why."""

    failures: int
    """Failures in a row, counting this one."""

    delay_seconds: float
    """How long to wait before the next attempt."""

    jitter: float
    """The number that the delay was drawn with, in [0, 1)."""

    queue_size: int = 0
    """Messages that wait to be sent."""

    unacked_count: int = 0
    """Acknowledged messages that wait, or that the peer has not acknowledged yet."""


@action("connection/connection_ended")
class ConnectionEnded(Action):
    """The connection is disconnected and stays so until somebody connects it again."""

    reason: TerminalReason
    """Why it ended."""

    error: LastError | None = None
    """What failed; None if the user closed it."""

    queue_size: int = 0
    """Messages that were not sent, and are kept."""

    unacked_count: int = 0
    """Acknowledged messages that wait, or that the peer has not acknowledged yet."""


@action("connection/outbound_messages_dropped")
class OutboundMessagesDropped(Action):
    """Messages were given up because they could not wait; one action tells of many."""

    count: int
    """How many, 1 or more."""

    policy: Literal["drop_oldest", "drop_newest", "volatile"]
    """What said so: the queue's policy, or that they were volatile and there was no link."""

    queue_size: int = 0
    """Messages that wait to be sent."""


@action("connection/heartbeat_answered")
class HeartbeatAnswered(Action):
    """The peer answered a ping; at most one per heartbeat interval."""

    latency_seconds: float
    """From the ping to its answer."""

    queue_size: int = 0
    """Messages that wait to be sent."""

    unacked_count: int = 0
    """Acknowledged messages that wait, or that the peer has not acknowledged yet."""
