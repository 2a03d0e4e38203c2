"""`MessageHandlers` when too many messages are pending, and between two links."""

from __future__ import annotations

import asyncio
import operator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refold.actions.message import MessageRegistry, message
from refold.middleware.message_handlers import MessageHandlers

REGISTRY = MessageRegistry()


@message("chat", registry=REGISTRY)
class Chat:
    """A message of one type."""

    number: int


@message("tick", registry=REGISTRY)
class Tick:
    """A message of another type."""

    number: int


class Gate:
    """An async handler that waits until it is opened."""

    def __init__(self) -> None:
        """Begin closed."""
        self.opened = asyncio.Event()
        self.began: list[int] = []
        self.ended: list[int] = []

    async def __call__(self, arrived: Any) -> None:
        """Note the number, and wait."""
        self.began.append(arrived.number)
        await self.opened.wait()
        self.ended.append(arrived.number)


async def turns(count: int = 10) -> None:
    """Let everything run that can."""
    for _ in range(count):
        await asyncio.sleep(0)


def take_all(handlers: MessageHandlers, *arrived: object) -> None:
    """Take messages for which there has to be room."""
    for each in arrived:
        assert handlers.take(each) is None


async def test_rule_43_block_gives_something_to_wait_for() -> None:
    """Rule 43: a message is always taken; then there may be something to wait for, until room."""
    handlers, gate = MessageHandlers(max_pending=2), Gate()
    handlers.on(Chat, gate)
    take_all(handlers, Chat(0))
    wait = handlers.take(Chat(1)) or handlers.take(Chat(2))
    assert wait is not None
    waiting = asyncio.ensure_future(wait())
    await turns()
    assert not waiting.done()
    assert gate.began == [0]
    gate.opened.set()
    await asyncio.wait_for(waiting, 5)
    assert await handlers.drain(5) == 0
    assert gate.ended == list(range(len(gate.ended)))
    assert len(gate.ended) >= 2
    assert handlers.dropped_count == 0


async def test_rule_51_a_wait_for_room_that_is_cancelled_harms_nothing() -> None:
    """Rule 51: who no longer waits takes no room and no message along."""
    handlers, gate = MessageHandlers(max_pending=1), Gate()
    handlers.on(Chat, gate)
    await handlers.deliver(Chat(0))
    delivering = asyncio.create_task(handlers.deliver(Chat(1)))
    await turns()
    delivering.cancel()
    await asyncio.gather(delivering, return_exceptions=True)
    gate.opened.set()
    await asyncio.wait_for(handlers.deliver(Chat(2)), 5)
    assert await handlers.drain(5) == 0
    assert gate.ended in ([0, 2], [0, 1, 2])
    assert handlers.pending_count == 0


@pytest.mark.parametrize(
    ("overflow", "kept"), [("drop_oldest", [0, 8, 9]), ("drop_newest", [0, 1, 2])]
)
async def test_rule_43_a_policy_says_which_message_goes(overflow: Any, kept: list[int]) -> None:
    """Rule 43: one that runs stays; of those that wait, the oldest or the newest is given up."""
    handlers, gate, drops = MessageHandlers(max_pending=3, overflow=overflow), Gate(), list[int]()
    handlers.report_to(lambda _type, _error: None, lambda: drops.append(handlers.dropped_count))
    handlers.on(Chat, gate)
    for number in range(10):
        take_all(handlers, Chat(number))
        await turns(2)
        assert handlers.pending_count <= 3
    assert (handlers.dropped_count, len(drops)) == (7, 7)
    assert drops == list(range(1, 8))
    gate.opened.set()
    assert await handlers.drain(5) == 0
    assert gate.ended == kept


@pytest.mark.parametrize("overflow", ["drop_oldest", "drop_newest"])
async def test_rule_43_only_what_waits_can_be_given_up(overflow: Any) -> None:
    """Rule 43: when all that is pending runs, the one that comes is given up; none is cancelled."""
    handlers, gate = MessageHandlers(max_pending=2, overflow=overflow), Gate()
    handlers.on(Chat, gate, concurrent=True)
    for number in range(5):
        take_all(handlers, Chat(number))
        await turns(2)
    gate.opened.set()
    assert await handlers.drain(5) == 0
    assert gate.ended == [0, 1]
    assert handlers.dropped_count == 3


