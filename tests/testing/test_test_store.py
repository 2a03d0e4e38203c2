"""`TestStore`: stating what is sent and received, and every text of its failures, word for word."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, Any

import pytest
from pyrsistent import pvector

from refold import Action, Effect, Listeners, Reducer, Store, evolve, timestamps
from refold.errors import NotAnActionError, RefoldError, TestStoreError
from refold.store.inputs import Inputs
from refold.testing.test_store import TestStore
from refold.testing.virtual_clock import VirtualClock
from tests.testing.failure_texts import fails_with, written
from tests.testing.todo_scene import AddTodo, Count, Rename, Todo, Todos, TodosSaved, count, todos

if TYPE_CHECKING:
    from refold.store.middleware import Dispatch, StoreAPI

START_MS = 1_700_000_000_000
"""Where the clock of a test begins."""


def saving() -> Listeners[Todos]:
    """Return a listener that saves at once what is added."""
    listeners = Listeners(Todos)

    @listeners.on(AddTodo)
    async def save(_action: AddTodo, fx: Effect[Todos]) -> None:
        fx.dispatch(TodosSaved())

    return listeners


async def test_a_test_states_each_action_with_its_whole_change() -> None:
    """Values and functions of old values state a change; each call gives its action."""
    async with TestStore(todos, listeners=[saving()]) as store:
        sent = await store.send(
            AddTodo("milk"),
            todos=lambda old: old.append(Todo("milk")),
            saved=False,
            added_at_ms=START_MS,
        )
        assert sent == AddTodo("milk")
        received = await store.receive(TodosSaved, saved=True)
        assert received == TodosSaved()
        await store.send(Rename("to buy"), title="to buy")
    assert store.state.title == "to buy"
    assert store.skipped == ()


async def test_a_change_may_be_stated_as_a_whole() -> None:
    """A second argument is the new state, or a function of the old one, of any root state."""
    async with TestStore(count) as store:
        await store.send(Count(2), 2)
        await store.send(Count(3), lambda old: old + 3)
        await store.send(Count(0))
    async with TestStore(todos, state=Todos(title="")) as other:
        await other.send(Rename("a"), lambda old: evolve(old, title="a"))


async def test_a_store_takes_what_a_store_takes() -> None:
    """State, middleware and inputs are those of a `Store`, also a plain function as its reducer."""
    seen: list[Action] = []

    def note(_store: StoreAPI[int], next: Dispatch) -> Dispatch:  # noqa: A002  # its usual name
        def handle(action: Action) -> Action:
            seen.append(action)
            return next(action)

        return handle

    def fold(state: int | None, action: object) -> int:
        return (state or 0) + (action.by if isinstance(action, Count) else 0)

    async with TestStore(fold, state=5, middleware=[note], inputs=Inputs(now=lambda: 7.0)) as store:
        await store.send(Count(2), 7)
        assert isinstance(store.store, Store)
    assert seen == [Count(2)]


async def test_actions_get_the_time_of_the_tests_clock() -> None:
    """Without a clock of its own, an action's time is the clock's, which `advance` turns."""
    async with TestStore(todos) as store:
        await store.advance(0.1)
        await store.advance(0.2)
        await store.send(Rename("a"), title="a")
        todo = pvector([Todo("a")])
        sent = await store.send(AddTodo("a"), todos=todo, saved=False, added_at_ms=START_MS + 300)
        assert sent.at_ms == START_MS + 300
        assert store.clock() == START_MS / 1000 + 0.3


async def test_a_time_that_is_there_and_another_clock_are_kept() -> None:
    """What the test or its middleware says of the time counts."""
    mine = timestamps(VirtualClock(5.0))
    async with TestStore(todos, middleware=[mine], exhaustive=False) as store:
        await store.send(AddTodo("a"), added_at_ms=5000)
        await store.send(AddTodo("b", at_ms=9), added_at_ms=9)
    clock = VirtualClock(8.0)
    async with TestStore(todos, clock=clock, exhaustive=False) as store:
        await store.advance(1)
        await store.send(AddTodo("a"), added_at_ms=9000)
    assert clock() == 9.0


# --- changes that are not as stated ---------------------------------------------------------------


async def failure_of_sending(action: Action, *whole: Any, **changes: object) -> str:
    """Return the text with which sending fails."""
    async with TestStore(todos, exhaustive=True) as store:
        try:
            await store.send(action, *whole, **changes)
        except TestStoreError as failure:
            return str(failure)
    return ""


async def test_a_change_that_is_not_stated_fails() -> None:
    """The text names each part, and gives the call that states all of them."""
    assert await failure_of_sending(AddTodo("milk"), saved=False) == written("""
        AddTodo(text='milk') did not change the state as stated:
          todos[0] changed from (absent) to Todo(text='milk', done=False), which is not stated
          added_at_ms changed from None to 1700000000000, which is not stated
        if it is right, write:
          await store.send(
              AddTodo(text='milk'),
              todos=pvector([Todo(text='milk', done=False)]),
              saved=False,
              added_at_ms=1700000000000,
          )
        """)


async def test_a_change_to_another_value_than_stated_fails() -> None:
    """The text has the stated value and the one that is there."""
    assert await failure_of_sending(Rename("shop"), title="to buy") == written("""
        Rename(title='shop', count=1.0) did not change the state as stated:
          title: stated 'to buy', is 'shop'
        if it is right, write:
          await store.send(Rename(title='shop', count=1.0), title='shop')
        """)


async def test_a_stated_change_that_did_not_happen_fails() -> None:
    """Where nothing changed, the advice states nothing."""
    assert await failure_of_sending(Rename("to do"), saved=False) == written("""
        Rename(title='to do', count=1.0) did not change the state as stated:
          saved: stated False, is True
        if it is right, write:
          await store.send(Rename(title='to do', count=1.0))
        """)


async def test_a_change_of_a_state_without_fields_fails_with_its_values() -> None:
    """The whole state is what is stated, and what the advice gives."""
    with fails_with("""
        Count(by=2) did not change the state as stated:
          the state: stated 3, is 2
        if it is right, write:
          await store.send(Count(by=2), 2)
        """):
        async with TestStore(count) as store:
            await store.send(Count(2), 3)


@pytest.mark.parametrize("stated", [2.0, True, -0.0])
async def test_equal_is_not_enough(stated: Any) -> None:
    """A change is stated exactly: a float is no int, 1 is not True, and 0.0 is not -0.0."""
    numbers = Reducer(0.0 if stated == 0 else 0)
    numbers.on(Count)(lambda state, action: state + action.by)
    with pytest.raises(TestStoreError, match="did not change the state as stated"):
        async with TestStore(numbers) as store:
            await store.send(Count(int(stated)), stated)


async def test_what_no_log_tells_apart_is_the_same() -> None:
    """One not-a-number is stated by another."""
    numbers = Reducer(0.0)
    numbers.on(Count)(lambda state, _action: state * float("inf"))
    async with TestStore(numbers) as store:
        await store.send(Count(), float("nan"))
        await store.send(Count())


async def test_many_differences_are_cut_short() -> None:
    """A text has at most ten lines of one kind, and of a long value its beginning."""

    def fold(state: Any, _action: object) -> Any:
        return pvector([1] * 12) if state else pvector(["x" * 500])

    with pytest.raises(TestStoreError) as failure:
        async with TestStore(fold, state=pvector([0] * 12)) as store:
            await store.send(Count())
    assert "  [9] changed from 0 to 1\n  ... and 2 more\n" in str(failure.value).replace(
        ": stated 0, is 1", " changed from 0 to 1"
    )
    with pytest.raises(TestStoreError) as failure:
        async with TestStore(fold, state=pvector([])) as store:
            await store.send(Count())
    assert f"is '{'x' * 199}…\n" in str(failure.value)


@pytest.mark.parametrize(
    ("whole", "changes", "text"),
    [
        (
            (),
            {"tods": 1},
            (
                "Todos has no field 'tods' whose change could be stated; its fields are todos,"
                " title, saved, added_at_ms"
            ),
        ),
        (
            (Todos(),),
            {"title": ""},
            "state a change as a whole or by fields, not both; got the whole and title",
        ),
    ],
)
async def test_a_change_that_cannot_be_stated_so_fails(
    whole: tuple[Any, ...], changes: dict[str, object], text: str
) -> None:
    """The text says what could be stated instead."""
    assert await failure_of_sending(Rename("a"), *whole, **changes) == text


async def test_a_state_without_fields_takes_no_keywords() -> None:
    """The text says how its change is stated."""
    with fails_with(
        "the state is of type int, which has no fields to state by keyword; got value; give the"
        " whole new state, or a function of the old one, after the action"
    ):
        async with TestStore(count) as store:
            await store.send(Count(), value=1)


async def test_what_a_stating_function_raises_is_raised() -> None:
    """A mistake in the test itself is no failure of the store; a note says where it is."""

    def fail(_old: object) -> object:
        raise LookupError

    with pytest.raises(LookupError) as raised:
        async with TestStore(todos) as store:
            await store.send(Rename("a"), title=fail)
    assert raised.value.__notes__ == [
        "raised by the function that states the change of the field 'title'"
    ]


async def test_an_action_that_a_middleware_keeps_changes_nothing() -> None:
    """It may be sent, but no change may be stated of it."""

    def keep(_store: StoreAPI[Todos], _next: Dispatch) -> Dispatch:
        return lambda action: action

    with fails_with(
        "Rename(title='a', count=1.0) did not reach the reducer: a middleware kept it; state no"
        " change"
    ):
        async with TestStore(todos, middleware=[keep]) as store:
            await store.send(AddTodo("a"))
            await store.send(Rename("a"), title="a")


async def test_a_change_without_an_action_fails() -> None:
    """What another reducer makes of the state has to come by an action."""
    with fails_with("""
        the state changed without an action:
          the state changed from 0 to 9
          the state changed from 9 to 10
        """):
        async with TestStore(count) as store:
            await store.send(Count(0))
            store.store.replace_reducer(_Adopting(9))
            await store.send(Count(0))
            store.store.replace_reducer(_Adopting(10))


class _Adopting(Reducer[int]):
    """A reducer that takes no state from the one before."""

    def adopt_state(self, old: Any, old_reducer: Any) -> Any:  # noqa: ARG002  # it takes none
        """Return its own."""
        return self.initial


# --- actions that are not received ----------------------------------------------------------------


async def test_sending_before_all_is_received_fails() -> None:
    """The text has what waits, and the calls to write before."""
    with fails_with("""
        Rename(title='a', count=1.0) was sent before these actions were received:
          1. TodosSaved(), from listener:save
          2. TodosSaved(), from listener:save
        before it, write:
          await store.receive(TodosSaved(), saved=True)
          await store.receive(TodosSaved())
        """):
        async with TestStore(todos, listeners=[saving(), saving()]) as store:
            added = evolve(Todos(), todos=pvector([Todo("a")]), saved=False, added_at_ms=1)
            await store.send(AddTodo("a", at_ms=1), added)
            await store.send(Rename("a"), title="a")


async def test_ending_before_all_is_received_fails() -> None:
    """The text has what waits, and the calls to write at the end."""
    with fails_with("""
        the test ended before these actions were received:
          1. Count(by=4), from app
        at its end, write:
          await store.receive(Count(by=4), 4)
        """):
        async with TestStore(count) as store:
            store.store.dispatch(Count(4))


async def test_receiving_another_action_than_the_next_fails() -> None:
    """Actions are received in order; the text has the next one's call."""
    with fails_with("""
        expected to receive TodosSaved, but the next action is another:
          1. Rename(title='a', count=1.0), from app
          2. TodosSaved(), from app
        to receive the next one, write:
          await store.receive(Rename(title='a', count=1.0), title='a')
        """):
        async with TestStore(todos) as store:
            store.store.dispatch(Rename("a"))
            store.store.dispatch(TodosSaved())
            await store.receive(TodosSaved)


