"""What is inferred of a `TestStore`: its state, and what is sent and received."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_type

from refold import Action
from refold.middleware.operation_run import OperationRun
from refold.middleware.operations import operations
from refold.testing.test_store import TestStore
from refold.testing.virtual_clock import VirtualClock
from typing_tests.accepted.counter import AddToCounter, Counter, counter
from typing_tests.accepted.operations import measure, numbers

if TYPE_CHECKING:
    from refold.errors import TestStoreError


async def a_test_knows_its_types() -> None:
    """The state's type is the reducer's; an action comes back as what it is."""
    async with TestStore(counter) as store:
        assert_type(store, TestStore[Counter])
        assert_type(store.state, Counter)
        assert_type(await store.send(AddToCounter(1), value=1), AddToCounter)
        assert_type(await store.send(AddToCounter(1), lambda old: old), AddToCounter)
        assert_type(await store.send(AddToCounter(1), Counter()), AddToCounter)
        assert_type(await store.receive(AddToCounter, value=lambda old: old + 1), AddToCounter)
        assert_type(await store.receive(AddToCounter(1)), AddToCounter)
        assert_type(await store.receive(Action), Action)
        assert_type(store.clock, VirtualClock)
        await store.advance(0.3)


async def a_command_gives_its_answer() -> None:
    """Sending an operation's request gives the run."""
    async with TestStore(numbers, middleware=[operations()], exhaustive=False) as store:
        assert_type(await store.send(measure("text")), OperationRun[str, int])
        assert_type([str(part) for part in store.skipped], list[str])


def a_plain_function_is_a_reducer(error: TestStoreError) -> None:
    """What a store takes, a test store takes; its failure is an assertion's."""

    def fold(state: int | None, action: Action) -> int:
        return (state or 0) + len(action.wire_name)

    assert_type(TestStore(fold, state=3), TestStore[int])
    failed: AssertionError = error
    print(failed)
