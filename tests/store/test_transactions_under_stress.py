"""Transactions and batches against whoever comes in between: tasks, generators, threads, the end.

What belongs here: that a commit is whole or nothing whatever runs beside it, by properties first.
What does not: what a transaction and a batch are (`test_transactions`,
`tests/behaviours/test_batching_behaviours.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refold.actions.action import Action, action
from refold.errors import (
    StoreClosedError,
    SubscriberError,
    TransactionError,
    WrongThreadError,
)
from refold.reducers.reducer import Reducer
from refold.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from refold.store.middleware import Dispatch, StoreAPI


@attrs.frozen
class Seen:
    """The numbers that were added, in order; two states are the same only if all commits are."""

    numbers: tuple[int, ...] = ()


@action("transactions_under_stress/added")
class Added(Action):
    """A number was added."""

    number: int


@action("transactions_under_stress/ticked")
class Ticked(Action):
    """A number was added, of which subscribers may hear later."""

    number: int


class BlockFailedError(Exception):
    """What a block raises."""


seen = Reducer(Seen())


@seen.on(Added, Ticked)
def _(state: Seen, action: Added | Ticked) -> Seen:
    return Seen((*state.numbers, action.number))


class Log:
    """A middleware that keeps what was committed, as a recording would."""

    def __init__(self) -> None:
        self.commits: list[tuple[int, ...]] = []
        self.is_closed = False

    def __call__(self, _store: StoreAPI[Seen], next_dispatch: Dispatch, /) -> Dispatch:
        """Change nothing on an action's way."""
        return next_dispatch

    def committed(self, actions: tuple[Action, ...], /) -> None:
        """Keep the numbers of one commit."""
        assert not self.is_closed
        self.commits.append(tuple(a.number for a in actions if isinstance(a, Added | Ticked)))

    def close(self) -> None:
        """Take no more."""
        self.is_closed = True

    @property
    def folded(self) -> Seen:
        """The state that the log gives."""
        return Seen(tuple(number for commit in self.commits for number in commit))


class Scene:
    """A store with a log, and a subscriber that compares both whenever it is told."""

    def __init__(self, *, batch_seconds: float | None = None) -> None:
        self.log = Log()
        self.store = Store(seen, middleware=[self.log], batch=[Ticked], batch_seconds=batch_seconds)
        self.told: list[Seen] = []
        self.selected: list[tuple[int, int]] = []
        self.next_number = 0
        self.promised: list[int] = []
        """Numbers whose dispatch went well outside of any block of who dispatched them."""
        self.store.subscribe(self.hear)
        self.store.subscribe(
            lambda new, old: self.selected.append((new, old)), select=lambda s: len(s.numbers)
        )

    def hear(self) -> None:
        """Be told: the state is exactly what was committed, and never half of a transaction."""
        assert self.store.state == self.log.folded
        self.told.append(self.store.state)

    def dispatch(self, cls: type[Added | Ticked] = Added) -> None:
        """Dispatch an action with a number of its own."""
        self.next_number += 1
        self.store.dispatch(cls(self.next_number))

    def check_settled(self) -> None:
        """Check that nothing is open, and that everybody has heard of everything."""
        assert self.store.state == self.log.folded
        if self.log.commits:
            assert self.told[-1] == self.store.state
            assert self.selected[-1][0] == len(self.store.state.numbers)
        news = [0, *(new for new, _ in self.selected)]
        assert [old for _, old in self.selected] == news[:-1]
        before = len(self.told)
        self.dispatch()
        assert len(self.told) == before + 1


@attrs.frozen
class Block:
    """A transaction, with what happens in it: True is an ordinary dispatch, False a batched one."""

    steps: tuple[Block | bool, ...]

    is_failing: bool
    """Whether it raises at its end; whoever began it goes on."""


blocks: st.SearchStrategy[Block] = st.recursive(
    st.builds(Block, st.lists(st.booleans(), max_size=3).map(tuple), st.booleans()),
    lambda inner: st.builds(
        Block, st.lists(st.booleans() | inner, max_size=4).map(tuple), st.booleans()
    ),
    max_leaves=8,
)


def run_block(scene: Scene, block: Block) -> tuple[int, ...]:
    """Run a block and return the numbers that it should leave."""
    left: tuple[int, ...] = ()
    with contextlib.suppress(BlockFailedError), scene.store.transaction():
        for step in block.steps:
            if isinstance(step, Block):
                left += run_block(scene, step)
            else:
                scene.dispatch(Added if step else Ticked)
                left += (scene.next_number,)
        if block.is_failing:
            raise BlockFailedError
    return () if block.is_failing else left


