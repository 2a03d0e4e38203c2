"""What the tests of the command line share: a way to run it, and logs to run it on."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import attrs
import pytest

from refold.commands.main import run
from tests.commands.shop_application import record_run

__all__ = ["Outcome", "RunCommand"]


@attrs.frozen
class Outcome:
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """What stands on stdout, line by line."""
        return self.out.splitlines()


RunCommand: TypeAlias = Callable[..., Outcome]
"""Run ``refold`` with these arguments in this process."""


@pytest.fixture
def run_command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> RunCommand:
    """Return a function that runs a command in an empty folder, on 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("REFOLD_APP", raising=False)
    folder = tmp_path / "working_folder"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", sys.path.copy())  # the command adds the working folder

    def run_it(*arguments: object) -> Outcome:
        status = run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Outcome(status, captured.out, captured.err)

    return run_it


@pytest.fixture
async def shop_log(tmp_path: Path) -> Path:
    """Return the log of a run of three actions."""
    path = tmp_path / "run.jsonl"
    await record_run(path, ["apple", "pear", "apple"])
    return path


@pytest.fixture
def torn_log(shop_log: Path) -> Path:
    """Return a log whose writer died in the third record."""
    lines = shop_log.read_bytes().splitlines(keepends=True)
    shop_log.write_bytes(b"".join(lines[:3]) + lines[3][:12])
    return shop_log


@pytest.fixture
def damaged_log(shop_log: Path) -> Path:
    """Return a log whose second record was changed."""
    shop_log.write_bytes(shop_log.read_bytes().replace(b"pear", b"bear"))
    return shop_log
