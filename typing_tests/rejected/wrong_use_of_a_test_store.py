"""A test store sends and receives actions, and states changes of its own state's type."""

from __future__ import annotations

from refold import Listeners
from refold.testing.test_store import TestStore
from typing_tests.accepted.counter import AddToCounter, Counter, Root, counter
from typing_tests.accepted.operations import measure


async def a_test_that_is_wrong(store: TestStore[Counter]) -> None:
    """Send, receive and advance by what is of another type."""
    await store.send("add")  # expect-error
    await store.send(AddToCounter)  # expect-error
    await store.send(AddToCounter(1), 5)  # expect-error
    await store.send(AddToCounter(1), lambda old: old.value)  # expect-error
    await store.send(measure("text"), Counter())  # expect-error
    await store.receive(int)  # expect-error
    await store.receive("add")  # expect-error
    await store.advance("1")  # expect-error
    store.state = Counter()  # expect-error


TestStore()  # expect-error
TestStore(counter, listeners=[Listeners(Root)])  # expect-error
TestStore(counter, clock=0.0)  # expect-error
TestStore(counter, exhaustive="no")  # expect-error