@given(st.lists(blocks, max_size=4))
def test_nested_blocks_leave_what_a_naive_model_says(script: list[Block]) -> None:
    """Whatever fails inside whatever, each outermost block is one commit of what was kept in it."""
    scene = Scene()
    expected = [left for block in script if (left := run_block(scene, block))]
    assert scene.log.commits == expected
    assert len(scene.told) == len(expected)
    scene.check_settled()


steps = st.lists(
    st.sampled_from(["dispatch", "tick", "step", "begin", "begin across", "end", "fail"]),
    max_size=10,
)
"""What one task does; a begun block ends with the task if not before."""


async def do(scene: Scene, script: Iterator[str], *, is_in_block: bool) -> None:
    """Run a script until its block ends; refusals are part of the game."""
    for word in script:
        if word == "step":
            await asyncio.sleep(0)
        elif word == "end":
            return
        elif word == "fail":
            raise BlockFailedError
        elif word.startswith("begin"):
            transaction = scene.store.transaction(across_await=word == "begin across")
            with contextlib.suppress(BlockFailedError, TransactionError), transaction:
                await do(scene, script, is_in_block=True)
        else:
            with contextlib.suppress(TransactionError):
                scene.dispatch(Added if word == "dispatch" else Ticked)
                scene.promised += [] if is_in_block else [scene.next_number]


async def do_all(scene: Scene, words: list[str]) -> None:
    """Run a whole script."""
    script = iter(words)
    for _ in words:
        with contextlib.suppress(BlockFailedError):
            await do(scene, script, is_in_block=False)


@given(
    st.lists(steps, min_size=1, max_size=4),
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 8))),
)
def test_tasks_that_come_in_between_never_see_or_lose_half_a_commit(
    scripts: list[list[str]], cancellations: list[tuple[int, int]]
) -> None:
    """Tasks dispatch, batch, begin and await in any order and are cancelled at any step.

    Whoever is told sees exactly what was committed, and at the end everybody was told of all of it.
    """

    async def run() -> None:
        scene = Scene()
        tasks = [asyncio.create_task(do_all(scene, script)) for script in scripts]
        for at_step in range(10):
            for which, when in cancellations:
                if when == at_step and which < len(tasks):
                    tasks[which].cancel()
            await asyncio.sleep(0)
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(each is None or isinstance(each, asyncio.CancelledError) for each in done)
        for _ in range(3):
            await asyncio.sleep(0)
        assert set(scene.promised) <= set(scene.store.state.numbers)
        scene.check_settled()

    asyncio.run(run())


async def test_a_task_of_the_same_step_is_refused_too() -> None:
    """A task that is to run in the very step in which a block awaits cannot dispatch into it."""
    scene = Scene()

    async def block() -> None:
        with scene.store.transaction(across_await=True):
            scene.dispatch()
            await asyncio.sleep(0)
            raise BlockFailedError

    async def other() -> None:
        scene.dispatch()

    async def nest() -> None:
        with scene.store.transaction():
            scene.dispatch()

    done = await asyncio.gather(block(), other(), nest(), return_exceptions=True)
    assert [type(each) for each in done] == [BlockFailedError, TransactionError, TransactionError]
    assert scene.log.commits == []
    scene.check_settled()


@pytest.mark.looptime
async def test_a_batch_whose_time_is_over_in_a_transaction_is_told_after_it() -> None:
    """Subscribers do not see a half done transaction because a batch before it is due."""
    scene = Scene(batch_seconds=1)
    scene.dispatch(Ticked)
    with contextlib.suppress(BlockFailedError), scene.store.transaction(across_await=True):
        scene.dispatch()
        await asyncio.sleep(5)
        assert scene.told == []
        raise BlockFailedError
    await asyncio.sleep(2)
    assert scene.told == [Seen((1,))]
    scene.check_settled()


@pytest.mark.looptime
async def test_a_batch_that_was_due_in_a_transaction_is_told_with_it() -> None:
    """A transaction that is kept tells of the batch before it, and neither is told twice."""
    scene = Scene(batch_seconds=1)
    scene.dispatch(Ticked)
    with scene.store.transaction(across_await=True):
        await asyncio.sleep(5)
        scene.dispatch()
    await asyncio.sleep(2)
    assert scene.told == [Seen((1, 2))]


def test_a_batch_of_a_loop_that_is_gone_is_told_by_the_next() -> None:
    """A store outlives its event loop: what the loop did not come to is told by whoever is next."""
    scene = Scene(batch_seconds=60)

    async def tick() -> None:
        scene.dispatch(Ticked)

    asyncio.run(tick())
    assert scene.told == []
    scene.dispatch(Ticked)
    assert scene.told == [Seen((1, 2))]


