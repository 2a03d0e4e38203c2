"""`WebSocketAttempt`: one attempt to connect, and the life of the link if it opens.

What belongs here: what happens from dialing to the end of a link, and the application's functions
that are called on the way.  What does not: what follows from the end.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable
from typing import Any, cast

import aiohttp
import attrs

from refold.actions.action import Action
from refold.actions.connection import (
    FailureKind,
    HeartbeatAnswered,
    IncrementConnectionErrorCount,
    LastError,
)
from refold.middleware.describe_failure import describe_failure
from refold.middleware.failure_judge import FailureJudge, headers_of_answer
from refold.middleware.is_being_cancelled import is_being_cancelled
from refold.middleware.outbound_queue import Message, OutboundQueue
from refold.middleware.websocket_dial import open_socket
from refold.middleware.websocket_link import WebSocketLink
from refold.middleware.websocket_options import WebSocketOptions
from refold.middleware.websocket_target import WebSocketTarget
from refold.reducers.classify_failure import Failure
from refold.reducers.reconnect_machine import (
    AttemptFailed,
    Event,
    LinkEnded,
    LinkOpened,
    LinkProvedStable,
)

__all__ = ["WebSocketAttempt"]

_log = logging.getLogger("refold.websocket")


@attrs.define(eq=False)
class WebSocketAttempt:
    """Runs once."""

    session: aiohttp.ClientSession
    target: WebSocketTarget
    options: WebSocketOptions
    queue: OutboundQueue
    news: asyncio.Event
    """Set when a message came into the queue."""
    on_message: Callable[[Message], None] | None
    on_open: Callable[[WebSocketLink], Awaitable[None]] | None
    refresh_auth: Callable[[], object] | None
    """Called, and awaited if that gives an awaitable, before dialing; None to dial at once."""
    judge: FailureJudge
    number: int
    """1 for the first attempt of a run."""
    draw: Callable[[], float]
    """Gives the jitter, in [0, 1)."""
    feed: Callable[[Event], None]
    """Gives the machine an event."""
    tell: Callable[[Action], None]
    """Dispatches an action, and never raises."""
    _secrets: tuple[str, ...] = attrs.field(default=(), init=False, repr=False)
    _link: WebSocketLink | None = attrs.field(default=None, init=False)
    _cause: BaseException | None = attrs.field(default=None, init=False)
    """What the greeting raised."""
    _close_reason: str = attrs.field(default="", init=False)

    async def run(self, previous: asyncio.Task[None] | None) -> None:
        """Dial, serve the link if it opens, and feed how it ended; nothing if it was cancelled.

        Args:
            previous: the attempt before, which may still be on its way out; None for the first.
        """
        dialed = await self._dial(previous)
        end: Event
        if isinstance(dialed, AttemptFailed):
            end = dialed
        else:
            opened_at = asyncio.get_running_loop().time()
            end = self._ended(await self._serve(dialed), opened_at)
        if not is_being_cancelled():
            self.feed(end)

    @property
    def can_send_at_once(self) -> bool:
        """Whether a message that comes now leaves now."""
        return self._link is not None and self._link.can_send_at_once

    def close_link(self) -> None:
        """Begin to close the link; without one, its end is on its way already."""
        if self._link is not None:
            self._link.close()

    async def _dial(
        self, previous: asyncio.Task[None] | None
    ) -> aiohttp.ClientWebSocketResponse[Any] | AttemptFailed:
        """Open a socket within the time limit."""
        kind: FailureKind = "factory"
        try:
            async with asyncio.timeout(self.options.connect_timeout):
                if previous is not None:
                    await asyncio.wait([previous])  # there is never more than one dial
                if self.refresh_auth is not None:
                    refreshed = self.refresh_auth()
                    if inspect.isawaitable(refreshed):
                        await refreshed
                target = await self.target.resolve()
                kind = "connect"
                self._secrets = target.secrets
                return await open_socket(self.session, target, self.options)
        except (Exception, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and is_being_cancelled():
                raise
            failure = describe_failure(error, kind, self._secrets)
            judgement = self.judge.judge(
                Failure(
                    "connecting",
                    failure,
                    error,
                    headers_of_answer(error),
                    attempt=self.number,
                )
            )
            now = asyncio.get_running_loop().time()
            return AttemptFailed(
                failure, self.draw(), judgement.verdict, judgement.floor_seconds, now
            )

    def _ended(self, error: LastError, opened_at: float) -> LinkEnded:
        now = asyncio.get_running_loop().time()
        judgement = self.judge.judge(
            Failure(
                "open",
                error,
                self._cause,
                attempt=self.number,
                uptime_seconds=now - opened_at,
                reason=self._close_reason,
            )
        )
        return LinkEnded(error, self.draw(), judgement.verdict, judgement.floor_seconds, now)

    async def _serve(self, socket: aiohttp.ClientWebSocketResponse[Any]) -> LastError:
        """Serve an open link until it has ended and left nothing behind; return the cause."""
        try:
            async with asyncio.TaskGroup() as group:
                link = WebSocketLink(socket, self.options, group, secrets=self._secrets)
                if is_being_cancelled():  # a factory took no notice: this link was given up
                    link.shut_down()
                else:
                    self._link = link
                    self.queue.set_connected(True)
                    self.feed(LinkOpened())
                greeting = group.create_task(self._greet(), name="refold greeting")
                try:
                    return await link.read(self._receive, self._note_heartbeat)
                finally:
                    self._link = None
                    self.queue.set_connected(False)
                    self._close_reason = link.close_reason
                    greeting.cancel()
        except (Exception, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and is_being_cancelled():
                raise
            _log.exception("a link ended in a way that it never should")
            return describe_failure(_first_of(error), "lost", self._secrets)

    async def _greet(self) -> None:
        """Let the application speak first, then send what waits; in time, call the link stable."""
        link = self._link
        if link is None:
            return
        loop = asyncio.get_running_loop()
        proved_at = loop.time() + self.options.stable_after
        try:
            if self.on_open is not None:
                await self.on_open(link)
        except (Exception, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and is_being_cancelled():
                raise
            failure = describe_failure(error, "on_open", self._secrets)
            self._cause = error
            link.fail(failure)  # an unfinished greeting ends the link
            return
        link.start_writing(self.queue, self.news)
        await asyncio.sleep(proved_at - loop.time())
        self.feed(LinkProvedStable())

    def _receive(self, message: Message) -> None:
        """Hand a message to the application; what it raises is counted and ends nothing."""
        if self.on_message is None:
            return
        try:
            self.on_message(message)
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001  # whatever it is
            _log.exception("a message handler raised")
            self.tell(IncrementConnectionErrorCount(type(error).__name__))

    def _note_heartbeat(self, latency_seconds: float) -> None:
        self.tell(HeartbeatAnswered(latency_seconds))


def _first_of(error: BaseException) -> BaseException:
    """Return the error in a task group's, or the error itself."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    group = cast("BaseExceptionGroup[BaseException]", error)
    return _first_of(group.exceptions[0])
