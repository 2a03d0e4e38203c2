"""`MessageLanes`: calling handlers, one message of a type after the other, in tasks of their own.

What belongs here: order, time limits, and ending in bounded time.  What does not: which handlers
there are, which `message_handlers` keeps.

A lane is one type's way: it exists while an async handler of that type runs, and later messages of
the type wait in it, numbered in the order in which they came.  A type whose handlers are all plain
functions needs none.  Each async call is a task of its own beside the lane's, so that a handler
that cancels its task ends only itself.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Final

import attrs

from refold.middleware.is_being_cancelled import is_being_cancelled

__all__ = ["HandlerOfMessages", "MessageLanes"]

_GRACE_SECONDS: Final = 0.25
"""For cancelled handlers to clean up; half of the 0.5 s that an end may take beyond its limit."""

_SHORTEST_SECONDS: Final = 1e-4
"""Less is no time: a loop's clock may round it away, and a wait for it be over before it began."""

_log = logging.getLogger("refold.websocket")


@attrs.define(eq=False)
class HandlerOfMessages:
    """A function that the application gave; the same function given twice is two of these."""

    function: Callable[[Any], object]
    """Called with each message; what it returns is awaited if it can be."""

    is_concurrent: bool
    """Whether later messages need not wait for it."""

    is_active: bool = True
    """Whether it is still wanted."""


@attrs.define(eq=False)
class _Lane:
    """What one task works through."""

    wire_type: str
    message: object
    handlers: Iterator[HandlerOfMessages]
    """Those that the message is still to be given to."""
    call: asyncio.Future[Any]
    """The handler that runs."""
    waiting: deque[tuple[int, object]] = attrs.field(factory=deque[tuple[int, object]])
    task: asyncio.Task[None] | None = None