async def test_receiving_an_action_with_other_fields_fails() -> None:
    """The text names the fields."""
    with fails_with("""
        expected to receive Rename(title='b', count=1.0), but the next action is another:
          1. Rename(title='a', count=1.0), from app
        it differs in:
          title: expected 'b', is 'a'
        to receive the next one, write:
          await store.receive(Rename(title='a', count=1.0), title='a')
        """):
        async with TestStore(todos) as store:
            store.store.dispatch(Rename("a"))
            await store.receive(Rename("b", at_ms=5), title="a")


async def test_receiving_where_nothing_can_come_fails() -> None:
    """The text says that no time leads on."""
    with fails_with("""
        expected to receive TodosSaved, but no such action was dispatched
        no timer is set: only another action, or something from outside, leads on
        """):
        async with TestStore(todos) as store:
            await store.receive(TodosSaved)


async def test_a_base_class_and_an_equal_action_are_received() -> None:
    """What is received may be any action, or one that is equal but for its time."""
    async with TestStore(count) as store:
        store.store.dispatch(Count(1))
        store.store.dispatch(Count(2))
        assert (await store.receive(Action, 1)).at_ms == START_MS
        assert await store.receive(Count(2), 3) == Count(2)


async def test_the_change_of_a_received_action_is_checked_too() -> None:
    """The advice repeats what is received as the test wrote it."""
    async with TestStore(count) as store:
        store.store.dispatch(Count(1))
        with pytest.raises(TestStoreError) as failure:
            await store.receive(Count, 2)
    assert str(failure.value).endswith("\n  await store.receive(Count, 1)")


