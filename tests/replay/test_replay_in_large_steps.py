"""Replaying an ordinary log reads and folds many records at once, and makes none of them.

What belongs here: that the quick way is really taken.  What does not: that it gives what the
careful way gives (`test_fast_lines`, `test_cell_fold`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from refold.replay import forkable_records
from refold.replay.cell_fold import CellFold
from refold.replay.log_lines import LogLines
from refold.replay.replay import replay
from tests.strategies.observatory_reducer import make_observatory
from tests.strategies.recorded_runs import record_readings

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

COUNT = 1000
"""Records of the log."""


def count_calls(patch: pytest.MonkeyPatch, place: Any, name: str) -> list[object]:
    """Let each call of a function be noted in the list returned."""
    calls: list[object] = []
    called = getattr(place, name)

    def noted(*arguments: Any) -> Any:
        calls.append(arguments)
        return called(*arguments)

    patch.setattr(place, name, noted)
    return calls


def test_an_ordinary_log_is_replayed_in_large_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thousand records are read in few steps and folded in few, and no record is made."""
    record_readings(tmp_path / "run.jsonl", COUNT)
    careful = count_calls(monkeypatch, LogLines, "take")
    quick = count_calls(monkeypatch, LogLines, "take_packed")
    made = count_calls(monkeypatch, forkable_records, "unpack")
    folds = count_calls(monkeypatch, CellFold, "fold")
    state = replay(tmp_path / "run.jsonl", make_observatory()).at(COUNT)
    assert state.totals.sum == sum(range(1, COUNT + 1))
    assert len(careful) <= 2
    assert 0 < len(quick) <= 20
    assert len(made) <= 2
    assert 0 < len(folds) <= 10
