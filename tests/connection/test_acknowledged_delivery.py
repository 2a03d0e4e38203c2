"""`AcknowledgedDelivery`: at least once, in order, within bounds; rules 40 and 41.

What belongs here: the bookkeeping, case by case.  What does not: random faults, see
`test_delivery_to_an_unreliable_peer`; and sockets.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from refold.errors import (
    AckTimeoutError,
    ConnectionFatalError,
    InvalidPayloadError,
    NotDeliveredError,
)
from refold.middleware.acknowledged_delivery import AcknowledgedDelivery
from refold.middleware.outbound_queue import OutboundQueue, OverflowPolicy
from tests.connection.delivery_scene import Scene

if TYPE_CHECKING:
    from collections.abc import Generator


@pytest.fixture
def loop() -> Generator[asyncio.AbstractEventLoop]:
    """Give a loop for futures; it runs only when a test says so."""
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.fixture
def scene(loop: asyncio.AbstractEventLoop) -> Scene:
    """Give an open link with room for two in flight and three that wait."""
    return Scene(loop)


def test_rule_40_the_window_is_not_one_and_not_more_than_said(scene: Scene) -> None:
    """Two leave without an answer, the third waits for one; then it is said that it may leave."""
    for _ in range(3):
        scene.send()
    assert scene.write_all() == ["1:hello", "2:hello"]
    assert (scene.delivery.in_flight_count, scene.delivery.unacked_count) == (2, 3)
    wakes = scene.wakes
    assert scene.delivery.on_ack("2")
    assert scene.wakes > wakes
    assert scene.write_all() == ["3:hello"]


def test_rule_35_a_plain_message_does_not_overtake_one_that_waits_for_the_window(
    scene: Scene,
) -> None:
    """There is one order for both kinds; a plain message needs no answer and no window."""
    scene.queue.push("plain")
    scene.send()
    scene.send()
    assert scene.write_all() == ["plain", "1:hello", "2:hello"]
    scene.send()
    scene.queue.push("later")
    assert scene.write_all() == []
    scene.delivery.on_ack("1")
    assert scene.write_all() == ["3:hello", "later"]


def test_rule_40_after_a_loss_all_unacknowledged_come_first_in_order(scene: Scene) -> None:
    """With the same ids, before what waited, though the second had been answered already."""
    scene = Scene(scene.loop, window=3)
    for _ in range(3):
        scene.send()
    scene.write_all()
    scene.delivery.on_ack("2")
    scene.send()
    scene.lose_the_link()
    assert scene.delivery.next_deadline() is None
    assert scene.write_all() == ["1:hello", "3:hello", "4:hello"]


def test_rule_40_a_late_answer_means_another_try_and_three_mean_the_end(scene: Scene) -> None:
    """30 s without an answer send it again on the same link; after 3 times it fails."""
    delivery = scene.send()
    scene.write_all()
    for _ in range(3):
        assert scene.delivery.next_deadline() == scene.now + 30
        scene.now += 29.9
        assert scene.delivery.due() == []
        scene.now += 0.1
        assert scene.delivery.due() == [delivery.entry]
        assert scene.delivery.next_deadline() is None
        assert scene.delivery.due() == []
        assert scene.write_all() == ["1:hello"]
    scene.now += 30
    assert scene.delivery.due() == []
    with pytest.raises(AckTimeoutError, match=r"sent 4 times on one link, within 30 s each") as e:
        delivery.future.result()
    assert e.value.ack_id == "1"
    assert (scene.delivery.timed_out_count, scene.delivery.unacked_count) == (1, 0)
    assert scene.write_all() == []


def test_rule_40_a_new_link_gives_a_message_all_its_tries_again(scene: Scene) -> None:
    """Tries are counted per link."""
    delivery = scene.send()
    scene.write_all()
    for _ in range(3):
        scene.now += 30
        scene.delivery.due()
        scene.write_all()
    scene.lose_the_link()
    scene.write_all()
    scene.now += 30
    assert scene.delivery.due(scene.now) == [delivery.entry]


def test_rule_40_what_is_sent_again_goes_before_what_is_new_and_in_order(scene: Scene) -> None:
    """Though the second was late first."""
    scene.send()
    scene.send()
    scene.queue.push("new")
    first = scene.delivery.next_to_send()
    assert first is not None
    scene.delivery.on_sent(first)
    scene.now = 10.0
    second = scene.delivery.next_to_send()
    assert second is not None
    scene.delivery.on_sent(second)
    scene.now = 30.0
    scene.delivery.due()
    assert scene.write_all() == ["1:hello", "new"]
    scene.now = 40.0
    scene.delivery.due()
    scene.now = 60.0
    scene.delivery.due()
    assert scene.write_all() == ["1:hello", "2:hello"]


def test_rule_41_the_future_is_done_when_the_peer_has_the_message(scene: Scene) -> None:
    """Handing it to a socket is not enough."""
    delivery = scene.send()
    scene.write_all()
    assert not delivery.future.done()
    assert delivery.entry.result == "handed_to_socket"
    assert scene.delivery.on_ack("1")
    assert delivery.future.result() is None


@pytest.mark.parametrize("wrong", ["1", "2", "", None, 1, ["1"], {"id": "1"}])
def test_rule_41_an_answer_that_nobody_waits_for_is_counted_and_ignored(
    scene: Scene, wrong: object
) -> None:
    """Late, twice, unknown, not sent yet, or of a type that is none: nothing else happens."""
    early = scene.send()
    assert not scene.delivery.on_ack(wrong)
    assert scene.delivery.ignored_ack_count == 1
    assert not early.future.done()
    scene.write_all()
    assert scene.delivery.on_ack("1")
    assert not scene.delivery.on_ack("1")
    assert (scene.delivery.ignored_ack_count, scene.delivery.acked_count) == (2, 1)


def test_rule_41_an_answer_may_come_before_the_write_returns(scene: Scene) -> None:
    """The message is delivered, whatever becomes of the write: it is not sent again."""
    delivery = scene.send()
    entry = scene.delivery.next_to_send()
    assert entry is delivery.entry
    assert scene.delivery.on_ack("1")
    assert delivery.future.done()
    assert delivery.entry.result == "handed_to_socket"
    scene.lose_the_link()
    assert scene.write_all() == []


def test_rule_41_an_answer_may_come_on_the_next_link_after_a_failed_write(scene: Scene) -> None:
    """The peer had it all though the write failed: it waits no longer, and is not sent again."""
    delivery = scene.send()
    scene.delivery.next_to_send()
    scene.lose_the_link()
    assert scene.delivery.on_ack("1")
    assert delivery.future.done()
    assert scene.write_all() == []
    assert len(scene.queue) == 0


@pytest.mark.parametrize("runs_callbacks", [True, False])
@pytest.mark.parametrize("stage", ["waits", "in flight", "late", "to be sent again"])
def test_rule_41_cancelling_the_future_stops_sending(
    scene: Scene,
    stage: str,
    runs_callbacks: bool,  # noqa: FBT001  # a parameter
) -> None:
    """Wherever the message is, it is not written again, and its place in the window is free."""
    delivery = scene.send()
    if stage != "waits":
        scene.write_all()
    if stage == "late":
        scene.now = 30.0
    if stage == "to be sent again":
        scene.lose_the_link()
    delivery.future.cancel()
    if runs_callbacks:
        scene.let_callbacks_run()
    assert scene.delivery.due() == []
    assert scene.write_all() == []
    scene.let_callbacks_run()
    assert scene.delivery.unacked_count == 0
    assert scene.delivery.next_deadline() is None
    assert (scene.delivery.timed_out_count, len(scene.queue)) == (0, 0)


def test_rule_41_a_message_cancelled_while_it_is_written_is_not_written_again(
    scene: Scene,
) -> None:
    """If that write fails, it was the last."""
    delivery = scene.send()
    scene.delivery.next_to_send()
    delivery.future.cancel()
    scene.let_callbacks_run()
    scene.lose_the_link()
    assert scene.write_all() == []
    assert len(scene.queue) == 0


def test_rule_41_an_answer_to_a_cancelled_message_harms_nobody(scene: Scene) -> None:
    """It may come before the cancellation is noticed."""
    delivery = scene.send()
    scene.write_all()
    delivery.future.cancel()
    assert scene.delivery.on_ack("1")
    scene.let_callbacks_run()
    assert scene.delivery.unacked_count == 0


@pytest.mark.parametrize("overflow", ["drop_oldest", "drop_newest"])
def test_rule_38_a_dropped_message_fails_its_future(
    loop: asyncio.AbstractEventLoop, overflow: OverflowPolicy
) -> None:
    """Whichever is dropped, its sender is told, and nothing is left of it."""
    scene = Scene(loop, max_messages=1, overflow=overflow)
    deliveries = [scene.send(), scene.send()]
    dropped, kept = deliveries if overflow == "drop_oldest" else deliveries[::-1]
    with pytest.raises(NotDeliveredError, match="was dropped before the peer") as caught:
        dropped.future.result()
    assert caught.value.result == "dropped"
    assert not kept.future.done()
    assert scene.delivery.unacked_count == 1


def test_rule_36_an_expired_message_is_not_sent_again(scene: Scene) -> None:
    """Its time to live counts in the queue, on the same link, and from one link to the next."""
    in_queue, on_link = scene.send(ttl_seconds=5.0), scene.send(ttl_seconds=40.0)
    scene.now = 5.0
    assert scene.write_all() == ["2:hello"]
    scene.now = 35.0
    assert scene.delivery.due() == [on_link.entry]
    assert scene.delivery.next_deadline() == 40.0
    scene.now = 40.0
    assert scene.delivery.due() == []
    for delivery in (in_queue, on_link):
        with pytest.raises(NotDeliveredError, match="was expired"):
            delivery.future.result()
    across_links = scene.send(ttl_seconds=5.0)
    scene.write_all()
    scene.now = 45.0
    scene.lose_the_link()
    assert scene.write_all() == []
    assert across_links.future.done()
    assert (scene.queue.expired_count, scene.delivery.expired_count) == (1, 2)


def test_rule_38_the_end_of_the_connection_is_told_and_keeps_the_messages(scene: Scene) -> None:
    """Each future gets an error of its own; connected again, the messages are sent after all."""
    deliveries = [scene.send(), scene.send()]
    scene.write()
    scene.delivery.on_link_lost()
    scene.delivery.on_ended(lambda: ConnectionFatalError("gone"))
    errors = [delivery.future.exception() for delivery in deliveries]
    assert [type(error) for error in errors] == [ConnectionFatalError] * 2
    assert errors[0] is not errors[1]
    scene.delivery.on_ended(lambda: ConnectionFatalError("gone again"))
    assert [delivery.future.exception() for delivery in deliveries] == errors
    scene.queue.set_connected(True)
    assert scene.write_all() == ["1:hello", "2:hello"]
    assert scene.delivery.on_ack("1")
    assert scene.delivery.on_ack("2")
    assert scene.delivery.unacked_count == 0


def test_rule_36_clearing_returns_the_unacknowledged_too(scene: Scene) -> None:
    """In order: what is in flight, then what waits; the futures tell."""
    deliveries = [scene.send() for _ in range(3)]
    scene.write_all()
    scene.queue.push("plain")
    assert scene.delivery.clear() == ["1:hello", "2:hello", "3:hello", "plain"]
    for delivery in deliveries:
        with pytest.raises(NotDeliveredError, match="was cleared"):
            delivery.future.result()
    scene.lose_the_link()
    assert scene.write_all() == []
    assert scene.delivery.unacked_count == 0


def test_rule_34_a_message_that_cannot_be_made_leaves_nothing_behind(
    loop: asyncio.AbstractEventLoop,
) -> None:
    """The error of the encoder goes to the caller, and the id is free again."""
    scene = Scene(loop, new_id=lambda: "same")

    def refuse(_ack_id: str) -> str:
        error = "no"
        raise InvalidPayloadError(error, path="payload")

    with pytest.raises(InvalidPayloadError):
        scene.delivery.push(refuse)
    assert (scene.delivery.unacked_count, len(scene.queue)) == (0, 0)
    assert scene.send().ack_id == "same"


def test_rule_40_an_id_that_is_in_use_is_refused(loop: asyncio.AbstractEventLoop) -> None:
    """Two messages with one id could not be told apart; afterwards the id is free again."""
    scene = Scene(loop, new_id=lambda: "same")
    scene.send()
    with pytest.raises(ValueError, match="'same', which is in use"):
        scene.send()
    scene.write_all()
    assert scene.delivery.on_ack("same")
    scene.send()


async def test_rule_33_an_acknowledged_message_can_wait_for_room() -> None:
    """With the policy ``block`` it gets its place in order; a cancelled sender leaves nothing."""
    scene = Scene(asyncio.get_running_loop(), max_messages=1, overflow="block")
    scene.send()

    def encode(ack_id: str) -> str:
        return f"{ack_id}:waited"

    cancelled = asyncio.create_task(scene.delivery.push_when_room(encode))
    waiting = asyncio.create_task(scene.delivery.push_when_room(encode))
    await asyncio.sleep(0)
    cancelled.cancel()
    await asyncio.wait([cancelled])
    assert scene.delivery.unacked_count == 1
    scene.write_all()
    delivery = await waiting
    assert scene.delivery.unacked_count == 2
    assert scene.write_all() == ["3:waited"]
    scene.delivery.on_ack("3")
    await delivery.future


async def test_rule_52_draining_waits_for_the_answers() -> None:
    """Neither an empty queue nor the last answer alone is enough."""
    queue = OutboundQueue(max_messages=9, max_bytes=99)
    delivery = AcknowledgedDelivery(queue)
    await delivery.drained()
    first = delivery.push(lambda ack_id: ack_id)
    assert len(first.ack_id) == 32
    draining = asyncio.create_task(delivery.drained())

    async def turns() -> None:
        for _ in range(3):
            await asyncio.sleep(0)
        assert not draining.done()

    await turns()
    entry = delivery.next_to_send()
    assert entry is not None
    delivery.on_sent(entry)
    await turns()
    queue.push("plain")
    assert delivery.on_ack(first.ack_id)
    await turns()
    entry = delivery.next_to_send()
    assert entry is not None
    delivery.on_sent(entry)
    await asyncio.wait_for(draining, 1)


async def test_rule_50_a_failure_that_nobody_looks_at_is_not_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A sender need not keep the future: asyncio does not complain of an unseen exception."""
    queue = OutboundQueue(max_messages=9, max_bytes=99)
    delivery = AcknowledgedDelivery(queue)
    delivery.push(lambda ack_id: ack_id)
    delivery.clear()
    await asyncio.sleep(0)
    assert caplog.records == []