async def test_all_actions_of_a_transaction_are_received() -> None:
    """Each has the change that it made, though a subscriber sees one; one rolled back has none."""
    async with TestStore(count) as store:
        with store.store.transaction():
            store.store.dispatch(Count(1))
            store.store.dispatch(Count(2))
        with contextlib.suppress(LookupError), store.store.transaction():
            store.store.dispatch(Count(5))
            raise LookupError
        store.store.dispatch(Count(4))
        await store.receive(Count(1), 1)
        await store.receive(Count(2), 3)
        await store.receive(Count(4), 7)


async def test_what_is_dispatched_in_answer_at_once_is_received_after() -> None:
    """Subscribers and middleware may dispatch before the sent action's dispatch is over."""

    def answers(store: StoreAPI[int], next: Dispatch) -> Dispatch:  # noqa: A002  # its usual name
        def handle(action: Action) -> Action:
            if action == Count(1):
                store.dispatch(Count(10))
            return next(action)

        return handle

    class AnswersCommits:
        """A middleware that dispatches when it is told of a commit."""

        def __call__(self, store: StoreAPI[int], next: Dispatch, /) -> Dispatch:  # noqa: A002
            self.store = store
            return next

        def committed(self, actions: tuple[Action, ...], /) -> None:
            if Count(1) in actions:
                self.store.dispatch(Count(100))

    async with TestStore(count, middleware=[answers, AnswersCommits()]) as store:
        store.store.subscribe(lambda: store.state == 121 and store.store.dispatch(Count(1000)))
        store.store.dispatch(Count(10))
        await store.receive(Count(10), 10)
        await store.send(Count(1), lambda old: old + 1)
        await store.receive(Count(10), 20)
        await store.receive(Count(100), 121)
        await store.receive(Count(1000), 1121)


