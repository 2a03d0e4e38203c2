"""A listener must take the action and the state that it is declared for."""

from __future__ import annotations

from refold import Effect, Listeners, Store
from typing_tests.accepted.counter import AddToCounter, Counter, Root, counter

listeners = Listeners(Root)


async def takes_a_number(action: int, fx: Effect[Root]) -> None:
    """Answer what is no action."""
    print(action, fx)


async def takes_another_state(action: AddToCounter, fx: Effect[Counter]) -> None:
    """Answer in another state."""
    print(action, fx)


async def takes_a_later_action(_action: AddToCounter, fx: Effect[Root]) -> None:
    """Wait for an action that may not come in time."""
    taken = await fx.take(AddToCounter, timeout=1)
    print(taken.action)  # expect-error
    print(fx.state.no_such_slice)  # expect-error


listeners.on(AddToCounter)(takes_a_number)  # expect-error
listeners.on(AddToCounter)(takes_another_state)  # expect-error
listeners.on(AddToCounter)(takes_a_later_action)
listeners.on(AddToCounter, policy="sometimes")  # expect-error
listeners.on(AddToCounter, policy="debounce", seconds="1")  # expect-error
Store(counter, listeners=[listeners])  # expect-error
