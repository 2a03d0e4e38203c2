"""What is inferred of a `WebSocketService` and its handlers."""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_type

from refold.middleware.websocket_service import WebSocketService
from refold.reducers.connection import ConnectionState
from typing_tests.accepted.message_handlers import Greeting, say


def a_service_is_made() -> None:
    """Every argument may be left out; `select` gives a connection's state."""
    assert_type(WebSocketService(), WebSocketService)
    WebSocketService(select=lambda root: root)


async def its_methods_are_typed(service: WebSocketService) -> None:
    """Connecting, sending and leaving give nothing; the state is a connection's."""
    connecting = service.connect("ws://127.0.0.1:1/")
    await connecting
    await service.send(Greeting("hello"))
    await service.send({"type": "typed.greeting", "text": "hello"})
    await service.disconnect()
    assert_type(service.get_connection_state(), ConnectionState)


def handlers_are_given_the_typed_object(service: WebSocketService) -> None:
    """A handler of a class gets its instances, one of a wire type may take anything."""
    assert_type(service.on_message(Greeting, say), Callable[[], None])
    assert_type(service.on_message("typed.greeting", say), Callable[[], None])
    service.on_message(Greeting, lambda greeting: greeting.text.upper())
    service.on_message("typed.greeting", lambda greeting: greeting.anything)


def changes_are_given_as_bools(service: WebSocketService) -> None:
    """A handler of changes gets a bool, and is ended by a function without parameters."""
    end = service.on_connection_change(lambda is_connected: assert_type(is_connected, bool))
    assert_type(end, Callable[[], None])
    end()
