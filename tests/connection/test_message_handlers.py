"""`MessageHandlers`: order, isolation, time limits, and an end that leaves nothing behind."""

from __future__ import annotations

import asyncio
import gc
import logging
import operator
import sys
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, cast

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refold.actions.message import MessageRegistry, message
from refold.errors import ValueTypeError
from refold.middleware.message_handlers import MessageHandlers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

REGISTRY = MessageRegistry()


@message("chat", registry=REGISTRY)
class Chat:
    """A message of one type."""

    number: int


@message("tick", registry=REGISTRY)
class Tick:
    """A message of another type."""

    number: int


@message("unreadable", registry=REGISTRY)
class Unreadable:
    """A class with a field that no message may have."""

    names: list[str] = attrs.field(factory=list[str])


class UnspeakableError(Exception):
    """Its text cannot be had."""

    def __str__(self) -> str:
        """Raise."""
        message = "no text"
        raise ValueError(message)


class OddError(BaseException):
    """No `Exception`, and no wish to end the program either."""


class Errors:
    """What was reported."""

    def __init__(self) -> None:
        """Start without any."""
        self.types: list[tuple[str, type[BaseException]]] = []
        self.errors: list[BaseException] = []

    def __call__(self, wire_type: str, error: BaseException) -> None:
        """Note it."""
        self.types.append((wire_type, type(error)))
        self.errors.append(error)


@pytest.fixture(autouse=True)
async def _nothing_is_left() -> AsyncIterator[None]:  # pyright: ignore[reportUnusedFunction]  # autouse
    """Hold every test to rule 50: its tasks are gone, and the loop had nothing to complain of."""
    complaints: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: complaints.append(context))
    before = asyncio.all_tasks()
    yield
    for _ in range(5):
        await asyncio.sleep(0)
    gc.collect()
    assert asyncio.all_tasks() - before - {cast("Any", asyncio.current_task())} == set()
    assert complaints == []


async def turns(count: int = 8) -> None:
    """Let everything run that can."""
    for _ in range(count):
        await asyncio.sleep(0)


def raise_it(error: BaseException) -> Callable[[object], None]:
    """Return a handler that raises."""

    def handle(_message: object) -> None:
        raise error

    return handle


def raise_it_later(error: BaseException) -> Callable[[object], Awaitable[None]]:
    """Return an async handler that raises."""

    async def handle(_message: object) -> None:
        await asyncio.sleep(0)
        raise error

    return handle


def list_its_number(chat: Chat) -> Any:
    """Return what is no id: a list cannot be hashed."""
    return [chat.number]


async def never(_message: object) -> None:
    """Wait for ever."""
    await asyncio.get_running_loop().create_future()


# --- order ---------------------------------------------------------------------------------------

kinds_of_handlers = st.lists(
    st.tuples(st.sampled_from(["sync", "async", "raises", "raises later"]), st.integers(0, 3)),
    min_size=1,
    max_size=4,
)
"""For each handler what it is, and how many turns of the loop it takes."""


class Calls:
    """The calls of handlers, which must not overlap within a type."""

    def __init__(self) -> None:
        """Start without any."""
        self.of: dict[type, list[tuple[int, int]]] = defaultdict(list)
        self.running: dict[type, int] = defaultdict(int)

    def make(self, place: int, kind: str, needed: int) -> Callable[[Any], Any]:
        """Return a handler that notes its calls under its place."""

        def plain(arrived: Any) -> None:
            assert self.running[type(arrived)] == 0
            self.of[type(arrived)].append((arrived.number, place))
            if kind == "raises":
                raise UnspeakableError

        async def slow(arrived: Any) -> None:
            plain(arrived)
            self.running[type(arrived)] += 1
            await turns(needed)
            self.running[type(arrived)] -= 1
            if kind == "raises later":
                raise UnspeakableError

        return plain if kind in {"sync", "raises"} else slow


