"""`fold_progress`: a bar for long logs on a terminal, nothing else."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest
from rich.console import Console

from refold.commands import fold_progress as module
from refold.commands.fold_progress import fold_progress


def show(path: Path, count: int, *, is_terminal: bool = True) -> str:
    """Return what is shown while so many commits are read."""
    file = io.StringIO()
    with fold_progress(path, Console(file=file, force_terminal=is_terminal)) as count_entry:
        for _ in range(count):
            count_entry()
    return file.getvalue()


@pytest.fixture
def long_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a file that counts as long."""
    monkeypatch.setattr(module, "_SHOWN_FROM", 2000)
    path = tmp_path / "run.jsonl"
    path.write_text("{}\n" * 2001)
    return path


def test_a_long_log_gets_a_bar(long_log: Path) -> None:
    """The bar counts the commits of the log, its header left out."""
    assert "2000/2000" in show(long_log, 2000)


def test_all_segments_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bar counts the commits of all segments, compressed or not, without their headers."""
    monkeypatch.setattr(module, "_SHOWN_FROM", 2000)
    (tmp_path / f"{5:020}.jsonl.gz").write_bytes(gzip.compress(b"{}\n" * 1001))
    (tmp_path / f"{1005:020}.jsonl").write_text("{}\n" * 1001)
    assert "2000/2000" in show(tmp_path, 2000)
    (tmp_path / f"{5:020}.jsonl.gz").write_bytes(gzip.compress(b"{}\n" * 1001)[:-9])
    assert show(tmp_path, 2000) == ""


def test_a_bar_is_for_terminals_and_long_logs_only(long_log: Path, tmp_path: Path) -> None:
    """Elsewhere, for a short log and for one that is not there, nothing is shown."""
    (tmp_path / "short.jsonl").write_text("{}\n")
    assert show(long_log, 3, is_terminal=False) == ""
    assert show(tmp_path / "short.jsonl", 3) == ""
    assert show(tmp_path / "nowhere.jsonl", 3) == ""
