"""The policy ``block``: senders wait for room in their order, and a cancelled one takes none."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any, TypeAlias

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from refold.errors import ConnectionClosedError, ConnectionFatalError, QueueFullError
from refold.middleware.outbound_overflow import check_overflow_policy
from refold.middleware.outbound_queue import OutboundQueue, QueuedOutbound, SendTerms

MAX_MESSAGES = 3
MAX_BYTES = 6

Sender: TypeAlias = "asyncio.Task[QueuedOutbound]"
Step: TypeAlias = tuple[str, int]

steps = st.lists(
    st.tuples(st.just("send"), st.integers(0, MAX_BYTES))
    | st.tuples(st.sampled_from(["cancel", "cancel", "take", "take", "turns"]), st.integers(0, 3))
    | st.tuples(st.just("clear"), st.just(0)),
    max_size=60,
)
"""What happens at a queue, also several things within one turn of the event loop."""


def make_queue(max_messages: int = MAX_MESSAGES, max_bytes: int = MAX_BYTES) -> OutboundQueue:
    """Return an empty queue that lets senders wait, by the running loop's clock."""
    return OutboundQueue(
        max_messages=max_messages,
        max_bytes=max_bytes,
        overflow="block",
        now=asyncio.get_running_loop().time,
    )


def start(queue: OutboundQueue, message: str, **given_options: Any) -> Sender:
    """Start a sender; it begins to wait in the next turn of the loop."""
    return asyncio.create_task(queue.push_when_room(message, **given_options))


async def turns(count: int = 4) -> None:
    """Let all tasks go on that can."""
    for _ in range(count):
        await asyncio.sleep(0)


def take(queue: OutboundQueue) -> str | None:
    """Send the first message."""
    queued = queue.begin_write()
    if queued is None:
        return None
    queue.remove_sent(queued)
    return str(queued.message)


def note_departure(left: list[int], number: int, _result: object) -> None:
    """Remember that a message left the queue, however."""
    left.append(number)


@given(steps)
@example([("send", 1), ("send", 6), ("turns", 1), ("send", 0), ("clear", 0)])
async def test_rule_33_whatever_happens_senders_are_served_in_order(steps: list[Step]) -> None:
    """In any interleaving each sender queues its message once, but for the cancelled ones.

    Their order is that of the calls, and the bounds hold all the time.
    """
    queue = make_queue()
    senders: list[Sender] = []
    left: list[int] = []
    for what, count in steps:
        match what:
            case "send":
                terms = SendTerms(on_settled=partial(note_departure, left, len(senders)))
                senders.append(start(queue, "x" * count, terms=terms))
            case "cancel":
                for sender in senders[len(senders) - 1 - count : len(senders) - count]:
                    sender.cancel()
            case "take":
                for _ in range(count):
                    take(queue)
            case "clear":
                queue.clear()
            case _:
                await turns(count)
        assert len(queue) <= MAX_MESSAGES
        assert queue.size_bytes <= MAX_BYTES
    await turns()
    while not all(sender.done() for sender in senders) or len(queue):
        assert take(queue) is not None, "somebody waits though the queue is empty"
        await turns()
    assert left == [number for number, sender in enumerate(senders) if not sender.cancelled()]
    assert (queue.blocked_count, queue.size_bytes) == (0, 0)


async def test_rule_33_blocked_senders_go_on_in_order() -> None:
    """Each message that leaves lets in one sender, the one that waits longest."""
    queue = make_queue(max_messages=1)
    senders = [start(queue, name) for name in "abc"]
    await turns()
    assert [sender.done() for sender in senders] == [True, False, False]
    assert queue.blocked_count == 2
    assert [take(queue), take(queue)] == ["a", None]
    await turns()
    assert [sender.done() for sender in senders] == [True, True, False]
    assert take(queue) == "b"
    await turns()
    assert take(queue) == "c"


async def test_rule_33_a_small_message_does_not_overtake_a_large_one() -> None:
    """Where there is room for the second but not for the first sender, both wait."""
    queue = make_queue()
    queue.push("xxxx")
    large, small = start(queue, "yyyyy"), start(queue, "z")
    await turns()
    assert not large.done()
    assert not small.done()
    with pytest.raises(QueueFullError):
        queue.push("")
    take(queue)
    await turns()
    assert queue.clear() == ["yyyyy", "z"]


