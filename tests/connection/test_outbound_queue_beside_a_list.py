"""`OutboundQueue` against a naive model, under each policy; nobody waits for room here."""

from __future__ import annotations

import math
from collections import Counter
from typing import get_args

import attrs
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from refold.errors import QueueFullError
from refold.middleware.outbound_queue import (
    OutboundQueue,
    OverflowPolicy,
    QueuedOutbound,
    SendTerms,
)

MAX_MESSAGES = 4
MAX_BYTES = 20

messages = st.text(st.characters(codec="utf-8"), max_size=12) | st.binary(max_size=12)


def size_of(message: str | bytes) -> int:
    """Return the bytes of a message, counted another way than the queue does."""
    if isinstance(message, bytes):
        return len(message)
    return sum(1 + (ord(c) > 0x7F) + (ord(c) > 0x7FF) + (ord(c) > 0xFFFF) for c in message)


@attrs.define(eq=False)
class Listed:
    """A message in the naive model."""

    entry: QueuedOutbound
    size: int
    expires_at: float
    is_volatile: bool


class QueueBesideAList(RuleBasedStateMachine):
    """Random calls, each also made on a plain list: the naive model of the queue."""

    def __init__(self) -> None:
        """Start both empty."""
        super().__init__()
        self.now = 0.0
        self.policy = "raise"
        self.queue = OutboundQueue(max_messages=MAX_MESSAGES, max_bytes=MAX_BYTES)
        self.model: list[Listed] = []
        self.leaving: Listed | None = None
        self.is_connected = False
        self.expected: dict[QueuedOutbound, str] = {}
        self.dropped: Counter[str] = Counter()
        self.told: Counter[str] = Counter()

    @initialize(policy=st.sampled_from(get_args(OverflowPolicy)))
    def choose(self, policy: OverflowPolicy) -> None:
        """Any policy; nobody waits here, so ``block`` does as ``raise``."""
        self.policy = policy
        self.queue = OutboundQueue(
            max_messages=MAX_MESSAGES, max_bytes=MAX_BYTES, overflow=policy, now=lambda: self.now
        )

    def fits(self, model: list[Listed], size: int) -> bool:
        """Tell whether one more has room."""
        return len(model) < MAX_MESSAGES and sum(x.size for x in model) + size <= MAX_BYTES

    def leave_the_model(self, gone: list[Listed], result: str) -> None:
        """Remove some from the list, and expect that the queue says why."""
        for listed in gone:
            self.model.remove(listed)
            self.expected[listed.entry] = result

    def expire(self) -> None:
        """Remove what is late, but not what is being written."""
        late = [x for x in self.model if x.expires_at <= self.now and x is not self.leaving]
        self.leave_the_model(late, "expired")

    @rule(
        message=messages,
        is_taken_at_once=st.booleans(),
        ttl=st.none() | st.sampled_from([1.0, 2.0, 5.0]),
        is_volatile=st.booleans(),
    )
    def push(
        self,
        message: str | bytes,
        is_taken_at_once: bool,  # noqa: FBT001  # a rule
        ttl: float | None,
        is_volatile: bool,  # noqa: FBT001  # a rule
    ) -> None:
        """A message that fits is taken; for another the policy decides."""
        terms = SendTerms(ttl_seconds=ttl, is_volatile=is_volatile)
        size = size_of(message)
        if is_volatile and not self.is_connected:
            self.expected[self.queue.push(message, terms=terms)] = "dropped"
            self.dropped["volatile"] += 1
            return
        self.expire()
        left = list(self.model)
        if self.policy == "drop_oldest":
            while not self.fits(left, size) and left != [self.leaving] * len(left):
                left.remove(next(x for x in left if x is not self.leaving))
        if not self.fits(left, size) and self.policy in ("raise", "block"):
            with pytest.raises(QueueFullError):
                self.queue.push(message, is_taken_at_once=is_taken_at_once, terms=terms)
            return
        entry = self.queue.push(message, is_taken_at_once=is_taken_at_once, terms=terms)
        assert entry.message is message
        if self.fits(left, size):
            gone = [x for x in self.model if x not in left]
            self.leave_the_model(gone, "dropped")
            self.dropped[self.policy] += len(gone)
            expires_at = math.inf if ttl is None else self.now + ttl
            self.model.append(Listed(entry, size, expires_at, is_volatile))
            self.expected[entry] = "queued"
        else:
            self.expected[entry] = "dropped"
            self.dropped[self.policy] += 1

    @precondition(lambda self: self.leaving is None and self.is_connected)
    @rule()
    def begin_to_send(self) -> None:
        """The first message is looked at, and stays."""
        self.expire()
        begun = self.queue.begin_write()
        assert begun is (self.model[0].entry if self.model else None)
        self.leaving = self.model[0] if self.model else None

    @precondition(lambda self: self.leaving is not None)
    @rule()
    def finish_sending(self) -> None:
        """What was sent is removed, and nothing else is."""
        if self.leaving is not None:
            self.queue.remove_sent(self.leaving.entry)
            self.leave_the_model([self.leaving], "handed_to_socket")
        self.leaving = None

    @rule()
    def connect(self) -> None:
        """With a link volatile messages are taken."""
        self.is_connected = True
        self.queue.set_connected(True)

    @rule()
    def lose_the_link(self) -> None:
        """What was being written waits again, but volatile messages are dropped."""
        self.is_connected, self.leaving = False, None
        self.queue.set_connected(False)
        volatile = [x for x in self.model if x.is_volatile]
        self.leave_the_model(volatile, "dropped")
        self.dropped["volatile"] += len(volatile)

    @rule(seconds=st.sampled_from([0.5, 1.0, 3.0]))
    def pass_time(self, seconds: float) -> None:
        """Time goes by."""
        self.now += seconds

    @rule()
    def look_at_the_first(self) -> None:
        """What is late is never the next."""
        self.expire()
        assert self.queue.first() is (self.model[0].entry if self.model else None)

    @rule()
    def expire_now(self) -> None:
        """As many expire as are late."""
        before = len(self.model)
        self.expire()
        assert self.queue.expire() == before - len(self.model)

    @rule()
    def clear(self) -> None:
        """All is removed and returned, oldest first, but what is being written."""
        self.expire()
        removed = [x for x in self.model if x is not self.leaving]
        assert self.queue.clear() == [x.entry.message for x in removed]
        self.leave_the_model(removed, "cleared")

    @precondition(lambda self: self.expected)
    @rule(data=st.data())
    def withdraw(self, data: st.DataObject) -> None:
        """One message is taken back if it is there and not being written."""
        entry = data.draw(st.sampled_from(list(self.expected)))
        found = [x for x in self.model if x.entry is entry and x is not self.leaving]
        assert self.queue.withdraw(entry) == bool(found)
        self.leave_the_model(found, "cleared")

    @rule()
    def tell_of_drops(self) -> None:
        """Each dropped message is told of once, with the cause."""
        while (dropped := self.queue.take_dropped()) is not None:
            count, cause = dropped
            assert count > 0
            self.told[cause] += count
        assert self.told == self.dropped

    @invariant()
    def both_say_the_same(self) -> None:
        """Order, number, bytes, counts and each result are those of the list; bounds hold."""
        assert len(self.queue) == len(self.model) <= MAX_MESSAGES
        assert self.queue.size_bytes == sum(x.size for x in self.model) <= MAX_BYTES
        assert {entry: entry.result for entry in self.expected} == self.expected
        assert self.queue.dropped_count == sum(self.dropped.values())
        assert self.queue.expired_count == [*self.expected.values()].count("expired")
        assert self.queue.is_connected == self.is_connected
        due_at = self.queue.next_expiry_at()
        mortal = [x.expires_at for x in self.model if x is not self.leaving]
        assert (math.inf if due_at is None else due_at) <= min(mortal, default=math.inf)


TestQueueBesideAList = QueueBesideAList.TestCase
TestQueueBesideAList.settings = settings(stateful_step_count=40)
