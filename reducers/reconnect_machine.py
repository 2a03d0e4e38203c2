"""The reconnect machine: what a connection does next, as a pure function.

What belongs here: phases, events, effects, and the one `match` that joins them.  What does not:
sockets, timers, chance and clocks; `refold.middleware.websocket_connection` feeds what they bring
and performs what is asked.  `reconnect_diagram` draws `TRANSITIONS`.
"""

from __future__ import annotations

import enum
from typing import Final, TypeAlias

import attrs

from refold.actions.action import Action
from refold.actions.connection import (
    ConnectionAttemptStarted,
    ConnectionEnded,
    ConnectionLostAndRetryScheduled,
    ConnectionOpened,
    ConnectionProvedStable,
    LastError,
)
from refold.reducers.backoff_delay import Backoff, backoff_delay
from refold.reducers.classify_failure import is_fatal
from refold.reducers.evolve import evolve

__all__ = [
    "TRANSITIONS",
    "AttemptFailed",
    "CloseLink",
    "ConnectRequested",
    "Dial",
    "DisconnectRequested",
    "Effect",
    "Event",
    "LinkEnded",
    "LinkOpened",
    "LinkProvedStable",
    "Phase",
    "ReconnectState",
    "RetryDue",
    "StartRetryTimer",
    "StopAttempt",
    "StopRetryTimer",
    "Tell",
    "step",
]


class Phase(enum.Enum):
    """What the connection is doing."""

    IDLE = "idle"
    DIALING = "dialing"
    OPEN = "open"
    WAITING = "waiting"
    """Between two attempts."""
    CLOSING = "closing"
    """The user asked to close, and the link is not closed yet."""


@attrs.frozen
class ReconnectState:
    """All that the machine remembers."""

    phase: Phase = Phase.IDLE
    """What it is doing."""

    attempt: int = 0
    """Attempts in this run."""

    failures: int = 0
    """Failures in a row since a link last proved stable."""

    previous_delay_seconds: float | None = None
    """The delay before; None if there was none in this row."""


# --- events: what the shell brings ----------------------------------------------------------------


@attrs.frozen
class ConnectRequested:
    """Somebody wants the connection."""


@attrs.frozen
class DisconnectRequested:
    """Somebody wants it no longer."""


@attrs.frozen
class LinkOpened:
    """An attempt succeeded."""


@attrs.frozen
class AttemptFailed:
    """An attempt failed."""

    error: LastError
    """Why."""

    jitter: float
    """Drawn by the shell, in [0, 1)."""

    is_final: bool = False
    """Whether the failure says by itself that no other attempt can succeed."""


@attrs.frozen
class LinkProvedStable:
    """The link has been open for long enough."""


@attrs.frozen
class LinkEnded:
    """The link is gone."""

    error: LastError
    """Why."""

    jitter: float
    """Drawn by the shell, in [0, 1)."""


@attrs.frozen
class RetryDue:
    """The wait is over, or somebody cuts it short."""


Event: TypeAlias = (
    ConnectRequested
    | DisconnectRequested
    | LinkOpened
    | AttemptFailed
    | LinkProvedStable
    | LinkEnded
    | RetryDue
)


# --- effects: what the shell performs -------------------------------------------------------------


@attrs.frozen
class Tell:
    """Dispatch an action."""

    action: Action


@attrs.frozen
class Dial:
    """Begin an attempt."""

    attempt: int


@attrs.frozen
class StopAttempt:
    """Give up the attempt under way."""


@attrs.frozen
class StartRetryTimer:
    """Send `RetryDue` after a while."""

    delay_seconds: float


@attrs.frozen
class StopRetryTimer:
    """Forget the timer."""


@attrs.frozen
class CloseLink:
    """Close the link, and send `LinkEnded` once it is gone."""


Effect: TypeAlias = Tell | Dial | StopAttempt | StartRetryTimer | StopRetryTimer | CloseLink

