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
from refold.reducers.classify_failure import Verdict
from refold.reducers.evolve import evolve
from refold.reducers.retry_after import delay_with_floor

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
    "ReconnectPolicy",
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
    """The delay before, as the backoff drew it; None if there was none in this row."""

    failing_since_seconds: float | None = None
    """When the first failure in the row happened, by the loop's clock; None if there is no row."""

    is_refreshing_auth: bool = False
    """Whether the last failure was about authentication: another one of that kind is fatal."""


@attrs.frozen(kw_only=True)
class ReconnectPolicy:
    """How often and how long to try."""

    backoff: Backoff = attrs.field(factory=Backoff)
    """How attempts are spaced."""

    max_attempts: int | None = None
    """Failures in a row before giving up, 1 or more; None for no end."""

    max_elapsed_seconds: float | None = None
    """How long after the first failure in a row another attempt may begin; None for no end."""

    can_refresh_auth: bool = False
    """Whether the shell can get new credentials; else a failure about them is fatal at once."""


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
class _Failed:
    """Something ended that was to go on."""

    error: LastError
    """Why."""

    jitter: float
    """Drawn by the shell, in [0, 1)."""

    verdict: Verdict = Verdict.RETRY
    """Whether another attempt is worth it."""

    floor_seconds: float = 0.0
    """The server wants no attempt before so long; 0 if it said nothing."""

    at_seconds: float = 0.0
    """When, by the loop's clock."""


@attrs.frozen
class AttemptFailed(_Failed):
    """An attempt failed."""


@attrs.frozen
class LinkEnded(_Failed):
    """The link is gone."""


@attrs.frozen
class LinkProvedStable:
    """The link has been open for long enough."""


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

    refreshes_auth: bool = False
    """Whether to get new credentials first, within the attempt's time."""


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
    (Phase.DIALING, "gave up", Phase.IDLE),
    (Phase.DIALING, "disconnect", Phase.IDLE),
    (Phase.OPEN, "stable", Phase.OPEN),
    (Phase.OPEN, "lost", Phase.WAITING),
    (Phase.OPEN, "lost for good", Phase.IDLE),
    (Phase.OPEN, "gave up", Phase.IDLE),
    (Phase.OPEN, "disconnect", Phase.CLOSING),
    (Phase.WAITING, "retry due", Phase.DIALING),
    (Phase.WAITING, "disconnect", Phase.IDLE),
    (Phase.CLOSING, "lost", Phase.IDLE),
)
"""Every change of phase that `step` makes; a test walks the machine and compares."""


def step(  # noqa: PLR0911  # the whole machine is one match, to be read from top to bottom
    state: ReconnectState, event: Event, policy: ReconnectPolicy
) -> tuple[ReconnectState, tuple[Effect, ...]]:
    """Return what follows from an event; an event that does not fit the phase changes nothing.

    Args:
        state: what the machine remembers.
        event: what happened.
        policy: how often and how long to try.

    Returns:
        The next state and what to do, in this order.
    """
    match state.phase, event:
        case Phase.IDLE, ConnectRequested():
            return _dial(ReconnectState())
        case Phase.DIALING, LinkOpened():
            return evolve(state, phase=Phase.OPEN), (Tell(ConnectionOpened(state.attempt)),)
        case (Phase.DIALING, AttemptFailed() as failure) | (
            Phase.OPEN,
            LinkEnded() as failure,
        ):
            return _retry_or_end(state, failure, policy)
        case Phase.OPEN, LinkProvedStable():
            stable = ReconnectState(Phase.OPEN, state.attempt)
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
    begin = Dial(attempt, refreshes_auth=state.is_refreshing_auth)
    return dialing, (Tell(ConnectionAttemptStarted(attempt)), begin)


def _retry_or_end(
    state: ReconnectState, failure: _Failed, policy: ReconnectPolicy
) -> tuple[ReconnectState, tuple[Effect, ...]]:
    is_about_auth = failure.verdict is Verdict.AUTH
    is_hopeless = state.is_refreshing_auth or not policy.can_refresh_auth
    if failure.verdict is Verdict.FATAL or (is_about_auth and is_hopeless):
        return ReconnectState(), (Tell(ConnectionEnded("fatal", failure.error)),)
    failures = state.failures + 1
    drawn = backoff_delay(policy.backoff, failures, failure.jitter, state.previous_delay_seconds)
    delay = delay_with_floor(drawn, failure.floor_seconds, failure.jitter)
    since = state.failing_since_seconds
    since = failure.at_seconds if since is None else since
    if _is_enough(policy, failures, failure.at_seconds + delay - since):
        return ReconnectState(), (Tell(ConnectionEnded("gave_up", failure.error)),)
    waiting = ReconnectState(Phase.WAITING, state.attempt, failures, drawn, since, is_about_auth)
    lost = ConnectionLostAndRetryScheduled(failure.error, failures, delay, failure.jitter)
    return waiting, (Tell(lost), StartRetryTimer(delay))


def _is_enough(policy: ReconnectPolicy, failures: int, elapsed_seconds: float) -> bool:
    """Tell whether to give up instead of trying again, so long after the first failure."""
    is_last = policy.max_attempts is not None and failures >= policy.max_attempts
    limit = policy.max_elapsed_seconds
    return is_last or (limit is not None and elapsed_seconds > limit)
