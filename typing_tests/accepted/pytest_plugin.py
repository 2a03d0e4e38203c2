"""What the fixtures give, and a recorded session as a decorator."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_type

from hypothesis import example, given

from refold import Action, Store, Timeline, timestamps
from refold.replay.log_record import LogRecord
from refold.testing import example_from_log, runs_for
from typing_tests.accepted.counter import AddToCounter, Root, root

if TYPE_CHECKING:
    from refold.testing.recorded_log import RecordedLog
    from refold.testing.store_maker import StoreMaker


def test_counts(refold_store: StoreMaker, refold_log: RecordedLog) -> None:
    """Use both fixtures."""
    store = refold_store(root, middleware=[timestamps(), refold_log.record()])
    assert_type(store, Store[Root])
    store.dispatch(AddToCounter(1))
    assert_type(refold_log.records, list[LogRecord])
    assert_type(refold_log.timeline(root), Timeline[Root])
    assert_type(
        refold_store(root, state=Root(), batch=[AddToCounter], batch_seconds=0.1).state, Root
    )


@example_from_log("session.jsonl", root)
@given(run=runs_for(root))
def test_above(run: tuple[Action, ...]) -> None:
    """Take a run."""


@given(run=runs_for(root))
@example(run=example_from_log("session.jsonl").actions)
@example_from_log("session.jsonl")
def test_below(run: tuple[Action, ...]) -> None:
    """Take a run."""


test_above()
test_below()
