"""What who sent an acknowledged message learns, and strange acknowledgements: rules 41 and 45.

What belongs here: the future, its cancellation, and a `match` that misbehaves.  What does not: what
arrives and how often, see `test_acknowledged`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from refold.actions.websocket_messages import MessageHandlerFailed
from refold.errors import AckTimeoutError, ConnectionFatalError
from refold.middleware.acknowledgements import Acknowledgements
from refold.middleware.websocket_options import WebSocketOptions
from refold.reducers.connection import ConnectionStatus
from tests.connection.sockets.acknowledging import (
    ACKS,
    AcknowledgingPeer,
    match,
    wrap,
)
from tests.connection.sockets.peers import peer
from tests.connection.sockets.running import eventually, running

if TYPE_CHECKING:
    from refold.middleware.delivery import Delivery

QUIET = WebSocketOptions(heartbeat_interval=None)
"""Durations for virtual time, without pings."""


def pending(deliveries: list[Delivery]) -> int:
    """Return how many are neither acknowledged nor failed."""
    return sum(not delivery.future.done() for delivery in deliveries)


@pytest.mark.looptime
async def test_rule_41_cancelling_the_future_stops_sending() -> None:
    """Rule 41: a cancelled message is neither resent on its link nor sent on the next one."""
    far_end = AcknowledgingPeer(acknowledges=False)
    async with (
        peer(far_end) as server,
        running(server.url, options=QUIET, acknowledgements=ACKS) as scene,
    ):
        await scene.connection.connect(wait=True)
        delivery = scene.connection.send("never mind", ack=True)
        await eventually(lambda: far_end.received, 5)
        delivery.future.cancel()
        await asyncio.sleep(200)
        far_end.break_link()
        await scene.until(lambda state: state.total_connects == 2, 100)
        await asyncio.sleep(200)
        assert [len(link) for link in far_end.links] == [1, 0]
        assert scene.state.unacked_count == 0
        assert await scene.connection.drain(1) == 0


async def test_rule_41_a_message_cancelled_in_the_queue_is_never_sent() -> None:
    """Rule 41: cancelled before there is a link, it never leaves, and its neighbours do."""
    far_end = AcknowledgingPeer()
    async with (
        peer(far_end) as server,
        running(server.url, acknowledgements=ACKS, connects_at_once=False) as scene,
    ):
        before, cancelled, after = (scene.connection.send(it, ack=True) for it in "abc")
        cancelled.future.cancel()
        await asyncio.sleep(0)
        assert scene.connection.queue_size == 2
        await scene.connection.connect()
        await asyncio.gather(before.future, after.future)
        assert list(far_end.first_seen.values()) == ["a", "c"]


async def test_rule_41_cancelling_who_awaits_the_future_stops_sending_too() -> None:
    """Rule 41: a timeout around the future cancels it, so nothing is left to send."""
    far_end = AcknowledgingPeer(acknowledges=False)
    async with (
        peer(far_end) as server,
        running(server.url, acknowledgements=ACKS) as scene,
    ):
        delivery = scene.connection.send("hurry", ack=True)
        await eventually(lambda: far_end.received, 5)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(delivery.future, 0.01)
        assert await scene.connection.drain(1) == 0
        far_end.break_link()
        await scene.until(lambda state: state.total_connects == 2)
        scene.connection.send('"after"')
        await eventually(lambda: far_end.links[1:] == [["after"]], 5)


async def test_rule_41_late_double_and_unknown_acks_are_ignored_and_counted() -> None:
    """Rule 41: they change no other message, end nothing, and what comes after works."""
    far_end = AcknowledgingPeer(acknowledges=False)
    async with (
        peer(far_end) as server,
        running(server.url, acknowledgements=ACKS) as scene,
    ):
        once, cancelled, open_still = (scene.connection.send(it, ack=True) for it in "abc")
        await eventually(lambda: len(far_end.received) == 3, 5)
        cancelled.future.cancel()
        await asyncio.sleep(0)
        for ack_id in (cancelled.ack_id, "unknown", "", once.ack_id, once.ack_id):
            far_end.acknowledge(ack_id)
        await once.future
        final = scene.connection.send("d", ack=True)
        await eventually(lambda: len(far_end.received) == 4, 5)
        far_end.acknowledge(final.ack_id)
        await final.future
        assert not open_still.future.done()
        assert scene.state.status is ConnectionStatus.CONNECTED
        assert scene.state.error_count == 0
        assert scene.connection.ignored_ack_count == 4


async def test_rule_41_a_late_ack_after_the_timeout_is_ignored() -> None:
    """Rule 41: once the future raised, an acknowledgement changes nothing."""
    far_end = AcknowledgingPeer(acknowledges=False)
    acks = Acknowledgements(wrap, match, timeout=0.02, max_resends=0)
    heard: list[object] = []
    async with (
        peer(far_end) as server,
        running(server.url, acknowledgements=acks, on_message=heard.append) as scene,
    ):
        delivery = scene.connection.send("slow", ack=True)
        with pytest.raises(AckTimeoutError):
            await delivery.future
        far_end.acknowledge(delivery.ack_id)
        await eventually(lambda: len(heard) == 1, 5)
        assert isinstance(delivery.future.exception(), AckTimeoutError)
        assert scene.state.error_count == 0


async def test_rule_41_the_future_raises_what_ended_the_connection() -> None:
    """Rule 41: after a fatal close every waiting future raises, in flight and queued alike."""
    far_end = AcknowledgingPeer(acknowledges=False)
    acks = Acknowledgements(wrap, match, window=1)
    async with (
        peer(far_end) as server,
        running(server.url, acknowledgements=acks) as scene,
    ):
        deliveries = [scene.connection.send(it, ack=True) for it in "ab"]
        await eventually(lambda: far_end.wire and far_end.received, 5)
        assert far_end.wire is not None
        far_end.wire.say_goodbye(1008)
        for delivery in deliveries:
            with pytest.raises(ConnectionFatalError, match="1008"):
                await asyncio.wait_for(delivery.future, 5)


async def test_rule_45_a_match_function_that_raises_is_a_failing_handler() -> None:
    """Rule 45: each failure is counted and told, the message goes on, and the link stays."""
    far_end = AcknowledgingPeer()
    heard: list[str | bytes] = []
    broken = True

    def sometimes(raw: str | bytes) -> str | None:
        if broken:
            text = "no idea"
            raise LookupError(text)
        return match(raw)

    acks = Acknowledgements(wrap, sometimes)
    async with (
        peer(far_end) as server,
        running(server.url, acknowledgements=acks, on_message=heard.append) as scene,
    ):
        unlucky = scene.connection.send("a", ack=True)
        await scene.until(lambda state: state.error_count == 1)
        (failed,) = scene.trace.of(MessageHandlerFailed)
        assert (failed.error_type, failed.message) == ("LookupError", "no idea")
        assert scene.state.last_error is not None
        assert scene.state.last_error.kind == "application"
        assert len(heard) == 1
        assert not unlucky.future.done()
        broken = False
        await scene.connection.send("b", ack=True).future
        far_end.acknowledge(unlucky.ack_id)
        await unlucky.future
        assert server.accepted == 1


@pytest.mark.parametrize("answer", [0, True, b"x", [], {}, 1.5])
async def test_rule_45_a_match_function_that_returns_nonsense_ends_nothing(answer: object) -> None:
    """Rule 45: what is no id acknowledges nothing, and the connection stays."""
    far_end = AcknowledgingPeer()
    heard: list[str | bytes] = []
    answers: Any = answer
    acks = Acknowledgements(wrap, lambda _raw: answers)
    async with (
        peer(far_end) as server,
        running(server.url, acknowledgements=acks, on_message=heard.append) as scene,
    ):
        deliveries = [scene.connection.send(it, ack=True) for it in "ab"]
        await eventually(lambda: len(heard) == 2, 5)
        assert pending(deliveries) == 2
        assert scene.state.status is ConnectionStatus.CONNECTED
        assert server.accepted == 1
