"""`actions_for`: one action that a reducer handles.

What belongs here: the strategy of a single action in a given state.  What does not: whole runs,
which `run_strategies` draws.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hypothesis import reject
from hypothesis import strategies as st

from refold.testing.action_plans import ActionSketches, sketches_for
from refold.testing.reducer_code import read_reducer
from refold.testing.small_values import START_MS
from refold.testing.value_pool import ValuePool

if TYPE_CHECKING:
    from refold.actions.action import Action

__all__ = ["actions_for"]


def actions_for(
    reducer: Callable[[Any, Any], Any],
    /,
    *,
    state: object = None,
    actions: Iterable[type[Action]] | None = None,
    now_ms: int | None = None,
) -> st.SearchStrategy[Action]:
    """Return a strategy of actions that a reducer handles, made from the fields of their classes.

    Ids, texts and numbers are drawn often from those that stand in the state and in the reducer's
    code, and numbers also from beside these; other values are small and few.  Every field obeys
    its validators, and every action has a time.

    Args:
        reducer: a Reducer or a plain ``(state, action) -> state`` function.
        state: where ids are drawn from; None for the reducer's first state.
        actions: the classes to draw; None for all that the reducer handles.
        now_ms: the earliest time, in milliseconds since the Unix epoch; None for 2024-01-01.

    Raises:
        StrategyError: no action class is known, or a field's type has no strategy.
    """
    sketches = sketches_for(reducer, actions)
    constants = read_reducer(reducer).constants
    present = getattr(reducer, "initial", None) if state is None else state
    begin = START_MS if now_ms is None else now_ms

    return _one_action(sketches, present, constants, begin)


@st.composite
def _one_action(
    draw: st.DrawFn,
    sketches: ActionSketches,
    state: object,
    constants: Mapping[type, Sequence[Any]],
    now_ms: int,
) -> Action:
    plan = sketches.draw(draw, sketches.mix(0))
    action = plan.meet(ValuePool(state, constants=constants, now_ms=now_ms))
    return reject() if action is None else action
