"""`WebSocketConnection`: a WebSocket that comes back, as a service of a store.

What belongs here: feeding the reconnect machine and performing what it asks.  What does not: any
decision, which `refold.reducers.reconnect_machine` makes; and the handling of one open socket,
which `websocket_link` does.

Every transition is a dispatched action with the origin ``service:websocket``.  On replay nothing
connects, because middleware does not run.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import aiohttp

from refold.actions.connection import (
    ConnectionEnded,
    FailureKind,
    HeartbeatAnswered,
    IncrementConnectionErrorCount,
    LastError,
)
from refold.errors import ConnectionFatalError, RefoldError, StoreClosedError
from refold.middleware.describe_failure import describe_failure, is_fatal_error
from refold.middleware.outbound_queue import Message, OutboundQueue
from refold.middleware.websocket_link import WebSocketLink
from refold.middleware.websocket_options import WebSocketOptions
from refold.middleware.websocket_target import ResolvedTarget, WebSocketTarget
from refold.reducers.evolve import evolve
from refold.reducers.reconnect_machine import (
    AttemptFailed,
    CloseLink,
    ConnectRequested,
    Dial,
    DisconnectRequested,
    Effect,
    Event,
    LinkEnded,
    LinkOpened,
    LinkProvedStable,
    Phase,
    ReconnectState,
    RetryDue,
    StartRetryTimer,
    StopAttempt,
    StopRetryTimer,
    Tell,
    step,
)
from refold.store.dispatch_context import dispatching_as

if TYPE_CHECKING:
    from yarl import URL

    from refold.actions.action import Action
    from refold.store.middleware import Dispatch, StoreAPI

__all__ = ["WebSocketConnection"]

_ORIGIN: Final = "service:websocket"

_log = logging.getLogger("refold.websocket")


class WebSocketConnection:
    """Middleware that keeps a WebSocket open between entering and leaving its store.

    Args:
        url: ``ws://`` or ``wss://``, or a sync or async function that gives it at each attempt.
        headers: sent with the handshake; a mapping or such a function.
        protocols: subprotocols to offer; a sequence or such a function.
        on_message: called with each message; an exception is counted and ends nothing.
        on_open: awaited with each open link before queued messages are sent.
        connects_at_once: whether entering the store connects; otherwise `connect` does.
        options: durations and bounds.
        session: used and never closed, its connection limit counts; None for one of its own
            without a limit.
        clock: seconds since the Unix epoch, for the times of actions; durations do not use it.
        draw: gives the jitter, in [0, 1).
    """

    def __init__(
        self,
        url: str | URL | Callable[[], str | URL | Awaitable[str | URL]],
        *,
        headers: Mapping[str, str] | Callable[[], Any] = {},  # noqa: B006  # never changed
        protocols: Sequence[str] | Callable[[], Any] = (),
        on_message: Callable[[Message], None] | None = None,
        on_open: Callable[[WebSocketLink], Awaitable[None]] | None = None,
        connects_at_once: bool = True,
        options: WebSocketOptions | None = None,
        session: aiohttp.ClientSession | None = None,
        clock: Callable[[], float] = time.time,
        draw: Callable[[], float] = random.random,
    ) -> None:
        """Check everything before anything is opened."""
        self.options = options or WebSocketOptions()
        self._target = WebSocketTarget(url, headers, protocols)
        self._on_message = on_message
        self._on_open = on_open
        self._wanted = connects_at_once
        self._given_session = session
        self._clock = clock
        self._draw = draw
        self._dispatch: Callable[[Any], Any] | None = None
        self._state = ReconnectState()
        self._events: deque[Event] = deque()
        self._is_feeding = False
        self._has_run = False
        self._queue = OutboundQueue(
            max_messages=self.options.max_queue, max_bytes=self.options.max_queue_bytes
        )
        self._group: asyncio.TaskGroup | None = None
        self._session: aiohttp.ClientSession | None = None
        self._news = asyncio.Event()
        self._settled = asyncio.Event()
        self._attempt: asyncio.Task[None] | None = None
        self._link: WebSocketLink | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._ended_by: LastError | None = None

    def __call__(self, store: StoreAPI[Any], next: Dispatch, /) -> Dispatch:  # noqa: A002
        """Remember where to dispatch; actions of others go straight on."""
        self._dispatch = store.dispatch
        return next

    async def run(self) -> None:
        """Serve until cancelled; then close, within ``close_timeout``."""
        self._session = self._given_session or _new_session()
        try:
            async with asyncio.TaskGroup() as self._group:
                if self._wanted:
                    self._feed(ConnectRequested())
                try:
                    await asyncio.get_running_loop().create_future()
                finally:
                    await self.disconnect()
        finally:
            self._stop_running()
            if self._given_session is None:
                await self._session.close()

    async def connect(self, *, wait: bool = False) -> None:
        """Connect, unless that is under way or done; after an end, start afresh.

        Args:
            wait: return only when a link is open.

        Raises:
            ConnectionFatalError: with ``wait``, the connection ended instead.
            StoreClosedError: the store was left, or is left meanwhile.
        """
        self._wanted = True
        while self._state.phase is Phase.CLOSING:
            await self._next_phase()
        self._feed(ConnectRequested())
        while wait and self._state.phase is not Phase.OPEN:
            if self._group is not None and self._state.phase is Phase.IDLE:
                reason = self._ended_by.message if self._ended_by else "it was disconnected"
                message = f"the connection ended before it was open: {reason}"
                raise ConnectionFatalError(message)
            if self._has_run:
                message = "the connection cannot be used again after its store was left"
                raise StoreClosedError(message)
            await self._next_phase()

    async def disconnect(self) -> None:
        """Close, and stay disconnected; from any state, any number of times, within the limit."""
        self._wanted = False
        self._feed(DisconnectRequested())
        while self._state.phase is not Phase.IDLE:
            await self._next_phase()

    def reconnect_now(self) -> None:
        """Cut the present wait between two attempts short."""
        self._feed(RetryDue())

    def send(self, message: Message) -> None:
        """Queue a message, in any state; messages leave in the order in which they were queued.

        Raises:
            QueueFullError: it does not fit the bounds; nothing was queued.
            TypeError: it is neither text nor bytes.
        """
        self._queue.push(message)
        self._news.set()

    @property
    def queue_size(self) -> int:
        """Messages that wait to be sent."""
        return len(self._queue)

    def clear_queue(self) -> list[Message]:
        """Remove and return the messages that wait."""
        return self._queue.clear()

    def _feed(self, event: Event) -> None:
        """Give the machine an event and perform what it asks, one event after the other."""
        if self._group is None:
            return  # not running yet, or no longer
        self._events.append(event)
        if self._is_feeding:
            return  # an effect led to this event; it comes after the effects before it
        self._is_feeding = True
        try:
            while self._events:
                before = self._state.phase
                self._state, effects = step(
                    self._state, self._events.popleft(), self.options.backoff
                )
                for effect in effects:
                    self._perform(effect, self._group)
                if self._state.phase is not before:
                    self._settled.set()
        finally:
            self._is_feeding = False

    def _perform(self, effect: Effect, group: asyncio.TaskGroup) -> None:
        match effect:
            case Tell(action):
                self._tell(action)
            case Dial():
                self._attempt = group.create_task(self._live(group), name="refold websocket")
            case StopAttempt():
                if self._attempt is not None:
                    self._attempt.cancel()
            case StartRetryTimer(delay):
                loop = asyncio.get_running_loop()
                self._timer = loop.call_later(delay, self._feed, RetryDue())
            case StopRetryTimer():
                self._stop_timer()
            case CloseLink():
                if self._link is not None:
                    self._link.close()

    def _tell(self, action: Action) -> None:
        """Dispatch an action with what only the shell knows; the store's errors are its own."""
        if hasattr(action, "error"):
            self._ended_by = action.error
        changes: dict[str, Any] = {"at_ms": int(self._clock() * 1000)}
        if hasattr(action, "queue_size"):
            changes["queue_size"] = len(self._queue)
        if self._dispatch is None:
            return
        try:
            with dispatching_as(_ORIGIN):
                self._dispatch(evolve(action, **changes))
        except RefoldError:
            _log.exception("the store refused or could not finish %s", action.wire_name)

    async def _live(self, group: asyncio.TaskGroup) -> None:
        """Make one attempt, and serve the link if it opens."""
        kind: FailureKind = "factory"
        try:
            async with asyncio.timeout(self.options.connect_timeout):
                target = await self._target.resolve()
                kind = "connect"
                socket = await self._dial(target)
        except Exception as error:  # noqa: BLE001  # the machine decides what follows from it
            failure = describe_failure(error, kind)
            self._feed(AttemptFailed(failure, self._draw(), is_final=is_fatal_error(error)))
            return
        link = self._link = WebSocketLink(socket, self.options, group)
        self._feed(LinkOpened())
        greeting = group.create_task(self._greet(link), name="refold websocket greeting")
        try:
            cause = await link.read(self._receive, self._note_heartbeat)
        finally:
            greeting.cancel()
            self._link = None
        self._feed(LinkEnded(cause, self._draw()))

    async def _dial(self, target: ResolvedTarget) -> aiohttp.ClientWebSocketResponse[Any]:
        """Open a socket, without aiohttp's own heartbeat, which closes live links."""
        if self._session is None:
            message = "the connection is not running"
            raise ConnectionFatalError(message)
        return await self._session.ws_connect(
            target.url,
            headers=target.headers,
            protocols=target.protocols,
            autoping=False,
            heartbeat=None,
            max_msg_size=self.options.max_message_bytes,
            timeout=aiohttp.ClientWSTimeout(ws_close=self.options.close_timeout),
        )

    async def _greet(self, link: WebSocketLink) -> None:
        """Let the application speak first, then send what waits; in time, call the link stable."""
        proved_at = asyncio.get_running_loop().time() + self.options.stable_after
        if self._on_open is not None:
            try:
                await self._on_open(link)
            except Exception as error:  # noqa: BLE001  # an unfinished greeting ends the link
                link.fail(describe_failure(error, "on_open"))
                return
        link.start_writing(self._queue, self._news)
        await asyncio.sleep(proved_at - asyncio.get_running_loop().time())
        self._feed(LinkProvedStable())

    def _receive(self, message: Message) -> None:
        """Hand a message to the application; what it raises is counted and ends nothing."""
        if self._on_message is None:
            return
        try:
            self._on_message(message)
        except Exception as error:
            _log.exception("a message handler raised")
            self._tell(IncrementConnectionErrorCount(type(error).__name__))

    def _note_heartbeat(self, latency_seconds: float) -> None:
        self._tell(HeartbeatAnswered(latency_seconds))

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def _next_phase(self) -> None:
        """Wait until the machine is in another phase, or the connection has stopped running."""
        self._settled.clear()
        await self._settled.wait()

    def _stop_running(self) -> None:
        """Leave nothing behind, also when closing itself was cancelled."""
        self._stop_timer()
        if self._state.phase is not Phase.IDLE:
            self._state = ReconnectState()
            self._tell(ConnectionEnded("closed_by_user"))
        self._group = None
        self._has_run = True
        self._settled.set()


def _new_session() -> aiohttp.ClientSession:
    """Return a session that lets every connection have its own socket."""
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
