"""`WebSocketOptions`: every wrong value is refused at once, by the name of its argument."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from refold.middleware.websocket_options import WebSocketOptions
from refold.reducers.backoff_delay import Backoff
from refold.reducers.classify_failure import DEFAULT_POLICY

DURATIONS = [
    "connect_timeout",
    "stable_after",
    "heartbeat_interval",
    "heartbeat_timeout",
    "close_timeout",
    "send_timeout",
    "retry_after_max",
    "max_elapsed",
]

OPTIONAL = {"heartbeat_interval", "max_elapsed", "max_attempts"}

BOUNDS = {
    "max_queue": 0,
    "max_queue_bytes": 0,
    "max_send_bytes": 1,
    "max_message_bytes": 1,
    "max_attempts": 1,
}
"""The least value of each."""


def make(**values: Any) -> WebSocketOptions:
    """Return options with unchecked types."""
    return WebSocketOptions(**values)


def test_the_defaults_are_those_of_the_documents() -> None:
    """Durations in seconds and bounds, as the rules give them."""
    assert attrs.asdict(WebSocketOptions(), recurse=False) == {
        "connect_timeout": 10.0,
        "send_timeout": 10.0,
        "stable_after": 5.0,
        "heartbeat_interval": 20.0,
        "heartbeat_timeout": 10.0,
        "application_ping": None,
        "close_timeout": 5.0,
        "max_queue": 1000,
        "max_queue_bytes": 4 * 1024 * 1024,
        "max_send_bytes": 4 * 1024 * 1024,
        "overflow": "raise",
        "max_message_bytes": 4 * 1024 * 1024,
        "backoff": Backoff(),
        "max_attempts": None,
        "max_elapsed": None,
        "retry_after_max": 300.0,
        "failure_policy": DEFAULT_POLICY,
        "follows_redirects": False,
    }


@pytest.mark.parametrize("name", DURATIONS)
@pytest.mark.parametrize("value", [0.001, 1, 60, 86_400.0])
def test_a_positive_duration_is_taken(name: str, value: float) -> None:
    """Ints and floats alike."""
    assert getattr(make(**{name: value}), name) == value


@pytest.mark.parametrize("name", DURATIONS)
@pytest.mark.parametrize("value", [0, -1, 0.0, float("nan"), float("inf"), -float("inf"), 10**400])
def test_a_duration_out_of_range_is_refused(name: str, value: float) -> None:
    """Zero, negatives, NaN and infinities raise ValueError naming the argument."""
    with pytest.raises(ValueError, match=rf"^{name} must be finite and above 0, got "):
        make(**{name: value})


@pytest.mark.parametrize("name", DURATIONS)
@pytest.mark.parametrize("value", [True, "10", b"10", [10], 1j])
def test_a_duration_that_is_no_number_is_refused(name: str, value: Any) -> None:
    """A bool, a text or a list raises TypeError naming the argument."""
    with pytest.raises(TypeError, match=rf"^{name} must be a number, got "):
        make(**{name: value})


def test_none_means_no_heartbeat_and_no_end() -> None:
    """What may be absent is turned off by None; every other duration must be given."""
    for name in OPTIONAL:
        assert getattr(make(**{name: None}), name) is None
    for name in set(DURATIONS) - OPTIONAL:
        with pytest.raises(TypeError, match=rf"^{name} must be a number, got None"):
            make(**{name: None})


@pytest.mark.parametrize(("name", "least"), BOUNDS.items())
def test_a_bound_begins_at_its_least_value(name: str, least: int) -> None:
    """A queue may have no room; a peer cannot be forbidden to send anything, nor be unlimited."""
    assert getattr(make(**{name: least}), name) == least
    with pytest.raises(ValueError, match=rf"^{name} must be {least} or more, got {least - 1}"):
        make(**{name: least - 1})


@pytest.mark.parametrize("name", BOUNDS)
@pytest.mark.parametrize("value", [1.0, True, False, "1", float("nan")])
def test_a_bound_that_is_no_int_is_refused(name: str, value: Any) -> None:
    """A float, a bool or a text raises TypeError naming the argument."""
    with pytest.raises(TypeError, match=rf"^{name} must be an int, got "):
        make(**{name: value})


@pytest.mark.parametrize("value", [None, 1.0, {"initial_seconds": 1}, Backoff])
def test_a_backoff_of_another_kind_is_refused(value: Any) -> None:
    """The rule is a `Backoff`, which has checked its own numbers."""
    with pytest.raises(TypeError, match="backoff"):
        make(backoff=value)


def test_options_cannot_be_changed_and_have_no_order() -> None:
    """They are given by name, and stay what was checked."""
    frozen: Any = WebSocketOptions()
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        frozen.max_queue = -1
    positional: Any = WebSocketOptions
    with pytest.raises(TypeError):
        positional(10.0)