def test_a_batch_of_a_loop_that_is_gone_is_told_in_the_next_loop() -> None:
    """Its time begins anew with the first batched action there."""
    scene = Scene(batch_seconds=0.001)
    is_told = asyncio.Event()
    scene.store.subscribe(is_told.set)

    async def tick() -> None:
        scene.dispatch(Ticked)

    async def tick_and_wait() -> None:
        scene.dispatch(Ticked)
        await is_told.wait()

    asyncio.run(tick())
    asyncio.run(tick_and_wait())
    assert scene.told == [Seen((1, 2))]


def leave_open(scene: Scene) -> Generator[None]:
    """Begin a transaction and stop half-way."""
    with scene.store.transaction():
        scene.dispatch()
        yield


def test_a_generator_left_half_way_cannot_end_around_an_open_block() -> None:
    """An outer block that ends before an inner one raises, and all is rolled back."""
    scene = Scene()
    outer = leave_open(scene)
    next(outer)

    def inner() -> None:
        with scene.store.transaction():
            scene.dispatch()
            with pytest.raises(TransactionError, match="reverse order"):
                next(outer)
            assert scene.store.state == Seen()

    with pytest.raises(TransactionError, match="reverse order"):
        inner()
    assert scene.log.commits == []
    scene.check_settled()


def test_a_generator_left_half_way_inside_a_block_spoils_it() -> None:
    """An inner block that is still open when the outer one ends takes it down with it."""
    scene = Scene()
    inner = leave_open(scene)

    def outer() -> None:
        with scene.store.transaction():
            scene.dispatch()
            next(inner)

    with pytest.raises(TransactionError, match="half-way"):
        outer()
    inner.close()
    assert scene.log.commits == []
    scene.check_settled()


def test_blocks_that_end_crosswise_inside_another_are_rolled_back_with_it() -> None:
    """A block that ends out of order brings back nothing that was undone before."""
    scene = Scene()
    first, second = leave_open(scene), leave_open(scene)

    def outer() -> None:
        with scene.store.transaction():
            next(first)
            next(second)
            with pytest.raises(TransactionError):
                next(first)
            assert scene.store.state == Seen()
            with pytest.raises(TransactionError):
                next(second)
            assert scene.store.state == Seen()

    with pytest.raises(TransactionError):
        outer()
    scene.check_settled()


def test_a_generator_that_is_dropped_rolls_its_block_back() -> None:
    """A block that was left half-way and is collected is as one that raised."""
    scene = Scene()
    half_way = leave_open(scene)
    next(half_way)
    half_way.close()
    assert scene.log.commits == []
    scene.check_settled()


async def test_a_block_left_open_by_a_task_that_ended_refuses_the_others() -> None:
    """Nobody else gets into it, until it is closed; then everybody can dispatch."""
    scene = Scene()
    half_way = leave_open(scene)

    async def begin() -> None:
        next(half_way)

    await asyncio.create_task(begin())
    with pytest.raises(TransactionError):
        scene.dispatch()
    half_way.close()
    scene.check_settled()


def test_a_block_left_open_when_its_loop_ended_refuses_code_outside_of_it() -> None:
    """The refusal is that of a transaction, and not that no loop runs."""
    scene = Scene()
    half_way = leave_open(scene)

    async def begin() -> None:
        next(half_way)

    asyncio.run(begin())
    with pytest.raises(TransactionError, match="Added was dispatched"):
        scene.dispatch()
    half_way.close()
    scene.check_settled()


@pytest.mark.parametrize("is_nested", [False, True])
def test_a_subscription_made_in_a_block_that_raises_knows_the_state_after_it(
    is_nested: bool,  # noqa: FBT001  # a parameter of the test
) -> None:
    """What it took for the present value was rolled back; the next change is told all the same."""
    scene = Scene()
    heard: list[tuple[int, int]] = []

    def block() -> None:
        with scene.store.transaction():
            scene.dispatch()
            scene.store.subscribe(
                lambda new, old: heard.append((new, old)), select=lambda s: len(s.numbers)
            )
            raise BlockFailedError

    outer = scene.store.transaction() if is_nested else contextlib.nullcontext()
    with outer, pytest.raises(BlockFailedError):
        block()
    scene.dispatch()
    assert heard == [(1, 0)]


def test_a_subscription_made_in_a_block_hears_what_follows_in_it() -> None:
    """A failed block inside does not make it forget what it knew when it was made."""
    scene = Scene()
    heard: list[tuple[int, int]] = []

    def fail() -> None:
        with scene.store.transaction():
            raise BlockFailedError

    with scene.store.transaction():
        scene.store.subscribe(
            lambda new, old: heard.append((new, old)), select=lambda s: len(s.numbers)
        )
        scene.dispatch()
        with pytest.raises(BlockFailedError):
            fail()
    assert heard == [(1, 0)]


