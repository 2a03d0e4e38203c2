"""`OutboundQueue`: order, two bounds that hold exactly, and what becomes of each message.

What belongs here: rules 32, 33, 36, 38, 39 and 52 case by case.  What does not: random calls, see
`test_outbound_queue_beside_a_list`; and the policy ``block``, see `test_outbound_overflow`.
"""

from __future__ import annotations

import asyncio
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refold.errors import ConnectionClosedError, QueueFullError
from refold.middleware.outbound_queue import OutboundQueue, OverflowPolicy, SendTerms

MAX_MESSAGES = 4
MAX_BYTES = 20


def make_queue(max_messages: int = MAX_MESSAGES, max_bytes: int = MAX_BYTES) -> OutboundQueue:
    """Return an empty queue."""
    return OutboundQueue(max_messages=max_messages, max_bytes=max_bytes)


@given(st.integers(0, 20), st.integers(0, 30))
def test_the_bound_of_messages_is_exact(max_messages: int, pushes: int) -> None:
    """Rule 32: as many messages as allowed are taken, and not one more."""
    queue = make_queue(max_messages=max_messages)
    for _ in range(min(pushes, max_messages)):
        queue.push("")
    if pushes > max_messages:
        with pytest.raises(QueueFullError, match=f"{max_messages} messages"):
            queue.push("")
    assert len(queue) == min(pushes, max_messages)


@pytest.mark.parametrize("message", ["a" * 20, "ä" * 10, "€" * 6 + "ab", "😀" * 5, b"\xff" * 20])
def test_the_bound_of_bytes_is_exact(message: str | bytes) -> None:
    """Rule 32.

    A text counts as its UTF-8 form: what fills the bound is taken, one byte more is not.
    """
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
    """Rule 32: 1,000 messages, and 4 MiB, are the last that fit."""
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


def test_rule_33_an_unknown_policy_is_refused_with_the_choices() -> None:
    """A misspelled policy is an error that lists all that there are."""
    wrong: Any = "drop"
    expected = "'raise', 'drop_oldest', 'drop_newest', 'block', got 'drop'"
    with pytest.raises(ValueError, match=expected):
        OutboundQueue(max_messages=1, max_bytes=1, overflow=wrong)


@pytest.mark.parametrize(
    ("policy", "left"), [("drop_oldest", ["7", "8", "9"]), ("drop_newest", ["0", "1", "2"])]
)
def test_rule_33_many_drops_are_told_of_at_once(policy: OverflowPolicy, left: list[str]) -> None:
    """Ten messages for three places: one count of seven, with the policy, and no other."""
    queue = OutboundQueue(max_messages=3, max_bytes=99, overflow=policy)
    assert queue.take_dropped() is None
    for number in range(10):
        queue.push(str(number))
    assert queue.take_dropped() == (7, policy)
    assert queue.take_dropped() is None
    assert queue.dropped_count == 7
    assert queue.clear() == left


def test_rule_33_a_message_that_can_never_fit_drops_no_other() -> None:
    """Messages are not sacrificed for one that is larger than the whole bound."""
    queue = OutboundQueue(max_messages=3, max_bytes=5, overflow="drop_oldest")
    queue.push("a")
    assert queue.push("x" * 6).result == "dropped"
    assert queue.clear() == ["a"]


def test_rule_33_a_message_that_is_being_written_is_never_dropped() -> None:
    """It may arrive, so the newer one gives way: nothing is called dropped and sent as well."""
    queue = OutboundQueue(max_messages=1, max_bytes=9, overflow="drop_oldest")
    leaving = queue.push("leaving")
    assert queue.begin_write() is leaving
    assert queue.push("late").result == "dropped"
    queue.remove_sent(leaving)
    assert leaving.result == "handed_to_socket"


def test_rule_33_the_oldest_that_can_be_dropped_is_the_one_behind_what_is_written() -> None:
    """The message on its way stays first, the one that waits longest behind it is dropped."""
    queue = OutboundQueue(max_messages=3, max_bytes=9, overflow="drop_oldest")
    leaving = queue.push("leaving")
    queue.begin_write()
    oldest, newer, newest = queue.push("a"), queue.push("b"), queue.push("c")
    assert [x.result for x in (oldest, newer, newest)] == ["dropped", "queued", "queued"]
    assert queue.first() is leaving
    assert queue.clear() == ["b", "c"]
    assert queue.size_bytes == len("leaving")


def test_rule_36_an_expired_message_is_never_the_next() -> None:
    """At the end of its time to live a message is gone, and counted; its neighbours stay."""
    now = 0.0
    queue = OutboundQueue(max_messages=9, max_bytes=99, now=lambda: now)
    mortal = queue.push("mortal", terms=SendTerms(ttl_seconds=5.0))
    queue.push("immortal")
    assert queue.next_expiry_at() == 5.0
    now = 4.999
    assert queue.first() is mortal
    now = 5.0
    assert [queued.message for queued in [queue.first()] if queued] == ["immortal"]
    assert (mortal.result, queue.expired_count, queue.next_expiry_at()) == ("expired", 1, None)


