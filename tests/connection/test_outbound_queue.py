"""`OutboundQueue`: order, and two bounds that hold exactly."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from refold.errors import QueueFullError
from refold.middleware.outbound_queue import OutboundQueue, QueuedOutbound

MAX_MESSAGES = 4
MAX_BYTES = 20

messages = st.text(st.characters(codec="utf-8"), max_size=12) | st.binary(max_size=12)


def make_queue(max_messages: int = MAX_MESSAGES, max_bytes: int = MAX_BYTES) -> OutboundQueue:
    """Return an empty queue."""
    return OutboundQueue(max_messages=max_messages, max_bytes=max_bytes)


def size_of(message: str | bytes) -> int:
    """Return the bytes of a message, counted another way than the queue does."""
    if isinstance(message, bytes):
        return len(message)
    return sum(1 + (ord(c) > 0x7F) + (ord(c) > 0x7FF) + (ord(c) > 0xFFFF) for c in message)


class QueueBesideAList(RuleBasedStateMachine):
    """Random calls, each also made on a plain list: the naive model of the queue."""

    def __init__(self) -> None:
        """Start both empty, and nothing being sent."""
        super().__init__()
        self.queue = make_queue()
        self.model: list[str | bytes] = []
        self.being_sent: QueuedOutbound | None = None
        self.is_still_first = False

    @rule(message=messages, is_taken_at_once=st.booleans())
    def push(self, message: str | bytes, is_taken_at_once: bool) -> None:  # noqa: FBT001  # a rule
        """A message that fits is taken; another is refused, and nothing changes."""
        fits = (
            len(self.model) + 1 <= MAX_MESSAGES
            and sum(map(size_of, self.model)) + size_of(message) <= MAX_BYTES
        )
        if fits:
            self.queue.push(message, is_taken_at_once=is_taken_at_once)
            self.model.append(message)
        else:
            with pytest.raises(QueueFullError):
                self.queue.push(message, is_taken_at_once=is_taken_at_once)

    @precondition(lambda self: self.being_sent is None)
    @rule()
    def begin_to_send(self) -> None:
        """The first message is looked at, and stays."""
        self.being_sent = self.queue.first()
        assert (self.being_sent is None) == (not self.model)
        if self.being_sent is not None:
            assert self.being_sent.message == self.model[0]
            self.is_still_first = True

    @precondition(lambda self: self.being_sent is not None)
    @rule()
    def finish_sending(self) -> None:
        """What was sent is removed, and nothing else is."""
        if self.being_sent is not None:
            self.queue.remove_sent(self.being_sent)
        if self.is_still_first:
            self.model.pop(0)
        self.being_sent, self.is_still_first = None, False

    @rule()
    def clear(self) -> None:
        """Everything is removed and returned, oldest first."""
        assert self.queue.clear() == self.model
        self.model, self.is_still_first = [], False

    @invariant()
    def both_say_the_same(self) -> None:
        """The number and the bytes are those of the list."""
        assert len(self.queue) == len(self.model)
        assert self.queue.size_bytes == sum(map(size_of, self.model))


TestQueueBesideAList = QueueBesideAList.TestCase
TestQueueBesideAList.settings = settings(stateful_step_count=40)


@given(st.integers(0, 20), st.integers(0, 30))
def test_the_bound_of_messages_is_exact(max_messages: int, pushes: int) -> None:
    """As many messages as allowed are taken, and not one more."""
    queue = make_queue(max_messages=max_messages)
    for _ in range(min(pushes, max_messages)):
        queue.push("")
    if pushes > max_messages:
        with pytest.raises(QueueFullError, match=f"{max_messages} messages"):
            queue.push("")
    assert len(queue) == min(pushes, max_messages)


@pytest.mark.parametrize("message", ["a" * 20, "ä" * 10, "€" * 6 + "ab", "😀" * 5, b"\xff" * 20])
def test_the_bound_of_bytes_is_exact(message: str | bytes) -> None:
    """A text counts as its UTF-8 form: what fills the bound is taken, one byte more is not."""
    queue = make_queue()
    queue.push(message)
    assert queue.size_bytes == MAX_BYTES
    with pytest.raises(QueueFullError, match="cannot take 1 bytes more"):
        queue.push("a")
    assert queue.clear() == [message]


def test_a_message_larger_than_the_bound_never_fits() -> None:
    """Also an empty queue refuses it."""
    with pytest.raises(QueueFullError):
        make_queue().push(b"\0" * (MAX_BYTES + 1))


def test_the_bounds_of_the_documents() -> None:
    """1,000 messages, and 4 MiB, are the last that fit."""
    queue = make_queue(max_messages=1000, max_bytes=4 * 1024 * 1024)
    for _ in range(999):
        queue.push("x")
    queue.push(b"\0" * (4 * 1024 * 1024 - 999))
    with pytest.raises(QueueFullError):
        queue.push("")
    assert (len(queue), queue.size_bytes) == (1000, 4 * 1024 * 1024)


def test_without_buffering_only_what_leaves_at_once_is_taken() -> None:
    """With room for 0 messages, one is taken while somebody stands ready for it, and no second."""
    queue = make_queue(max_messages=0)
    with pytest.raises(QueueFullError):
        queue.push("a")
    queue.push("a", is_taken_at_once=True)
    with pytest.raises(QueueFullError):
        queue.push("b", is_taken_at_once=True)


def test_a_cleared_message_that_was_being_sent_takes_no_other_with_it() -> None:
    """An equal message queued after a clear is another one, and stays."""
    queue = make_queue()
    queue.push("same")
    being_sent = queue.first()
    assert being_sent is not None
    queue.clear()
    queue.push("same")
    queue.remove_sent(being_sent)
    assert queue.clear() == ["same"]


@pytest.mark.parametrize("wrong", [None, 1, {"type": "hello"}, bytearray(b"a"), memoryview(b"a")])
def test_what_is_neither_text_nor_bytes_is_refused(wrong: Any) -> None:
    """The error names the type and says what to do; nothing is queued."""
    queue = make_queue()
    with pytest.raises(TypeError, match=f"got {type(wrong).__name__}; encode it first"):
        queue.push(wrong)
    assert len(queue) == 0


def test_a_text_that_no_peer_would_accept_is_refused() -> None:
    """A lone surrogate has no UTF-8 form; nothing is queued."""
    queue = make_queue()
    with pytest.raises(UnicodeEncodeError):
        queue.push("\ud800")
    assert (len(queue), queue.size_bytes) == (0, 0)
