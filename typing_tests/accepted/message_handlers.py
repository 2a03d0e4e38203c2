"""What is inferred of messages and of their handlers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, assert_type

from refold.actions.message import MessageRegistry, message

if TYPE_CHECKING:
    from refold.middleware.message_handlers import MessageHandlers

registry = MessageRegistry()


@message("typed.greeting", registry=registry)
class Greeting:
    """A declared message."""

    text: str
    times: int = 1


def fields_keep_their_types() -> None:
    """A message's constructor and fields are typed as declared."""
    greeting = Greeting("hello", times=2)
    assert_type(greeting.text, str)
    assert_type(greeting.times, int)


async def say(greeting: Greeting) -> None:
    """Handle the typed object."""


def a_handler_is_given_the_typed_object(handlers: MessageHandlers) -> None:
    """A handler of a class gets its instances; `on` gives a function without parameters."""
    assert_type(handlers.on(Greeting, say), Callable[[], None])
    handlers.on(Greeting, lambda greeting: greeting.text)
    handlers.on("typed.greeting", say)
