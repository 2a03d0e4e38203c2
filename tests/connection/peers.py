"""Peers on the loopback interface, good and bad, and a client whose actions are watched.

What belongs here: what several tests of the connection need.  What does not: any assertion.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs
from aiohttp import web

from refold.actions.action import Action
from refold.actions.connection import ConnectionAttemptStarted, ConnectionOpened
from refold.middleware.websocket_connection import WebSocketConnection
from refold.middleware.websocket_options import WebSocketOptions
from refold.reducers.backoff_delay import Backoff
from refold.reducers.connection import ConnectionState, ConnectionStatus, connection_reducer
from refold.store.dispatch_context import current_dispatch_context
from refold.store.store import Store

if TYPE_CHECKING:
    from refold.store.middleware import Dispatch, StoreAPI

__all__ = [
    "QUICK",
    "Client",
    "connected",
    "raw_peer",
    "read_request",
    "shake_hands",
    "websocket_peer",
]

RawHandler: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
SocketHandler: TypeAlias = Callable[[web.WebSocketResponse], Awaitable[None]]

QUICK = WebSocketOptions(
    connect_timeout=2.0,
    stable_after=0.2,
    heartbeat_interval=None,
    close_timeout=0.5,
    backoff=Backoff(initial_seconds=0.01, floor_seconds=0.01, cap_seconds=0.02),
)
"""For tests in real time that are not about durations."""


@attrs.define(eq=False)
class Watch:
    """A middleware that notes every action with its origin."""

    actions: list[Action] = attrs.field(factory=list[Any])
    origins: set[str] = attrs.field(factory=set[str])

    def __call__(self, store: StoreAPI[Any], next: Dispatch, /) -> Dispatch:  # noqa: A002, ARG002
        """Note an action and let it go on."""

        def handle(action: Action) -> Action:
            self.actions.append(action)
            self.origins.add(current_dispatch_context().origin)
            return next(action)

        return handle


@attrs.define(eq=False)
class Client:
    """A store with a connection, and what was seen of it."""

    connection: WebSocketConnection
    store: Store[ConnectionState]
    watch: Watch
    statuses: list[ConnectionStatus]

    @property
    def state(self) -> ConnectionState:
        """The present state."""
        return self.store.state

    @property
    def attempts(self) -> int:
        """How many attempts were begun."""
        return len(self.told(ConnectionAttemptStarted))

    @property
    def opened(self) -> int:
        """How many links were opened."""
        return len(self.told(ConnectionOpened))

    def told(self, kind: type[Action]) -> list[Any]:
        """Return the actions of a class, in order."""
        return [action for action in self.watch.actions if isinstance(action, kind)]

    async def until(self, condition: Callable[[ConnectionState], bool]) -> ConnectionState:
        """Wait for a state; the test's own time limit ends a wait in vain."""
        async for state in self.store.changes():
            if condition(state):
                return state
        message = "the store was left"
        raise AssertionError(message)


@asynccontextmanager
async def connected(
    url: Any,
    *,
    options: WebSocketOptions = QUICK,
    middleware: tuple[Any, ...] = (),
    **arguments: Any,
) -> AsyncGenerator[Client]:
    """Enter a store with a connection; it connects at once unless told otherwise."""
    connection = WebSocketConnection(url, options=options, **arguments)
    watch = Watch()
    store = Store(connection_reducer, middleware=[connection, watch, *middleware])
    statuses = [store.state.status]
    store.subscribe(lambda new, _old: statuses.append(new), select=lambda state: state.status)
    async with store:
        yield Client(connection, store, watch, statuses)


@asynccontextmanager
async def websocket_peer(serve: SocketHandler, **settings: Any) -> AsyncGenerator[str]:
    """Listen as an aiohttp server; give the address."""

    async def welcome(request: web.Request) -> web.WebSocketResponse:
        response = web.WebSocketResponse(autoping=False, timeout=0.1, **settings)
        await response.prepare(request)
        await serve(response)
        return response

    application = web.Application()
    application.router.add_get("/", welcome)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"ws://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def raw_peer(serve: RawHandler, scheme: str = "ws") -> AsyncGenerator[str]:
    """Listen as a TCP server that does what it is told; give the address."""
    tasks: set[asyncio.Task[None]] = set()

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(hold(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def read_request(reader: asyncio.StreamReader) -> bytes:
    """Read the client's HTTP request."""
    return await reader.readuntil(b"\r\n\r\n")


async def shake_hands(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Accept a WebSocket by hand (RFC 6455, section 4.2.2)."""
    request = await read_request(reader)
    lines = request.decode().split("\r\n")
    key = next(
        line.split(": ")[1] for line in lines if line.lower().startswith("sec-websocket-key")
    )
    secret = key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    accept = base64.b64encode(hashlib.sha1(secret.encode()).digest()).decode()  # noqa: S324  # RFC
    writer.write(
        f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode()
    )
    await writer.drain()