async def test_rule_43_the_oldest_of_all_types_goes_first() -> None:
    """Rule 43: `drop_oldest` gives up what has waited for longest, of whatever type."""
    handlers, gate = MessageHandlers(max_pending=4, overflow="drop_oldest"), Gate()
    handlers.on(Chat, gate)
    handlers.on(Tick, gate)
    take_all(handlers, Chat(0), Tick(1))
    await turns()
    take_all(handlers, Tick(2), Chat(3), Chat(4), Chat(5))
    gate.opened.set()
    assert await handlers.drain(5) == 0
    assert sorted(gate.ended) == [0, 1, 4, 5]


@pytest.mark.parametrize("overflow", ["drop_oldest", "drop_newest"])
async def test_rule_43_nothing_is_given_up_for_what_nobody_handles(overflow: Any) -> None:
    """Rule 43: messages of a type without handlers never push another out, and count nowhere."""
    handlers, gate = MessageHandlers(max_pending=2, overflow=overflow), Gate()
    handlers.on(Chat, gate)
    take_all(handlers, Chat(0), Chat(1))
    take_all(handlers, *(Tick(number) for number in range(5)))
    gate.opened.set()
    assert await handlers.drain(5) == 0
    assert (gate.ended, handlers.dropped_count) == ([0, 1], 0)


@given(
    st.sampled_from(["drop_oldest", "drop_newest"]),
    st.integers(1, 4),
    st.lists(st.tuples(st.sampled_from([Chat, Tick]), st.booleans()), max_size=20),
)
def test_rule_43_each_message_is_handled_or_counted(
    overflow: Any, max_pending: int, arrivals: list[tuple[Any, bool]]
) -> None:
    """Rule 43: in any course, what was not handled is counted, and the order of a type is kept."""

    async def run() -> None:
        handlers, gate = MessageHandlers(max_pending=max_pending, overflow=overflow), Gate()
        handlers.on(Chat, gate)
        handlers.on(Tick, gate)
        for number, (cls, pauses) in enumerate(arrivals):
            take_all(handlers, cls(number))
            assert handlers.pending_count <= max_pending
            if pauses:
                gate.opened.set()
                await turns(2)
                gate.opened.clear()
        gate.opened.set()
        assert await handlers.drain(5) == 0
        assert len(gate.ended) + handlers.dropped_count == len(arrivals)
        for cls in (Chat, Tick):
            of_type = [number for number in gate.ended if arrivals[number][0] is cls]
            assert of_type == sorted(of_type)

    asyncio.run(run())


@pytest.mark.parametrize(("overflow", "dropped"), [("drop_oldest", 1), ("drop_newest", 2)])
async def test_rule_42_the_id_of_a_dropped_message_is_new_again(
    overflow: Any, dropped: int
) -> None:
    """Rule 42: what was given up for want of room was never handled; when it comes again, it is."""
    identify = operator.attrgetter("number")
    handlers, gate = MessageHandlers(max_pending=2, overflow=overflow, identify=identify), Gate()
    handlers.on(Chat, gate)
    take_all(handlers, Chat(0), Chat(1), Chat(2))
    gate.opened.set()
    assert await handlers.drain(5) == 0
    assert gate.ended == [0, 3 - dropped]
    take_all(handlers, Chat(dropped))
    assert await handlers.drain(5) == 0
    assert gate.ended == [0, 3 - dropped, dropped]
    assert (handlers.dropped_count, handlers.duplicate_count) == (1, 0)


@pytest.mark.parametrize("overflow", ["drop_oldest", "drop_newest"])
async def test_rule_42_a_duplicate_pushes_nothing_out(overflow: Any) -> None:
    """Rule 42: what would not be handled anyway needs no room: it is a duplicate, and no drop."""
    identify = operator.attrgetter("number")
    handlers, gate = MessageHandlers(max_pending=2, overflow=overflow, identify=identify), Gate()
    handlers.on(Chat, gate)
    take_all(handlers, Chat(0), Chat(1), Chat(0), Chat(1))
    gate.opened.set()
    assert await handlers.drain(5) == 0
    assert gate.ended == [0, 1]
    assert (handlers.dropped_count, handlers.duplicate_count) == (0, 2)


@pytest.mark.looptime
async def test_rule_48_settle_returns_as_soon_as_all_have_begun() -> None:
    """Rule 48: with nothing that waits it takes no time; what runs goes on."""
    handlers, gate = MessageHandlers(), Gate()
    handlers.on(Chat, gate)
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert await handlers.settle(5) == 0
    take_all(handlers, Chat(0))
    assert await handlers.settle(5) == 0
    assert loop.time() - began < 0.1
    assert (handlers.pending_count, handlers.waiting_count) == (1, 0)
    gate.opened.set()
    assert await handlers.drain(5) == 0
    assert gate.ended == [0]


