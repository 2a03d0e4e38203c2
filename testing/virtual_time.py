"""`VirtualTime`: the time of a running event loop, which stands still until it is advanced.

What belongs here: ``loop.time()``, the timers that follow from it, and telling when nothing is left
to do.  What does not: whose timers they are.

The loop may be any of asyncio's own, and be running already: three of its attributes are replaced
while somebody holds its time, and put back afterwards.  The library looptime cannot do this: its
time moves by itself, and there is no way to take it from a loop again.  Where a test has both, a
wait that nobody here asked for moves the time as looptime would.

What cannot be known: whether another process, another machine or the kernel is about to answer.
Where a socket is open, the loop listens for some milliseconds of real time before it counts as
idle; what takes longer has to be waited for.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from refold.errors import TestStoreError

if TYPE_CHECKING:
    from collections.abc import Generator

    from refold.testing.virtual_clock import VirtualClock

__all__ = ["VirtualTime", "seconds_text"]

_RESOLUTION: Final = 1e-6
"""Timers nearer than so many seconds fire together: 0.1 + 0.2 is 0.3."""

_SOCKET_SECONDS: Final = 0.002
"""How long, in real time, a loop with open sockets listens before it is idle."""

_THREAD_SECONDS: Final = 5.0
"""How long, in real time, functions in threads are waited for before they count as waiting too."""

_STALL_SECONDS: Final = 2.0
"""After so long in real time, a test that waits for what cannot come is told so, in the log."""

_MOST_TURNS: Final = 100_000
"""Turns of the loop, about a second, after which it never comes to rest."""

_WAKE_UP_SOCKETS: Final = 1
"""Every loop listens to one socket of its own."""

_logger: Final = logging.getLogger("refold.testing")


class VirtualTime:
    """The time of one event loop, while it is held by anybody."""

    def __init__(self, loop: Any) -> None:
        """Take the time of a loop that is running; it goes on from where it stands."""
        self._loop = loop
        self._selector: Any = loop._selector  # noqa: SLF001  # asyncio offers no other way
        self._holders = 0
        self._now: float = loop.time()
        self._clocks: list[VirtualClock] = []
        self._idle_waiters: deque[asyncio.Future[None]] = deque()
        self._turns = 0
        self._letting_pass = 0
        self._in_threads: set[asyncio.Future[Any]] = set()
        self._has_told = False
        self._replaced: dict[str, Any] = {}

    @classmethod
    def hold(cls, clock: VirtualClock) -> VirtualTime:
        """Return the time of the running loop, which from now on turns a clock too; `let_go` later.

        Raises:
            TestStoreError: the loop is none of asyncio's own.
        """
        loop = asyncio.get_running_loop()
        if not isinstance(loop, asyncio.BaseEventLoop) or not hasattr(loop, "_selector"):
            message = (
                f"a TestStore needs an event loop of asyncio itself, to stop its time; this is a"
                f" {type(loop).__module__}.{type(loop).__qualname__}: run the test by asyncio.run"
                f" or pytest-asyncio, without another loop's policy"
            )
            raise TestStoreError(message)
        time = _of_loop.get(loop)
        if time is None:
            time = _of_loop[loop] = cls(loop)
            time._replace()
        time._holders += 1
        time._clocks.append(clock)
        return time

    def let_go(self, clock: VirtualClock) -> None:
        """Turn the clock no more; with the last of them the loop gets its own time back."""
        self._clocks.remove(clock)
        self._holders -= 1
        if not self._holders:
            del _of_loop[self._loop]
            self._put_back()

    def seconds_to_next_timer(self) -> float | None:
        """Return how far ahead the next timer of the loop stands; None if there is none."""
        due = self._next_due()
        return None if due is None else max(0.0, due - self._now)

    async def until_idle(self) -> None:
        """Wait until nothing is left to do at this moment.

        Raises:
            TestStoreError: there is no end of it.
        """
        if not self._idle_waiters:
            self._turns = 0
        idle = self._loop.create_future()
        self._idle_waiters.append(idle)
        await idle

    async def advance(self, seconds: float) -> None:
        """Let time pass: each timer fires at its moment, and what follows from it comes first.

        Raises:
            TestStoreError: at one moment there is no end of what is to do.
        """
        end = self._now + seconds
        await self.until_idle()
        while (due := self._next_due()) is not None and due < end + _RESOLUTION:
            self._move_to(due)
            await self.until_idle()
        self._move_to(end)
        await self.until_idle()

    @contextlib.contextmanager
    def passing(self) -> Generator[None]:
        """Let time pass by itself, from timer to timer, wherever nothing is left to do."""
        self._letting_pass += 1
        try:
            yield
        finally:
            self._letting_pass -= 1

    # --- in place of the loop's own ---------------------------------------------------------------

    def _time(self) -> float:
        return self._now

    def _run_in_executor(self, *arguments: Any) -> asyncio.Future[Any]:
        own: Any = self._loop.__class__
        future: asyncio.Future[Any] = own.run_in_executor(self._loop, *arguments)
        self._in_threads.add(future)
        future.add_done_callback(self._in_threads.discard)
        return future

    def _select(self, timeout: float | None = None) -> list[Any]:
        """Return what has come over sockets; without anything to do, wake who waits for that."""
        events = self._poll(0)
        if not events and (timeout is None or timeout >= _RESOLUTION):
            return self._when_nothing_is_ready()
        self._turns += 1
        if self._idle_waiters and self._turns > _MOST_TURNS:
            self._wake_one(_restless())
        return events

    def _when_nothing_is_ready(self) -> list[Any]:
        if self._idle_waiters or self._passes_by_itself():
            events = self._listen_a_while()
            if events:
                return events
            self._turns = 0
            if self._wake_one(None):
                return []
            due = self._next_due()
            if due is not None:
                self._move_to(due)
                return []
        events = self._poll(_STALL_SECONDS)
        if not events and not self._has_told:
            self._has_told = True
            _logger.warning("%s", self._describe_stall())
        return events

    def _listen_a_while(self) -> list[Any]:
        """Return what comes from sockets and threads that are at work in real time."""
        if self._in_threads:
            events = self._poll(_THREAD_SECONDS)
            if not events:
                self._in_threads.clear()
            return events
        has_sockets = len(self._selector.get_map() or ()) > _WAKE_UP_SOCKETS
        return self._poll(_SOCKET_SECONDS) if has_sockets else []

    def _poll(self, seconds: float) -> list[Any]:
        """Ask the selector itself, past whatever else was put in its place."""
        own: Any = self._selector.__class__
        events: list[Any] = own.select(self._selector, seconds)
        return events

    def _passes_by_itself(self) -> bool:
        return self._letting_pass > 0 or bool(getattr(self._loop, "looptime_on", False))

    def _wake_one(self, error: Exception | None) -> bool:
        while self._idle_waiters:
            waiter = self._idle_waiters.popleft()
            if waiter.done():
                continue  # whoever waited was cancelled
            self._turns = 0
            if error is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(error)
            return True
        return False

    def _describe_stall(self) -> str:
        ahead = self.seconds_to_next_timer()
        what = (
            "no timer is set"
            if ahead is None
            else f"the next timer stands {seconds_text(ahead)} s ahead, and 'await"
            f" store.advance({seconds_text(ahead)})' leads there"
        )
        return (
            f"the test waits, while the time of its event loop stands still for a TestStore; {what}"
        )

    # --- the loop's timers ------------------------------------------------------------------------

    def _next_due(self) -> float | None:
        timers: list[asyncio.TimerHandle] = self._loop._scheduled  # noqa: SLF001  # as above
        return min((timer.when() for timer in timers if not timer.cancelled()), default=None)

    def _move_to(self, moment: float) -> None:
        passed = max(0.0, moment - self._now)
        self._now += passed
        for clock in {id(each): each for each in self._clocks}.values():
            # rounded, so that many small steps lead to the same time as a large one
            clock.advance(max(0.0, round(clock() + passed, 6) - clock()))

    def _replace(self) -> None:
        put: list[tuple[Any, str, Any]] = [
            (self._loop, "time", self._time),
            (self._loop, "run_in_executor", self._run_in_executor),
            (self._loop, "_clock_resolution", _RESOLUTION),
            (self._selector, "select", self._select),
        ]
        for owner, name, value in put:
            self._replaced[name] = (owner, owner.__dict__.get(name))
            setattr(owner, name, value)

    def _put_back(self) -> None:
        for name, (owner, value) in self._replaced.items():
            if value is None:
                delattr(owner, name)  # the class has one
            else:
                setattr(owner, name, value)
        shift = self._loop.time() - self._now
        for timer in self._loop._scheduled:  # noqa: SLF001  # as above
            timer._when += shift  # noqa: SLF001  # each is as far ahead as it was


def seconds_text(seconds: float) -> str:
    """Return a duration as it is written in a test, to the microsecond."""
    return f"{seconds:.6f}".rstrip("0").rstrip(".")


def _restless() -> TestStoreError:
    message = (
        f"the event loop did not come to rest in {_MOST_TURNS} turns: something runs on without"
        f" ever waiting, such as a loop around fx.sleep(0); give it a duration, or end it"
    )
    return TestStoreError(message)


_of_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, VirtualTime] = WeakKeyDictionary()
"""The time of each loop that is held."""
