"""`WebSocketService`: a connection with the few methods that most programs need.

What belongs here: the interface of the service's design document, each method a few lines.  What
does not: anything that `WebSocketConnection` does; the service is a thin coat over it.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, overload

from refold.actions.connection import (
    ConnectionEnded,
    ConnectionLostAndRetryScheduled,
    ConnectionOpened,
    ResetConnectionState,
    SetConnectionStatus,
)
from refold.errors import ConnectionFatalError
from refold.middleware.message_handlers import MessageHandlers
from refold.middleware.websocket_connection import WebSocketConnection
from refold.middleware.websocket_target import checked_url
from refold.reducers.connection import ConnectionState, connection_reducer
from refold.selectors.connection import select_is_connected
from refold.store.store import Store

if TYPE_CHECKING:
    from refold.actions.action import Action
    from refold.middleware.acknowledgements import Acknowledgements
    from refold.middleware.new_link import NewLink
    from refold.middleware.websocket_options import WebSocketOptions
    from refold.store.middleware import Dispatch, StoreAPI

__all__ = ["WebSocketService"]

M = TypeVar("M")

_log = logging.getLogger("refold.websocket")

_CHANGES_STATUS: frozenset[type[Action]] = frozenset(
    {
        ConnectionEnded,
        ConnectionLostAndRetryScheduled,
        ConnectionOpened,
        ResetConnectionState,
        SetConnectionStatus,
    }
)


class WebSocketService:
    """A WebSocket that comes back, typed messages, and the state of it all.

    It works alone, with a store of its own, or as middleware of an application's store.  Alone it
    may connect and disconnect any number of times, in one event loop.

    Args:
        select: gives the connection's state from the root state of the store that the service is
            middleware of; None if that is the whole state.
        handlers: calls the functions given to `on_message`; None for the usual settings.
        headers: as `WebSocketConnection` takes them, and so are the rest.
        protocols: subprotocols to offer.
        acknowledgements: how messages are acknowledged; None if none is.
        on_open: awaited with each new link before queued messages are sent.
        refresh_auth: gets new credentials after a failure about authentication.
        options: durations and bounds.

    Raises:
        TypeError: an argument is of the wrong type.
        ValueError: a header or an option cannot be used.
    """

    def __init__(  # noqa: PLR0913  # keyword-only, each with a default
        self,
        *,
        select: Callable[[Any], ConnectionState] | None = None,
        handlers: MessageHandlers | None = None,
        headers: Mapping[str, str] | Callable[[], Any] = {},  # noqa: B006  # never changed
        protocols: Sequence[str] | Callable[[], Any] = (),
        acknowledgements: Acknowledgements | None = None,
        on_open: Callable[[NewLink], Awaitable[object]] | None = None,
        refresh_auth: Callable[[], object] | None = None,
        options: WebSocketOptions | None = None,
    ) -> None:
        """Open nothing."""
        if select is not None and not callable(select):
            message = f"select must be a function of the root state or None, got {select!r}"
            raise TypeError(message)
        self._select = select or _whole_state
        self._handlers = MessageHandlers() if handlers is None else handlers
        self._url: str | None = None
        self._store: StoreAPI[Any] | None = None
        self._is_alone = False
        self._serving: asyncio.Task[None] | None = None
        self._watchers: tuple[Callable[[bool], object], ...] = ()
        self.connection = WebSocketConnection(
            self._given_url,
            connects_at_once=False,
            handlers=self._handlers,
            headers=headers,
            protocols=protocols,
            acknowledgements=acknowledgements,
            on_open=on_open,
            refresh_auth=refresh_auth,
            options=options,
        )
        """What does the work, for what the service does not offer."""

    def __call__(self, store: StoreAPI[Any], next: Dispatch, /) -> Dispatch:  # noqa: A002
        """Join a store.

        Raises:
            MiddlewareError: the service has a store already.
        """
        handle_next = self.connection(store, next)
        self._store = store

        def handle(action: Action) -> Action:
            if type(action) not in _CHANGES_STATUS:
                return handle_next(action)
            was_connected = select_is_connected(self.get_connection_state())
            result = handle_next(action)
            is_connected = select_is_connected(self.get_connection_state())
            if is_connected is not was_connected:
                self._tell_watchers(is_connected=is_connected)
            return result

        return handle

    def committed(self, actions: tuple[Action, ...], /) -> None:
        """Send what `SendMessage` says; the store calls this."""
        self.connection.committed(actions)

    async def run(self) -> None:
        """Serve until cancelled; the store calls this."""
        await self.connection.run()

    def close(self) -> None:
        """Refuse every use from now on; the store calls this when it closes."""
        self.connection.close()

    async def connect(self, url: str) -> None:
        """Connect, and return when a link is open; from another address, disconnect first.

        Args:
            url: ``ws://`` or ``wss://``.

        Raises:
            ConnectionFatalError: the connection ended for a reason that another attempt would not
                change, or the connection was given up meanwhile.
            TypeError: the address is no text.
            ValueError: the address cannot be used.
        """
        checked_url(url)
        if url != self._url:
            self._url = url  # at once: of two calls for two addresses, the later one prevails
            await self.disconnect()
        self._serve_if_alone()
        try:
            await self.connection.connect(wait=True)
        except ConnectionFatalError:
            await self._stop_serving()
            raise

    async def disconnect(self) -> None:
        """Close, and stay disconnected; nothing of a service that works alone runs on."""
        await self.connection.disconnect()
        await self._stop_serving()

    async def send(self, payload: object) -> None:
        """Queue a message, in any state; with the overflow policy ``block``, when there is room.

        Args:
            payload: as in `WebSocketConnection.send`.

        Raises:
            InvalidPayloadError: it cannot be sent as it is.
            QueueFullError: it does not fit the bounds, and ``options.overflow`` is ``raise``.
        """
        await self.connection.send_when_room(payload)

    @overload
    def on_message(self, kind: type[M], handler: Callable[[M], object]) -> Callable[[], None]: ...

    @overload
    def on_message(self, kind: str, handler: Callable[[Any], object]) -> Callable[[], None]: ...

    def on_message(
        self, kind: type[Any] | str, handler: Callable[[Any], object]
    ) -> Callable[[], None]:
        """Have a function called with each message of a type; see `MessageHandlers.on`."""
        return self._handlers.on(kind, handler)

    def on_connection_change(self, handler: Callable[[bool], object]) -> Callable[[], None]:
        """Have a function called with True when a link opens, and with False when it is lost.

        Returns:
            A function that ends this; calling it again changes nothing.

        Raises:
            TypeError: the handler is no function, or an async one.
        """

        def watch(is_connected: bool) -> None:  # noqa: FBT001  # the handler's own shape
            handler(is_connected)  # a function of its own, so that one handler may come twice

        def unsubscribe() -> None:
            self._watchers = tuple(other for other in self._watchers if other is not watch)

        if not callable(handler) or inspect.iscoroutinefunction(handler):
            message = f"a handler of changes must be a plain function of one bool, got {handler!r}"
            raise TypeError(message)
        self._watchers = (*self._watchers, watch)
        return unsubscribe

    def get_connection_state(self) -> ConnectionState:
        """Return the present state of the connection."""
        if self._store is None:
            return connection_reducer.initial
        return self._select(self._store.state)

    def _given_url(self) -> str:
        if self._url is None:
            message = "the service has no address yet; call connect(url)"
            raise ConnectionFatalError(message)
        return self._url

    def _serve_if_alone(self) -> None:
        """Begin to serve, if no store does."""
        if self._store is None:
            self._is_alone = True
            Store(connection_reducer, middleware=[self])
        if self._is_alone and self._serving is None:
            self._serving = asyncio.create_task(self.connection.serve(), name="refold service")

    async def _stop_serving(self) -> None:
        serving, self._serving = self._serving, None
        if serving is not None:
            serving.cancel()
            await asyncio.wait([serving])

    def _tell_watchers(self, *, is_connected: bool) -> None:
        for watcher in self._watchers:
            try:
                watcher(is_connected)
            except (Exception, asyncio.CancelledError):  # noqa: BLE001  # a user's function
                _log.exception("a handler of connection changes raised")


def _whole_state(state: Any) -> ConnectionState:
    if isinstance(state, ConnectionState):
        return state
    message = (
        f"the root state is a {type(state).__name__}, not a ConnectionState; say where the"
        f" connection's state is: WebSocketService(select=lambda root: root.connection)"
    )
    raise TypeError(message)
