"""Options of no store, states of another one, and logs that are none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from refold.testing import example_from_log
from typing_tests.accepted.counter import root

if TYPE_CHECKING:
    from refold.testing.recorded_log import RecordedLog
    from refold.testing.store_maker import StoreMaker


def test_counts(refold_store: StoreMaker, refold_log: RecordedLog) -> None:
    """Use both fixtures wrongly."""
    refold_store(root, no_option=1)  # expect-error
    refold_store(root, batch_seconds="soon")  # expect-error
    refold_store(root, refold_log)  # expect-error
    refold_log.path = "elsewhere.jsonl"  # expect-error
    refold_log.record(resume="yes")  # expect-error


example_from_log(5, root)  # expect-error
example_from_log("session.jsonl", 5)  # expect-error