@given(
    kinds_of_handlers,
    st.lists(st.tuples(st.sampled_from([Chat, Tick]), st.booleans()), max_size=15),
    st.integers(1, 4),
)
def test_messages_of_a_type_are_handled_one_after_the_other(
    handlers: list[tuple[str, int]], arrivals: list[tuple[type, bool]], max_pending: int
) -> None:
    """Rule 44: for each type, every handler is called with every message, in both orders.

    No call begins before the one before it of this type has ended, whatever it does, and no more
    than ``max_pending`` messages are ever taken.
    """

    async def run() -> None:
        before = asyncio.all_tasks()
        errors = Errors()
        taken = MessageHandlers(on_error=errors, max_pending=max_pending)
        calls = Calls()
        for place, (kind, needed) in enumerate(handlers):
            taken.on(Chat, calls.make(place, kind, needed))
            taken.on("tick", calls.make(place, kind, needed))
        for number, (cls, pauses) in enumerate(arrivals):
            await taken.deliver(cls(number))
            assert taken.pending_count <= max_pending
            if pauses:
                await turns(2)
        assert await taken.drain(10) == 0
        for cls in (Chat, Tick):
            numbers = [number for number, (each, _) in enumerate(arrivals) if each is cls]
            assert calls.of[cls] == [(n, place) for n in numbers for place in range(len(handlers))]
        broken = sum(len(calls.of[Chat]) for kind, _ in handlers if "raises" in kind)
        chats = errors.types.count(("chat", UnspeakableError))
        assert chats * len(handlers) == broken
        assert taken.failed_count == len(errors.types)
        assert taken.pending_count == 0
        await turns()
        assert asyncio.all_tasks() == before

    asyncio.run(run())


@pytest.mark.looptime
async def test_types_do_not_wait_for_each_other() -> None:
    """Rule 44: while one type's handler runs, another type's is called."""
    handlers, ticks = MessageHandlers(), list[int]()

    async def slow(_chat: Chat) -> None:
        await asyncio.sleep(100)

    handlers.on(Chat, slow)
    handlers.on(Tick, lambda tick: ticks.append(tick.number))
    for number in range(3):
        await handlers.deliver(Chat(number))
        await handlers.deliver(Tick(number))
    assert ticks == [0, 1, 2]
    began = asyncio.get_running_loop().time()
    assert await handlers.drain(1000) == 0
    assert asyncio.get_running_loop().time() - began == pytest.approx(300)


@pytest.mark.looptime
async def test_concurrent_handlers_overlap() -> None:
    """Rule 44: a handler that is registered as concurrent does not wait for its earlier calls."""
    handlers, began = MessageHandlers(), list[int]()

    async def slow(chat: Chat) -> None:
        began.append(chat.number)
        await asyncio.sleep(100)

    handlers.on(Chat, slow, concurrent=True)
    for number in range(5):
        await handlers.deliver(Chat(number))
    await turns()
    assert began == [0, 1, 2, 3, 4]
    assert handlers.pending_count == 5
    start = asyncio.get_running_loop().time()
    assert await handlers.drain(1000) == 0
    assert asyncio.get_running_loop().time() - start == pytest.approx(100)
    assert handlers.pending_count == 0


@pytest.mark.looptime
async def test_a_concurrent_handler_holds_up_no_other_of_its_type() -> None:
    """A plain handler after a concurrent one is called at once, message by message."""
    handlers, numbers = MessageHandlers(), list[int]()
    handlers.on(Chat, never, concurrent=True)
    handlers.on(Chat, lambda chat: numbers.append(chat.number))
    await handlers.deliver(Chat(1))
    await handlers.deliver(Chat(2))
    assert numbers == [1, 2]
    assert await handlers.drain(0) == 2


@pytest.mark.looptime
async def test_deliver_waits_while_too_many_are_pending() -> None:
    """Rule 43: a slow handler slows the consumer, and so the reader, instead of filling memory."""
    handlers, handled = MessageHandlers(max_pending=3), list[int]()

    async def slow(chat: Chat) -> None:
        await asyncio.sleep(1)
        handled.append(chat.number)

    handlers.on(Chat, slow)
    delivering = asyncio.create_task(deliver_all(handlers, [Chat(n) for n in range(6)]))
    await turns()
    assert handlers.pending_count == 3
    assert not delivering.done()
    await asyncio.sleep(1.5)
    assert handled == [0]
    assert handlers.pending_count == 3
    await delivering
    assert await handlers.drain(10) == 0
    assert handled == [0, 1, 2, 3, 4, 5]


