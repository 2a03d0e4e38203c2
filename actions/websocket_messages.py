"""What can go wrong with a message that arrived: facts that end no connection.

What belongs here: the actions.  What does not: when they are dispatched, which the shell of the
connection says.
"""

from __future__ import annotations

from typing import Literal, Self, TypeAlias

import attrs

from refold.actions.action import Action, action

__all__ = [
    "BadMessageReceived",
    "DropPolicy",
    "InboundMessagesDropped",
    "MessageHandlerFailed",
]

_MOST_CHARACTERS = 200
"""Of what a peer sent, and of what an exception says: both may be of any length."""

DropPolicy: TypeAlias = Literal["drop_oldest", "drop_newest"]
"""Which messages a full inbound queue gives up."""


@action("connection/bad_message_received")
class BadMessageReceived(Action):
    """The peer sent what is no message of a declared type."""

    reason: str
    """What is wrong with it, in words."""

    sample: str = attrs.field(validator=attrs.validators.max_len(_MOST_CHARACTERS))
    """How it begins: at most 200 characters."""

    count: int = 1
    """For how many this action stands, 1 or more; reason and sample are of the last."""


@action("connection/message_handler_failed")
class MessageHandlerFailed(Action):
    """A handler of a message raised, or took too long."""

    message_type: str
    """The wire type of the message."""

    error_type: str
    """The exception's class name."""

    message: str
    """What the exception says; its class name if it says nothing or cannot be asked."""

    @classmethod
    def from_error(cls, message_type: str, error: BaseException) -> Self:
        """Return the action for what a handler raised; a broken ``__str__`` does no harm."""
        error_type = type(error).__name__
        try:
            text = str(error)[:_MOST_CHARACTERS]
        except Exception:  # noqa: BLE001  # it must not hide what happened
            text = ""
        return cls(message_type, error_type, text or error_type)


@action("connection/inbound_messages_dropped")
class InboundMessagesDropped(Action):
    """Messages were not handled because the inbound queue was full."""

    count: int
    """How many since the last such action, 1 or more."""

    policy: DropPolicy
    """Which ones."""
