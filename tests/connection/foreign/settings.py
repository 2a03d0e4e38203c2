"""Durations and small helpers that all these tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from refold.actions.connection import (
    ConnectionAttemptStarted,
    ConnectionLostAndRetryScheduled,
)
from refold.reducers.backoff_delay import Backoff
from tests.connection.sockets.running import FAST, HASTY

if TYPE_CHECKING:
    from refold.actions.connection import LastError
    from tests.connection.sockets.running import Scene

__all__ = ["PATIENT", "SHORT", "seconds_of_the_first_attempt", "told_error"]

PATIENT: Final = attrs.evolve(FAST, connect_timeout=10.0, close_timeout=5.0)
"""For peers that answer: only one that never does takes as long as these limits."""

SHORT: Final = attrs.evolve(
    HASTY, backoff=Backoff(initial_seconds=0.05, cap_seconds=0.1, floor_seconds=0.05)
)
"""For peers that do not: an attempt and a closing have 0.3 s each."""


def told_error(scene: Scene) -> LastError:
    """Return the last failure, which must have happened."""
    error = scene.state.last_error
    assert error is not None
    return error


def seconds_of_the_first_attempt(scene: Scene) -> float:
    """Return how long it took until the first attempt had failed."""
    started = scene.trace.times_of(ConnectionAttemptStarted)[0]
    return scene.trace.times_of(ConnectionLostAndRetryScheduled)[0] - started
