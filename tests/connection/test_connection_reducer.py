"""`connection_reducer`: what each action does to the state of a connection.

What belongs here: one action at a time, and what holds after any sequence of them.  What does not:
which actions follow from which, see `test_reconnect_machine`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refold.actions.connection import (
    AddMessageToQueueWhileDisconnected,
    ClearMessageQueue,
    ConnectionAttemptStarted,
    ConnectionEnded,
    ConnectionLostAndRetryScheduled,
    ConnectionOpened,
    ConnectionProvedStable,
    HeartbeatAnswered,
    IncrementConnectionErrorCount,
    ResetConnectionErrorCount,
    ResetConnectionState,
    SetConnectionStatus,
)
from refold.reducers.connection import (
    ConnectionState,
    ConnectionStatus,
    LastError,
    QueuedMessage,
    connection_reducer,
)
from tests.connection.connection_strategies import connection_actions, connection_runs

if TYPE_CHECKING:
    from refold.actions.action import Action

CONNECTED = ConnectionStatus.CONNECTED
DISCONNECTED = ConnectionStatus.DISCONNECTED
RECONNECTING = ConnectionStatus.RECONNECTING
LOST = LastError("lost", "", "the connection broke", close_code=1006)


def fold(*actions: Action, start: ConnectionState | None = None) -> ConnectionState:
    """Return the state after some actions."""
    state = connection_reducer(start, ResetConnectionErrorCount())
    for action in actions:
        state = connection_reducer(state, action)
    return state


def test_it_begins_disconnected_with_nothing_known() -> None:
    """Before anything happened a connection is disconnected, and every count is 0."""
    state = fold()
    assert state == ConnectionState(status=DISCONNECTED)
    assert state.terminal_reason is None
    assert attrs.astuple(state, recurse=False).count(0) == 8


def test_the_four_statuses_have_their_texts() -> None:
    """A status equals its text, as the documents spell it."""
    assert {str(status) for status in ConnectionStatus} == {
        "connected",
        "connecting",
        "disconnected",
        "reconnecting",
    }


@pytest.mark.parametrize("action_class", sorted(connection_reducer.handles, key=str))
def test_every_wire_name_has_the_prefix_of_the_domain(action_class: type[Action]) -> None:
    """All actions of a connection are named ``connection/…``."""
    assert action_class.wire_name.startswith("connection/")


def test_entering_connected_stamps_when() -> None:
    """The time of the action that connected is kept."""
    state = fold(SetConnectionStatus(CONNECTED, at_ms=1000))
    assert (state.status, state.last_connected_at_ms) == (CONNECTED, 1000)
    assert state.last_disconnected_at_ms is None


@pytest.mark.parametrize("status", [s for s in ConnectionStatus if s is not CONNECTED])
def test_leaving_connected_stamps_when(status: ConnectionStatus) -> None:
    """Whatever status follows connected, the time of its action is kept."""
    state = fold(
        SetConnectionStatus(CONNECTED, at_ms=1000), SetConnectionStatus(status, at_ms=2000)
    )
    assert (state.status, state.last_disconnected_at_ms) == (status, 2000)
    assert state.last_connected_at_ms == 1000


def test_a_change_between_other_statuses_stamps_nothing() -> None:
    """Only what begins or ends a connection has a time."""
    state = fold(
        SetConnectionStatus(ConnectionStatus.CONNECTING, at_ms=1000),
        SetConnectionStatus(RECONNECTING, at_ms=2000),
        SetConnectionStatus(DISCONNECTED, at_ms=3000),
    )
    assert (state.last_connected_at_ms, state.last_disconnected_at_ms) == (None, None)


def test_times_come_from_the_action_alone() -> None:
    """Where no clock stamps actions, no time is known."""
    state = fold(SetConnectionStatus(CONNECTED), SetConnectionStatus(DISCONNECTED))
    assert (state.last_connected_at_ms, state.last_disconnected_at_ms) == (None, None)


@given(connection_runs(), st.sampled_from(ConnectionStatus))
def test_setting_the_status_it_has_changes_nothing(
    run: list[Action], status: ConnectionStatus
) -> None:
    """The same status again gives the same object, whatever its time."""
    state = fold(*run, SetConnectionStatus(status, at_ms=1))
    assert connection_reducer(state, SetConnectionStatus(status, at_ms=2)) is state


def test_entering_connected_keeps_the_reconnect_attempts() -> None:
    """An open link alone ends no row of failures."""
    failed = ConnectionLostAndRetryScheduled(LOST, 3, 1.0, 0.5)
    assert fold(failed, SetConnectionStatus(CONNECTED)).reconnect_attempts == 3
    assert fold(failed, ConnectionOpened(4)).reconnect_attempts == 3


def test_a_link_that_proved_stable_clears_the_reconnect_attempts() -> None:
    """Only then is the row of failures over; a second proof changes nothing."""
    failed = ConnectionLostAndRetryScheduled(LOST, 3, 1.0, 0.5)
    state = fold(failed, ConnectionOpened(4), ConnectionProvedStable())
    assert state.reconnect_attempts == 0
    assert connection_reducer(state, ConnectionProvedStable()) is state


def test_entering_connected_leaves_the_error_count() -> None:
    """Errors are counted on across connections."""
    state = fold(IncrementConnectionErrorCount("a"), SetConnectionStatus(CONNECTED))
    assert state.error_count == 1


def test_an_error_is_counted_and_its_text_becomes_the_message() -> None:
    """The last error says what the application said, and when."""
    state = fold(
        IncrementConnectionErrorCount("first"), IncrementConnectionErrorCount("second", at_ms=7)
    )
    assert state.error_count == 2
    assert state.last_error == LastError("application", "", "second", at_ms=7)


def test_an_error_without_a_text_still_has_a_message() -> None:
    """A message is never empty."""
    state = fold(IncrementConnectionErrorCount())
    assert state.last_error is not None
    assert state.last_error.message == "unknown error"


def test_resetting_the_error_count_clears_it_alone() -> None:
    """The last error stays readable; without errors, nothing changes."""
    state = fold(IncrementConnectionErrorCount("it broke"))
    reset = connection_reducer(state, ResetConnectionErrorCount())
    assert reset == attrs.evolve(state, error_count=0)
    assert connection_reducer(reset, ResetConnectionErrorCount()) is reset


@given(connection_actions.filter(lambda a: not isinstance(a, ResetConnectionState)))
def test_only_its_own_reset_clears_the_error_count(action: Action) -> None:
    """No other action of a connection lets the count of errors fall."""
    state = fold(IncrementConnectionErrorCount("it broke"))
    count = connection_reducer(state, action).error_count
    assert count >= 1 or isinstance(action, ResetConnectionErrorCount)


@given(connection_runs())
def test_a_reset_returns_exactly_the_initial_state(run: list[Action]) -> None:
    """Nothing is left of any history, not even another object."""
    assert fold(*run, ResetConnectionState()) is connection_reducer.initial


@pytest.mark.parametrize("status", [s for s in ConnectionStatus if s is not CONNECTED])
def test_a_message_is_queued_while_not_connected(status: ConnectionStatus) -> None:
    """Messages are kept in their order."""
    state = fold(
        AddMessageToQueueWhileDisconnected("1", "a"),
        AddMessageToQueueWhileDisconnected("2", "b"),
        start=ConnectionState(status=status),
    )
    assert list(state.message_queue) == [QueuedMessage("1", "a"), QueuedMessage("2", "b")]


def test_no_message_is_queued_while_connected() -> None:
    """While connected the same object comes back."""
    state = ConnectionState(status=CONNECTED)
    assert connection_reducer(state, AddMessageToQueueWhileDisconnected("1", "a")) is state


def test_clearing_the_queue_forgets_its_messages() -> None:
    """An empty queue is left as it is."""
    state = fold(AddMessageToQueueWhileDisconnected("1", "a"), ClearMessageQueue())
    assert state == ConnectionState()
    assert connection_reducer(state, ClearMessageQueue()) is state


def test_the_first_attempt_connects_and_later_ones_reconnect() -> None:
    """The status tells the first attempt of a run from the others."""
    assert fold(ConnectionAttemptStarted(1)).status is ConnectionStatus.CONNECTING
    assert fold(ConnectionAttemptStarted(2)).status is RECONNECTING


def test_a_first_attempt_starts_afresh() -> None:
    """A new run counts its failures from 0 and has not ended."""
    state = fold(
        ConnectionLostAndRetryScheduled(LOST, 3, 1.0, 0.5, at_ms=1),
        ConnectionEnded("fatal", LOST),
        ConnectionAttemptStarted(1),
    )
    assert (state.reconnect_attempts, state.terminal_reason) == (0, None)


def test_a_later_attempt_keeps_the_failures_and_waits_no_longer() -> None:
    """While it dials, no retry is due."""
    state = fold(
        ConnectionLostAndRetryScheduled(LOST, 3, 1.0, 0.5, at_ms=1), ConnectionAttemptStarted(2)
    )
    assert (state.reconnect_attempts, state.next_retry_at_ms) == (3, None)


def test_an_opened_link_is_counted() -> None:
    """Every open link counts, and tells how many messages wait."""
    state = fold(
        ConnectionOpened(1, queue_size=5, at_ms=1),
        ConnectionLostAndRetryScheduled(LOST, 1, 1.0, 0.5, queue_size=6, at_ms=2),
        ConnectionOpened(2, queue_size=7, at_ms=3),
    )
    assert (state.total_connects, state.queue_size, state.last_connected_at_ms) == (2, 7, 3)


def test_a_loss_tells_why_and_when_the_next_attempt_is_due() -> None:
    """The failure is counted, kept with its time, and the retry has a time."""
    state = fold(
        ConnectionOpened(1, at_ms=1000),
        ConnectionLostAndRetryScheduled(LOST, 1, 1.5, 0.5, queue_size=2, at_ms=2000),
    )
    assert state == ConnectionState(
        status=RECONNECTING,
        reconnect_attempts=1,
        total_connects=1,
        error_count=1,
        last_error=attrs.evolve(LOST, at_ms=2000),
        last_connected_at_ms=1000,
        last_disconnected_at_ms=2000,
        next_retry_at_ms=3500,
        queue_size=2,
    )


@pytest.mark.parametrize("delay_seconds", [float("inf"), float("nan"), 1e308])
def test_a_retry_that_never_comes_has_no_time(delay_seconds: float) -> None:
    """A delay that no clock can show is no reason to fail."""
    state = fold(ConnectionLostAndRetryScheduled(LOST, 1, delay_seconds, 0.5, at_ms=1))
    assert state.status is RECONNECTING
    assert state.next_retry_at_ms is None


def test_without_a_clock_the_next_retry_has_no_time() -> None:
    """A delay alone gives no time of day."""
    state = fold(ConnectionLostAndRetryScheduled(LOST, 1, 1.5, 0.5))
    assert (state.next_retry_at_ms, state.last_error) == (None, LOST)


def test_a_connection_that_ended_says_why() -> None:
    """A fatal failure is counted and kept with its time."""
    state = fold(ConnectionOpened(1), ConnectionEnded("fatal", LOST, queue_size=4, at_ms=9))
    assert (state.status, state.terminal_reason, state.error_count) == (DISCONNECTED, "fatal", 1)
    assert state.last_error == attrs.evolve(LOST, at_ms=9)
    assert (state.last_disconnected_at_ms, state.queue_size) == (9, 4)


def test_a_connection_that_the_user_closed_has_no_new_error() -> None:
    """The last error and the count stay what they were."""
    failed = fold(ConnectionLostAndRetryScheduled(LOST, 1, 1.0, 0.5, at_ms=1))
    state = connection_reducer(failed, ConnectionEnded("closed_by_user", at_ms=2))
    assert (state.terminal_reason, state.error_count) == ("closed_by_user", 1)
    assert (state.last_error, state.next_retry_at_ms) == (failed.last_error, None)


def test_an_answered_heartbeat_tells_when_and_how_fast() -> None:
    """The time, the latency and the waiting messages arrive in one action."""
    state = fold(HeartbeatAnswered(0.25, queue_size=3, at_ms=8))
    assert state == ConnectionState(last_heartbeat_at_ms=8, latency_seconds=0.25, queue_size=3)


@given(connection_runs())
def test_what_explains_a_status_is_gone_with_that_status(run: list[Action]) -> None:
    """Only a disconnected state has a terminal reason, and only a reconnecting one a next retry."""
    state = connection_reducer.initial
    for action in run:
        state = connection_reducer(state, action)
        assert state.terminal_reason is None or state.status is DISCONNECTED
        assert state.next_retry_at_ms is None or state.status is RECONNECTING
        assert state.last_error is None or state.last_error.message
