"""`DemoDisplay`: what is shown of the demo while it runs."""

from __future__ import annotations

import io
from decimal import Decimal

import pytest
from rich.console import Console

from refold.actions.connection import (
    ConnectionAttemptStarted,
    ConnectionEnded,
    ConnectionLostAndRetryScheduled,
    ConnectionOpened,
    ConnectionProvedStable,
    FailureKind,
    HeartbeatAnswered,
    LastError,
)
from refold.commands.demo_application import demo_root
from refold.commands.demo_display import DemoDisplay
from refold.commands.demo_ticker import PriceArrived
from refold.reducers.connection import connection_reducer


def make_display(*, is_terminal: bool) -> tuple[DemoDisplay, io.StringIO]:
    """Return a display of 80 columns and what it writes to."""
    file = io.StringIO()
    return DemoDisplay(Console(file=file, force_terminal=is_terminal, width=80)), file


def test_every_transition_is_a_line_and_nothing_else_is() -> None:
    """A failure, an opening, a proof of stability and an end are lines; a heartbeat is none."""
    display, file = make_display(is_terminal=False)
    state = connection_reducer.initial
    failure = LastError("closed", "", "it closed", close_code=1012)
    for action in (
        ConnectionAttemptStarted(1),
        ConnectionOpened(1),
        HeartbeatAnswered(0.001),
        ConnectionLostAndRetryScheduled(failure, 1, 0.25, 0.5, at_ms=1000),
        ConnectionAttemptStarted(2),
        ConnectionOpened(2),
        ConnectionProvedStable(),
        ConnectionEnded("closed_by_user"),
    ):
        before, state = state, connection_reducer(state, action)
        display.connection_changed(state, before)
    assert [line[9:].rstrip() for line in file.getvalue().splitlines()] == [
        "connecting",
        "connected    open",
        "reconnecting retry 1 in 0.25 s: closed with code 1012",
        "connected    open again, connection 2",
        "connected    stable: failures count from 0 again",
        "disconnected closed by user",
    ]


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("http", "HTTP 503"),
        ("connect", "cannot connect"),
        ("heartbeat_timeout", "the peer is silent"),
        ("lost", "xxx…"),
    ],
)
def test_a_failure_fits_the_line(kind: FailureKind, words: str) -> None:
    """Well-known failures are named in two or three words, others are cut to 80 columns."""
    display, file = make_display(is_terminal=False)
    error = LastError(kind, "", "x" * 100, http_status=503)
    lost = ConnectionLostAndRetryScheduled(error, 1, 0.25, 0.5, at_ms=1000)
    state = connection_reducer.initial
    display.connection_changed(connection_reducer(state, lost), state)
    line = file.getvalue().rstrip("\n")
    assert line.endswith(words)
    assert len(line) <= 80


def test_a_terminal_gets_a_status_line_that_goes_away() -> None:
    """While it is live, the last line shows status, prices and orders."""
    display, file = make_display(is_terminal=True)
    with display.live():
        price = PriceArrived("OAK", Decimal("12.05"))
        display.state_changed(demo_root(demo_root.initial, price))
    assert "OAK 12.05  orders 0/0" in file.getvalue()
    assert file.getvalue().endswith("\x1b[2K")


def test_without_a_terminal_there_is_no_status_line() -> None:
    """What is not printed for good is not printed at all."""
    display, file = make_display(is_terminal=False)
    with display.live():
        display.state_changed(demo_root.initial)
    assert file.getvalue() == ""
