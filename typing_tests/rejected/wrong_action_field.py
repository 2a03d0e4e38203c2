"""An action's fields are checked where it is made and where it is read."""

from __future__ import annotations

import attrs

from typing_tests.accepted.counter import AddToCounter, Counter, counter

AddToCounter("one")  # expect-error
AddToCounter()  # expect-error
AddToCounter(amuont=1)  # expect-error
AddToCounter(1, 1_700_000_000_000)  # expect-error
AddToCounter(1).amount = 2  # expect-error


@counter.on(AddToCounter)
def _(state: Counter, action: AddToCounter) -> Counter:
    return attrs.evolve(state, value=action.amuont)  # expect-error
