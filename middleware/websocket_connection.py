"""`WebSocketConnection`: a WebSocket that comes back, as a service of a store.

What belongs here: what the application calls, and joining the parts.  What does not: any decision,
which `refold.reducers.reconnect_machine` makes; dialing and serving one socket, which
`websocket_attempt` and `websocket_link` do.

Every transition is a dispatched action with the origin ``service:websocket``.  On replay nothing
connects, because middleware does not run.
"""

from __future__ import annotations

import inspect
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, overload

from refold.actions.websocket_messages import SendFailed, SendMessage
from refold.errors import MiddlewareError, RefoldError
from refold.middleware.connection_teller import ConnectionTeller
from refold.middleware.failure_judge import Classify, FailureJudge
from refold.middleware.goodbye import Goodbye
from refold.middleware.message_decoder import MessageDecoder
from refold.middleware.message_handlers import MessageHandlers
from refold.middleware.owning_loop import OwningLoop
from refold.middleware.websocket_inbox import WebSocketInbox
from refold.middleware.websocket_options import WebSocketOptions
from refold.middleware.websocket_outbox import WebSocketOutbox
from refold.middleware.websocket_parts import WebSocketParts
from refold.middleware.websocket_supervisor import WebSocketSupervisor
from refold.middleware.websocket_target import WebSocketTarget
from refold.reducers.check_positive_number import check_seconds
from refold.store.inputs import inputs_of

if TYPE_CHECKING:
    import aiohttp
    from yarl import URL

    from refold.actions.action import Action
    from refold.middleware.acknowledgements import Acknowledgements
    from refold.middleware.delivery import Delivery
    from refold.middleware.new_link import NewLink
    from refold.middleware.outbound_message import Message, QueuedOutbound
    from refold.store.middleware import Dispatch, StoreAPI

__all__ = ["WebSocketConnection"]

_USUAL_INTERVAL_SECONDS: Final = 20.0
"""How often much-repeated things are told of, where there is no heartbeat to go by."""


