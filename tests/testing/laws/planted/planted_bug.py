"""`PlantedBug`: one mistake in one reducer, and what has to be found.

What belongs here: its shape.  What does not: the bugs, which stand with the reducer that has them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, TypeVar

import attrs

from refold.actions.action import Action
from refold.reducers.reducer import Reducer

__all__ = ["Handler", "PlantedBug", "reducer_of"]

S = TypeVar("S")

Handler: TypeAlias = Callable[[Any, Any], Any]
"""A handler of one action class."""


@attrs.frozen(kw_only=True)
class PlantedBug:
    """One mistake in one reducer."""

    kind: str
    """One of the ten kinds."""

    place: str
    """What the reducer is of, and where in it the mistake is."""

    broken: Callable[[], Reducer[Any]]
    """Makes the reducer with the mistake."""

    sound: Callable[[], Reducer[Any]]
    """Makes its twin without."""

    law: str
    """The law that must be named; for an invariant, its name."""

    also: tuple[str, ...] = ()
    """Other laws that the same runs break."""

    shortest: int
    """How many actions it takes at least, by thought."""

    invariants: tuple[Callable[..., bool], ...] = ()
    """What a user would say of the state, where the general laws cannot know."""

    actions: tuple[type[Action], ...] | None = None
    """What the reducer sees, where it cannot tell; None if it has handlers."""

    @property
    def name(self) -> str:
        """What a test of it is called."""
        return f"{self.kind}: {self.place}"


def reducer_of(
    initial: S,
    handlers: Mapping[type[Action], Handler],
    *,
    otherwise: Handler | None = None,
) -> Reducer[S]:
    """Return a new reducer with these handlers.

    Args:
        initial: its first state.
        handlers: one per action class.
        otherwise: what folds every other action; None for nothing.
    """
    reducer = Reducer(initial)
    for action_class, handler in handlers.items():
        reducer.on(action_class)(handler)
    if otherwise is not None:
        reducer.otherwise(otherwise)
    return reducer
