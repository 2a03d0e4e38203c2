"""Folding a recorded log gives the live states, every one of them, to the last bit.

What belongs here: random runs of the observatory, in single dispatches and transactions, recorded
and folded again.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from typing import TYPE_CHECKING

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refold.middleware.record import record
from refold.replay.replay import replay
from refold.store.store import Store
from tests.strategies.observatory_actions import PartFailed
from tests.strategies.observatory_reducer import PartFailedError, make_observatory
from tests.strategies.observatory_strategies import runs, states
from tests.strategies.sameness import exactly_same

if TYPE_CHECKING:
    from pathlib import Path

    from refold.actions.action import Action
    from refold.store.middleware import Dispatch, StoreAPI
    from tests.strategies.observatory_states import Observatory


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder for logs."""
    return tmp_path_factory.mktemp("logs")


numbers = itertools.count()


def new_log(folder: Path) -> Path:
    """Return a path in the folder that is not there yet."""
    return folder / f"{next(numbers)}.jsonl"


@given(run=runs, start=st.none() | states)
def test_every_state_of_a_run_can_be_folded_again(
    folder: Path, run: list[Action], start: Observatory | None
) -> None:
    """The state at each seq is the live one after that action, at 0 the start; all verifies."""
    log = new_log(folder)
    live = asyncio.run(record_run(log, run, start))
    timeline = replay(log, make_observatory())
    assert timeline.head == len(run)
    for seq, state in enumerate(live):
        assert exactly_same(timeline.at(seq), state)
    timeline.verify()


async def record_run(log: Path, run: list[Action], start: Observatory | None) -> list[Observatory]:
    """Record a run, and return the start state and the state after each action."""
    async with Store(make_observatory(), state=start, middleware=[record(log)]) as store:
        live = [store.state]
        for action in run:
            store.dispatch(action)
            live.append(store.state)
    return live


@given(run=runs, seqs=st.lists(st.integers(0, 12)))
def test_the_order_of_asking_does_not_matter(
    folder: Path, run: list[Action], seqs: list[int]
) -> None:
    """A timeline may be asked for any seq, in any order, any number of times."""
    log = new_log(folder)
    live = asyncio.run(record_run(log, run, None))
    timeline = replay(log, make_observatory())
    for seq in seqs:
        if seq < len(live):
            assert exactly_same(timeline.at(seq), live[seq])


blocks = st.lists(st.tuples(runs, st.sampled_from(["single", "kept", "lost"])), max_size=4)


@given(blocks=blocks)
def test_transactions_and_failures_fold_to_the_live_state(
    folder: Path, blocks: list[tuple[list[Action], str]]
) -> None:
    """After dispatches, transactions that are kept and others that fail, the log has the state."""
    log = new_log(folder)
    store = Store(make_observatory(), middleware=[record(log)])
    for run, kind in blocks:
        with contextlib.suppress(PartFailedError):
            run_block(store, run, kind)
    timeline = replay(log, make_observatory())
    assert exactly_same(timeline.at(timeline.head), store.state)
    assert timeline.head == sum(len(run) for run, kind in blocks if kind != "lost")


def run_block(store: Store[Observatory], run: list[Action], kind: str) -> None:
    """Dispatch a run, in a transaction unless it is said to be of single actions."""
    with contextlib.nullcontext() if kind == "single" else store.transaction():
        for action in run:
            store.dispatch(action)
        if kind == "lost":
            store.dispatch(PartFailed())


@given(run=runs)
def test_middleware_does_not_run_on_replay(folder: Path, run: list[Action]) -> None:
    """Folding a log calls no middleware, and what middleware changed is in the log already."""
    seen: list[Action] = []

    def repeat(store: StoreAPI[Observatory], next_dispatch: Dispatch) -> Dispatch:
        def handle(action: Action, /) -> Action:
            seen.append(action)
            result = next_dispatch(action)
            if len(seen) % 3 == 1:
                store.dispatch(action)
            return result

        return handle

    log = new_log(folder)
    store = Store(make_observatory(), middleware=[record(log), repeat])
    for action in run:
        store.dispatch(action)
    count = len(seen)
    timeline = replay(log, make_observatory())
    assert exactly_same(timeline.at(count), store.state)
    timeline.verify()
    assert len(seen) == count == timeline.head


@given(run=runs)
def test_the_same_run_is_recorded_alike(folder: Path, run: list[Action]) -> None:
    """Recording the same run twice gives the same records but for their ids."""
    logs = [new_log(folder)]
    asyncio.run(record_run(logs[0], run, None))
    logs.append(new_log(folder))
    asyncio.run(record_run(logs[1], run, None))
    left, right = (
        [attrs.evolve(one, id="", cause=None) for one in replay(log, make_observatory()).records]
        for log in logs
    )
    assert left == right
