"""`RecentActions`: the last actions that reached the reducer, and no more than asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refold.middleware.recent_actions import RecentActions
from refold.store.store import Store
from tests.strategies.observatory_actions import NobodyCares, PartFailed, SessionOpened
from tests.strategies.observatory_reducer import PartFailedError, make_observatory
from tests.strategies.observatory_strategies import runs

if TYPE_CHECKING:
    from refold.actions.action import Action
    from tests.strategies.observatory_states import Observatory


def roll_back(store: Store[Observatory], action: Action) -> None:
    """Dispatch an action in a transaction that fails after it."""
    with store.transaction():
        store.dispatch(action)
        store.dispatch(PartFailed())


@given(run=runs, limit=st.integers(1, 5))
def test_the_ring_holds_the_last_actions(run: list[Action], limit: int) -> None:
    """After any run it has the last actions, the oldest first, at most as many as its limit."""
    recent = RecentActions(limit=limit)
    store = Store(make_observatory(), middleware=[recent])
    for action in run:
        store.dispatch(action)
    assert [id(action) for action in recent.actions] == [id(action) for action in run[-limit:]]


def test_only_what_reached_the_reducer_is_kept() -> None:
    """A failed action and a rolled-back one are not kept, the actions of a transaction are."""
    recent = RecentActions()
    store = Store(make_observatory(), middleware=[recent])
    with pytest.raises(PartFailedError):
        store.dispatch(PartFailed())
    with pytest.raises(PartFailedError):
        roll_back(store, NobodyCares(1.0))
    with store.transaction():
        store.dispatch(NobodyCares(2.0))
        assert not recent.actions
        store.dispatch(SessionOpened("Ada"))
    assert recent.actions == (NobodyCares(2.0), SessionOpened("Ada"))


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_is_one_or_more(limit: int) -> None:
    """A ring without room is refused, and the message says what is expected."""
    with pytest.raises(ValueError, match=f"limit of 1 or more actions, got {limit}"):
        RecentActions(limit=limit)
