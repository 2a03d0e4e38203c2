"""A failing run as a log."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from refold import replay
from refold.errors import LogExistsError
from refold.testing.failing_run_log import write_failing_run
from tests.testing.lawless_reducers import BREAKING, Drop, Put, Weigh, make_box

if TYPE_CHECKING:
    from pathlib import Path

RUN = (Put("a", at_ms=5), Weigh(7), Drop(), Put("b"))


@pytest.mark.parametrize("name", ["run.jsonl", "run"])
def test_a_run_can_be_folded_from_its_log(tmp_path: Path, name: str) -> None:
    """Actions, times and states come back, and every digest fits; one file and a folder alike."""
    reducer = make_box()
    write_failing_run(tmp_path / name, reducer, RUN)
    timeline = replay(tmp_path / name, reducer)
    timeline.verify()
    assert [action for _, action in timeline.actions()] == list(RUN)
    assert timeline.records[0].at_ms == 5
    state = reducer.initial
    for seq, action in enumerate(RUN, start=1):
        state = reducer(state, action)
        assert timeline.at(seq) == state


def test_the_action_that_raises_is_the_last_record(tmp_path: Path) -> None:
    """What the reducer raises for is in the log, and folding it again stops there."""
    reducer = BREAKING["raises"][2]()
    write_failing_run(tmp_path / "run.jsonl", reducer, [Put("a"), Put("")])
    timeline = replay(tmp_path / "run.jsonl", reducer)
    with pytest.raises(IndexError):
        timeline.at(2)
    assert timeline.failure is not None
    assert timeline.failure.seq == timeline.head == 2


def test_a_log_that_is_there_is_left_alone(tmp_path: Path) -> None:
    """Nothing is overwritten."""
    write_failing_run(tmp_path / "run.jsonl", make_box(), RUN)
    with pytest.raises(LogExistsError):
        write_failing_run(tmp_path / "run.jsonl", make_box(), RUN)
