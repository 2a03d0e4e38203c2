"""Single messages: sending one by dispatch, and what can go wrong with one in either direction.

What belongs here: the actions.  What does not: when they are dispatched, which the shell of the
connection says.  None of them ends a connection.
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
    "SendFailed",
    "SendMessage",
]

_MOST_CHARACTERS = 200
"""Of what a peer sent, and of what an exception says: both may be of any length."""

DropPolicy: TypeAlias = Literal["drop_oldest", "drop_newest", "link_ended"]
"""Which messages were given up: those that a full inbound queue had no room for, or those that no
handler had begun when their link was long gone."""


@action("connection/send_message")
class SendMessage(Action):
    """A message was given to the connection; `SendFailed` answers if it was refused."""

    text: str
    """What to send."""

    ttl_seconds: float | None = None
    """How long it is worth sending; None for ever."""

    is_volatile: bool = False
    """Whether to drop it rather than keep it while there is no link."""


@action("connection/send_failed")
class SendFailed(Action):
    """The connection refused the message of the latest `SendMessage`; nothing was queued."""

    error_type: str
    """The class name of the refusal, such as ``QueueFullError``."""

    message: str
    """What was wrong, and what to do."""


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
    """The wire type of the message; empty for ``on_message``, which gets every type."""

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
    """Messages arrived and were not handled."""

    count: int
    """How many since the last such action, 1 or more."""

    policy: DropPolicy
    """Which ones, and why."""