async def test_rule_33_a_sender_cancelled_with_its_wake_up_on_the_way_passes_it_on() -> None:
    """Room was made and reserved for it, then it was cancelled: the next sender gets the room."""
    queue = make_queue(max_messages=1)
    queue.push("first")
    cancelled, next_one = start(queue, "b"), start(queue, "c")
    await turns()
    take(queue)
    cancelled.cancel()
    await turns()
    assert cancelled.cancelled()
    assert (await next_one).result == "queued"
    assert queue.clear() == ["c"]


async def test_rule_33_a_sender_cancelled_in_the_turn_in_which_room_comes_gets_none() -> None:
    """It is still in the line, but the room goes to the one behind it."""
    queue = make_queue(max_messages=1)
    queue.push("first")
    cancelled, next_one = start(queue, "b"), start(queue, "c")
    await turns()
    cancelled.cancel()
    take(queue)
    assert (await next_one).result == "queued"
    assert queue.clear() == ["c"]


async def test_rule_33_nobody_slips_in_before_a_sender_whose_wake_up_is_on_the_way() -> None:
    """The room is reserved: neither a plain push nor a new sender gets it."""
    queue = make_queue(max_messages=1)
    queue.push("first")
    blocked = start(queue, "b")
    await turns()
    take(queue)
    with pytest.raises(QueueFullError):
        queue.push("cheeky")
    await blocked
    assert queue.clear() == ["b"]


@pytest.mark.looptime
async def test_rule_33_waiting_for_room_ends_in_time() -> None:
    """After the time limit the sender gets an error that says so, and the next one is served."""
    queue = make_queue(max_messages=1)
    queue.push("first")
    impatient = start(queue, "b", timeout_seconds=5.0)
    patient = start(queue, "c")
    with pytest.raises(QueueFullError, match=r"cannot take 1 bytes more after waiting for 5 s"):
        await impatient
    assert asyncio.get_running_loop().time() == 5
    take(queue)
    await patient
    assert queue.clear() == ["c"]


@pytest.mark.looptime
async def test_rule_33_a_sender_whose_time_is_over_makes_way_for_a_smaller_one() -> None:
    """The large message at the head of the line gives up; the small one behind it fits already."""
    queue = make_queue()
    queue.push("xxxx")
    large = start(queue, "yyyyy", timeout_seconds=5.0)
    small = start(queue, "z")
    with pytest.raises(QueueFullError):
        await large
    await small
    assert queue.clear() == ["xxxx", "z"]


@pytest.mark.looptime
async def test_rule_33_room_and_time_limit_in_one_turn_queue_the_message_once() -> None:
    """If room comes just before the limit the sender has it, though its timer fires as well."""
    queue = make_queue(max_messages=1)
    queue.push("first")
    loop = asyncio.get_running_loop()
    loop.call_at(5.0, take, queue)
    blocked = start(queue, "b", timeout_seconds=5.0)
    assert (await blocked).result == "queued"
    assert queue.clear() == ["b"]


@pytest.mark.looptime
@pytest.mark.parametrize("seconds", [None, 7.0])
async def test_rule_36_the_time_to_live_counts_while_waiting_for_room(
    seconds: float | None,
) -> None:
    """A message that expires before there is room is never queued, and its sender is told."""
    queue = make_queue(max_messages=1)
    queue.push("first")
    terms = SendTerms(ttl_seconds=5.0)
    entry = await start(queue, "b", timeout_seconds=seconds, terms=terms)
    assert asyncio.get_running_loop().time() == 5
    assert (entry.result, queue.expired_count, queue.dropped_count) == ("expired", 1, 0)
    assert queue.clear() == ["first"]


@pytest.mark.looptime
async def test_rule_36_expired_messages_make_room_for_blocked_senders() -> None:
    """The owner expires them when their time is over, and whoever waits goes on."""
    queue = make_queue(max_messages=1)
    queue.push("mortal", terms=SendTerms(ttl_seconds=5.0))
    blocked = start(queue, "b")
    await turns()
    due_at = queue.next_expiry_at()
    assert due_at is not None
    assert due_at == 5.0
    asyncio.get_running_loop().call_at(due_at, queue.expire)
    assert (await blocked).result == "queued"
    assert queue.clear() == ["b"]


