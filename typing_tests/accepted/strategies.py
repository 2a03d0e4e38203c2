"""The strategies of a reducer, and registering one of an own type."""

from __future__ import annotations

from typing import NewType, assert_type

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from refold import Action, Reducer, action
from refold.testing.action_strategies import actions_for
from refold.testing.registered_strategies import register_strategy
from refold.testing.run_strategies import runs_for
from refold.testing.state_strategies import states_for

UserId = NewType("UserId", int)


class Money:
    """A class of the user's own."""


@action("typing/strategy_drawn")
class StrategyDrawn(Action):
    """An action."""

    user: UserId


count = Reducer(0)


def plain(state: int | None, _action: Action) -> int:
    """Fold nothing."""
    return state or 0


assert_type(actions_for(count), SearchStrategy[Action])
assert_type(actions_for(plain, actions=[StrategyDrawn], now_ms=5), SearchStrategy[Action])
assert_type(runs_for(count, max_size=3, backwards=True), SearchStrategy[tuple[Action, ...]])
assert_type(states_for(count), SearchStrategy[int])

register_strategy(Money, st.builds(Money))
register_strategy(Money, lambda: st.builds(Money))
register_strategy(UserId, st.integers(1, 9).map(UserId))
