"""`WebSocketAttempt`: one attempt to connect, and the life of the link if it opens.

What belongs here: what happens from dialing to the end of a link, and the application's functions
that are called on the way.  What does not: what follows from the end.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import aiohttp
import attrs

from refold.actions.connection import FailureKind, HeartbeatAnswered, LastError, RecoveryTold
from refold.middleware.describe_failure import describe_failure
from refold.middleware.failure_judge import headers_of_answer
from refold.middleware.is_being_cancelled import is_being_cancelled
from refold.middleware.new_link import NewLink
from refold.middleware.websocket_dial import open_socket
from refold.middleware.websocket_link import WebSocketLink
from refold.middleware.websocket_parts import WebSocketParts
from refold.reducers.classify_failure import Failure
from refold.reducers.reconnect_machine import (
    AttemptFailed,
    Event,
    LinkEnded,
    LinkOpened,
    LinkProvedStable,
)

if TYPE_CHECKING:
    from refold.middleware.goodbye import Goodbye

__all__ = ["WebSocketAttempt"]

_log = logging.getLogger("refold.websocket")


@attrs.define(eq=False, kw_only=True)
class WebSocketAttempt:
    """Runs once."""

    parts: WebSocketParts
    session: aiohttp.ClientSession
    feed: Callable[[Event], None]
    """Gives the machine an event."""
    number: int
    """1 for the first attempt of a run."""
    refreshes_auth: bool
    """Whether to get new credentials before dialing."""
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

    def close_link(self, goodbye: Goodbye) -> None:
        """Begin to close the link; without one, its end is on its way already."""
        if self._link is not None:
            self._link.close(goodbye)

    async def _dial(
        self, previous: asyncio.Task[None] | None
    ) -> aiohttp.ClientWebSocketResponse[Any] | AttemptFailed:
        """Open a socket within the time limit."""
        kind: FailureKind = "factory"
        try:
            async with asyncio.timeout(self.parts.options.connect_timeout) as limit:
                if previous is not None:
                    await asyncio.wait([previous])  # there is never more than one dial
                if self.parts.inbox.has_waiting:
                    await self._settle(limit)
                if self.refreshes_auth:
                    await self._refresh_auth()
                target = await self.parts.target.resolve()
                kind = "connect"
                self._secrets = target.secrets
                return await open_socket(self.session, target, self.parts.options)
        except (Exception, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and is_being_cancelled():
                raise
            failure = describe_failure(error, kind, self._secrets)
            judgement = self.parts.judge.judge(
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
                failure, self.parts.draw(), judgement.verdict, judgement.floor_seconds, now
            )

    async def _settle(self, limit: asyncio.Timeout) -> None:
        """Let nothing of an old link come later than this; that takes no time of the attempt's."""
        options = self.parts.options
        limit.reschedule(None)
        await self.parts.inbox.settle(options.close_timeout)
        limit.reschedule(asyncio.get_running_loop().time() + options.connect_timeout)

    async def _refresh_auth(self) -> None:
        if self.parts.refresh_auth is not None:
            refreshed = self.parts.refresh_auth()
            if inspect.isawaitable(refreshed):
                await refreshed

    def _ended(self, error: LastError, opened_at: float) -> LinkEnded:
        now = asyncio.get_running_loop().time()
        judgement = self.parts.judge.judge(
            Failure(
                "open",
                error,
                self._cause,
                attempt=self.number,
                uptime_seconds=now - opened_at,
                reason=self._close_reason,
            )
        )
        return LinkEnded(error, self.parts.draw(), judgement.verdict, judgement.floor_seconds, now)

    async def _serve(self, socket: aiohttp.ClientWebSocketResponse[Any]) -> LastError:
        """Serve an open link until it has ended and left nothing behind; return the cause."""
        parts = self.parts
        try:
            async with asyncio.TaskGroup() as group:
                link = WebSocketLink(socket, parts.options, group, secrets=self._secrets)
                if is_being_cancelled():  # a factory took no notice: this link was given up
                    link.shut_down()
                else:
                    self._link = link
                    parts.outbox.on_link_opened()
                    self.feed(LinkOpened())
                greeting = group.create_task(self._greet(), name="refold greeting")
                try:
                    return await link.read(parts.inbox.take, self._note_heartbeat)
                finally:
                    self._link = None
                    parts.outbox.on_link_lost()
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
        parts = self.parts
        loop = asyncio.get_running_loop()
        proved_at = loop.time() + parts.options.stable_after
        try:
            if parts.on_open is not None:
                recovered = await parts.on_open(self._new_link(link))
                if isinstance(recovered, bool):
                    parts.tell(RecoveryTold(recovered))
        except (Exception, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and is_being_cancelled():
                raise
            failure = describe_failure(error, "on_open", self._secrets)
            self._cause = error
            link.fail(failure)  # an unfinished greeting ends the link
            return
        link.start_writing(parts.outbox)
        await asyncio.sleep(proved_at - loop.time())
        self.feed(LinkProvedStable())

    def _new_link(self, link: WebSocketLink) -> NewLink:
        outbox, inbox = self.parts.outbox, self.parts.inbox
        return NewLink(
            is_reconnect=outbox.links_opened > 1,
            last_seen=inbox.last_seen,
            write=lambda payload: link.send(outbox.encode(payload)),
        )

    def _note_heartbeat(self, latency_seconds: float) -> None:
        self.parts.tell(HeartbeatAnswered(latency_seconds))


def _first_of(error: BaseException) -> BaseException:
    """Return the error in a task group's, or the error itself."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    group = cast("BaseExceptionGroup[BaseException]", error)
    return _first_of(group.exceptions[0])
