"""A chat room, and five bugs that can be planted in it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import attrs
from pyrsistent import PMap, PSet, PVector, pmap, pset, pvector

from refold.actions.action import Action, action
from refold.reducers.evolve import evolve
from tests.testing.laws.planted.planted_bug import Handler, PlantedBug, reducer_of

__all__ = ["BUGS"]


@attrs.frozen
class Message:
    """What somebody said."""

    author: str
    text: str
    sent_at_ms: int | None


NO_MESSAGES: Final[PMap[int, Message]] = pmap()
NO_NUMBERS: Final[PVector[int]] = pvector()
NOBODY: Final[PSet[str]] = pset()


@attrs.frozen
class ChatRoom:
    """What was said, and who is about to say more."""

    messages: PMap[int, Message] = NO_MESSAGES
    order: PVector[int] = NO_NUMBERS
    next_number: int = 1
    pinned: int | None = None
    typing: PSet[str] = NOBODY


@action("planted_chat/message_posted")
class MessagePosted(Action):
    """Somebody said something."""

    author: str
    text: str


@action("planted_chat/quote_posted")
class QuotePosted(Action):
    """Somebody repeated something."""

    author: str
    text: str


@action("planted_chat/quote_with_mark_posted")
class QuoteWithMarkPosted(Action):
    """Somebody repeated something, and the action marks it by itself."""

    author: str
    text: str = attrs.field(converter="> {}".format)


@action("planted_chat/message_deleted")
class MessageDeleted(Action):
    """It was not meant."""

    number: int


@action("planted_chat/message_pinned")
class MessagePinned(Action):
    """All should see it."""

    number: int


@action("planted_chat/typing_started")
class TypingStarted(Action):
    """Somebody is about to say something."""

    name: str


@action("planted_chat/room_cleared")
class RoomCleared(Action):
    """Everything is forgotten but the numbers."""


def _post(state: ChatRoom, action: MessagePosted) -> ChatRoom:
    return _with_message(state, action.author, action.text, action.at_ms)


def _post_by_the_clock(state: ChatRoom, action: MessagePosted) -> ChatRoom:
    return _with_message(state, action.author, action.text, time.time_ns() // 1_000_000)


def _quote(state: ChatRoom, action: QuotePosted) -> ChatRoom:
    return _with_message(state, action.author, f"> {action.text}", action.at_ms)


def _quote_as_it_is(state: ChatRoom, action: QuoteWithMarkPosted) -> ChatRoom:
    return _with_message(state, action.author, action.text, action.at_ms)


def _delete(state: ChatRoom, action: MessageDeleted) -> ChatRoom:
    left = _delete_but_keep_the_pin(state, action)
    return evolve(left, pinned=None) if left.pinned == action.number else left


def _delete_but_keep_the_pin(state: ChatRoom, action: MessageDeleted) -> ChatRoom:
    if action.number not in state.messages:
        return state
    messages = state.messages.remove(action.number)
    return evolve(state, messages=messages, order=state.order.remove(action.number))


def _pin(state: ChatRoom, action: MessagePinned) -> ChatRoom:
    is_there = action.number in state.messages and action.number != state.pinned
    return evolve(state, pinned=action.number) if is_there else state


def _type(state: ChatRoom, action: TypingStarted) -> ChatRoom:
    if action.name in state.typing:
        return state
    return evolve(state, typing=state.typing.add(action.name))


def _clear(state: ChatRoom, _action: RoomCleared) -> ChatRoom:
    return ChatRoom(next_number=state.next_number)


def _clear_what_was_said(state: ChatRoom, _action: RoomCleared) -> ChatRoom:
    return evolve(state, messages=NO_MESSAGES, order=NO_NUMBERS, pinned=None)


def _ignore_with_a_copy(state: ChatRoom, _action: Any) -> ChatRoom:
    return attrs.evolve(state)


def _with_message(state: ChatRoom, author: str, text: str, now: int | None) -> ChatRoom:
    number = state.next_number
    return evolve(
        state,
        messages=state.messages.set(number, Message(author, text, now)),
        order=state.order.append(number),
        next_number=number + 1,
        typing=state.typing.discard(author),
    )


def the_pinned_message_is_there(state: ChatRoom) -> bool:
    """What is pinned can be shown."""
    return state.pinned is None or state.pinned in state.messages


def a_cleared_room_is_empty(_before: ChatRoom, action: Action, after: ChatRoom) -> bool:
    """Nothing but the number that comes next is kept."""
    return not isinstance(action, RoomCleared) or after == ChatRoom(next_number=after.next_number)


HANDLERS: Final[Mapping[type[Action], Handler]] = {
    MessagePosted: _post,
    QuotePosted: _quote,
    MessageDeleted: _delete,
    MessagePinned: _pin,
    TypingStarted: _type,
    RoomCleared: _clear,
}

_EMPTY: Final = ChatRoom()
_make = partial(reducer_of, _EMPTY)
_sound = partial(_make, HANDLERS)

BUGS: Final = (
    PlantedBug(
        kind="reads the clock",
        place="a message's time, in milliseconds",
        broken=partial(_make, {**HANDLERS, MessagePosted: _post_by_the_clock}),
        sound=_sound,
        law="same_input_same_output",
        shortest=1,
    ),
    PlantedBug(
        kind="forgets a field on reset",
        place="those who type in a cleared room",
        broken=partial(_make, {**HANDLERS, RoomCleared: _clear_what_was_said}),
        sound=_sound,
        law="a_cleared_room_is_empty",
        shortest=2,
        invariants=(a_cleared_room_is_empty,),
    ),
    PlantedBug(
        kind="returns an equal but new object for an unknown action",
        place="a default handler that copies",
        broken=partial(_make, HANDLERS, otherwise=_ignore_with_a_copy),
        sound=_sound,
        law="unknown_action_keeps_identity",
        shortest=0,
    ),
    PlantedBug(
        kind="keeps a stale id after removal",
        place="a deleted message stays pinned",
        broken=partial(_make, {**HANDLERS, MessageDeleted: _delete_but_keep_the_pin}),
        sound=_sound,
        law="the_pinned_message_is_there",
        shortest=3,
        invariants=(the_pinned_message_is_there,),
    ),
    PlantedBug(
        kind="differs after a log round trip",
        place="an action that marks a quote once more when it is read",
        broken=partial(_make, {**HANDLERS, QuoteWithMarkPosted: _quote_as_it_is}),
        sound=_sound,
        law="log_round_trip",
        shortest=1,
    ),
)
"""The bugs of the chat room."""
