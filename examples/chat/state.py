"""What a chat's client knows, and how it follows from what happened: no socket, no clock.

Nothing to run here; see client.py.  ``refold replay LOG --app examples.chat.state:root`` folds a
recorded run again.
"""

from __future__ import annotations

import attrs
from pyrsistent import PVector, pvector

from refold import Action, Reducer, action, combine_reducers, evolve
from refold.reducers.connection import ConnectionState, connection_reducer

__all__ = [
    "ChatState",
    "Line",
    "LineGivenUp",
    "LineTyped",
    "Message",
    "MessageArrived",
    "Talk",
    "root",
    "select_messages",
]


@action("chat/line_typed")
class LineTyped(Action):
    """The user said something, connected or not."""

    message_id: str
    """By which it will come back as a message."""

    text: str
    """What was said."""


@action("chat/line_given_up")
class LineGivenUp(Action):
    """A line will not be sent again."""

    message_id: str
    """Which."""

    reason: str
    """Why, in words."""


@action("chat/message_arrived")
class MessageArrived(Action):
    """The server sent a message of the room, perhaps the user's own."""

    message_id: str
    """As the client of whoever said it chose it."""

    name: str
    """Who said it."""

    text: str
    """What was said."""


@attrs.frozen
class Line:
    """Something said here that has not come back from the server."""

    message_id: str
    """By which it will come back."""

    text: str
    """What was said."""


@attrs.frozen
class Message:
    """A message of the room."""

    name: str
    """Who said it."""

    text: str
    """What was said."""


@attrs.frozen
class Talk:
    """The room, as far as it is known here."""

    messages: PVector[Message] = attrs.field(default=pvector())
    """In the order in which they came, which is the same for everybody."""

    waiting: PVector[Line] = attrs.field(default=pvector())
    """What was said here and has not come back, oldest first."""


@attrs.frozen
class ChatState:
    """All that the client knows."""

    connection: ConnectionState
    """The WebSocket's life, kept by refold."""

    talk: Talk
    """The room."""


talk = Reducer(Talk())


@talk.on(LineTyped)
def _keep_line(state: Talk, action: LineTyped) -> Talk:
    return evolve(state, waiting=state.waiting.append(Line(action.message_id, action.text)))


@talk.on(LineGivenUp)
def _forget_line(state: Talk, action: LineGivenUp) -> Talk:
    return evolve(state, waiting=_without(state.waiting, action.message_id))


@talk.on(MessageArrived)
def _add_message(state: Talk, action: MessageArrived) -> Talk:
    return evolve(
        state,
        messages=state.messages.append(Message(action.name, action.text)),
        waiting=_without(state.waiting, action.message_id),
    )


def _without(lines: PVector[Line], message_id: str) -> PVector[Line]:
    return pvector(line for line in lines if line.message_id != message_id)


root = combine_reducers(ChatState, connection=connection_reducer, talk=talk)
"""Folds every action of the chat."""


def select_messages(state: ChatState) -> PVector[Message]:
    """Return the room's messages."""
    return state.talk.messages
