"""The small application that the typing tests are about; itself accepted as it stands."""

from __future__ import annotations

import attrs

from refold import Action, Reducer, action, combine_reducers

__all__ = ["AddToCounter", "Counter", "RenameCounter", "Root", "counter", "root"]


@action("typing/add_to_counter")
class AddToCounter(Action):
    """Somebody counted."""

    amount: int


@action("typing/rename_counter")
class RenameCounter(Action):
    """Somebody gave the counter another name."""

    name: str


@attrs.frozen
class Counter:
    """A slice."""

    value: int = 0
    name: str = ""


@attrs.frozen
class Root:
    """A root of one slice."""

    counter: Counter = Counter()


counter = Reducer(Counter())


@counter.on(AddToCounter)
def _(state: Counter, action: AddToCounter) -> Counter:
    return attrs.evolve(state, value=state.value + action.amount)


@counter.on(AddToCounter, RenameCounter)
def _(state: Counter, action: AddToCounter | RenameCounter) -> Counter:
    return state if isinstance(action, AddToCounter) else attrs.evolve(state, name=action.name)


root = combine_reducers(Root, counter=counter)
