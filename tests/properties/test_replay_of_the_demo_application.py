"""The whole demo application, folded again from its log, is what it was live."""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from refold.commands.demo_application import DemoState, demo_root
from refold.commands.demo_ticker import OrderConfirmed, OrderPlaced, PriceArrived
from refold.middleware.record import record
from refold.replay.canonical_digest import canonical_digest
from refold.replay.replay import replay
from refold.store.store import Store
from tests.connection.connection_strategies import connection_actions

if TYPE_CHECKING:
    from refold.actions.action import Action

prices = st.decimals(allow_nan=False, allow_infinity=False, places=2)
numbers = st.integers(0, 5)
demo_actions: st.SearchStrategy[Action] = st.one_of(
    connection_actions,
    st.builds(PriceArrived, st.sampled_from(["ASH", "OAK", "PINE"]), prices),
    st.builds(OrderPlaced, numbers),
    st.builds(OrderConfirmed, numbers),
)


async def run_live(log: Path, run: list[Action]) -> list[DemoState]:
    """Record a run of the demo's store, and return the states that it went through."""
    async with Store(demo_root, middleware=[record(log)]) as store:
        states = [store.state]
        for action in run:
            store.dispatch(action)
            states.append(store.state)
    return states


@given(run=st.lists(demo_actions, max_size=30))
def test_the_demo_application_replays_to_the_live_states(run: list[Action]) -> None:
    """Every state of a random run is folded again from the log, and every digest holds."""
    with TemporaryDirectory() as folder:
        log = Path(folder) / "demo.jsonl"
        live = asyncio.run(run_live(log, run))
        timeline = replay(log, demo_root)
        timeline.verify()
        for seq, state in enumerate(live):
            assert timeline.at(seq) == state
            assert canonical_digest(timeline.at(seq)) == canonical_digest(state)