@attrs.define(eq=False, kw_only=True)
class MessageLanes:
    """All lanes of one `MessageHandlers`."""

    handlers_of: Callable[[str], tuple[HandlerOfMessages, ...]]
    """Gives the handlers of a wire type, in the order in which they are called."""
    on_error: Callable[[str, BaseException], None]
    """Called with the wire type and what a handler raised; must not raise."""
    on_drop: Callable[[object], None]
    """Called with each message that is given up before a handler began it; must not raise."""
    handler_timeout: float | None
    """Seconds that one async call may take; None for any time."""
    max_pending: int
    """Messages that may wait in lanes or be in an async handler."""
    pending_count: int = attrs.field(default=0, init=False)
    """Messages that do so."""
    waiting_count: int = attrs.field(default=0, init=False)
    """Those of them that no handler has begun."""
    timed_out_count: int = attrs.field(default=0, init=False)
    """Calls that were cancelled because they took too long."""
    _taken_count: int = attrs.field(default=0, init=False)
    _lane_of: dict[str, _Lane] = attrs.field(factory=dict[str, _Lane], init=False)
    _open: set[_Lane] = attrs.field(factory=set[_Lane], init=False)
    """The lanes of types, and one for each call that is concurrent."""
    _tasks: set[asyncio.Future[Any]] = attrs.field(factory=set[asyncio.Future[Any]], init=False)
    _room: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)

    @property
    def is_full(self) -> bool:
        """Whether ``max_pending`` messages are pending."""
        return self.pending_count >= self.max_pending

    async def wait_for_room(self) -> None:
        """Wait until fewer than ``max_pending`` messages are pending."""
        while self.is_full:
            self._room.clear()
            await self._room.wait()

    async def wait_until_all_have_begun(self) -> None:
        """Wait until no message waits for a handler; some may be in one."""
        while self.waiting_count:
            self._room.clear()
            await self._room.wait()

    def drop_oldest(self) -> bool:
        """Give up the message that waits for longest; tell whether any waited."""
        lanes = [lane for lane in self._open if lane.waiting]
        if not lanes:
            return False
        _, message = min(lanes, key=lambda lane: lane.waiting[0]).waiting.popleft()
        self._release_waiting(1)
        self.on_drop(message)
        return True

    def drop_waiting(self) -> int:
        """Give up all messages that no handler has begun; return how many they were."""
        dropped = [message for lane in self._open for _, message in lane.waiting]
        for lane in self._open:
            lane.waiting.clear()
        self._release_waiting(len(dropped))
        for message in dropped:
            self.on_drop(message)
        return len(dropped)

    def take(
        self, wire_type: str, message: object, handlers: tuple[HandlerOfMessages, ...]
    ) -> None:
        """Give a message to its handlers, now or when those before it are done.

        Args:
            wire_type: its type.
            message: what to give.
            handlers: what ``handlers_of`` gives for the type now.
        """
        lane = self._lane_of.get(wire_type) if self._lane_of else None
        if lane is not None:
            self._taken_count += 1
            lane.waiting.append((self._taken_count, message))
            self.pending_count += 1
            self.waiting_count += 1
            return
        rest = iter(handlers)
        call = self._call_until_one_must_be_awaited(wire_type, message, rest)
        if call is not None:
            self._lane_of[wire_type] = self._open_lane(_Lane(wire_type, message, rest, call))

    async def drain(self, seconds: float) -> int:
        """Wait for what is pending, but no longer than this; cancel the rest.

        The handler that calls it, if one does, is neither waited for nor cancelled.

        Returns:
            How many messages were given up.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        try:
            while tasks := self._tasks_of_others():
                left = deadline - loop.time()
                if left < _SHORTEST_SECONDS:
                    break
                await asyncio.wait(tasks, timeout=left)
        finally:  # also if this is cancelled: nothing may be left behind
            given_up = self._give_up()
        if tasks := self._tasks_of_others():
            _, stubborn = await asyncio.wait(tasks, timeout=_GRACE_SECONDS)
            if stubborn:
                _log.warning("handlers of messages go on although they were cancelled")
        return given_up

    def _call_until_one_must_be_awaited(
        self, wire_type: str, message: object, handlers: Iterator[HandlerOfMessages]
    ) -> asyncio.Future[Any] | None:
        """Call handlers until one is async and not concurrent; return its call, or None."""
        for handler in handlers:
            if not handler.is_active:
                continue
            try:
                result = handler.function(message)
                if result is None or not inspect.isawaitable(result):
                    continue
                call = self._start(wire_type, result)
            except (KeyboardInterrupt, SystemExit, GeneratorExit):
                raise
            except BaseException as error:  # noqa: BLE001  # CancelledError too: it only says so
                self.on_error(wire_type, error)
                continue
            if not handler.is_concurrent:
                return call
            self._open_lane(_Lane(wire_type, message, iter(()), call))
        return None

    def _start(self, wire_type: str, awaitable: Awaitable[Any]) -> asyncio.Future[Any]:
        call: asyncio.Future[Any]
        if inspect.iscoroutine(awaitable):
            call = asyncio.create_task(awaitable, name=f"refold handler of {wire_type}")
        else:
            call = asyncio.ensure_future(awaitable)
        self._keep(call)
        return call

    def _open_lane(self, lane: _Lane) -> _Lane:
        self.pending_count += 1
        self._open.add(lane)
        lane.task = asyncio.create_task(self._run(lane), name=f"refold lane of {lane.wire_type}")
        self._keep(lane.task)
        # a task that is cancelled before its first step never comes to a finally clause
        lane.task.add_done_callback(lambda _: self._close_lane(lane))
        return lane

    def _keep(self, task: asyncio.Future[Any]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, lane: _Lane) -> None:
        """Await the lane's call, and go on with all that waits in it."""
        try:
            while await self._finish(lane.wire_type, lane.call):
                call = self._call_until_one_must_be_awaited(
                    lane.wire_type, lane.message, lane.handlers
                )
                while call is None and lane.waiting:
                    _, lane.message = lane.waiting.popleft()
                    self._release_waiting(1)
                    lane.handlers = iter(self.handlers_of(lane.wire_type))
                    call = self._call_until_one_must_be_awaited(
                        lane.wire_type, lane.message, lane.handlers
                    )
                if call is None:
                    return
                lane.call = call
        finally:
            self._close_lane(lane)

    async def _finish(self, wire_type: str, call: asyncio.Future[Any]) -> bool:
        """Await a call within the time limit; tell whether the lane goes on."""
        is_late = False
        try:
            if self.handler_timeout is not None:
                done, _ = await asyncio.wait((call,), timeout=self.handler_timeout)
                is_late = not done
                if is_late:
                    self._note_timeout(wire_type)
                    call.cancel()
            await call
        except (KeyboardInterrupt, SystemExit):
            return False  # the call's own task has raised it through the loop
        except GeneratorExit:
            raise
        except BaseException as error:
            if isinstance(error, asyncio.CancelledError) and is_being_cancelled():
                call.cancel()
                raise
            if not is_late:  # else it is told of already
                self.on_error(wire_type, error)
        return not is_being_cancelled()

    def _note_timeout(self, wire_type: str) -> None:
        self.timed_out_count += 1
        message = (
            f"a handler of {wire_type!r} took longer than {self.handler_timeout:g} s and was"
            f" cancelled; raise handler_timeout, or start a task for what takes so long"
        )
        _log.warning(message)
        self.on_error(wire_type, TimeoutError(message))

    def _close_lane(self, lane: _Lane) -> None:
        """Forget a lane and what waits in it, once."""
        if lane in self._open:
            self._open.remove(lane)
            if self._lane_of.get(lane.wire_type) is lane:
                del self._lane_of[lane.wire_type]
            waiting = len(lane.waiting)
            lane.waiting.clear()
            self._release_waiting(waiting)
            self._release(1)

    def _release_waiting(self, count: int) -> None:
        self.waiting_count -= count
        self._release(count)

    def _release(self, count: int) -> None:
        self.pending_count -= count
        self._room.set()

    def _lanes_of_others(self) -> list[_Lane]:
        """Return the lanes but that of the handler which is running now."""
        current = asyncio.current_task()
        return [lane for lane in self._open if lane.call is not current]

    def _tasks_of_others(self) -> set[asyncio.Future[Any]]:
        current = asyncio.current_task()
        mine = {lane.task for lane in self._open if lane.call is current}
        return self._tasks - mine - {current}

    def _give_up(self) -> int:
        """Cancel what others do, and forget what waits; return how many messages that ends."""
        waiting = self.drop_waiting()
        for task in self._tasks_of_others():
            task.cancel()
        return waiting + len(self._lanes_of_others())
