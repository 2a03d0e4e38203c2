"""`states_for`: the states that a reducer can reach.

What belongs here: the last state of a run.  What does not: runs, which `run_strategies` draws.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeVar

from refold.testing.run_strategies import folded_runs

if TYPE_CHECKING:
    from hypothesis import strategies as st

    from refold.actions.action import Action
    from refold.reducers.reducer import Reducer

__all__ = ["states_for"]

S = TypeVar("S")


def states_for(
    reducer: Reducer[S], /, *, actions: Iterable[type[Action]] | None = None
) -> st.SearchStrategy[S]:
    """Return a strategy of states that the reducer can reach from its first one, and no others.

    Args:
        reducer: a Reducer.
        actions: the classes of the actions that lead there; None for all that the reducer handles.

    Raises:
        StrategyError: no action class is known, or a field's type has no strategy.
    """
    return folded_runs(reducer, actions=actions).map(lambda run: run.state)
