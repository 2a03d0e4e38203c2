"""What a group holds back until the turn of the event loop ends: who may lose it, and who may not.

What belongs here: ``sync="group"`` between a dispatch and the writing of its line.  What does not:
when the disk is made to write, which `test_log_sync` looks at.
"""

from __future__ import annotations

import asyncio
import errno
import gc
import os
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from refold.errors import LogWriteError
from refold.middleware.record import record
from refold.store.store import Store
from tests.replay.test_log_sync import take
from tests.strategies.observatory_reducer import make_observatory
from tests.strategies.recorded_runs import close_store, recorded_values

BEGIN: Final = """
import asyncio, os, signal, sys
from pathlib import Path
from refold.middleware.record import record
from refold.store.store import Store
from tests.replay.test_log_sync import take
from tests.strategies.observatory_reducer import make_observatory

recorder = record(Path(sys.argv[1]), sync="group")
store = Store(make_observatory(), middleware=[recorder])
"""


def run(program: str, path: Path) -> int:
    """Run a program that records to a path; return its exit status."""
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    command = [sys.executable, "-c", BEGIN + program, str(path)]
    return subprocess.run(command, env=environment, check=False, timeout=50).returncode


@contextmanager
def breaking_write(
    monkeypatch: pytest.MonkeyPatch, *faults: BaseException | int
) -> Generator[None]:
    """Let the next calls of `os.write` raise, or write only so many bytes, one after the other."""
    rest = list(faults)
    write = os.write

    def write_or_not(descriptor: int, data: bytes) -> int:
        if not rest:
            return write(descriptor, data)
        fault = rest.pop(0)
        if isinstance(fault, int):
            return write(descriptor, data[:fault])
        raise fault

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write_or_not)
        yield


def make_store(path: Path, **options: Any) -> Store[Any]:
    """Return a store that records in groups."""
    return Store(make_observatory(), middleware=[record(path, sync="group", **options)])


async def test_what_one_turn_dispatched_is_written_when_it_ends(tmp_path: Path) -> None:
    """During a turn of the loop nothing is written; in the next one all of it is."""
    path = tmp_path / "run.jsonl"
    async with make_store(path) as store:
        for turn in range(1, 4):
            for number in range(10):
                take(store, number)
            assert len(recorded_values(path)) == 10 * (turn - 1)
            await asyncio.sleep(0)
            assert len(recorded_values(path)) == 10 * turn


async def test_a_long_turn_does_not_hold_more_than_a_group(tmp_path: Path) -> None:
    """A turn that dispatches without end has its lines written group by group."""
    path = tmp_path / "run.jsonl"
    async with make_store(path, group_records=100) as store:
        for number in range(1, 3501):
            take(store, number)
            if number in {99, 100, 3500}:
                held = number - len(recorded_values(path))
                assert held == (99 if number == 99 else 0 if number == 100 else held)
                assert held <= 1000  # a group, or 1,000 while one is on its way to the disk


def test_a_program_that_ends_without_closing_loses_nothing(tmp_path: Path) -> None:
    """What is held is written when the interpreter ends, after an error too."""
    path = tmp_path / "run.jsonl"
    assert run("for number in range(10): take(store, number)", path) == 0
    assert len(recorded_values(path)) == 10
    other = tmp_path / "other.jsonl"
    assert run("take(store, 1)\nraise SystemExit(3)", other) == 3
    assert recorded_values(other) == [1.0]


def test_a_log_that_is_forgotten_loses_nothing(tmp_path: Path) -> None:
    """A store that nobody has any more writes what it holds."""
    path = tmp_path / "run.jsonl"
    store: Any = make_store(path)
    take(store, 1)
    assert recorded_values(path) == []
    del store
    gc.collect()
    assert recorded_values(path) == [1.0]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")
def test_a_fork_does_not_write_what_its_parent_holds(tmp_path: Path) -> None:
    """Both processes end, and each line is there once."""
    path = tmp_path / "run.jsonl"
    program = """
take(store, 1)
child = os.fork()
if child == 0:
    raise SystemExit(0)
os.waitpid(child, 0)
take(store, 2)
"""
    assert run(program, path) == 0
    assert recorded_values(path) == [1.0, 2.0]


def test_a_killed_program_loses_at_most_one_turn(tmp_path: Path) -> None:
    """All that was dispatched in turns that have ended is there after a ``kill -9``."""
    path = tmp_path / "run.jsonl"
    program = """
async def main():
    for number in range(1, 8):
        take(store, number)
        if number < 7:
            await asyncio.sleep(0)
    os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""
    assert run(program, path) == -signal.SIGKILL
    assert recorded_values(path) == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]


async def test_of_a_group_that_does_not_fit_the_first_lines_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a full disk the log ends with the last whole line, and the store refuses to go on."""
    path = tmp_path / "run.jsonl"
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    store = make_store(path)
    for number in (1, 2, 3):
        take(store, number)
    # a part of all lines, then nothing more; the first line, a part of the second, nothing more
    with breaking_write(monkeypatch, 300, full, 10**6, 50, full):
        await asyncio.sleep(0)
    with pytest.raises(LogWriteError, match=r"after seq 1: .*No space left"):
        take(store, 4)
    await store.aclose()
    assert recorded_values(path) == [1.0]


def test_an_interrupted_writing_is_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C while a group is written takes nothing: the next writing has it."""
    path = tmp_path / "run.jsonl"
    store = make_store(path, group_records=3)
    take(store, 1)
    take(store, 2)
    with breaking_write(monkeypatch, 100, KeyboardInterrupt()), pytest.raises(KeyboardInterrupt):
        take(store, 3)
    assert recorded_values(path) == []
    take(store, 4)
    close_store(store)
    assert recorded_values(path) == [1.0, 2.0, 3.0, 4.0]