async def test_of_an_action_that_a_middleware_doubles_the_second_is_received() -> None:
    """What is sent is the first that reaches the reducer."""

    def double(_store: StoreAPI[int], next: Dispatch) -> Dispatch:  # noqa: A002  # its usual name
        def handle(action: Action) -> Action:
            next(action)
            return next(action)

        return handle

    async with TestStore(count, middleware=[double]) as store:
        await store.send(Count(2), 2)
        await store.receive(Count(2), 4)


# --- what does not belong to it -------------------------------------------------------------------


async def test_what_dispatch_raises_is_raised() -> None:
    """A reducer's error, and what is no action, reach the test as they are."""
    failing = Reducer(0)

    @failing.on(Count)
    def _(_state: int, _action: Count) -> int:
        raise LookupError

    async with TestStore(failing) as store:
        with pytest.raises(LookupError):
            await store.send(Count())
        with pytest.raises(NotAnActionError):
            await store.send("count")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]  # refused at run time too
    assert store.state == 0


async def test_an_error_of_the_block_is_not_hidden() -> None:
    """Whatever is unreceived then, the test fails with its own error."""

    async def test() -> None:
        async with TestStore(todos, listeners=[saving()]) as store:
            store.store.dispatch(AddTodo("a"))
            message = "mine"
            raise LookupError(message)

    with pytest.raises(LookupError, match="mine"):
        await test()


