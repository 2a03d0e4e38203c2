"""The selectors of a connection, over its own state and over a root."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from pyrsistent import pvector

from refold.reducers.connection import ConnectionState, ConnectionStatus, QueuedMessage
from refold.selectors.connection import (
    select_connection_status,
    select_error_count,
    select_is_connected,
    select_is_reconnecting,
    select_last_heartbeat_at_ms,
    select_message_queue,
    select_reconnect_attempts,
)

QUEUE = pvector([QueuedMessage("1", "hello")])

STATE = ConnectionState(
    status=ConnectionStatus.RECONNECTING,
    reconnect_attempts=3,
    error_count=4,
    last_heartbeat_at_ms=5,
    message_queue=QUEUE,
)

ANSWERS = [
    (select_connection_status, ConnectionStatus.RECONNECTING),
    (select_is_connected, False),
    (select_is_reconnecting, True),
    (select_error_count, 4),
    (select_last_heartbeat_at_ms, 5),
    (select_reconnect_attempts, 3),
    (select_message_queue, QUEUE),
]
"""Each selector with its answer for `STATE`."""


@attrs.frozen
class Room:
    """A state that holds the connection's."""

    connection: ConnectionState


@attrs.frozen
class House:
    """A state that holds it one level deeper."""

    room: Room


def get_connection(state: Room) -> ConnectionState:
    """Return the connection's slice."""
    return state.connection


def get_room(state: House) -> Room:
    """Return the slice that holds it."""
    return state.room


@pytest.mark.parametrize(("select", "answer"), ANSWERS)
def test_a_selector_takes_the_connections_own_state(select: Any, answer: object) -> None:
    """Each question has its answer in the slice alone."""
    assert select(STATE) == answer


@pytest.mark.parametrize(("select", "answer"), ANSWERS)
def test_at_lifts_a_selector_to_a_root(select: Any, answer: object) -> None:
    """Lifted once or twice, the answer is the same, and the function behind it is known."""
    in_room = select.at(get_connection)
    in_house = in_room.at(get_room)
    assert in_room(Room(STATE)) == answer
    assert in_house(House(Room(STATE))) == answer
    assert in_room.unwrapped is select


@pytest.mark.parametrize("status", ConnectionStatus)
def test_connected_and_reconnecting_are_told_of_one_status_each(status: ConnectionStatus) -> None:
    """A connection is connected, or reconnecting, in exactly the status of that name."""
    state = ConnectionState(status=status)
    assert select_is_connected(state) is (status == "connected")
    assert select_is_reconnecting(state) is (status == "reconnecting")


def test_an_untouched_connection_has_no_heartbeat_and_no_messages() -> None:
    """None and an empty queue stand for nothing."""
    assert select_last_heartbeat_at_ms(ConnectionState()) is None
    assert select_message_queue(ConnectionState()) == pvector()
