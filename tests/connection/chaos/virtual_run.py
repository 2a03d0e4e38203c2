"""A run of its own event loop in virtual time, and what must be left when it is over.

What belongs here: the loop, its turns, and the count of leftovers.  What does not: anything of
connections.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import selectors  # noqa: TID251  # the standard library's, no room of refold
import sys
import time
from collections.abc import Callable, Coroutine, Generator, Iterable
from typing import Any, Final, TypeVar

import looptime

from tests.connection.sockets.running import open_descriptors

__all__ = ["MOST_TURNS", "CountingSelector", "cancelled_at_turn", "run_virtually", "some_turns"]

T = TypeVar("T")

MOST_TURNS = 1000
"""More than any scripted life takes; a sweep that gets there has lost its end."""

_TURNS_BEFORE_TIME_MOVES = 6
"""Idle turns before the clock jumps to the next timer; loopback sockets need one or two."""


class CountingSelector(selectors.DefaultSelector):
    """A selector that counts the loop's turns, and calls a function once at one of them."""

    def __init__(self) -> None:
        super().__init__()
        self._turns_left: int | None = None
        self._call: Callable[[], object] = lambda: None

    def call_after_turns(self, turns: int, call: Callable[[], object]) -> None:
        """Call a function after so many turns; it must wake the loop if it changes anything."""
        self._turns_left, self._call = turns, call

    def forget(self) -> None:
        """Call nothing any more."""
        self._turns_left = None

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Look for events, as the loop does once in each turn."""
        if self._turns_left is not None:
            self._turns_left -= 1
            if self._turns_left < 0:
                self._turns_left = None
                self._call()
        return super().select(timeout)


class _Complaints(logging.Handler):
    """Keeps what is logged as an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one record."""
        self.texts.append(f"{record.getMessage()} {record.exc_info}")


_SECONDS_TO_CLOSE: Final = 5.0
"""Real ones: a peer's reset takes its time through the system, whatever the virtual clock says."""


def run_virtually(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run until a coroutine has returned, and assert that it left nothing and broke nothing.

    No task, no descriptor and nothing unclosed may be left, nothing may have reached the loop's
    exception handler, and refold may have logged no error.
    """
    complaints = _Complaints()

    async def checked() -> T:
        asyncio.get_running_loop().set_exception_handler(
            lambda _loop, context: complaints.texts.append(repr(context))
        )
        descriptors = open_descriptors()
        result = await main()
        this = asyncio.current_task()
        left: set[asyncio.Task[Any]] = set()
        deadline = time.monotonic() + _SECONDS_TO_CLOSE
        while time.monotonic() < deadline:  # transports close in the turns after
            left = asyncio.all_tasks() - {this} if this else set()
            if not left and open_descriptors() == descriptors:
                break
            await asyncio.sleep(0)
        assert left == set()
        assert open_descriptors() == descriptors
        return result

    with _listening(complaints), asyncio.Runner(loop_factory=_new_loop) as runner:
        result = runner.run(checked())
    assert complaints.texts == []
    return result


@contextlib.contextmanager
def _listening(complaints: _Complaints) -> Generator[None]:
    """Keep what is logged, and what the garbage collector finds unclosed at the end."""
    log, hook = logging.getLogger("refold"), sys.unraisablehook
    log.addHandler(complaints)
    sys.unraisablehook = lambda found: complaints.texts.append(repr(found.exc_value))
    gc.freeze()  # only what is made from here on is looked at
    try:
        yield
        gc.collect()
    finally:
        gc.unfreeze()
        sys.unraisablehook = hook
        log.removeHandler(complaints)


async def cancelled_at_turn(
    turn: int,
    work: Coroutine[Any, Any, object],
    victims: Callable[[], Iterable[asyncio.Task[Any]]] | None = None,
    *,
    again_after: int | None = None,
) -> bool:
    """Run some work as a task, and cancel tasks after so many turns of the loop.

    Args:
        turn: how many turns to leave it in peace.
        work: what to run; its exceptions are raised here.
        victims: gives the tasks to cancel when it is time; None for the work's own.
        again_after: cancel once more, so many turns after the first time; None for once only.

    Returns:
        Whether the work was still under way.
    """
    loop = asyncio.get_running_loop()
    task = asyncio.create_task(work, name="work of the test")
    selector = _selectors[loop]
    was_running = False

    def cancel() -> None:
        for victim in tuple(victims()) if victims else (task,):
            loop.call_soon_threadsafe(victim.cancel)  # wakes the loop, as a signal does

    def cancel_first() -> None:
        nonlocal was_running
        was_running = not task.done()
        cancel()
        if again_after is not None:
            selector.call_after_turns(again_after, cancel)

    selector.call_after_turns(turn, cancel_first)
    async with asyncio.timeout(1000):
        await asyncio.wait([task])
    selector.forget()
    if not task.cancelled():
        task.result()
    return was_running


async def some_turns(turns: int, unless: asyncio.Task[Any]) -> bool:
    """Wait for so many turns of the loop, or for a task; tell whether the task is still running."""
    if turns == 0:
        return not unless.done()
    loop = asyncio.get_running_loop()
    passed = asyncio.Event()
    _selectors[loop].call_after_turns(turns - 1, lambda: loop.call_soon_threadsafe(passed.set))
    passing = asyncio.create_task(passed.wait(), name="wait of the test")
    await asyncio.wait([passing, unless], return_when=asyncio.FIRST_COMPLETED)
    _selectors[loop].forget()
    passing.cancel()
    return not unless.done()


_selectors: dict[asyncio.AbstractEventLoop, CountingSelector] = {}


def _new_loop() -> asyncio.AbstractEventLoop:
    selector = CountingSelector()
    loop = asyncio.SelectorEventLoop(selector)
    _selectors.clear()  # one runs at a time
    _selectors[loop] = selector
    return looptime.patch_event_loop(loop, noop_cycles=_TURNS_BEFORE_TIME_MOVES)