def test_a_selector_that_raises_does_not_hide_the_error_of_the_block() -> None:
    """A rollback is silent about a new subscription's selector; it raises when it is told."""
    scene = Scene()

    def divide(state: Seen) -> int:
        return 1 // len(state.numbers)

    def block() -> None:
        with scene.store.transaction():
            scene.dispatch()
            scene.store.subscribe(lambda _new, _old: None, select=divide)
            raise BlockFailedError

    with pytest.raises(BlockFailedError):
        block()
    assert scene.store.state == Seen()


async def test_a_transaction_open_when_the_store_is_left_is_rolled_back() -> None:
    """Whoever records is closed by then: a commit would be in the state and not in the log."""
    scene = Scene()
    is_open = asyncio.Event()

    async def block() -> None:
        with scene.store.transaction(across_await=True):
            scene.dispatch()
            is_open.set()
            await asyncio.sleep(0)
            await asyncio.sleep(0)

    async with scene.store:
        task = asyncio.create_task(block())
        await is_open.wait()
    with pytest.raises(StoreClosedError, match="rolled back"):
        await task
    assert scene.store.state == scene.log.folded == Seen()


async def test_a_subscriber_may_use_a_transaction_while_the_store_is_left() -> None:
    """What is told last, when the store is left, can still be answered and recorded."""
    scene = Scene(batch_seconds=60)

    def answer() -> None:
        if len(scene.store.state.numbers) == 1:
            with scene.store.transaction():
                scene.dispatch()

    scene.store.subscribe(answer)
    async with scene.store:
        scene.dispatch(Ticked)
    assert scene.log.commits == [(1,), (2,)]


async def test_dispatch_threadsafe_is_refused_while_a_block_awaits() -> None:
    """The waiting thread gets the refusal, and can try again after the block."""
    scene = Scene()
    async with scene.store:
        with scene.store.transaction(across_await=True):
            scene.dispatch()
            refused = asyncio.wrap_future(scene.store.dispatch_threadsafe(Added(100)))
            with pytest.raises(TransactionError):
                await refused
        await asyncio.wrap_future(scene.store.dispatch_threadsafe(Added(101)))
    assert scene.log.commits == [(1,), (101,)]


async def test_a_subscriber_that_raises_when_a_batch_is_told_harms_no_later_one() -> None:
    """Its error goes to the loop; the batch is over, and the next one is told."""
    scene = Scene()
    errors: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _loop, context: errors.append(context.get("exception")))

    def fail() -> None:
        raise BlockFailedError

    remove = scene.store.subscribe(fail)
    scene.dispatch(Ticked)
    await asyncio.sleep(0)
    assert [type(error) for error in errors] == [SubscriberError]
    remove()
    scene.dispatch(Ticked)
    await asyncio.sleep(0)
    assert scene.told == [Seen((1,)), Seen((1, 2))]


async def test_a_subscriber_that_batches_in_answer_is_told_once_more() -> None:
    """A batched dispatch of a subscriber that is told of a batch begins a new batch."""
    scene = Scene()

    def answer() -> None:
        if len(scene.store.state.numbers) < 3:
            scene.dispatch(Ticked)

    scene.store.subscribe(answer)
    with scene.store.transaction():
        scene.dispatch(Ticked)
    for _ in range(5):
        await asyncio.sleep(0)
    assert scene.log.commits == [(1,), (2,), (3,)]
    scene.check_settled()


async def test_a_reducer_replaced_by_another_task_stays_after_a_rollback() -> None:
    """Replacing is no dispatch; the state comes back under the reducer that is there now."""
    store = Store(seen)
    other = Reducer(Seen())
    other.on(Added)(lambda state, action: Seen((*state.numbers, -action.number)))

    async def replace() -> None:
        store.replace_reducer(other)

    with contextlib.suppress(BlockFailedError), store.transaction(across_await=True):
        store.dispatch(Added(1))
        await asyncio.create_task(replace())
        store.dispatch(Added(2))
        raise BlockFailedError
    assert store.state == Seen()
    store.dispatch(Added(7))
    assert store.state == Seen((-7,))


def test_a_foreign_thread_cannot_begin_a_transaction() -> None:
    """It would take back what the store's own thread dispatches meanwhile."""
    scene = Scene()

    def begin() -> None:
        with scene.store.transaction():
            raise AssertionError

    with ThreadPoolExecutor() as pool, pytest.raises(WrongThreadError, match="was begun from"):
        pool.submit(begin).result()
    scene.check_settled()


async def test_a_subscriber_that_raises_when_the_store_is_left_does_not_keep_it_open() -> None:
    """Its error comes out, and all middleware is closed all the same."""
    scene = Scene(batch_seconds=60)

    def fail() -> None:
        raise BlockFailedError

    scene.store.subscribe(fail)
    with pytest.raises(SubscriberError):
        async with scene.store:
            scene.dispatch(Ticked)
    assert scene.log.is_closed
