"""Row 11: what it costs that an action is on disk.

Wall time, not CPU time, because waiting for the disk is what is measured.  All contestants write to
the same folder and wait until the disk says that it has what was written: refold's log after every
100th action or after each one, eventsourcing's SQLite with commits of 100 events each.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Final

from contestant import Contestant, LocalContestant
from contestant_eventsourcing import EventsourcingPeer, outcome_of_aggregate
from log_actions import make_log_actions, make_plant_reducer, outcome_of_plant
from log_folder import new_log_folder
from log_work import expect_fold, log_steps
from refold.middleware.record import record
from refold.replay.log_options import Sync
from refold.replay.replay import replay
from refold.store.store import Store
from row import Entry, Row, at_least
from work import Outcome

__all__ = ["durable_log_row"]

_GROUP: Final = 100
_STEPS: Final = log_steps(500)

_ALWAYS: Final = "fsync each"
_SQLITE: Final = "eventsourcing on SQLite"


def durable_log_row() -> Row:
    """Return the row."""
    expected = expect_fold(_STEPS)
    return Row(
        "11",
        f"durable log, group commit of {_GROUP}, wall time",
        (
            Entry("refold", lambda: _make_refold("group"), expected),
            Entry(_ALWAYS, lambda: _make_refold("always"), expected),
            Entry(_SQLITE, _make_eventsourcing, expected),
        ),
        (at_least(30, _ALWAYS), at_least(4, _SQLITE)),
    )


def _make_refold(sync: Sync) -> Contestant:
    """Return a store that records; without an event loop a full group is waited for at once."""
    folder = new_log_folder()
    path = Path(folder.name) / "log"
    reducer = make_plant_reducer()
    recorder = record(path, sync=sync, group_records=_GROUP)
    store: Store[Any] = Store(reducer, middleware=[recorder])
    actions = make_log_actions(_STEPS)

    def run_pass() -> None:
        dispatch = store.dispatch
        for action in actions:
            dispatch(action)

    def outcome() -> Outcome:
        timeline = replay(path, reducer)
        return outcome_of_plant(timeline.at(timeline.head))

    def close() -> None:
        recorder.close()
        folder.cleanup()

    return LocalContestant(run_pass, len(actions), outcome, close, time.perf_counter)


def _make_eventsourcing() -> Contestant:
    folder = new_log_folder()
    try:
        peer = EventsourcingPeer(Path(folder.name))
    except BaseException:
        folder.cleanup()
        raise
    peer.begin()

    def close() -> None:
        peer.close()
        folder.cleanup()

    return LocalContestant(
        lambda: peer.append(_STEPS, _GROUP),
        len(_STEPS),
        lambda: outcome_of_aggregate(peer.read()),
        close,
        time.perf_counter,
    )