class WebSocketConnection:
    """Middleware that keeps a WebSocket open between entering and leaving its store.

    Args:
        url: ``ws://`` or ``wss://``, or a sync or async function that gives it at each attempt.
        headers: sent with the handshake; a mapping or such a function.
        protocols: subprotocols to offer; a sequence or such a function.
        on_message: called with each raw message; an exception is counted and ends nothing.
        handlers: given each message after it was decoded; None to decode none.
        decoder: decodes for the handlers; None for JSON with the type under ``type``.
        acknowledgements: how messages are acknowledged; None if none is.
        on_open: awaited with each new link before queued messages are sent; what it returns, if
            that is a bool, says whether nothing was missed between the links.
        refresh_auth: a sync or async function that gets new credentials, for the factories to
            return; called once after a failure about authentication, which is fatal without it.
        classify: decides whether a failure is worth another attempt; None, or what it returns as
            None, leaves that to ``options.failure_policy``.
        connects_at_once: whether entering the store connects; otherwise `connect` does.
        options: durations and bounds.
        session: used and never closed, its connection limit counts; None for one of its own
            without a limit.
        clock: seconds since the Unix epoch, for the times of actions; durations do not use it.
            None for that of the store's inputs.
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
        handlers: MessageHandlers | None = None,
        decoder: MessageDecoder | None = None,
        acknowledgements: Acknowledgements | None = None,
        on_open: Callable[[NewLink], Awaitable[object]] | None = None,
        refresh_auth: Callable[[], object] | None = None,
        classify: Classify | None = None,
        connects_at_once: bool = True,
        options: WebSocketOptions | None = None,
        session: aiohttp.ClientSession | None = None,
        clock: Callable[[], float] | None = None,
        draw: Callable[[], float] = random.random,
    ) -> None:
        """Check everything before anything is opened."""
        if inspect.iscoroutinefunction(on_message):
            message = "on_message must be a plain function; start a task or dispatch in it"
            raise TypeError(message)
        _check_parts(options=options, handlers=handlers, decoder=decoder)
        self.options = options or WebSocketOptions()
        self._is_unbuffered = self.options.max_queue == 0
        self._refused: list[SendFailed] = []
        self._owner = OwningLoop("the connection")
        self._has_own_clock = clock is not None
        self._clock = clock or inputs_of(None).clock
        self._teller = ConnectionTeller(self._read_clock, self._counts)
        decoder = decoder or MessageDecoder()
        self._outbox = WebSocketOutbox(
            options=self.options,
            acknowledgements=acknowledgements,
            owner=self._owner,
            tell=self._teller.tell,
            type_key=decoder.key,
        )
        inbox = WebSocketInbox(
            on_message=on_message,
            handlers=handlers,
            decoder=decoder,
            acknowledge=None if acknowledgements is None else self._outbox.acknowledge,
            interval_seconds=self.options.heartbeat_interval or _USUAL_INTERVAL_SECONDS,
            tell=self._teller.tell,
        )
        parts = WebSocketParts(
            owner=self._owner,
            target=WebSocketTarget(url, headers, protocols),
            options=self.options,
            outbox=self._outbox,
            inbox=inbox,
            on_open=on_open,
            refresh_auth=refresh_auth,
            judge=_new_judge(self.options, classify, self._read_clock),
            draw=draw,
            tell=self._teller.tell,
        )
        self._supervisor = WebSocketSupervisor(parts, session, connects_at_once=connects_at_once)

    def __call__(self, store: StoreAPI[Any], next: Dispatch, /) -> Dispatch:  # noqa: A002
        """Remember where to dispatch; actions go straight on.

        Raises:
            MiddlewareError: another store has this connection.
        """
        if self._teller.dispatch is not None:
            message = "a connection belongs to one store; give each store its own"
            raise MiddlewareError(message)
        self._teller.dispatch = store.dispatch
        if not self._has_own_clock:
            self._clock = inputs_of(store).clock
        return next

    def committed(self, actions: tuple[Action, ...], /) -> None:
        """Send what `SendMessage` says, once that is sure to have happened."""
        for action in actions:
            if type(action) is SendMessage:
                self._send_for(action)

    async def run(self) -> None:
        """Serve until cancelled; then close, within ``close_timeout``."""
        await self.serve(is_last=True)

    async def serve(self, *, is_last: bool = False) -> None:
        """Serve until cancelled, then close; for who calls it again later, `run` being the last.

        Args:
            is_last: whether nothing will follow, so that whoever waits for a link is told so.
        """
        self._owner.adopt()
        self._tell_refused()
        await self._supervisor.serve(is_last=is_last)

    def close(self) -> None:
        """Refuse every use from now on; the store calls this when it closes, entered or not."""
        self._outbox.queue.close()
        self._supervisor.close()

    async def connect(self, *, wait: bool = False) -> None:
        """Connect, unless that is under way or done; after an end, start afresh.

        Args:
            wait: return only when a link is open.

        Raises:
            ConnectionFatalError: with ``wait``, the connection ended instead.
            ConnectionClosedError: the store was left, or is left meanwhile.
            WrongThreadError: another event loop runs the store.
        """
        await self._supervisor.connect(wait=wait)

    async def disconnect(self, code: int = 1000, reason: str = "") -> None:
        """Close, and stay disconnected; from any state, any number of times, within the limits.

        Handlers of messages are waited for, each limit being ``close_timeout``; one that calls this
        itself is not.  A later `connect` prevails; then this returns when what it closed is closed.

        Args:
            code: told to the peer if a link is open: 1000, or from 3000 to 4999.
            reason: told with it, at most 123 bytes of UTF-8.

        Raises:
            TypeError: the code or the reason is of the wrong type.
            ValueError: the code or the reason cannot be used.
            WrongThreadError: another event loop runs the store.
        """
        await self._supervisor.disconnect(Goodbye(code, reason))

    async def drain(self, seconds: float) -> int:
        """Wait until every queued message has left, and every one that has to be acknowledged is.

        `disconnect` comes after.

        Args:
            seconds: how long to wait at most.

        Returns:
            How many messages are left.

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
        self._supervisor.reconnect_now()

    @overload
    def send(
        self,
        payload: object,
        *,
        ack: Literal[False] = False,
        ttl: float | None = None,
        volatile: bool = False,
    ) -> QueuedOutbound: ...

    @overload
    def send(
        self, payload: object, *, ack: Literal[True], ttl: float | None = None
    ) -> Delivery: ...

    def send(
        self,
        payload: object,
        *,
        ack: bool = False,
        ttl: float | None = None,
        volatile: bool = False,
    ) -> QueuedOutbound | Delivery:
        """Queue a message, in any state; messages leave in the order in which they were queued.

        Args:
            payload: text or bytes, sent as they are; or what is sent as JSON: an object of a class
                declared by ``@message``, or what `encode_payload` takes.  It is encoded at once.
            ack: whether to send it again until the peer acknowledges it, after a reconnect too.
            ttl: seconds after which it is no longer worth sending; None for never.
            volatile: whether to drop it rather than keep it while no link is open; not with
                ``ack``.

        Returns:
            The message in the queue.  Its ``result`` says what became of it, and ``settled`` waits
            for that; ``handed_to_socket`` is no proof that the peer has it.  With ``ack`` its
            `Delivery`, whose ``future`` is done when the peer has it.

        Raises:
            InvalidPayloadError: it cannot be sent as it is.
            QueueFullError: it does not fit the bounds, and ``options.overflow`` is ``raise`` or
                ``block``; nothing was queued.
            ConnectionClosedError: the store was left, so nothing would ever be sent.
            ValueError: the terms contradict each other or cannot be used.
            WrongThreadError: another event loop runs the store.
        """
        self._supervisor.refuse_if_unusable()
        can_leave_now = self._is_unbuffered and self._supervisor.can_send_at_once
        if not ack:
            return self._outbox.push(
                payload, ttl=ttl, volatile=volatile, can_leave_now=can_leave_now
            )
        if volatile:
            text = (
                "a volatile message is not sent again, so it cannot have ack=True; drop one of both"
            )
            raise ValueError(text)
        return self._outbox.push_acknowledged(payload, ttl=ttl, can_leave_now=can_leave_now)

    async def send_when_room(
        self,
        payload: object,
        *,
        timeout: float | None = None,  # noqa: ASYNC109  # of waiting for room, not of this call
        ttl: float | None = None,
    ) -> QueuedOutbound:
        """Queue a message as soon as there is room, with the overflow policy ``block``.

        Those who wait are served in the order in which they came.  With another policy this is
        `send`.

        Args:
            payload: as in `send`.
            timeout: seconds to wait for room at most, above 0; None for ever.
            ttl: as in `send`.

        Returns:
            The message in the queue.

        Raises:
            InvalidPayloadError: it cannot be sent as it is.
            QueueFullError: there was no room in time.
            ConnectionFatalError: the connection ended while this waited.
            ConnectionClosedError: the store was left, or is left meanwhile.
            TypeError: the timeout is no number.
            ValueError: the timeout is not finite and above 0.
            WrongThreadError: another event loop runs the store.
        """
        self._supervisor.refuse_if_unusable()
        if timeout is not None:
            check_seconds("timeout", timeout)
        can_leave_now = self._is_unbuffered and self._supervisor.can_send_at_once
        return await self._outbox.push_when_room(
            payload, seconds=timeout, ttl=ttl, can_leave_now=can_leave_now
        )

    @property
    def queue_size(self) -> int:
        """Messages that wait to be sent."""
        return len(self._outbox.queue)

    @property
    def ignored_ack_count(self) -> int:
        """Acknowledgements that nobody waited for: late, double, or of an unknown id."""
        return self._outbox.ignored_ack_count

    def clear_queue(self) -> list[Message]:
        """Remove and return the messages that wait or are unacknowledged, the oldest first.

        One that is being written stays until then.
        """
        return self._outbox.clear()

    def _read_clock(self) -> float:
        return self._clock()

    def _counts(self) -> tuple[int, int]:
        return len(self._outbox.queue), self._outbox.unacked_count

    def _send_for(self, action: SendMessage) -> None:
        """Send a dispatched message; a refusal is told, because nobody could catch it."""
        try:
            self.send(action.text, ttl=action.ttl_seconds, volatile=action.is_volatile)
        except (RefoldError, TypeError, ValueError) as error:
            self._refused.append(SendFailed(type(error).__name__, str(error)))
            if (
                self._owner.loop is not None
            ):  # later: whoever else takes note of commits comes first
                self._owner.loop.call_soon(self._tell_refused)

    def _tell_refused(self) -> None:
        refused, self._refused = self._refused, []
        for action in refused:
            self._teller.tell(action)


def _new_judge(
    options: WebSocketOptions, classify: Classify | None, clock: Callable[[], float]
) -> FailureJudge:
    return FailureJudge(
        policy=options.failure_policy,
        classify=classify,
        retry_after_max_seconds=options.retry_after_max,
        clock=clock,
    )


_PARTS: Final[dict[str, type]] = {
    "decoder": MessageDecoder,
    "handlers": MessageHandlers,
    "options": WebSocketOptions,
}


def _check_parts(**parts: object) -> None:
    for name, part in parts.items():
        if part is not None and not isinstance(part, _PARTS[name]):
            message = (
                f"{name} must be a {_PARTS[name].__name__} or None, got {type(part).__name__};"
                f" make one: {name}={_PARTS[name].__name__}()"
            )
            raise TypeError(message)
