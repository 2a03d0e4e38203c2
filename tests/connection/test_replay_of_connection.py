"""A recorded connection replays to the same states and digests."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from refold.middleware.record import record
from refold.middleware.timestamps import timestamps
from refold.reducers.connection import ConnectionState, connection_reducer
from refold.replay.canonical_digest import canonical_digest
from refold.replay.replay import replay
from refold.store.store import Store
from refold.testing.virtual_clock import VirtualClock
from tests.connection.connection_strategies import connection_runs

if TYPE_CHECKING:
    import random

    from refold.actions.action import Action


async def live(log: Path, run: list[Action]) -> list[ConnectionState]:
    """Record a run, and return the states that it went through."""
    clock = VirtualClock()
    middleware = [timestamps(clock=clock), record(log)]
    async with Store(connection_reducer, middleware=middleware) as store:
        states = [store.state]
        for action in run:
            clock.advance(0.25)
            store.dispatch(action)
            states.append(store.state)
    return states


@given(run=connection_runs(), order=st.randoms(use_true_random=False))
async def test_a_recorded_connection_replays_to_the_same_states(
    run: list[Action], order: random.Random
) -> None:
    """Every state and digest on the way is the live one, in whatever order it is asked for."""
    with TemporaryDirectory() as folder:
        log = Path(folder) / "connection.jsonl"
        states = await live(log, run)
        timeline = replay(log, connection_reducer)
        timeline.verify()
        steps = list(enumerate(states))
        order.shuffle(steps)
        for seq, state in steps:
            replayed = timeline.at(seq)
            assert replayed == state
            assert canonical_digest(replayed) == canonical_digest(state)


@given(run=connection_runs())
async def test_every_action_is_in_the_log_with_its_time(run: list[Action]) -> None:
    """Replay asks no clock, because each line says when its action happened."""
    with TemporaryDirectory() as folder:
        log = Path(folder) / "connection.jsonl"
        await live(log, run)
        records = replay(log, connection_reducer).records
        assert [record.name for record in records] == [action.wire_name for action in run]
        assert all(record.at_ms is not None for record in records)