def test_rule_36_expired_messages_make_room_before_the_policy_is_asked() -> None:
    """A full queue of dead messages takes a live one, and drops none."""
    now = 0.0
    queue = OutboundQueue(max_messages=1, max_bytes=99, now=lambda: now)
    queue.push("dead", terms=SendTerms(ttl_seconds=1.0))
    now = 1.0
    assert queue.push("alive").result == "queued"
    assert (queue.expired_count, queue.dropped_count) == (1, 0)


def test_rule_36_a_message_whose_write_failed_can_still_expire() -> None:
    """While it is written it is kept; when the link is lost its time counts again."""
    now = 0.0
    queue = OutboundQueue(max_messages=1, max_bytes=99, now=lambda: now)
    queue.set_connected(True)
    mortal = queue.push("mortal", terms=SendTerms(ttl_seconds=1.0))
    queue.begin_write()
    now = 2.0
    assert queue.expire() == 0
    queue.set_connected(False)
    assert queue.next_expiry_at() == 1.0
    assert queue.expire() == 1
    assert mortal.result == "expired"


@pytest.mark.parametrize("wrong", [0, -1.0, math.nan, math.inf, True, "5"])
def test_rule_36_a_time_to_live_that_is_none_is_refused(wrong: Any) -> None:
    """The error names the argument."""
    with pytest.raises((TypeError, ValueError), match="ttl_seconds"):
        SendTerms(ttl_seconds=wrong)


def test_rule_36_a_volatile_message_lives_only_as_long_as_the_link() -> None:
    """Without a link it is dropped at once, and with the link if it has not left by then."""
    queue = make_queue()
    assert queue.push("early", terms=SendTerms(is_volatile=True)).result == "dropped"
    queue.set_connected(True)
    in_time = queue.push("in time", terms=SendTerms(is_volatile=True))
    assert queue.first() is in_time
    queue.set_connected(False)
    assert in_time.result == "dropped"
    assert queue.take_dropped() == (2, "volatile")


def test_rule_39_a_message_leaves_the_queue_only_when_its_write_returned() -> None:
    """A write that failed leaves the message first, once, for the next link."""
    queue = make_queue()
    queue.set_connected(True)
    first, second = queue.push("first"), queue.push("second")
    assert queue.begin_write() is first
    queue.set_connected(False)
    assert first.result == "queued"
    queue.set_connected(True)
    assert queue.begin_write() is first
    queue.remove_sent(first)
    assert (first.result, second.result) == ("handed_to_socket", "queued")
    assert queue.begin_write() is second


def test_rule_36_a_message_that_is_being_written_is_not_cleared() -> None:
    """What clearing returns will not arrive, and what may arrive it does not return."""
    queue = make_queue()
    leaving, waiting = queue.push("leaving"), queue.push("waiting")
    queue.begin_write()
    assert not queue.withdraw(leaving)
    assert queue.clear() == ["waiting"]
    queue.remove_sent(leaving)
    assert (leaving.result, waiting.result) == ("handed_to_socket", "cleared")


async def test_rule_39_a_sender_can_wait_for_what_becomes_of_its_message() -> None:
    """Each waiting task gets the result; one that was cancelled disturbs no other."""
    queue = make_queue()
    entry = queue.push("a")
    tasks = [asyncio.create_task(entry.settled()) for _ in range(3)]
    await asyncio.sleep(0)
    tasks[0].cancel()
    await asyncio.sleep(0)
    tasks[1].cancel()
    queue.remove_sent(entry)
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(result) for result in results[:2]] == [asyncio.CancelledError] * 2
    assert results[2] == "handed_to_socket"
    assert await entry.settled() == "handed_to_socket"


async def test_rule_38_whoever_waits_gets_a_definite_result_when_the_connection_ends() -> None:
    """The message is kept, and its sender is told that it is queued still."""
    queue = make_queue()
    entry = queue.push("a")
    waiting = asyncio.create_task(entry.settled())
    await asyncio.sleep(0)
    queue.stop_waiting(ConnectionClosedError)
    assert await waiting == "queued"
    assert queue.clear() == ["a"]
    assert entry.result == "cleared"


async def test_rule_52_draining_ends_when_the_last_message_left() -> None:
    """A closed queue takes nothing more, gives away what it has, and tells what was left."""
    queue = make_queue()
    await asyncio.wait_for(queue.drained(), 1)
    entries = [queue.push("a"), queue.push("b")]
    queue.close()
    with pytest.raises(ConnectionClosedError, match="takes no message"):
        queue.push("late")
    draining = asyncio.create_task(queue.drained())
    await asyncio.sleep(0)
    queue.remove_sent(entries[0])
    await asyncio.sleep(0)
    assert not draining.done()
    queue.remove_sent(entries[1])
    await asyncio.wait_for(draining, 1)
    assert queue.clear() == []


async def test_rule_52_draining_waits_for_what_came_meanwhile() -> None:
    """A message that is queued in the moment of the last one's leaving is waited for, too."""
    queue = make_queue()
    first = queue.push("a")
    draining = asyncio.create_task(queue.drained())
    await asyncio.sleep(0)
    queue.remove_sent(first)
    queue.push("b")
    for _ in range(3):
        await asyncio.sleep(0)
    assert not draining.done()
    assert queue.clear() == ["b"]
    await asyncio.wait_for(draining, 1)
