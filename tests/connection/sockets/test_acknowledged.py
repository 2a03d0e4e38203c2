"""Messages that the peer acknowledges, over sockets: rule 40.

What belongs here: what arrives, and how often.  What does not:
greetings and new beginnings, see `test_resume`, and the futures, see `test_acknowledged_futures`.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import pytest

from refold.actions.connection import ConnectionLostAndRetryScheduled, ConnectionOpened
from refold.actions.websocket_messages import BadMessageReceived
from refold.errors import AckTimeoutError, QueueFullError
from refold.middleware.acknowledgements import Acknowledgements
from refold.middleware.message_handlers import MessageHandlers
from refold.middleware.websocket_options import WebSocketOptions
from refold.reducers.connection import ConnectionStatus
from tests.connection.foreign.programs import run_program
from tests.connection.sockets import acknowledging_server
from tests.connection.sockets.acknowledging import (
    ACKS,
    Acknowledged,
    AcknowledgingPeer,
    id_of_typed_ack,
    match,
    wants_ack,
    wrap,
)
from tests.connection.sockets.peers import Wire, peer
from tests.connection.sockets.running import FAST, Scene, eventually, running

if TYPE_CHECKING:
    from refold.middleware.delivery import Delivery

QUIET = WebSocketOptions(heartbeat_interval=None)
"""Durations for virtual time, without pings."""


def is_acked(delivery: Delivery) -> bool:
    """Return whether the peer acknowledged it."""
    return delivery.future.done() and delivery.future.exception() is None


def pending(deliveries: list[Delivery]) -> int:
    """Return how many are neither acknowledged nor failed."""
    return sum(not delivery.future.done() for delivery in deliveries)


async def send_numbers(scene: Scene, count: int, most_pending: int) -> list[Delivery]:
    """Send 0, 1, ... as fast as the queue takes them; check the bound at each one."""
    deliveries: list[Delivery] = []
    while len(deliveries) < count:
        try:
            deliveries.append(scene.connection.send(len(deliveries), ack=True))
        except QueueFullError:
            await asyncio.sleep(0.001)
        assert pending(deliveries) <= most_pending
    return deliveries


@pytest.mark.parametrize("seed", range(4))
async def test_rule_40_none_of_1000_is_lost_over_20_kills(seed: int) -> None:
    """Rule 40: 1,000 distinct messages arrive in their order, the link being reset 20 times."""
    dice = random.Random(seed)  # noqa: S311  # no secret
    kill_at = set(dice.sample(range(1, 990), 20))
    far_end, kills = AcknowledgingPeer(), 0

    def maybe_kill(wire: Wire) -> None:
        nonlocal kills
        if len(far_end.first_seen) in kill_at and not wire.writer.transport.is_closing():
            kill_at.discard(len(far_end.first_seen))
            kills += 1
            wire.reset()

    if seed % 2:
        far_end.before_ack = maybe_kill
    else:
        far_end.after_ack = maybe_kill
    options = attrs.evolve(FAST, max_queue=100)
    acks = Acknowledgements(wrap, match, window=16)
    async with (
        peer(far_end) as server,
        running(server.url, options=options, acknowledgements=acks) as scene,
    ):
        async with asyncio.timeout(30):
            deliveries = await send_numbers(scene, 1000, 100 + 16)
            await asyncio.gather(*(delivery.future for delivery in deliveries))
        assert (kills, server.accepted, scene.state.total_connects) == (20, 21, 21)
        opened = scene.trace.of(ConnectionOpened)
        lost = scene.trace.of(ConnectionLostAndRetryScheduled)
    assert list(far_end.first_seen.values()) == list(range(1000))
    assert list(far_end.first_seen) == [delivery.ack_id for delivery in deliveries]
    assert max(told.unacked_count for told in [*opened, *lost]) <= 100 + 16
    assert any(told.unacked_count > 0 for told in lost)
    for link in far_end.links:
        assert [it["body"] for it in link] == sorted(it["body"] for it in link)


async def test_rule_40_none_of_1000_is_lost_over_20_kills_of_the_process(tmp_path: Path) -> None:
    """Rule 40: a server process ended 20 times by SIGKILL has all 1,000 in its file, in order."""
    book = tmp_path / "book.jsonl"
    dice = random.Random(20)  # noqa: S311  # no secret
    port = 0
    deliveries: list[Delivery] = []

    def command() -> list[str]:
        return [sys.executable, str(acknowledging_server.__file__), str(port), str(book)]

    acks = Acknowledgements(wrap, match, window=8)
    async with running(
        lambda: f"ws://127.0.0.1:{port or 1}/", acknowledgements=acks, connects_at_once=False
    ) as scene:
        for batch in range(21):
            async with run_program(command()) as program:
                port = (await program.wait_for(lambda line: "port" in line))["port"]
                await scene.connection.connect()
                await scene.until(lambda state, n=batch + 1: state.total_connects == n)  # type: ignore[misc]  # bound now
                count = 50 if batch < 20 else 0
                deliveries += [
                    scene.connection.send(batch * 50 + number, ack=True) for number in range(count)
                ]
                last = batch * 50 + dice.randrange(49) if batch < 20 else len(deliveries) - 1
                await eventually(deliveries[last].future.done, 10)
                # leaving the block kills the process
        await asyncio.wait_for(asyncio.gather(*(it.future for it in deliveries)), 10)
        assert scene.state.total_connects == 21
    assert len(deliveries) == 1000
    lines = [json.loads(line) for line in book.read_text().splitlines()]
    assert [it["body"] for it in lines] == list(range(1000))
    assert [it["id"] for it in lines] == [it.ack_id for it in deliveries]


@pytest.mark.looptime
async def test_rule_40_without_an_answer_a_message_is_resent_and_then_fails() -> None:
    """Rule 40: on one link it is sent 1 + 3 times, 30 s apart, and fails after 120 s."""
    far_end = AcknowledgingPeer(acknowledges=False)
    loop = asyncio.get_running_loop()
    async with (
        peer(far_end) as server,
        running(server.url, options=QUIET, acknowledgements=ACKS) as scene,
    ):
        await scene.connection.connect(wait=True)
        begun = loop.time()
        delivery = scene.connection.send("anybody?", ack=True)
        with pytest.raises(AckTimeoutError) as raised:
            await delivery.future
        assert loop.time() - begun == pytest.approx(120, abs=1)
        assert raised.value.ack_id == delivery.ack_id
        await asyncio.sleep(1000)
        assert far_end.links == [[{"id": delivery.ack_id, "body": "anybody?"}] * 4]
        assert scene.state.status is ConnectionStatus.CONNECTED


@pytest.mark.looptime
@pytest.mark.parametrize("max_resends", [0, 1, 5])
async def test_rule_40_the_number_of_resends_can_be_chosen(max_resends: int) -> None:
    """Rule 40: `max_resends` counts the repetitions; 0 means that it is sent once."""
    far_end = AcknowledgingPeer(acknowledges=False)
    acks = Acknowledgements(wrap, match, timeout=2.5, max_resends=max_resends)
    loop = asyncio.get_running_loop()
    async with (
        peer(far_end) as server,
        running(server.url, options=QUIET, acknowledgements=acks) as scene,
    ):
        await scene.connection.connect(wait=True)
        begun = loop.time()
        with pytest.raises(AckTimeoutError):
            await scene.connection.send("anybody?", ack=True).future
        assert loop.time() - begun == pytest.approx(2.5 * (max_resends + 1), abs=0.1)
        assert len(far_end.received) == max_resends + 1


@pytest.mark.looptime
async def test_rule_40_a_message_that_fails_makes_room_in_the_window() -> None:
    """Rule 40: at most a window is in flight, and what fails lets the next one leave."""
    far_end = AcknowledgingPeer(acknowledges=False)
    acks = Acknowledgements(wrap, match, window=2, timeout=10, max_resends=0)
    async with (
        peer(far_end) as server,
        running(server.url, options=QUIET, acknowledgements=acks) as scene,
    ):
        await scene.connection.connect(wait=True)
        deliveries = [scene.connection.send(number, ack=True) for number in range(5)]
        await asyncio.sleep(5)
        assert [it["body"] for it in far_end.received] == [0, 1]
        await asyncio.sleep(10)
        assert [it["body"] for it in far_end.received] == [0, 1, 2, 3]
        far_end.acknowledge(deliveries[2].ack_id)
        await deliveries[2].future
        await asyncio.sleep(1)
        assert [it["body"] for it in far_end.received] == [0, 1, 2, 3, 4]
        for failed in deliveries[:2]:
            assert isinstance(failed.future.exception(), AckTimeoutError)


@pytest.mark.looptime
async def test_rule_40_a_new_link_begins_the_resends_anew() -> None:
    """Rule 40: resends are counted on one link; after a reconnect there are 3 again."""
    far_end = AcknowledgingPeer(acknowledges=False)
    async with (
        peer(far_end) as server,
        running(server.url, options=QUIET, acknowledgements=ACKS) as scene,
    ):
        await scene.connection.connect(wait=True)
        delivery = scene.connection.send("anybody?", ack=True)
        await asyncio.sleep(95)
        far_end.break_link()
        with pytest.raises(AckTimeoutError):
            await delivery.future
        assert [len(link) for link in far_end.links] == [4, 4]


async def test_rule_35_plain_and_acknowledged_messages_keep_one_order() -> None:
    """Rule 35: a full window holds back what was sent later, so that nothing overtakes."""
    far_end = AcknowledgingPeer()
    acks = Acknowledgements(wrap, match, window=1)
    async with (
        peer(far_end) as server,
        running(server.url, acknowledgements=acks) as scene,
    ):
        for number in range(20):
            scene.connection.send(number, ack=True)
            scene.connection.send(f'"plain {number}"')
        await eventually(lambda: len(far_end.received) == 40, 5)
    order = [it["body"] if wants_ack(it) else it for it in far_end.received]
    assert order == [it for number in range(20) for it in (number, f"plain {number}")]


async def test_rule_40_typed_messages_acknowledge_and_reach_their_handlers() -> None:
    """Rule 40: with handlers, `match` gets the decoded message, and the handlers get it too."""
    far_end = AcknowledgingPeer()
    handlers, typed, matched = MessageHandlers(), list[Acknowledged](), list[object]()
    raw: list[str | bytes] = []

    def note_and_match(decoded: object) -> str | None:
        matched.append(decoded)
        return id_of_typed_ack(decoded)

    handlers.on(Acknowledged, typed.append)
    acks = Acknowledgements(wrap, note_and_match)
    async with (
        peer(far_end) as server,
        running(
            server.url, acknowledgements=acks, handlers=handlers, on_message=raw.append
        ) as scene,
    ):
        deliveries = [scene.connection.send(number, ack=True) for number in range(10)]
        await asyncio.gather(*(it.future for it in deliveries))
        await eventually(lambda: len(typed) == 10, 5)
        expected = [Acknowledged(it.ack_id) for it in deliveries]
        assert typed == expected == matched
        assert len(raw) == 10
        far_end.say(type="tests.sockets.nobody_declared_this")
        await scene.until(lambda state: state.bad_message_count == 1)
        assert len(scene.trace.of(BadMessageReceived)) == 1
        await scene.connection.send("still works", ack=True).future


async def test_rule_40_a_typed_ack_acknowledges_without_a_handler_for_it() -> None:
    """Rule 40: nobody needs to handle the type of the acknowledgement."""
    far_end = AcknowledgingPeer()
    acks = Acknowledgements(wrap, id_of_typed_ack)
    async with (
        peer(far_end) as server,
        running(server.url, acknowledgements=acks, handlers=MessageHandlers()) as scene,
    ):
        await asyncio.wait_for(scene.connection.send("a", ack=True).future, 5)
        assert scene.state.bad_message_count == 0


async def test_rule_40_raw_acks_go_on_to_on_message() -> None:
    """Rule 40: every message goes on, acknowledgement or not."""
    far_end = AcknowledgingPeer()
    heard: list[str | bytes] = []
    async with (
        peer(far_end) as server,
        running(server.url, acknowledgements=ACKS, on_message=heard.append) as scene,
    ):
        delivery = scene.connection.send("a", ack=True)
        await delivery.future
        far_end.say(type="something else")
        await eventually(lambda: len(heard) == 2, 5)
        assert match(heard[0]) == delivery.ack_id


async def test_rule_40_ids_are_unique_and_wrapped_once() -> None:
    """Rule 40: `wrap` is called once per message, at the call, however often that is sent."""
    far_end = AcknowledgingPeer(acknowledges=False)
    wrapped: list[str] = []

    def note_and_wrap(ack_id: str, payload: object) -> object:
        wrapped.append(ack_id)
        return wrap(ack_id, payload)

    acks = Acknowledgements(note_and_wrap, match, timeout=0.02, max_resends=5)
    async with (
        peer(far_end) as server,
        running(server.url, acknowledgements=acks, connects_at_once=False) as scene,
    ):
        deliveries = [scene.connection.send("same", ack=True) for _ in range(3)]
        assert wrapped == [it.ack_id for it in deliveries]
        await scene.connection.connect()
        await eventually(lambda: len(far_end.received) >= 6, 5)
        assert len(wrapped) == 3
        assert len(set(wrapped)) == 3
    for delivery in deliveries:
        assert not is_acked(delivery)
