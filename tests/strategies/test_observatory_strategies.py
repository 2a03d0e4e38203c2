"""The strategies of the observatory reach what its properties are about."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import Phase, given, settings

from tests.strategies.observatory_actions import PartFailed
from tests.strategies.observatory_reducer import PartFailedError, make_observatory
from tests.strategies.observatory_states import START, Observatory
from tests.strategies.observatory_strategies import actions, states
from tests.testing.finding import find

if TYPE_CHECKING:
    from collections.abc import Callable

    from refold.actions.action import Action


@given(states, actions)
def test_no_drawn_action_fails(state: Observatory, action: Action) -> None:
    """Every drawn action can be folded into every drawn state."""
    assert isinstance(make_observatory()(state, action), Observatory)


def test_the_failing_action_fails() -> None:
    """Only the action that is not drawn raises."""
    with pytest.raises(PartFailedError):
        make_observatory()(START, PartFailed())


def test_the_start_is_the_initial_state() -> None:
    """The reducer starts where the states do."""
    assert make_observatory().initial == START


def test_interesting_states_are_reached() -> None:
    """The states hold sessions with marks, instruments with notes, sums that are no numbers."""

    def reach(condition: Callable[[Observatory], bool]) -> None:
        find(states, condition, settings=settings(max_examples=2000, phases=[Phase.generate]))

    reach(lambda state: state.fleet.session is not None and state.fleet.session.marks != ())
    reach(lambda state: any(i.note is not None for i in state.fleet.instruments.values()))
    reach(lambda state: math.isnan(state.totals.sum))
    reach(lambda state: state.totals.product > 2**64)
    reach(lambda state: state.title != START.title)