async def deliver_all(handlers: MessageHandlers, messages: list[Any]) -> None:
    """Deliver one after the other."""
    for each in messages:
        await handlers.deliver(each)


@pytest.mark.looptime
async def test_a_delivery_can_be_cancelled() -> None:
    """Rule 51: a consumer cancelled while it waits for room has delivered nothing."""
    handlers, handled = (
        MessageHandlers(max_pending=1, identify=operator.attrgetter("number")),
        list[int](),
    )

    async def slow(chat: Chat) -> None:
        await asyncio.sleep(1)
        handled.append(chat.number)

    handlers.on(Chat, slow)
    await handlers.deliver(Chat(0))
    waiting = asyncio.create_task(handlers.deliver(Chat(1)))
    await turns()
    waiting.cancel()
    assert await handlers.drain(10) == 0
    assert handled == [0]
    await handlers.deliver(Chat(1))  # its id was not taken for seen
    assert await handlers.drain(10) == 0
    assert handled == [0, 1]


# --- what is raised ------------------------------------------------------------------------------

ERRORS = [ValueError("a"), UnspeakableError(), asyncio.CancelledError(), OddError(), TimeoutError()]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("make", [raise_it, raise_it_later])
@pytest.mark.parametrize("is_concurrent", [False, True])
async def test_what_a_handler_raises_is_reported_and_harms_nobody(
    make: Callable[[BaseException], Any],
    error: BaseException,
    is_concurrent: bool,  # noqa: FBT001  # a case
) -> None:
    """Rule 45: the next handler and message are served; a CancelledError is no shutdown."""
    errors, numbers = Errors(), list[int]()
    handlers = MessageHandlers(on_error=errors, handler_timeout=5)
    handlers.on(Chat, make(error), concurrent=is_concurrent)
    handlers.on(Chat, lambda chat: numbers.append(chat.number))
    await deliver_all(handlers, [Chat(1), Chat(2)])
    assert await handlers.drain(5) == 0
    assert numbers == [1, 2]
    assert errors.types == [("chat", type(error))] * 2
    assert (handlers.failed_count, handlers.timed_out_count) == (2, 0)


async def test_a_handler_that_cancels_its_own_task_harms_nobody() -> None:
    """Rule 45: messages of its type that wait are handled, and the failure is reported."""
    errors, numbers = Errors(), list[int]()
    handlers = MessageHandlers(on_error=errors)

    async def cancel_myself(chat: Chat) -> None:
        numbers.append(chat.number)
        cast("Any", asyncio.current_task()).cancel()
        await asyncio.sleep(0)

    handlers.on(Chat, cancel_myself)
    await deliver_all(handlers, [Chat(1), Chat(2), Chat(3)])
    assert await handlers.drain(5) == 0
    assert numbers == [1, 2, 3]
    assert errors.types == [("chat", asyncio.CancelledError)] * 3


async def test_what_a_handler_returns_may_be_any_awaitable() -> None:
    """A future that fails is reported; one that was cancelled elsewhere, too."""
    errors = Errors()
    handlers = MessageHandlers(on_error=errors)
    futures = [asyncio.get_running_loop().create_future() for _ in range(3)]
    handlers.on(Chat, lambda chat: futures[chat.number])
    await deliver_all(handlers, [Chat(0), Chat(1), Chat(2)])
    futures[0].set_result("done")
    futures[1].set_exception(LookupError())
    futures[2].cancel()
    assert await handlers.drain(5) == 0
    assert [kind for _, kind in errors.types] == [LookupError, asyncio.CancelledError]


