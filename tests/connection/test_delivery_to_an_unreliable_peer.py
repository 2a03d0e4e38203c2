"""At least once against a peer that is killed, forgets to answer, and answers twice: rules 40, 41.

What belongs here: random faults.  What does not: single cases, see `test_acknowledged_delivery`.
"""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from refold.errors import AckTimeoutError, QueueFullError
from tests.connection.delivery_scene import MAX_MESSAGES, WINDOW, Scene

if TYPE_CHECKING:
    from refold.middleware.delivery import Delivery
    from refold.middleware.outbound_message import QueuedOutbound


class DeliveryToAnUnreliablePeer(RuleBasedStateMachine):
    """Random faults; in the end every message arrived whose sender did not give up."""

    def __init__(self) -> None:
        """Start with an open link and nothing to send."""
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.scene = Scene(self.loop)
        self.sent: list[Delivery] = []
        self.being_written: QueuedOutbound | None = None

    @rule()
    def send(self) -> None:
        """Queue a message; a full queue refuses it, and nothing is left of it."""
        before = self.scene.delivery.unacked_count
        if len(self.scene.queue) < MAX_MESSAGES:
            self.sent.append(self.scene.send())
            assert self.scene.delivery.unacked_count == before + 1
        else:
            with pytest.raises(QueueFullError):
                self.scene.send()
            assert self.scene.delivery.unacked_count == before

    @precondition(lambda self: self.being_written is None)
    @rule()
    def begin_to_write(self) -> None:
        """Take what is next."""
        self.being_written = self.scene.delivery.next_to_send()
        if self.being_written is not None:
            assert self.being_written.terms.ack_id is not None

    @precondition(lambda self: self.being_written is not None)
    @rule(returns_late=st.booleans())
    def finish_writing(self, returns_late: bool) -> None:  # noqa: FBT001  # a rule
        """The peer may answer before the write returns."""
        if self.being_written is not None:
            self.scene.peer.wire.append(str(self.being_written.message))
            if returns_late:
                self.read_and_answer()
            self.scene.delivery.on_sent(self.being_written)
        self.being_written = None

    @rule(has_arrived=st.booleans())
    def lose_the_link(self, has_arrived: bool) -> None:  # noqa: FBT001  # a rule
        """All on its way is lost; a write under way fails, though the peer may have it all."""
        if self.being_written is not None and has_arrived:
            self.scene.peer.wire.append(str(self.being_written.message))
            while self.scene.peer.wire:
                self.scene.peer.read(forgets_to_answer=True)
        self.being_written = None
        self.scene.lose_the_link()

    @precondition(lambda self: self.scene.peer.wire)
    @rule(forgets_to_answer=st.booleans())
    def read(self, forgets_to_answer: bool) -> None:  # noqa: FBT001  # a rule
        """The peer reads one message, and answers or not."""
        self.scene.peer.read(forgets_to_answer=forgets_to_answer)

    @rule(again=st.booleans())
    def receive_answer(self, again: bool) -> None:  # noqa: FBT001  # a rule
        """An answer arrives; perhaps twice."""
        if self.scene.peer.acks:
            ack_id = self.scene.peer.acks.popleft()
            self.scene.delivery.on_ack(ack_id)
            if again:
                ignored = self.scene.delivery.ignored_ack_count
                assert not self.scene.delivery.on_ack(ack_id)
                assert self.scene.delivery.ignored_ack_count == ignored + 1

    @precondition(lambda self: self.scene.peer.first_seen)
    @rule(data=st.data())
    def answer_what_was_seen_long_ago(self, data: st.DataObject) -> None:
        """The peer tells, perhaps on another link, that it has a message."""
        self.scene.delivery.on_ack(data.draw(st.sampled_from(self.scene.peer.first_seen)))

    @rule(seconds=st.sampled_from([1.0, 10.0, 30.0]))
    def pass_time(self, seconds: float) -> None:
        """Time goes by, and what is due is done unless a write is under way."""
        self.scene.now += seconds
        deadline = self.scene.delivery.next_deadline()
        before = self.scene.delivery.timed_out_count
        again = self.scene.delivery.due()
        if deadline is None or deadline > self.scene.now:
            assert (again, self.scene.delivery.timed_out_count) == ([], before)

    @precondition(lambda self: self.sent)
    @rule(data=st.data(), runs_callbacks=st.booleans())
    def cancel(self, data: st.DataObject, runs_callbacks: bool) -> None:  # noqa: FBT001  # a rule
        """A sender gives up."""
        data.draw(st.sampled_from(self.sent)).future.cancel()
        if runs_callbacks:
            self.scene.let_callbacks_run()

    def read_and_answer(self) -> None:
        """Let the peer read all, and its answers arrive."""
        while self.scene.peer.wire:
            self.scene.peer.read()
        while self.scene.peer.acks:
            self.scene.delivery.on_ack(self.scene.peer.acks.popleft())

    @invariant()
    def the_bounds_hold(self) -> None:
        """Never more in flight than the window, nor more in all than window and queue."""
        delivery = self.scene.delivery
        assert delivery.in_flight_count <= WINDOW
        assert len(self.scene.queue) <= MAX_MESSAGES
        assert delivery.unacked_count <= WINDOW + MAX_MESSAGES

    @invariant()
    def the_peer_sees_messages_in_their_order(self) -> None:
        """Resends come before anything new: what is seen first is seen in the order of sending."""
        seen = [int(ack_id) for ack_id in self.scene.peer.first_seen]
        assert seen == sorted(seen)

    def teardown(self) -> None:
        """On a good link everything arrives; then check what became of each message."""
        self.lose_the_link(has_arrived=False)
        self.scene.let_callbacks_run()
        for _ in range(len(self.sent) + 2):
            self.scene.write_all()
            self.read_and_answer()
        seen = set(self.scene.peer.first_seen)
        for delivery in self.sent:
            assert delivery.future.done()
            if not delivery.future.cancelled():
                assert delivery.ack_id in seen
                error = delivery.future.exception()
                assert error is None or isinstance(error, AckTimeoutError)
        assert (self.scene.delivery.unacked_count, len(self.scene.queue)) == (0, 0)
        assert self.scene.delivery.next_deadline() is None
        self.the_peer_sees_messages_in_their_order()
        self.loop.close()


