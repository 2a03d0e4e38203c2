"""Random actions of a connection, in any order: also in such as no connection would give them."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from hypothesis import strategies as st

from refold.actions.connection import (
    AddMessageToQueueWhileDisconnected,
    ClearMessageQueue,
    ConnectionAttemptStarted,
    ConnectionEnded,
    ConnectionLostAndRetryScheduled,
    ConnectionOpened,
    ConnectionProvedStable,
    ConnectionStatus,
    FailureKind,
    HeartbeatAnswered,
    IncrementConnectionErrorCount,
    LastError,
    ResetConnectionErrorCount,
    ResetConnectionState,
    SetConnectionStatus,
    TerminalReason,
)

if TYPE_CHECKING:
    from refold.actions.action import Action

__all__ = ["connection_actions", "connection_runs", "jitters", "last_errors"]

jitters = st.floats(0, 1, exclude_max=True)
"""What the shell draws."""

last_errors = st.builds(
    LastError,
    kind=st.sampled_from(get_args(FailureKind)),
    type_name=st.sampled_from(["", "OSError"]),
    message=st.text(min_size=1),
    close_code=st.none() | st.sampled_from([1000, 1002, 1006, 1008, 1012, 4000, 4401]),
    http_status=st.none() | st.sampled_from([101, 302, 401, 404, 429, 503]),
)
"""Failures of every kind, some of them fatal."""

_times = st.none() | st.integers(0, 2**53)
_counts = st.integers(0, 1000)
_delays = st.floats(0, 300)

connection_actions: st.SearchStrategy[Action] = st.one_of(
    st.builds(SetConnectionStatus, status=st.sampled_from(ConnectionStatus), at_ms=_times),
    st.builds(IncrementConnectionErrorCount, error=st.text(), at_ms=_times),
    st.builds(ResetConnectionErrorCount, at_ms=_times),
    st.builds(ResetConnectionState, at_ms=_times),
    st.builds(
        AddMessageToQueueWhileDisconnected, message_id=st.text(), text=st.text(), at_ms=_times
    ),
    st.builds(ClearMessageQueue, at_ms=_times),
    st.builds(ConnectionAttemptStarted, attempt=st.integers(1, 5), at_ms=_times),
    st.builds(ConnectionOpened, attempt=st.integers(1, 5), queue_size=_counts, at_ms=_times),
    st.builds(ConnectionProvedStable, at_ms=_times),
    st.builds(
        ConnectionLostAndRetryScheduled,
        error=last_errors,
        failures=st.integers(1, 100_000),
        delay_seconds=_delays,
        jitter=jitters,
        queue_size=_counts,
        at_ms=_times,
    ),
    st.builds(
        ConnectionEnded,
        reason=st.sampled_from(get_args(TerminalReason)),
        error=st.none() | last_errors,
        queue_size=_counts,
        at_ms=_times,
    ),
    st.builds(HeartbeatAnswered, latency_seconds=_delays, queue_size=_counts, at_ms=_times),
)
"""Any action that `connection_reducer` knows."""


def connection_runs() -> st.SearchStrategy[list[Action]]:
    """Return random sequences of actions."""
    return st.lists(connection_actions, max_size=30)