TRANSITIONS: Final = (
    (Phase.IDLE, "connect", Phase.DIALING),
    (Phase.DIALING, "opened", Phase.OPEN),
    (Phase.DIALING, "failed", Phase.WAITING),
    (Phase.DIALING, "failed for good", Phase.IDLE),
    (Phase.DIALING, "disconnect", Phase.IDLE),
    (Phase.OPEN, "stable", Phase.OPEN),
    (Phase.OPEN, "lost", Phase.WAITING),
    (Phase.OPEN, "lost for good", Phase.IDLE),
    (Phase.OPEN, "disconnect", Phase.CLOSING),
    (Phase.WAITING, "retry due", Phase.DIALING),
    (Phase.WAITING, "disconnect", Phase.IDLE),
    (Phase.CLOSING, "lost", Phase.IDLE),
)
"""Every change of phase that `step` makes; a test walks the machine and compares."""


def step(  # noqa: C901, PLR0911  # the whole machine is one match, to be read from top to bottom
    state: ReconnectState, event: Event, backoff: Backoff
) -> tuple[ReconnectState, tuple[Effect, ...]]:
    """Return what follows from an event; an event that does not fit the phase changes nothing.

    Args:
        state: what the machine remembers.
        event: what happened.
        backoff: the rule by which attempts are spaced.

    Returns:
        The next state and what to do, in this order.
    """
    match state.phase, event:
        case Phase.IDLE, ConnectRequested():
            return _dial(ReconnectState())
        case Phase.DIALING, LinkOpened():
            return evolve(state, phase=Phase.OPEN), (Tell(ConnectionOpened(state.attempt)),)
        case Phase.DIALING, AttemptFailed(error=error, is_final=True):
            return ReconnectState(), (Tell(ConnectionEnded("fatal", error)),)
        case (Phase.DIALING, AttemptFailed(error=error, jitter=jitter)) | (
            Phase.OPEN,
            LinkEnded(error=error, jitter=jitter),
        ):
            return _retry_or_end(state, error, jitter, backoff)
        case Phase.OPEN, LinkProvedStable():
            stable = evolve(state, failures=0, previous_delay_seconds=None)
            return stable, (Tell(ConnectionProvedStable()),)
        case Phase.WAITING, RetryDue():
            next_state, effects = _dial(state)
            return next_state, (StopRetryTimer(), *effects)
        case Phase.DIALING, DisconnectRequested():
            return ReconnectState(), (StopAttempt(), Tell(ConnectionEnded("closed_by_user")))
        case Phase.WAITING, DisconnectRequested():
            return ReconnectState(), (StopRetryTimer(), Tell(ConnectionEnded("closed_by_user")))
        case Phase.OPEN, DisconnectRequested():
            return evolve(state, phase=Phase.CLOSING), (CloseLink(),)
        case Phase.CLOSING, LinkEnded():
            return ReconnectState(), (Tell(ConnectionEnded("closed_by_user")),)
        case _:
            return state, ()


def _dial(state: ReconnectState) -> tuple[ReconnectState, tuple[Effect, ...]]:
    attempt = state.attempt + 1
    dialing = evolve(state, phase=Phase.DIALING, attempt=attempt)
    return dialing, (Tell(ConnectionAttemptStarted(attempt)), Dial(attempt))


def _retry_or_end(
    state: ReconnectState, error: LastError, jitter: float, backoff: Backoff
) -> tuple[ReconnectState, tuple[Effect, ...]]:
    if is_fatal(error):
        return ReconnectState(), (Tell(ConnectionEnded("fatal", error)),)
    failures = state.failures + 1
    delay = backoff_delay(backoff, failures, jitter, state.previous_delay_seconds)
    waiting = ReconnectState(Phase.WAITING, state.attempt, failures, delay)
    lost = ConnectionLostAndRetryScheduled(error, failures, delay, jitter)
    return waiting, (Tell(lost), StartRetryTimer(delay))
