"""A handler must take the message, or the change, that it is registered for."""

from __future__ import annotations

from refold.middleware.websocket_service import WebSocketService
from typing_tests.accepted.message_handlers import Greeting, say

service = WebSocketService()


def take_a_number(number: int) -> None:
    """Handle what is no message."""


def take_a_text(text: str) -> None:
    """Handle what is no change."""


service.on_message(Greeting, say)
service.on_message(Greeting, take_a_number)  # expect-error
service.on_message("typed.greeting", "say")  # expect-error
service.on_connection_change(take_a_text)  # expect-error
WebSocketService("ws://127.0.0.1:1/")  # expect-error
