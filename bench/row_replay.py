"""Row 12: folding 10,000 actions again, from memory and from disk.

The peer reads the same run from its SQLite file and folds it into its aggregate.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from contestant import Contestant, LocalContestant
from contestant_eventsourcing import EventsourcingPeer, outcome_of_aggregate
from log_actions import (
    ANNOTATED,
    PLAIN,
    ActionClasses,
    make_log_actions,
    make_plant_reducer,
    outcome_of_plant,
)
from log_folder import new_log_folder
from log_work import expect_fold, log_steps
from refold.middleware.record import record
from refold.replay.replay import replay
from refold.store.store import Store
from row import Entry, Row, at_least

__all__ = ["replay_rows"]

_STEPS: Final = log_steps(10_000)

_SQLITE: Final = "eventsourcing on SQLite"


def replay_rows() -> tuple[Row, ...]:
    """Return the rows."""
    expected = expect_fold(_STEPS)
    sqlite = Entry(_SQLITE, _make_eventsourcing, expected)
    return (
        Row(
            "12",
            "replay of 10,000 actions in memory",
            (Entry("refold", _make_in_memory, expected), sqlite),
            (at_least(35, _SQLITE),),
        ),
        Row(
            "12",
            "replay of 10,000 actions from disk, by cattrs",
            (Entry("refold", lambda: _make_from_disk(ANNOTATED), expected), sqlite),
            (at_least(12, _SQLITE),),
        ),
        Row(
            "12",
            "replay of 10,000 actions from disk, fast path",
            (Entry("refold", lambda: _make_from_disk(PLAIN), expected), sqlite),
            (at_least(20, _SQLITE),),
        ),
    )


def _make_in_memory() -> Contestant:
    """Return a contestant that dispatches the actions again to a new store."""
    actions, reducer = make_log_actions(_STEPS), make_plant_reducer()

    def fold() -> Any:
        store: Store[Any] = Store(reducer)
        dispatch = store.dispatch
        for action in actions:
            dispatch(action)
        return store.state

    return LocalContestant(fold, len(actions), lambda: outcome_of_plant(fold()))


def _make_from_disk(classes: ActionClasses) -> Contestant:
    folder = new_log_folder()
    path = Path(folder.name) / "run.jsonl"
    reducer = make_plant_reducer(classes)
    recorder = record(path)
    store: Store[Any] = Store(reducer, middleware=[recorder])
    for action in make_log_actions(_STEPS, classes):
        store.dispatch(action)
    recorder.close()

    def fold() -> Any:
        return replay(path, reducer).at(len(_STEPS))

    return LocalContestant(fold, len(_STEPS), lambda: outcome_of_plant(fold()), folder.cleanup)


def _make_eventsourcing() -> Contestant:
    folder = new_log_folder()
    try:
        peer = EventsourcingPeer(Path(folder.name))
    except BaseException:
        folder.cleanup()
        raise
    peer.begin()
    peer.append(_STEPS, 100)

    def close() -> None:
        peer.close()
        folder.cleanup()

    return LocalContestant(peer.read, len(_STEPS), lambda: outcome_of_aggregate(peer.read()), close)
