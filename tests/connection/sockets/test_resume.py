"""New links and new beginnings: what goes first, is kept, is told; rules 35, 38, 40, 42, 52.

What belongs here: greetings, reconnects, ends with something left, and replays.  What does not: the
single acknowledged message, see `test_acknowledged`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from refold.actions.connection import (
    ConnectionEnded,
    ConnectionLostAndRetryScheduled,
    ConnectionOpened,
    ConnectionStatus,
    HeartbeatAnswered,
    RecoveryTold,
)
from refold.actions.message import message
from refold.errors import ConnectionFatalError, NotDeliveredError
from refold.middleware.acknowledgements import Acknowledgements
from refold.middleware.message_handlers import MessageHandlers
from refold.middleware.record import record
from refold.replay.canonical_digest import state_digest
from refold.replay.replay import replay
from tests.connection.sockets.acknowledging import ACKS, AcknowledgingPeer, match, wrap
from tests.connection.sockets.peers import CLOSE, TEXT, Wire, peer
from tests.connection.sockets.running import FAST, eventually, root_reducer, running

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from refold.middleware.new_link import NewLink


@message("tests.sockets.numbered")
@attrs.frozen
class Numbered:
    """A message of the peer that carries an id."""

    number: int


def number_of(decoded: Numbered) -> int:
    """Return the id of what the peer sent."""
    return decoded.number


def bodies(link: list[Any]) -> list[Any]:
    """Return what was wrapped, and the rest as it is."""
    return [it["body"] if isinstance(it, dict) else it for it in link]


async def test_rule_35_greeting_then_unacknowledged_then_queued_then_new() -> None:
    """Rule 35: on a new link this is the order, and what is sent in the greeting goes last."""
    far_end = AcknowledgingPeer(acknowledges=False)
    acks = Acknowledgements(wrap, match, window=2)

    async def greet(link: NewLink) -> None:
        await link.send('"hello"')
        if link.is_reconnect:
            scene.connection.send("new", ack=True)
        await link.send('"again"')
        far_end.acknowledges = link.is_reconnect

    async with (
        peer(far_end) as server,
        running(server.url, acknowledgements=acks, on_open=greet) as scene,
    ):
        await scene.connection.connect(wait=True)
        for body in ("unacked 1", "unacked 2", "queued 1"):
            scene.connection.send(body, ack=True)
        scene.connection.send('"queued 2"')
        await eventually(lambda: len(far_end.received) == 4, 5)
        far_end.break_link()
        await eventually(lambda: len(far_end.received) == 4 + 7, 5)
    first, second = far_end.links
    assert bodies(first) == ["hello", "again", "unacked 1", "unacked 2"]
    unacked = ["unacked 1", "unacked 2"]
    assert bodies(second) == ["hello", "again", *unacked, "queued 1", "queued 2", "new"]
    assert [it["id"] for it in first[2:]] == [it["id"] for it in second[2:4]]


async def test_rule_40_disconnecting_keeps_what_is_unacknowledged() -> None:
    """Rule 40: after disconnect and connect the same messages go out with the same ids, first."""
    far_end = AcknowledgingPeer(acknowledges=False)
    acks = Acknowledgements(wrap, match, window=2)
    async with (
        peer(far_end) as server,
        running(server.url, acknowledgements=acks) as scene,
    ):
        deliveries = [scene.connection.send(number, ack=True) for number in range(4)]
        await eventually(lambda: len(far_end.received) == 2, 5)
        await scene.connection.disconnect()
        assert scene.state.unacked_count == 4
        later = scene.connection.send("later", ack=True)
        for delivery in deliveries:
            with pytest.raises(ConnectionFatalError, match="disconnected"):
                await asyncio.wait_for(delivery.future, 5)
        far_end.acknowledges = True
        await scene.connection.connect(wait=True)
        await asyncio.wait_for(later.future, 5)
        assert await scene.connection.drain(5) == 0
    first, second = far_end.links
    assert bodies(first) == [0, 1]
    assert bodies(second) == [0, 1, 2, 3, "later"]
    assert [it["id"] for it in second] == [it.ack_id for it in [*deliveries, later]]
    assert [it["id"] for it in first] == [it["id"] for it in second[:2]]


async def test_rule_52_draining_waits_for_acknowledgements() -> None:
    """Rule 52: it returns 0 only when all are acknowledged, and else how many are not."""
    far_end = AcknowledgingPeer(acknowledges=False)
    acks = Acknowledgements(wrap, match, window=2)
    async with (
        peer(far_end) as server,
        running(server.url, acknowledgements=acks) as scene,
    ):
        deliveries = [scene.connection.send(number, ack=True) for number in range(3)]
        await eventually(lambda: len(far_end.received) == 2, 5)
        assert await scene.connection.drain(0.02) == 3
        draining = asyncio.create_task(scene.connection.drain(10))
        far_end.acknowledge(deliveries[0].ack_id)
        await eventually(lambda: len(far_end.received) == 3, 5)
        assert not draining.done()
        far_end.acknowledge(deliveries[1].ack_id)
        await deliveries[1].future
        assert not draining.done()
        far_end.acknowledge(deliveries[2].ack_id)
        assert await draining == 0
        assert await scene.connection.drain(10) == 0


async def test_rule_52_draining_survives_a_lost_link() -> None:
    """Rule 52: it goes on over a reconnect, until the new link has brought the acknowledgements."""
    far_end = AcknowledgingPeer(acknowledges=False)
    async with peer(far_end) as server, running(server.url, acknowledgements=ACKS) as scene:
        for number in range(10):
            scene.connection.send(number, ack=True)
        await eventually(lambda: len(far_end.received) == 10, 5)
        draining = asyncio.create_task(scene.connection.drain(10))
        await asyncio.sleep(0)
        far_end.acknowledges = True
        far_end.break_link()
        assert await draining == 0
        assert bodies(far_end.links[1]) == list(range(10))


async def test_rule_02_the_unacknowledged_are_counted_in_the_state() -> None:
    """Rule 2: opened, lost, ended and heartbeat actions bring the count of what has no answer."""
    far_end = AcknowledgingPeer(acknowledges=False)
    options = attrs.evolve(FAST, heartbeat_interval=0.02, heartbeat_timeout=5.0)
    async with (
        peer(far_end) as server,
        running(
            server.url, options=options, acknowledgements=ACKS, connects_at_once=False
        ) as scene,
    ):
        for number in range(3):
            scene.connection.send(number, ack=True)
        await scene.connection.connect(wait=True)
        assert scene.state.unacked_count == scene.trace.of(ConnectionOpened)[0].unacked_count == 3
        scene.connection.send(3, ack=True)
        await scene.until(lambda state: state.unacked_count == 4)
        assert scene.trace.of(HeartbeatAnswered)[-1].unacked_count == 4
        far_end.break_link()
        await scene.until(lambda state: state.total_connects == 2)
        (lost,) = scene.trace.of(ConnectionLostAndRetryScheduled)
        assert lost.unacked_count == 4
        assert scene.trace.of(ConnectionOpened)[1].unacked_count == 4
        await eventually(lambda: len(far_end.links[1]) == 4, 5)
        for number in range(3):
            far_end.acknowledge(far_end.links[1][number]["id"])
        await scene.until(lambda state: state.unacked_count == 1)
        await scene.connection.disconnect()
        (ended,) = scene.trace.of(ConnectionEnded)
        assert ended.unacked_count == scene.state.unacked_count == 1


@pytest.mark.parametrize("answer", [True, False, None])
async def test_rule_42_the_greeting_says_whether_it_recovered(answer: bool | None) -> None:  # noqa: FBT001  # a case
    """Rule 42: True and False are told in the state, None is not; it is never assumed."""
    far_end = AcknowledgingPeer()
    seen: list[bool | None] = []

    async def greet(_link: NewLink) -> bool | None:
        seen.append(scene.state.recovered)
        return answer

    async with peer(far_end) as server, running(server.url, on_open=greet) as scene:
        for links in (1, 2):
            await scene.until(lambda state, n=links: state.total_connects == n)  # type: ignore[misc]  # bound now
            await scene.until(lambda state: state.recovered is answer)
            scene.connection.send("1")
            await eventually(lambda n=links: far_end.links[n - 1 :] == [[1]], 5)  # type: ignore[misc]  # as above
            if links == 1:
                far_end.break_link()
        told = [it.recovered for it in scene.trace.of(RecoveryTold)]
        assert told == ([] if answer is None else [answer, answer])
        steps = [step.action for step in scene.trace.steps]
        for number, step in enumerate(steps):
            if isinstance(step, ConnectionOpened) and answer is not None:
                assert isinstance(steps[number + 1], RecoveryTold)
    assert seen[0] is None


@pytest.mark.parametrize("answer", ["yes", 1, 0, object()])
async def test_rule_42_only_true_and_false_say_something(answer: object) -> None:
    """Rule 42: another result of the greeting is taken neither for True nor for False."""
    far_end = AcknowledgingPeer()

    async def greet(_link: NewLink) -> object:
        return answer

    async with peer(far_end) as server, running(server.url, on_open=greet) as scene:
        scene.connection.send("1")
        await eventually(lambda: far_end.received == [1], 5)
        assert scene.state.recovered is None
        assert scene.trace.of(RecoveryTold) == []


async def test_rule_42_a_new_link_knows_nothing_of_the_old_answer() -> None:
    """Rule 42: `recovered` is None again whenever a link opens."""
    far_end = AcknowledgingPeer()
    answers: list[bool | None] = [True, None]

    async def greet(_link: NewLink) -> bool | None:
        return answers.pop(0)

    async with peer(far_end) as server, running(server.url, on_open=greet) as scene:
        await scene.until(lambda state: state.recovered)
        far_end.break_link()
        state = await scene.until(lambda state: state.total_connects == 2)
        assert state.recovered is None


async def test_rule_42_the_greeting_learns_what_arrived_last() -> None:
    """Rule 42: it gets the id of the last message, and whether there was a link before."""
    far_end = AcknowledgingPeer()
    links: list[tuple[bool, object]] = []
    handlers, handled = MessageHandlers(identify=number_of), list[Numbered]()
    handlers.on(Numbered, handled.append)

    async def greet(link: NewLink) -> None:
        links.append((link.is_reconnect, link.last_seen))

    async with (
        peer(far_end) as server,
        running(server.url, on_open=greet, handlers=handlers) as scene,
    ):
        for total in (1, 2, 3):
            await scene.until(lambda state, n=total: state.total_connects == n)  # type: ignore[misc]  # bound now
            for number in (10 * total, 10 * total + 1):
                far_end.say(type="tests.sockets.numbered", number=number)
            await eventually(lambda n=total: len(handled) == 2 * n, 5)  # type: ignore[misc]  # as above
            if total < 3:
                far_end.break_link()
        await scene.connection.disconnect()
        await scene.connection.connect(wait=True)
    assert links == [(False, None), (True, 11), (True, 21), (True, 31)]


async def test_rule_42_what_comes_twice_is_handled_once() -> None:
    """Rule 42: a message whose id was seen, on this link or an earlier one, is not handled."""
    far_end = AcknowledgingPeer()
    handlers, handled = MessageHandlers(identify=number_of), list[Numbered]()
    handlers.on(Numbered, handled.append)
    async with peer(far_end) as server, running(server.url, handlers=handlers) as scene:
        await scene.connection.connect(wait=True)
        for number in (1, 2, 2, 1):
            far_end.say(type="tests.sockets.numbered", number=number)
        await eventually(lambda: len(handled) == 2 and handlers.duplicate_count == 2, 5)
        far_end.break_link()
        await scene.until(lambda state: state.total_connects == 2)
        for number in (2, 3):
            far_end.say(type="tests.sockets.numbered", number=number)
        await eventually(lambda: len(handled) == 3, 5)
    assert [it.number for it in handled] == [1, 2, 3]


async def test_rule_40_a_recorded_run_replays_without_opening_anything(tmp_path: Path) -> None:
    """A log of acknowledged messages over kills gives the same digest, and no peer hears of it."""
    path = tmp_path / "run.jsonl"
    far_end = AcknowledgingPeer()

    async def greet(link: NewLink) -> bool:
        await link.send('"hello"')
        return link.is_reconnect

    async with peer(far_end) as server:
        async with running(
            server.url, middleware=(record(path),), acknowledgements=ACKS, on_open=greet
        ) as scene:
            for total in (1, 2, 3):
                await scene.until(lambda state, n=total: state.total_connects == n)  # type: ignore[misc]  # bound now
                sent = [scene.connection.send(number, ack=True) for number in range(10)]
                await asyncio.gather(*(it.future for it in sent))
                far_end.break_link()
            await scene.until(lambda state: state.total_connects == 4)
            await scene.until(lambda state: state.recovered)
        before = (server.accepted, len(far_end.received))
        live = scene.store.state
        timeline = replay(path, root_reducer)
        timeline.verify()
        assert state_digest(timeline.at(timeline.head)) == state_digest(live)
        assert [it.name for it in timeline.records] == [
            step.action.wire_name for step in scene.trace.steps
        ]
        assert (server.accepted, len(far_end.received)) == before == (4, 34)


@pytest.mark.parametrize("closes_before", [False, True])
async def test_rule_40_an_acknowledgement_just_before_the_goodbye_counts(
    closes_before: bool,  # noqa: FBT001  # a case
) -> None:
    """Rules 40 and 47: what was acknowledged before the link ended is not sent again."""
    links: list[list[bytes]] = []

    async def acks_and_leaves(wire: Wire) -> None:
        await wire.handshake()
        links.append([])
        while True:
            opcode, payload = await wire.receive()
            if opcode == CLOSE:
                return
            links[-1].append(payload)
            ack_id = payload.split(b'"id":"')[1].split(b'"')[0]
            wire.send(TEXT, b'{"type":"tests.sockets.acknowledged","id":"%s"}' % ack_id)
            if payload.endswith(b'"last"}') and len(links) == 1:
                if closes_before:
                    wire.say_goodbye(1012)
                return

    async with (
        peer(acks_and_leaves) as server,
        running(server.url, acknowledgements=ACKS) as scene,
    ):
        deliveries = [scene.connection.send(body, ack=True) for body in ("one", "two", "last")]
        async with asyncio.timeout(5):
            await asyncio.gather(*(it.future for it in deliveries))
        await scene.until(lambda state: state.total_connects == 2)
        await scene.connection.send("next", ack=True).future
        assert [len(link) for link in links] == [3, 1]


@pytest.mark.parametrize("when", ["queued", "in flight"])
async def test_rule_38_clearing_the_queue_tells_who_waits(when: str) -> None:
    """Rule 38: a cleared message is never sent again, and its future says so."""
    far_end = AcknowledgingPeer(acknowledges=False)
    until: Callable[[], object] = lambda: when == "queued" or far_end.received  # noqa: E731  # short
    async with (
        peer(far_end) as server,
        running(server.url, acknowledgements=ACKS, connects_at_once=when != "queued") as scene,
    ):
        delivery = scene.connection.send("a", ack=True)
        await eventually(until, 5)
        assert len(scene.connection.clear_queue()) == 1
        with pytest.raises(NotDeliveredError) as raised:
            await asyncio.wait_for(delivery.future, 5)
        assert raised.value.result == "cleared"
        if when != "queued":
            far_end.break_link()
            await scene.until(lambda state: state.total_connects == 2)
        assert scene.state.status is not ConnectionStatus.RECONNECTING
        assert await scene.connection.drain(1) == 0
