"""Runs of the observatory that are recorded, as tests of logs need them.

What belongs here: making logs, in this process and in others.  What does not: damaging them.
"""

from __future__ import annotations

import asyncio
import gc
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from refold.middleware.record import Recorder, record
from refold.replay.replay import replay
from refold.store.store import Store
from tests.strategies.observatory_actions import ReadingTaken
from tests.strategies.observatory_reducer import make_observatory

if TYPE_CHECKING:
    from tests.strategies.observatory_states import Observatory

__all__ = [
    "ENVIRONMENT",
    "ROOT",
    "close_store",
    "record_readings",
    "recorded_values",
    "resume_store",
]

ROOT = Path(__file__).parents[2]
"""Where `tests` lies."""

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
"""For a process of its own that imports from `tests`."""


def resume_store(path: Path, **options: Any) -> tuple[Store[Observatory], Recorder]:
    """Return a store that goes on with a log, or begins it."""
    recorder = record(path, resume=True, **options)
    state = None
    if path.exists():
        timeline = replay(path, make_observatory())
        state = timeline.at(timeline.head)
    return Store(make_observatory(), state=state, middleware=[recorder]), recorder


def record_readings(path: Path, count: int, *, first: int = 1, **options: Any) -> None:
    """Record readings whose values count from the first; leave the log as a dead writer does."""
    store = Store(make_observatory(), middleware=[record(path, **options)])
    for number in range(first, first + count):
        store.dispatch(ReadingTaken("north", float(number), 1))
    del store
    gc.collect()  # lets go of the lock


def close_store(store: Store[Any]) -> None:
    """Close a store outside of any loop."""
    asyncio.run(store.aclose())


def recorded_values(path: Path) -> list[float]:
    """Return the values of the readings in a log."""
    return [one.payload["value"] for one in replay(path, make_observatory()).records]