async def test_rule_36_a_volatile_message_does_not_wait_for_room() -> None:
    """Without a link, or without room, it is dropped at once; with both it is queued."""
    queue = make_queue(max_messages=1)
    volatile = SendTerms(is_volatile=True)
    assert (await queue.push_when_room("a", terms=volatile)).result == "dropped"
    queue.set_connected(True)
    assert (await queue.push_when_room("b", terms=volatile)).result == "queued"
    assert (await queue.push_when_room("c", terms=volatile)).result == "dropped"
    assert queue.take_dropped() == (2, "volatile")


async def test_rule_33_a_message_larger_than_the_bound_does_not_wait() -> None:
    """There will never be room for it, so it is refused at once."""
    with pytest.raises(QueueFullError):
        await make_queue().push_when_room("x" * (MAX_BYTES + 1))


async def test_rule_33_with_another_policy_nobody_waits() -> None:
    """The awaitable way in follows the policy of the queue, whichever it is."""
    queue = OutboundQueue(max_messages=1, max_bytes=9, overflow="drop_newest")
    assert (await queue.push_when_room("a")).result == "queued"
    assert (await queue.push_when_room("b")).result == "dropped"


async def test_rule_33_without_buffering_a_sender_waits_for_somebody_to_take_its_message() -> None:
    """With room for 0 messages, one sender goes on each time that the writer stands ready."""
    queue = make_queue(max_messages=0)
    first, second, third = (start(queue, name) for name in "abc")
    await turns()
    assert queue.blocked_count == 3
    queue.offer_room()
    first.cancel()
    await turns()
    assert (second.done(), third.done()) == (True, False)
    assert take(queue) == "b"
    await turns()
    assert not third.done()
    queue.offer_room()
    await third
    assert take(queue) == "c"
    assert (await queue.push_when_room("d", is_taken_at_once=True)).result == "queued"


async def test_rule_38_blocked_senders_get_an_error_when_the_connection_ends() -> None:
    """Each gets one of its own; what was queued is kept, and later senders can wait again."""
    queue = make_queue(max_messages=1)
    queue.push("kept")
    senders = [start(queue, "b"), start(queue, "c")]
    await turns()
    queue.stop_waiting(lambda: ConnectionFatalError("gone"))
    errors = await asyncio.gather(*senders, return_exceptions=True)
    assert [repr(error) for error in errors] == ["ConnectionFatalError('gone')"] * 2
    assert errors[0] is not errors[1]
    later = start(queue, "d")
    await turns()
    assert take(queue) == "kept"
    await later


async def test_rule_38_closing_turns_away_even_a_sender_whose_wake_up_is_on_the_way() -> None:
    """A closed queue takes nothing: no blocked sender is left without an answer."""
    queue = make_queue(max_messages=1)
    queue.push("first")
    let_in, blocked = start(queue, "b"), start(queue, "c")
    await turns()
    take(queue)
    queue.close()
    for sender in (let_in, blocked):
        with pytest.raises(ConnectionClosedError):
            await sender
    assert (len(queue), queue.blocked_count) == (0, 0)


async def test_rule_38_a_cancelled_sender_can_be_turned_away_as_well() -> None:
    """Ending the connection in the turn in which a sender is cancelled disturbs nobody."""
    queue = make_queue(max_messages=0)
    cancelled, blocked = start(queue, "a"), start(queue, "b")
    await turns()
    cancelled.cancel()
    queue.stop_waiting(lambda: ConnectionFatalError("gone"))
    with pytest.raises(ConnectionFatalError):
        await blocked
    with pytest.raises(asyncio.CancelledError):
        await cancelled


@pytest.mark.parametrize("wrong", [None, "", "RAISE", 1, ["raise"]])
def test_rule_33_what_is_no_policy_is_refused(wrong: object) -> None:
    """Also what is no text."""
    with pytest.raises(ValueError, match="overflow must be one of 'raise', "):
        check_overflow_policy(wrong)
