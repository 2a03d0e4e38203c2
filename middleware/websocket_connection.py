"""`WebSocketConnection`: a WebSocket that comes back, as a service of a store.

What belongs here: what the application calls, and joining the parts.  What does not: any decision,
which `refold.reducers.reconnect_machine` makes; dialing and serving one socket, which
`websocket_attempt` and `websocket_link` do.

Every transition is a dispatched action with the origin ``service:websocket``.  On replay nothing
connects, because middleware does not run.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from refold.actions.connection import (
    ConnectionEnded,
    ConnectionLostAndRetryScheduled,
    ConnectionOpened,
    HeartbeatAnswered,
    LastError,
    OutboundMessagesDropped,
)
from refold.errors import (
    ConnectionFatalError,
    MiddlewareError,
    StoreClosedError,
)
from refold.middleware.failure_judge import Classify, FailureJudge
from refold.middleware.outbound_message import Message, QueuedOutbound, SendTerms
from refold.middleware.owning_loop import OwningLoop
from refold.middleware.reconnect_driver import ReconnectDriver
from refold.middleware.websocket_attempt import WebSocketAttempt
from refold.middleware.websocket_dial import new_session
from refold.middleware.websocket_options import WebSocketOptions
from refold.middleware.websocket_outbox import WebSocketOutbox
from refold.middleware.websocket_target import WebSocketTarget
from refold.reducers.evolve import evolve
from refold.reducers.reconnect_machine import (
    CloseLink,
    ConnectRequested,
    Dial,
    DisconnectRequested,
    Event,
    Phase,
    ReconnectPolicy,
    RetryDue,
    StopAttempt,
    Tell,
)
from refold.store.dispatch_context import dispatching_as

if TYPE_CHECKING:
    import aiohttp
    from yarl import URL

    from refold.actions.action import Action
    from refold.middleware.websocket_link import WebSocketLink
    from refold.store.middleware import Dispatch, StoreAPI

__all__ = ["WebSocketConnection"]

_USUAL_TERMS: Final = SendTerms()
"""Made once: most messages have no other."""

_ORIGIN: Final = "service:websocket"

_LEFT: Final = "the connection cannot be used again after its store was left"

_log = logging.getLogger("refold.websocket")


class WebSocketConnection:
    """Middleware that keeps a WebSocket open between entering and leaving its store.

    Args:
        url: ``ws://`` or ``wss://``, or a sync or async function that gives it at each attempt.
        headers: sent with the handshake; a mapping or such a function.
        protocols: subprotocols to offer; a sequence or such a function.
        on_message: called with each message; an exception is counted and ends nothing.
        on_open: awaited with each open link before queued messages are sent.
        refresh_auth: a sync or async function that gets new credentials, for the factories to
            return; called once after a failure about authentication, which is fatal without it.
        classify: decides whether a failure is worth another attempt; None, or what it returns as
            None, leaves that to ``options.failure_policy``.
        connects_at_once: whether entering the store connects; otherwise `connect` does.
        options: durations and bounds.
        session: used and never closed, its connection limit counts; None for one of its own
            without a limit.
        clock: seconds since the Unix epoch, for the times of actions; durations do not use it.
        draw: gives the jitter, in [0, 1).

    Raises:
        TypeError: an argument is of the wrong type.
        ValueError: the address, a header or an option cannot be used.
    """

    def __init__(  # noqa: PLR0913  # keyword-only, each with a default
        self,
        url: str | URL | Callable[[], str | URL | Awaitable[str | URL]],
        *,
        headers: Mapping[str, str] | Callable[[], Any] = {},  # noqa: B006  # never changed
        protocols: Sequence[str] | Callable[[], Any] = (),
        on_message: Callable[[Message], None] | None = None,
        on_open: Callable[[WebSocketLink], Awaitable[None]] | None = None,
        refresh_auth: Callable[[], object] | None = None,
        classify: Classify | None = None,
        connects_at_once: bool = True,
        options: WebSocketOptions | None = None,
        session: aiohttp.ClientSession | None = None,
        clock: Callable[[], float] = time.time,
        draw: Callable[[], float] = random.random,
    ) -> None:
        """Check everything before anything is opened."""
        if inspect.iscoroutinefunction(on_message):
            message = "on_message must be a plain function; start a task or dispatch in it"
            raise TypeError(message)
        self.options = options or WebSocketOptions()
        self._target = WebSocketTarget(url, headers, protocols)
        self._on_message = on_message
        self._on_open = on_open
        self._refresh_auth = refresh_auth
        self._judge = FailureJudge(
            policy=self.options.failure_policy,
            classify=classify,
            retry_after_max_seconds=self.options.retry_after_max,
            clock=clock,
        )
        self._is_wanted = connects_at_once
        self._given_session = session
        self._clock = clock
        self._draw = draw
        self._dispatch: Callable[[Any], Any] | None = None
        policy = ReconnectPolicy(
            backoff=self.options.backoff,
            max_attempts=self.options.max_attempts,
            max_elapsed_seconds=self.options.max_elapsed,
            can_refresh_auth=refresh_auth is not None,
        )
        self._driver = ReconnectDriver(policy, self._perform)
        self._owner = OwningLoop("the connection")
        self._outbox = WebSocketOutbox(self.options, self._owner, self._tell)
        self._queue = self._outbox.queue
        self._session: aiohttp.ClientSession | None = None
        self._group: asyncio.TaskGroup | None = None
        self._context = contextvars.copy_context()
        self._is_left = False
        self._attempt: WebSocketAttempt | None = None
        self._attempt_task: asyncio.Task[None] | None = None
        self._ended_by: LastError | None = None

    def __call__(self, store: StoreAPI[Any], next: Dispatch, /) -> Dispatch:  # noqa: A002
        """Remember where to dispatch; actions of others go straight on.

        Raises:
            MiddlewareError: another store has this connection.
        """
        if self._dispatch is not None:
            message = "a connection belongs to one store; give each store its own"
            raise MiddlewareError(message)
        self._dispatch = store.dispatch
        return next

    async def run(self) -> None:
        """Serve until cancelled; then close, within ``close_timeout``."""
        self._context = contextvars.copy_context()
        self._owner.adopt()
        self._session = self._given_session or new_session(
            follows_redirects=self.options.follows_redirects
        )
        try:
            self._outbox.tell_drops()  # of what was sent before
            async with asyncio.TaskGroup() as self._group:
                if self._is_wanted:
                    self._feed(ConnectRequested())
                try:
                    await asyncio.get_running_loop().create_future()
                finally:
                    self._is_left = True
                    await self.disconnect()
        finally:
            self._group = None
            self._driver.abandon()  # closing itself may have been cancelled
            if self._given_session is None:
                await self._session.close()

    def close(self) -> None:
        """Refuse every use from now on; the store calls this when it closes, entered or not."""
        self._is_left = True
        self._queue.close()
        self._driver.abandon()  # wakes whoever waits for a link

    async def connect(self, *, wait: bool = False) -> None:
        """Connect, unless that is under way or done; after an end, start afresh.

        Args:
            wait: return only when a link is open.

        Raises:
            ConnectionFatalError: with ``wait``, the connection ended instead.
            StoreClosedError: the store was left, or is left meanwhile.
            WrongThreadError: another event loop runs the store.
        """
        self._refuse_if_unusable()
        self._is_wanted = True
        while self._driver.phase is Phase.CLOSING and self._is_wanted:
            await self._driver.next_phase()
        if self._is_wanted:  # nobody disconnected meanwhile
            self._feed(ConnectRequested())
        while wait and self._driver.phase is not Phase.OPEN:
            self._refuse_if_unusable()
            if self._group is not None and self._driver.phase is Phase.IDLE:
                raise self._new_end_error()
            await self._driver.next_phase()

    async def disconnect(self) -> None:
        """Close, and stay disconnected; from any state, any number of times, within the limit.

        A later `connect` prevails; then this returns when what it closed is closed.

        Raises:
            WrongThreadError: another event loop runs the store.
        """
        self._owner.refuse_others()
        self._is_wanted = False
        task = self._attempt_task
        self._feed(DisconnectRequested())
        while self._driver.phase is not Phase.IDLE and not self._is_wanted:
            await self._driver.next_phase()
        if task is not None and task is not asyncio.current_task():
            await asyncio.wait([task], timeout=self.options.close_timeout)

    async def drain(self, seconds: float) -> int:
        """Wait until every queued message has left, for so long at most; `disconnect` comes after.

        Returns:
            How many messages are left in the queue.

        Raises:
            WrongThreadError: another event loop runs the store.
        """
        self._owner.refuse_others()
        return await self._outbox.drain(seconds)

    def reconnect_now(self) -> None:
        """Cut the present wait between two attempts short.

        Raises:
            WrongThreadError: another event loop runs the store.
        """
        self._owner.refuse_others()
        self._feed(RetryDue())

    def send(
        self, message: Message, *, ttl: float | None = None, volatile: bool = False
    ) -> QueuedOutbound:
        """Queue a message, in any state; messages leave in the order in which they were queued.

        Args:
            message: a text, or bytes; `encode_payload` makes one.
            ttl: seconds after which it is no longer worth sending; None for never.
            volatile: whether to drop it rather than keep it while no link is open.

        Returns:
            The message in the queue.  Its ``result`` says what became of it, and ``settled`` waits
            for that; ``handed_to_socket`` is no proof that the peer has it.

        Raises:
            QueueFullError: it does not fit the bounds, and ``options.overflow`` is ``raise`` or
                ``block``; nothing was queued.
            StoreClosedError: the store was left, so nothing would ever be sent.
            TypeError: it is neither text nor bytes.
            WrongThreadError: another event loop runs the store.
        """
        self._refuse_if_unusable()
        is_usual = ttl is None and not volatile
        terms = _USUAL_TERMS if is_usual else SendTerms(ttl_seconds=ttl, is_volatile=volatile)
        return self._outbox.push(message, terms, can_leave_now=self._can_send_at_once)

    async def send_when_room(
        self,
        message: Message,
        *,
        timeout: float | None = None,  # noqa: ASYNC109  # of waiting for room, not of this call
        ttl: float | None = None,
    ) -> QueuedOutbound:
        """Queue a message as soon as there is room, with the overflow policy ``block``.

        Those who wait are served in the order in which they came.  With another policy this is
        `send`.

        Args:
            message: as in `send`.
            timeout: seconds to wait for room at most; None for ever.
            ttl: as in `send`.

        Returns:
            The message in the queue.

        Raises:
            QueueFullError: there was no room in time.
            ConnectionFatalError: the connection ended while this waited.
            StoreClosedError: the store was left, or is left meanwhile.
            WrongThreadError: another event loop runs the store.
        """
        self._refuse_if_unusable()
        return await self._outbox.push_when_room(
            message,
            SendTerms(ttl_seconds=ttl),
            seconds=timeout,
            can_leave_now=self._can_send_at_once,
        )

    @property
    def queue_size(self) -> int:
        """Messages that wait to be sent."""
        return len(self._queue)

    def clear_queue(self) -> list[Message]:
        """Remove and return the messages that wait; one that is being written stays until then."""
        return self._queue.clear()

    @property
    def _can_send_at_once(self) -> bool:
        return self._attempt is not None and self._attempt.can_send_at_once

    def _feed(self, event: Event) -> None:
        if self._group is not None:  # else not running yet, or no longer
            self._driver.feed(event)

    def _perform(self, effect: Tell | Dial | StopAttempt | CloseLink) -> None:
        match effect:
            case Tell(action):
                self._tell(action)
            case Dial() as dial:
                self._dial(dial)
            case StopAttempt():
                if self._attempt_task is not None:
                    self._attempt_task.cancel()
            case CloseLink():
                if self._attempt is not None:
                    self._attempt.close_link()

    def _dial(self, dial: Dial) -> None:
        """Begin an attempt, which waits for the one before to be gone."""
        if self._group is None or self._session is None:
            return
        self._attempt = WebSocketAttempt(
            session=self._session,
            target=self._target,
            options=self.options,
            queue=self._queue,
            news=self._outbox.news,
            on_message=self._on_message,
            on_open=self._on_open,
            refresh_auth=self._refresh_auth if dial.refreshes_auth else None,
            judge=self._judge,
            number=dial.attempt,
            draw=self._draw,
            feed=self._feed,
            tell=self._tell,
        )
        self._attempt_task = self._group.create_task(
            self._live(self._attempt, self._attempt_task),
            name="refold websocket",
            context=self._context.copy(),  # not that of whoever called connect
        )
        attempt = self._attempt
        self._attempt_task.add_done_callback(lambda _task: self._note_end_of(attempt))

    async def _live(self, attempt: WebSocketAttempt, previous: asyncio.Task[None] | None) -> None:
        """Run an attempt; an error in it ends the connection, never the application."""
        try:
            await attempt.run(previous)
        except Exception as error:  # noqa: BLE001  # the store's other services go on
            self._driver.crash(error)

    def _note_end_of(self, attempt: WebSocketAttempt) -> None:
        """End the connection if its attempt was cancelled by others than the machine.

        A loop that is closed cancels every task, in whatever order.
        """
        is_under_way = self._driver.phase in {Phase.DIALING, Phase.OPEN, Phase.CLOSING}
        if attempt is self._attempt and is_under_way:
            self._driver.abandon()

    def _tell(self, action: Action) -> None:
        """Dispatch an action with what only the shell knows.

        What a reducer, a middleware or a subscriber raises is logged: the connection goes on.
        """
        changes: dict[str, Any] = {}
        match action:
            case ConnectionEnded():
                self._ended_by = action.error
                changes["queue_size"] = len(self._queue)
                self._queue.stop_waiting(self._new_end_error)
            case (
                ConnectionOpened()
                | ConnectionLostAndRetryScheduled()
                | HeartbeatAnswered()
                | OutboundMessagesDropped()
            ):
                changes["queue_size"] = len(self._queue)
            case _:
                pass
        try:
            changes["at_ms"] = int(self._clock() * 1000)
            with dispatching_as(_ORIGIN):
                if self._dispatch is not None:
                    self._dispatch(evolve(action, **changes))
        except Exception:  # noqa: BLE001  # a broken listener must not end the connection
            _log.exception("the store refused or could not finish %s", action.wire_name)
        if isinstance(action, ConnectionLostAndRetryScheduled | ConnectionEnded):
            self._outbox.tell_drops()  # volatile messages do not outlive their link

    def _new_end_error(self) -> Exception:
        if self._is_left:
            return StoreClosedError(_LEFT)
        reason = self._ended_by.message if self._ended_by else "it was disconnected"
        return ConnectionFatalError(f"the connection ended before it was open: {reason}")

    def _refuse_if_unusable(self) -> None:
        self._owner.refuse_others()
        if self._is_left:
            raise StoreClosedError(_LEFT)
