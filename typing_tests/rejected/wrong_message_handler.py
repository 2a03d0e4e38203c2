"""A handler must take the message that it is registered for."""

from __future__ import annotations

from refold.middleware.message_handlers import MessageHandlers
from typing_tests.accepted.message_handlers import Greeting, say

Greeting()  # expect-error
Greeting(7)  # expect-error
Greeting("hello").text = "bye"  # expect-error


def take_a_number(number: int) -> None:
    """Handle what is no message."""


MessageHandlers().on(Greeting, say)
MessageHandlers().on(Greeting, take_a_number)  # expect-error
MessageHandlers().on("typed.greeting", "say")  # expect-error