TestDeliveryToAnUnreliablePeer = DeliveryToAnUnreliablePeer.TestCase
TestDeliveryToAnUnreliablePeer.settings = settings(stateful_step_count=60)


@pytest.mark.parametrize("seed", range(3))
async def test_rule_40_a_thousand_messages_survive_twenty_kills(seed: int) -> None:
    """The peer is killed at 20 random points: 1,000 distinct arrive, 0 are lost, order is kept."""
    chance = random.Random(seed)  # noqa: S311  # a test's
    scene = Scene(asyncio.get_running_loop(), max_messages=100, window=64)
    kills = {chance.randrange(1000) for _ in range(20)}
    sent = 0
    while sent < 1000 or scene.delivery.unacked_count:
        while sent < 1000 and len(scene.queue) < 100:
            scene.send()
            sent += 1
            assert scene.delivery.unacked_count <= 164
        for _ in range(chance.randrange(80)):
            scene.write()
        for _ in range(chance.randrange(80)):
            if scene.peer.wire:
                scene.peer.read()
        if kills and len(scene.peer.first_seen) >= min(kills):
            kills.remove(min(kills))
            scene.lose_the_link()
        for _ in range(chance.randrange(80)):
            if scene.peer.acks:
                scene.delivery.on_ack(scene.peer.acks.popleft())
    assert not kills
    assert scene.peer.first_seen == [str(number) for number in range(1, 1001)]
    assert scene.delivery.acked_count == 1000
