"""`ReconnectDriver`: the reconnect machine at work, with a real timer.

What belongs here: feeding events one after the other, the retry timer, and waiting for a phase.
What does not: any decision, which `refold.reducers.reconnect_machine` makes; and sockets.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, TypeAlias

from refold.actions.connection import ConnectionEnded
from refold.middleware.describe_failure import describe_failure
from refold.reducers.reconnect_machine import (
    CloseLink,
    Dial,
    Effect,
    Event,
    Phase,
    ReconnectState,
    RetryDue,
    StartRetryTimer,
    StopAttempt,
    StopRetryTimer,
    Tell,
    step,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from refold.reducers.reconnect_machine import ReconnectPolicy

__all__ = ["ReconnectDriver"]

_OutwardEffect: TypeAlias = Tell | Dial | StopAttempt | CloseLink
"""Every effect but the timer's."""

_log = logging.getLogger("refold.websocket")


class ReconnectDriver:
    """Holds what the machine remembers, and performs what it asks."""

    def __init__(self, policy: ReconnectPolicy, perform: Callable[[_OutwardEffect], None]) -> None:
        """Start idle.

        Args:
            policy: how often and how long to try.
            perform: performs every effect but the timer's.
        """
        self._policy = policy
        self._perform = perform
        self._state = ReconnectState()
        self._events: list[Event] = []
        self._is_feeding = False
        self._changed: asyncio.Event | None = None
        """Set when the phase changes; None while nobody waits for that."""
        self._timer: asyncio.TimerHandle | None = None

    @property
    def phase(self) -> Phase:
        """What the connection is doing."""
        return self._state.phase

    def feed(self, event: Event) -> None:
        """Give the machine an event and perform what it asks, one event after the other."""
        self._events.append(event)
        if self._is_feeding:
            return  # an effect led to this event; it comes after the effects before it
        self._is_feeding = True
        try:
            while self._events:
                self._take(self._events.pop(0))
        finally:
            self._is_feeding = False

    def crash(self, error: Exception) -> None:
        """End the connection for good, because something went wrong that never should."""
        _log.error("the connection cannot go on, and ends", exc_info=error)
        failure = describe_failure(error, "application")
        self._end(StopAttempt(), Tell(ConnectionEnded("fatal", failure)))

    def abandon(self) -> None:
        """End whatever is under way without waiting for it."""
        if self.phase is not Phase.IDLE:
            self._end(Tell(ConnectionEnded("closed_by_user")))
        self._wake()

    async def next_phase(self) -> None:
        """Wait until the machine is in another phase, or abandoned."""
        self._changed = changed = self._changed or asyncio.Event()
        await changed.wait()

    def _take(self, event: Event) -> None:
        before = self.phase
        try:
            self._state, effects = step(self._state, event, self._policy)
            for effect in effects:
                self._perform_here_or_there(effect)
        except Exception as error:  # noqa: BLE001  # nothing may reach the loop or the application
            self.crash(error)
        if self.phase is not before:
            self._wake()

    def _perform_here_or_there(self, effect: Effect) -> None:
        match effect:
            case StartRetryTimer(delay):
                loop = asyncio.get_running_loop()
                self._timer = loop.call_later(delay, self.feed, RetryDue())
            case StopRetryTimer():
                self._stop_timer()
            case Tell() | Dial() | StopAttempt() | CloseLink():
                self._perform(effect)

    def _end(self, *effects: _OutwardEffect) -> None:
        self._stop_timer()
        self._state = ReconnectState()
        for effect in effects:
            self._perform(effect)
        self._wake()

    def _wake(self) -> None:
        changed, self._changed = self._changed, None
        if changed is not None:
            changed.set()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
