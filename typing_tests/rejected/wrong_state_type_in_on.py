"""A handler takes and returns the state of its reducer, and the actions it is declared for."""

from __future__ import annotations

from typing_tests.accepted.counter import AddToCounter, Counter, RenameCounter, Root, counter


@counter.on(AddToCounter)  # expect-error
def _(state: Root, action: AddToCounter) -> Root:
    return state


@counter.on(AddToCounter)  # expect-error
def _(state: Counter, action: AddToCounter) -> int:
    return state.value + action.amount


@counter.on(AddToCounter)  # expect-error
def _(state: Counter, action: RenameCounter) -> Counter:
    return state


@counter.on(AddToCounter, RenameCounter)  # expect-error
def _(state: Counter, action: AddToCounter) -> Counter:
    return state


counter.on(Counter)  # expect-error
