"""Finding out that a peer is gone: a ping after silence, and a limit to the silence after it."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Heartbeat"]


class Heartbeat:
    """One timer for one link.

    A timer that fires late, because the event loop was busy, gives the socket one turn to be read
    before the peer is called dead.
    """

    def __init__(
        self,
        interval: float,
        timeout: float,
        *,
        send_ping: Callable[[bytes], None],
        on_dead: Callable[[], None],
    ) -> None:
        """Start to listen for silence.

        Args:
            interval: seconds of silence before a ping.
            timeout: seconds of silence after a ping before the peer is dead.
            send_ping: sends a ping with this payload, without waiting.
            on_dead: called once, when the peer is dead.
        """
        self._loop = asyncio.get_running_loop()
        self._interval = interval
        self._timeout = timeout
        self._send_ping = send_ping
        self._on_dead = on_dead
        self._last_heard = self._loop.time()
        self._ping: tuple[bytes, float] | None = None
        self._timer = self._loop.call_later(interval, self._on_silence)

    def heard(self) -> None:
        """Note that a frame came: the peer lives."""
        self._last_heard = self._loop.time()

    def answered(self, payload: bytes) -> float | None:
        """Return the seconds since the ping that this pong answers; None if it answers none."""
        if self._ping is None or payload != self._ping[0]:
            return None
        now = self._loop.time()
        latency = now - self._ping[1]
        self._ping = None
        self._timer.cancel()
        self._timer = self._loop.call_at(now + self._interval, self._on_silence)
        return latency

    def stop(self) -> None:
        """Forget the timer."""
        self._timer.cancel()

    def _on_silence(self) -> None:
        """Send a ping if there was silence; else wait for as long as there was none."""
        silent_since = self._last_heard + self._interval
        if self._loop.time() < silent_since:
            self._timer = self._loop.call_at(silent_since, self._on_silence)
            return
        payload, now = secrets.token_bytes(8), self._loop.time()
        self._ping = payload, now
        self._send_ping(payload)
        self._timer = self._loop.call_at(now + self._timeout, self._on_limit, now, True)

    def _on_limit(self, pinged_at: float, may_be_late: bool) -> None:  # noqa: FBT001  # one caller
        """Call the peer dead if nothing came since the ping."""
        if self._last_heard > pinged_at:
            self._timer = self._loop.call_at(self._last_heard + self._interval, self._on_silence)
        elif may_be_late:  # let the loop read what is waiting in the socket first
            self._timer = self._loop.call_later(0, self._on_limit, pinged_at, False)
        else:
            self._on_dead()
