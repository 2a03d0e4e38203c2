"""Finding out that a peer is gone: a ping per interval, and a limit to the silence after one."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Heartbeat"]

_GRACE_SECONDS: Final = 0.25
"""Waited once more at the limit.  A loop that was blocked until then may have sent its ping only
now, and the answer is still on the network; half of the 0.5 s that finding out may take longer."""

_TURNS_OF_GRACE: Final = 3
"""Turns of the loop in which a frame that has arrived reaches `heard`: the socket is read in the
first, and whoever awaits the frame runs in the second."""

_MOST_UNANSWERED: Final = 16
"""Pings whose answer is waited for: a peer that only sends must not fill the memory."""


class Heartbeat:
    """One timer for one link; any frame proves that the peer lives.

    A limit that is reached because the event loop was blocked proves nothing.  So the peer gets a
    moment to answer, and the loop the turns it needs to read what has arrived, before the peer is
    called dead.
    """

    def __init__(
        self,
        interval: float,
        timeout: float,
        *,
        send_ping: Callable[[bytes], None],
        on_dead: Callable[[], None],
    ) -> None:
        """Start; the first ping is sent after one interval.

        Args:
            interval: seconds between two pings.
            timeout: seconds of silence after a ping before the peer is dead.
            send_ping: sends a ping with this payload, without waiting.
            on_dead: called once, when the peer is dead.
        """
        self._loop = asyncio.get_running_loop()
        self._interval = interval
        self._timeout = timeout
        self._send_ping = send_ping
        self._on_dead = on_dead
        self._silent_ping_at: float | None = None
        """When the first ping since the last frame was sent; None if there was none."""
        self._is_suspended = False
        self._next_ping_at = self._loop.time() + interval
        self._unanswered: dict[bytes, float] = {}
        self._timer: asyncio.Handle = self._loop.call_at(self._next_ping_at, self._tick)

    def heard(self) -> None:
        """Note that a frame came: the peer lives."""
        self._silent_ping_at = None

    def suspend(self) -> None:
        """Let silence prove nothing, because nobody listens; pings go on."""
        self._is_suspended = True

    def resume(self) -> None:
        """Let silence count again, from now on."""
        self._is_suspended = False
        self._silent_ping_at = None

    def answered(self, payload: bytes) -> float | None:
        """Return the seconds since the ping that this pong answers; None if it answers none."""
        pinged_at = self._unanswered.get(payload)
        if pinged_at is None:
            return None
        for earlier in [ping for ping, at in self._unanswered.items() if at <= pinged_at]:
            del self._unanswered[earlier]  # RFC 6455, 5.5.3: a pong may answer the latest ping only
        return self._loop.time() - pinged_at

    def answered_by_message(self) -> float | None:
        """Return the seconds since the first ping without an answer; None if there is none."""
        return self.answered(next(iter(self._unanswered), b""))

    def stop(self) -> None:
        """Forget the timer."""
        self._timer.cancel()

    def _tick(self) -> None:
        """Send the ping that is due, or look whether the silence after one was too long."""
        now = self._loop.time()
        limit = self._limit()
        if limit is not None and now >= limit:
            self._timer = self._loop.call_later(
                _GRACE_SECONDS, self._wait_for_frames_on_their_way, _TURNS_OF_GRACE
            )
            return
        is_due = now >= self._next_ping_at
        if is_due:
            on_time = self._next_ping_at + self._interval
            self._next_ping_at = on_time if on_time > now else now + self._interval
            self._silent_ping_at = now if self._silent_ping_at is None else self._silent_ping_at
        self._arm()
        if is_due:  # last, so that a sender that raises or stops leaves the timer as it should be
            self._ping(now)

    def _ping(self, now: float) -> None:
        payload = secrets.token_bytes(8)
        if len(self._unanswered) >= _MOST_UNANSWERED:
            del self._unanswered[next(iter(self._unanswered))]
        self._unanswered[payload] = now
        self._send_ping(payload)

    def _wait_for_frames_on_their_way(self, turns: int) -> None:
        if self._limit() is None:  # one came
            self._arm()
        elif turns:
            self._timer = self._loop.call_soon(self._wait_for_frames_on_their_way, turns - 1)
        else:
            self._on_dead()

    def _arm(self) -> None:
        limit = self._limit()
        due = self._next_ping_at if limit is None else min(limit, self._next_ping_at)
        self._timer = self._loop.call_at(due, self._tick)

    def _limit(self) -> float | None:
        """Return when the present silence is too long; None while no ping has met silence."""
        if self._silent_ping_at is None or self._is_suspended:
            return None
        return self._silent_ping_at + self._timeout