@pytest.mark.parametrize("error", [ValueError(), UnspeakableError(), asyncio.CancelledError()])
async def test_an_on_error_that_raises_harms_nobody(
    error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    """What the report itself raises is logged, and the next message is handled."""
    numbers: list[int] = []

    def on_error(_wire_type: str, _error: BaseException) -> None:
        raise error

    handlers = MessageHandlers(on_error=on_error)
    handlers.on(Chat, raise_it(LookupError()))
    handlers.on(Chat, raise_it_later(LookupError()))
    handlers.on(Chat, lambda chat: numbers.append(chat.number))
    await deliver_all(handlers, [Chat(1), Chat(2)])
    assert await handlers.drain(5) == 0
    assert numbers == [1, 2]
    assert handlers.failed_count == 4
    assert [record.getMessage() for record in caplog.records] == [
        "on_error raised for a handler of 'chat'"
    ] * 4


async def test_failures_are_logged_if_nobody_asks(caplog: pytest.LogCaptureFixture) -> None:
    """Rule 22 of the style: without `on_error` a failure is not swallowed, also without a text."""
    handlers = MessageHandlers()
    handlers.on(Chat, raise_it(UnspeakableError()))
    await handlers.deliver(Chat(1))
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert "UnspeakableError" in caplog.text


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
async def test_a_wish_to_end_the_program_goes_through(error: type[BaseException]) -> None:
    """Rule 45: KeyboardInterrupt and SystemExit of a plain handler come out of `deliver`."""
    errors = Errors()
    handlers = MessageHandlers(on_error=errors)
    handlers.on(Chat, raise_it(error()))
    with pytest.raises(error):
        await handlers.deliver(Chat(1))
    assert errors.types == []


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("is_sync", [False, True])
def test_a_wish_to_end_the_program_ends_the_loop(
    error: type[BaseException],
    is_sync: bool,  # noqa: FBT001  # a case
) -> None:
    """Rule 45: raised in a task of a handler, it ends `asyncio.run`, once and cleanly."""
    errors = Errors()

    async def run() -> None:
        handlers = MessageHandlers(on_error=errors)
        if is_sync:  # it then runs in the task of the lane
            handlers.on(Chat, lambda _: asyncio.sleep(0))
        handlers.on(Chat, (raise_it if is_sync else raise_it_later)(error()))
        await deliver_all(handlers, [Chat(1), Chat(2)])
        await asyncio.get_running_loop().create_future()

    with pytest.raises(error):
        asyncio.run(run())
    assert errors.types == []
    gc.collect()


def test_a_loop_that_goes_on_after_a_wish_to_end_is_told_once() -> None:
    """Rule 45: who runs the loop on gets no second KeyboardInterrupt, and the lane is gone."""
    handlers = MessageHandlers(on_error=Errors())
    handlers.on(Chat, raise_it_later(KeyboardInterrupt()))
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(handlers.deliver(Chat(1)))
        with pytest.raises(KeyboardInterrupt):
            loop.run_until_complete(turns())
        loop.run_until_complete(turns())
        assert handlers.pending_count == 0
        assert handlers.failed_count == 0
    finally:
        loop.close()


# --- time limits ---------------------------------------------------------------------------------


@pytest.mark.looptime
async def test_a_handler_that_takes_too_long_is_cancelled_and_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Rule 46: it is cancelled, warned of and reported; the next message is handled."""
    errors, ended = Errors(), list[tuple[int, float]]()
    handlers = MessageHandlers(on_error=errors, handler_timeout=2)
    loop = asyncio.get_running_loop()
    start = loop.time()

    async def slow(chat: Chat) -> None:
        try:
            await asyncio.sleep(10 if chat.number == 0 else 1)
        finally:
            ended.append((chat.number, round(loop.time() - start, 3)))

    handlers.on(Chat, slow)
    await deliver_all(handlers, [Chat(0), Chat(1)])
    assert await handlers.drain(100) == 0
    assert ended == [(0, 2.0), (1, 3.0)]
    assert errors.types == [("chat", TimeoutError)]
    assert "'chat' took longer than 2 s" in str(errors.errors[0])
    assert (handlers.timed_out_count, handlers.failed_count) == (1, 1)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


@pytest.mark.looptime
@pytest.mark.parametrize("outcome", [None, ValueError(), asyncio.CancelledError()])
async def test_a_handler_that_resists_its_time_limit_is_counted_once(
    outcome: BaseException | None,
) -> None:
    """Rule 46: it is reported at the limit, whatever it makes of being cancelled."""
    errors = Errors()
    handlers = MessageHandlers(on_error=errors, handler_timeout=2)

    async def resist(_chat: Chat) -> None:
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            await asyncio.sleep(1)
            if outcome is not None:
                raise outcome from None

    handlers.on(Chat, resist)
    await handlers.deliver(Chat(0))
    await asyncio.sleep(2.5)
    assert errors.types == [("chat", TimeoutError)]
    assert await handlers.drain(100) == 0
    assert errors.types == [("chat", TimeoutError)]


@pytest.mark.looptime
async def test_without_a_limit_a_handler_may_take_any_time() -> None:
    """Rule 46: by default nothing is cancelled; an hour passes."""
    handlers, done = MessageHandlers(on_error=Errors()), list[int]()

    async def slow(chat: Chat) -> None:
        await asyncio.sleep(3600)
        done.append(chat.number)

    handlers.on(Chat, slow)
    await handlers.deliver(Chat(1))
    assert await handlers.drain(3601) == 0
    assert (done, handlers.timed_out_count) == ([1], 0)


# --- the end -------------------------------------------------------------------------------------


@pytest.mark.looptime
async def test_drain_is_bounded_and_tells_what_was_given_up() -> None:
    """Rule 47: after the time, what runs is cancelled and what waits is forgotten."""
    errors, began, cleaned = Errors(), list[int](), list[int]()
    handlers = MessageHandlers(on_error=errors)

    async def endless(chat: Chat) -> None:
        began.append(chat.number)
        try:
            await never(chat)
        finally:
            await asyncio.sleep(0.1)
            cleaned.append(chat.number)

    handlers.on(Chat, endless)
    handlers.on(Tick, never, concurrent=True)
    await deliver_all(handlers, [Chat(1), Chat(2), Tick(1), Tick(2), Chat(3)])
    start = asyncio.get_running_loop().time()
    assert await handlers.drain(5) == 5
    assert 5 <= asyncio.get_running_loop().time() - start <= 5.5
    assert (began, cleaned) == ([1], [1])
    assert (handlers.pending_count, errors.types) == (0, [])


@pytest.mark.looptime
async def test_drain_does_not_wait_for_the_stubborn(caplog: pytest.LogCaptureFixture) -> None:
    """Rule 47: a handler that takes no notice of being cancelled is logged and left."""
    handlers, is_over = MessageHandlers(), asyncio.Event()

    async def stubborn(_chat: Chat) -> None:
        while not is_over.is_set():
            try:
                await is_over.wait()
            except asyncio.CancelledError:
                continue

    handlers.on(Chat, stubborn)
    await handlers.deliver(Chat(1))
    await turns()
    start = asyncio.get_running_loop().time()
    assert await handlers.drain(5) == 1
    assert asyncio.get_running_loop().time() - start <= 5.5
    assert "go on although they were cancelled" in caplog.text
    is_over.set()
    assert await handlers.drain(5) == 0


@pytest.mark.parametrize("is_concurrent", [False, True])
async def test_what_did_not_begin_can_be_given_up(is_concurrent: bool) -> None:  # noqa: FBT001  # a case
    """A drain of no time, before any task ran, leaves nothing and warns of no coroutine."""
    handlers = MessageHandlers()
    handlers.on(Chat, never, concurrent=is_concurrent)
    await deliver_all(handlers, [Chat(1), Chat(2)])
    assert await handlers.drain(0) == 2
    assert handlers.pending_count == 0
    assert await handlers.drain(0) == 0


@pytest.mark.looptime
async def test_a_drain_that_is_cancelled_leaves_nothing() -> None:
    """Rule 51: cancelling the drain cancels the handlers at once."""
    handlers = MessageHandlers()
    handlers.on(Chat, never)
    await deliver_all(handlers, [Chat(1), Chat(2)])
    draining = asyncio.create_task(handlers.drain(1000))
    await turns()
    draining.cancel()
    await turns()
    assert draining.cancelled()
    assert handlers.pending_count == 0


@pytest.mark.looptime
@pytest.mark.parametrize("is_concurrent", [False, True])
async def test_a_handler_may_drain(is_concurrent: bool) -> None:  # noqa: FBT001  # a case
    """Rule 49: called within a handler, it neither waits for that one nor cancels it."""
    handlers, given_up = MessageHandlers(on_error=Errors()), list[int]()

    async def end(_chat: Chat) -> None:
        given_up.append(await handlers.drain(5))
        await asyncio.sleep(1)
        given_up.append(-1)

    handlers.on(Tick, never)
    handlers.on(Chat, end, concurrent=is_concurrent)
    await deliver_all(handlers, [Tick(1), Tick(2), Chat(1)])
    await asyncio.sleep(10)
    assert given_up == [2, -1]
    assert (handlers.pending_count, handlers.failed_count) == (0, 0)


async def test_after_a_drain_messages_are_handled_as_before() -> None:
    """One set of handlers serves one link after the other."""
    handlers, numbers = MessageHandlers(), list[int]()

    async def handle(chat: Chat) -> None:
        await asyncio.sleep(0)
        numbers.append(chat.number)

    handlers.on(Chat, handle)
    for number in range(3):
        await handlers.deliver(Chat(number))
        assert await handlers.drain(5) == 0
    assert numbers == [0, 1, 2]


def test_a_loop_that_ends_without_a_drain_ends_the_handlers() -> None:
    """Rule 53: `asyncio.run` ends at once and quietly, with messages running and waiting."""
    ended: list[int] = []

    async def endless(chat: Chat) -> None:
        try:
            await never(chat)
        finally:
            ended.append(chat.number)

    async def run() -> None:
        handlers = MessageHandlers()
        handlers.on(Chat, endless)
        await deliver_all(handlers, [Chat(1), Chat(2)])
        await turns()

    asyncio.run(run())
    gc.collect()
    assert ended == [1]


# --- registering ---------------------------------------------------------------------------------


async def test_a_handler_that_is_unsubscribed_is_not_called_again() -> None:
    """Not for the next message, not for one that waits, not for the one being handled."""
    handlers, calls = MessageHandlers(), list[str]()

    async def first(_chat: Chat) -> None:
        await asyncio.sleep(0)
        calls.append("first")
        end_second()

    handlers.on(Chat, first)
    end_second = handlers.on("chat", lambda _: calls.append("second"))
    end_third = handlers.on(Chat, lambda _: calls.append("third"))
    await deliver_all(handlers, [Chat(1), Chat(2)])
    assert await handlers.drain(5) == 0
    assert calls == ["first", "third"] * 2
    end_third()
    end_second()
    await handlers.deliver(Chat(3))
    assert await handlers.drain(5) == 0
    assert calls == ["first", "third"] * 2 + ["first"]


async def test_a_handler_registered_twice_is_called_twice() -> None:
    """Each registration is ended by its own function, any number of times."""
    handlers, numbers = MessageHandlers(), list[int]()

    def handle(chat: Chat) -> None:
        numbers.append(chat.number)

    end_one, end_other = handlers.on(Chat, handle), handlers.on(Chat, handle)
    await handlers.deliver(Chat(1))
    end_one()
    end_one()
    await handlers.deliver(Chat(2))
    end_other()
    await handlers.deliver(Chat(3))
    assert numbers == [1, 1, 2]


async def test_a_message_without_handlers_is_ignored() -> None:
    """A declared type that nobody asked for is no error."""
    handlers = MessageHandlers(on_error=Errors())
    await handlers.deliver(Chat(1))
    assert (handlers.pending_count, handlers.failed_count) == (0, 0)


@pytest.mark.parametrize("handler", [None, 1, "handle"], ids=repr)
def test_a_handler_that_is_no_function_is_refused(handler: object) -> None:
    """Bad input: a TypeError names the type, what was given and what to do."""
    with pytest.raises(TypeError, match=r"handler of 'chat' must be a function.*got .*give"):
        MessageHandlers().on(Chat, cast("Any", handler))


def test_what_is_no_type_of_messages_is_refused() -> None:
    """Neither an undeclared class nor an object, and no class that JSON cannot be read into."""
    handlers = MessageHandlers()
    with pytest.raises(TypeError, match=r"Errors is no message class; write @message"):
        handlers.on(Errors, print)
    with pytest.raises(TypeError, match="expected a message class or its wire type, got 7"):
        handlers.on(cast("Any", 7), print)
    with pytest.raises(ValueTypeError, match="names"):
        handlers.on(Unreadable, print)


async def test_what_is_no_message_cannot_be_delivered() -> None:
    """An object of an undeclared class raises at the call."""
    with pytest.raises(TypeError, match="int is no message class"):
        await MessageHandlers().deliver(7)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"handler_timeout": 0}, ValueError),
        ({"handler_timeout": -1.0}, ValueError),
        ({"handler_timeout": float("nan")}, ValueError),
        ({"handler_timeout": True}, TypeError),
        ({"handler_timeout": "5"}, TypeError),
        ({"max_pending": 0}, ValueError),
        ({"max_pending": 1.0}, TypeError),
        ({"seen_limit": 0}, ValueError),
        ({"seen_limit": None}, TypeError),
        ({"on_error": 7}, TypeError),
        ({"on_error": None}, TypeError),
        ({"identify": "id"}, TypeError),
    ],
)
def test_a_wrong_option_is_refused_by_its_name(
    options: dict[str, Any], error: type[Exception]
) -> None:
    """Table L: at construction, and the message names the argument."""
    with pytest.raises(error, match=next(iter(options))):
        MessageHandlers(**options)


# --- ids -----------------------------------------------------------------------------------------


@given(st.lists(st.none() | st.integers(0, 5), max_size=30))
def test_a_message_whose_id_was_seen_is_not_handled(identifiers: list[int | None]) -> None:
    """Rule 42: of messages with one id the first is handled; those without an id all are."""

    async def run() -> None:
        numbers: list[int] = []
        handlers = MessageHandlers(identify=lambda chat: identifiers[int(chat.number)])
        handlers.on(Chat, lambda chat: numbers.append(chat.number))
        await deliver_all(handlers, [Chat(number) for number in range(len(identifiers))])
        wanted = [
            number
            for number, identifier in enumerate(identifiers)
            if identifier is None or identifier not in identifiers[:number]
        ]
        assert numbers == wanted
        assert handlers.duplicate_count == len(identifiers) - len(wanted)

    asyncio.run(run())


async def test_the_number_of_ids_is_bounded() -> None:
    """Rule 42: an id that was not seen for long is new again."""
    numbers: list[int] = []
    handlers = MessageHandlers(identify=operator.attrgetter("number"), seen_limit=2)
    handlers.on(Chat, lambda chat: numbers.append(chat.number))
    await deliver_all(handlers, [Chat(1), Chat(2), Chat(1), Chat(3), Chat(1), Chat(2)])
    assert numbers == [1, 2, 3, 2]


@pytest.mark.parametrize(
    "identify",
    [list_its_number, operator.attrgetter("nothing"), raise_it(asyncio.CancelledError())],
)
async def test_a_message_whose_id_cannot_be_told_is_handled(identify: Callable[[Any], Any]) -> None:
    """What `identify` raises is reported, as is an id that cannot be hashed."""
    errors, numbers = Errors(), list[int]()
    handlers = MessageHandlers(identify=identify, on_error=errors)
    handlers.on(Chat, lambda chat: numbers.append(chat.number))
    await deliver_all(handlers, [Chat(1), Chat(1)])
    assert numbers == [1, 1]
    assert len(errors.types) == handlers.failed_count == 2


def test_ten_thousand_messages_leave_no_memory_behind() -> None:
    """Rule 50: what was handled is not kept, by plain and async handlers alike."""

    async def run() -> int:
        handlers = MessageHandlers()
        handlers.on(Chat, lambda _: None)
        handlers.on(Tick, lambda _: asyncio.sleep(0))
        kept = Chat(0)
        before = sys.getrefcount(kept)
        tick = Tick(0)
        for _ in range(5000):
            await handlers.deliver(kept)
            await handlers.deliver(tick)
        assert await handlers.drain(5) == 0
        await turns()
        gc.collect()
        assert sys.getrefcount(tick) == 2
        return sys.getrefcount(kept) - before

    assert asyncio.run(run()) == 0