async def test_a_test_store_is_entered_once() -> None:
    """Before that, and a second time, its use fails with what to do."""
    store = TestStore(count)
    with fails_with("enter the TestStore first: async with TestStore(reducer) as store"):
        await store.send(Count())
    async with store:
        with pytest.raises(TestStoreError) as failure:
            await store.__aenter__()
    assert str(failure.value) == "a TestStore can be entered once; make a new one"


def test_the_failure_is_an_assertion() -> None:
    """Test runners show it as a failure, and it is of refold's tree."""
    assert issubclass(TestStoreError, AssertionError)
    assert issubclass(TestStoreError, RefoldError)


# --- without exhaustiveness -----------------------------------------------------------------------


async def test_without_exhaustiveness_only_what_is_stated_counts(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The rest is noted, and written to the log at the end."""
    caplog.set_level(logging.INFO, "refold.testing")
    async with TestStore(todos, listeners=[saving()], exhaustive=False) as store:
        await store.send(AddTodo("a"), saved=False)
        await store.send(AddTodo("b"))
        store.store.dispatch(Rename("x"))
        await store.receive(Rename, lambda old: evolve(old, title="x"))
        store.store.dispatch(Count())
    assert [(part.kind, str(part)) for part in store.skipped] == [
        (
            "change",
            "AddTodo(text='a'): todos[0] changed from (absent) to Todo(text='a', done=False)",
        ),
        ("change", "AddTodo(text='a'): added_at_ms changed from None to 1700000000000"),
        ("action", "TodosSaved() was not received"),
        (
            "change",
            "AddTodo(text='b'): todos[1] changed from (absent) to Todo(text='b', done=False)",
        ),
        ("change", "AddTodo(text='b'): saved changed from True to False"),
        ("action", "TodosSaved() was not received"),
        ("action", "Count(by=1) was not received"),
    ]
    (logged,) = caplog.messages
    assert logged.startswith("the test did not look at:\n  change: AddTodo(text='a'): todos[0]")
    assert logged.endswith("\n  action: Count(by=1) was not received")


async def test_without_exhaustiveness_what_is_stated_must_be_so() -> None:
    """A stated field, whole or received action that is otherwise fails as ever."""
    async with TestStore(todos, exhaustive=False) as store:
        with pytest.raises(TestStoreError, match="title: stated 'b', is 'a'"):
            await store.send(Rename("a"), title="b")
        with pytest.raises(TestStoreError, match="saved: stated False, is True"):
            await store.send(Rename("a"), lambda old: evolve(old, saved=False))
        store.store.dispatch(Rename("c"))
        with pytest.raises(TestStoreError) as failure:
            await store.receive(TodosSaved)
    assert str(failure.value) == written("""
        expected to receive TodosSaved, but no such action was dispatched
        these were:
          1. Rename(title='c', count=1.0), from app
        no timer is set: only another action, or something from outside, leads on
        """)
    async with TestStore(count, exhaustive=False) as other:
        await other.send(Count(1))
        with pytest.raises(TestStoreError, match="the state: stated 5, is 2"):
            await other.send(Count(1), 5)
    assert [str(part) for part in other.skipped] == ["Count(by=1): the state changed from 0 to 1"]


async def test_nothing_skipped_is_nothing_logged(caplog: pytest.LogCaptureFixture) -> None:
    """A test that stated all leaves no line."""
    caplog.set_level(logging.INFO, "refold.testing")
    async with TestStore(count, exhaustive=False) as store:
        await store.send(Count(1), 1)
    assert not caplog.messages