@pytest.mark.looptime
async def test_rule_48_settle_waits_for_those_that_get_their_turn() -> None:
    """Rule 48: three messages of 2 s each have begun after 4 s."""
    handlers, ended = MessageHandlers(), list[int]()
    loop = asyncio.get_running_loop()
    began = loop.time()

    async def slow(chat: Chat) -> None:
        await asyncio.sleep(2)
        ended.append(chat.number)

    handlers.on(Chat, slow)
    take_all(handlers, Chat(0), Chat(1), Chat(2))
    assert await handlers.settle(100) == 0
    assert loop.time() - began == pytest.approx(4, abs=0.1)
    assert ended == [0, 1]
    assert await handlers.drain(100) == 0
    assert ended == [0, 1, 2]


@pytest.mark.looptime
async def test_rule_48_settle_gives_up_what_waits_and_forgets_its_ids() -> None:
    """Rule 48: after the time it tells how many it gave up; last_seen is None, the ids are new."""
    handlers, gate = MessageHandlers(identify=operator.attrgetter("number")), Gate()
    handlers.on(Chat, gate)
    loop = asyncio.get_running_loop()
    assert handlers.last_seen is None
    take_all(handlers, Chat(1), Chat(2), Chat(3))
    assert handlers.last_seen == 3
    began = loop.time()
    assert await handlers.settle(5) == 2
    assert loop.time() - began == pytest.approx(5, abs=0.1)
    assert handlers.last_seen is None
    assert handlers.dropped_count == 2
    assert (handlers.pending_count, handlers.waiting_count) == (1, 0)
    gate.opened.set()
    await turns()
    assert gate.ended == [1]
    take_all(handlers, Chat(1), Chat(2), Chat(3))
    assert await handlers.drain(5) == 0
    assert gate.ended == [1, 2, 3]
    assert handlers.last_seen == 3


async def test_a_settle_that_is_cancelled_leaves_handlers_that_work() -> None:
    """Rule 51: cancelling it neither loses what runs nor blocks what comes."""
    handlers, gate = MessageHandlers(), Gate()
    handlers.on(Chat, gate)
    take_all(handlers, Chat(0), Chat(1))
    settling = asyncio.create_task(handlers.settle(1000))
    await turns()
    settling.cancel()
    await asyncio.gather(settling, return_exceptions=True)
    gate.opened.set()
    take_all(handlers, Chat(2))
    assert await handlers.drain(5) == 0
    assert gate.ended in ([0, 2], [0, 1, 2])


async def test_the_last_id_is_that_of_the_last_message_that_had_one() -> None:
    """Rule 42: messages without an id, and duplicates, do not change it."""
    handlers = MessageHandlers(identify=lambda it: it.number if isinstance(it, Chat) else None)
    handlers.on(Chat, lambda _: None)
    take_all(handlers, Tick(9))
    assert handlers.last_seen is None
    take_all(handlers, Chat(4), Tick(9))
    assert handlers.last_seen == 4
    take_all(handlers, Chat(5), Tick(9))
    assert handlers.last_seen == 5


async def test_rule_45_failures_are_told_to_both() -> None:
    """Rule 45: the connection is told after `on_error`; one that raises does not hide it."""
    told: list[str] = []

    def on_error(_wire_type: str, _error: BaseException) -> None:
        told.append("on_error")
        raise LookupError

    def fail(_chat: Chat) -> None:
        raise ValueError

    handlers = MessageHandlers(on_error=on_error)
    handlers.report_to(lambda wire_type, _: told.append(wire_type), lambda: None)
    handlers.on(Chat, fail)
    take_all(handlers, Chat(1))
    assert told == ["on_error", "chat"]
    assert handlers.failed_count == 1


def test_handlers_report_to_one_connection() -> None:
    """A second connection is refused, and the first is told as before."""
    handlers = MessageHandlers()
    handlers.report_to(lambda _type, _error: None, lambda: None)
    with pytest.raises(ValueError, match="connection"):
        handlers.report_to(lambda _type, _error: None, lambda: None)


@pytest.mark.parametrize("overflow", ["raise", "", None, 7, "drop"])
def test_table_l_an_unknown_policy_is_refused(overflow: Any) -> None:
    """Table L: a ValueError lists the choices."""
    with pytest.raises(ValueError, match=r"overflow.*block.*drop_oldest.*drop_newest"):
        MessageHandlers(overflow=overflow)
