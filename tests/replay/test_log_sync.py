"""What is on disk when: the three ways of syncing, by what `os.fsync` was called for.

What belongs here: how much of each file was forced to disk.  No test waits for a clock.
"""

from __future__ import annotations

import asyncio
import errno
import os
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from refold.errors import LogWriteError
from refold.middleware.record import record
from refold.store.store import Store
from tests.strategies.observatory_actions import ReadingTaken
from tests.strategies.observatory_reducer import make_observatory
from tests.strategies.recorded_runs import close_store, recorded_values


class Disk:
    """Stands for `os.fsync`: knows how much of each file would survive a loss of power."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Watch every call from now on."""
        self.safe_bytes: dict[int, int] = {}
        """By inode."""
        self.folders = 0
        """How often a folder was put on disk."""
        self.calls = 0
        self.is_broken = False
        self._one_at_a_time = threading.Lock()
        monkeypatch.setattr(os, "fsync", self)

    def __call__(self, descriptor: int) -> None:
        """Take note of one file's size."""
        if self.is_broken:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        with self._one_at_a_time:  # a thread that began earlier must not take back what is safe
            status = os.fstat(descriptor)
            if stat.S_ISDIR(status.st_mode):
                self.folders += 1
                return
            self.calls += 1
            self.safe_bytes[status.st_ino] = status.st_size

    def lacks(self, path: Path) -> int:
        """Return how many bytes a loss of power would take from the files of a log."""
        files = path.glob("*.jsonl") if path.is_dir() else [path]
        stats = [each.stat() for each in files]
        return sum(each.st_size - self.safe_bytes.get(each.st_ino, 0) for each in stats)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    """Return the disk that is watched."""
    return Disk(monkeypatch)


def take(store: Store[Any], number: int) -> None:
    """Dispatch one reading."""
    store.dispatch(ReadingTaken("north", float(number), 1))


@pytest.mark.parametrize("name", ["run.jsonl", "folder"])
def test_always_means_after_each_dispatch(tmp_path: Path, disk: Disk, name: str) -> None:
    """When dispatch returns, nothing of the log is left to lose, across segments too."""
    path = tmp_path / name
    options: dict[str, Any] = {"segment_bytes": 1000} if name == "folder" else {}
    store = Store(make_observatory(), middleware=[record(path, sync="always", **options)])
    for number in range(20):
        take(store, number)
        assert disk.lacks(path) == 0
    close_store(store)
    assert disk.lacks(path) == 0


def test_never_leaves_it_to_the_system(tmp_path: Path, disk: Disk) -> None:
    """No file is put on disk, but the names of new ones are."""
    store = Store(make_observatory(), middleware=[record(tmp_path / "deep" / "log")])
    for number in range(20):
        take(store, number)
    close_store(store)
    assert disk.calls == 0
    assert disk.folders == 3  # for deep, for log and for the segment


def test_each_new_segment_puts_its_name_on_disk(tmp_path: Path, disk: Disk) -> None:
    """The folder is put on disk once for each segment."""
    path = tmp_path / "log"
    store = Store(make_observatory(), middleware=[record(path, segment_bytes=1000)])
    before = disk.folders
    for number in range(20):
        take(store, number)
    assert disk.folders - before == len(list(path.iterdir())) - 1 > 2
    close_store(store)


async def test_flushed_waits_for_the_group(tmp_path: Path, disk: Disk) -> None:
    """What `flushed` returned for is on disk, and many who wait share a few calls."""
    path = tmp_path / "run.jsonl"
    recorder = record(path, sync="group", group_records=10**6, group_ms=10**6)
    async with Store(make_observatory(), middleware=[recorder]) as store:
        await store.flushed()
        calls = disk.calls

        async def write(number: int) -> None:
            take(store, number)
            size = path.stat().st_size
            await store.flushed()
            assert disk.safe_bytes[path.stat().st_ino] >= size

        await asyncio.gather(*(write(number) for number in range(200)))
        assert disk.lacks(path) == 0
        assert 1 <= disk.calls - calls <= 4
    assert disk.lacks(path) == 0


@pytest.mark.parametrize("options", [{"group_records": 10, "group_ms": 10**6}, {"group_ms": 1}])
async def test_a_group_ends_by_count_and_by_time(
    tmp_path: Path, disk: Disk, options: dict[str, Any]
) -> None:
    """Nobody need wait for it: so many commits, or so much time, put the group on disk."""
    path = tmp_path / "run.jsonl"
    async with Store(
        make_observatory(), middleware=[record(path, sync="group", **options)]
    ) as store:
        for number in range(10):
            take(store, number)
        async with asyncio.timeout(20):
            while disk.lacks(path):  # noqa: ASYNC110  # a disk has no event
                await asyncio.sleep(0)


def test_a_group_without_a_loop_ends_by_count(tmp_path: Path, disk: Disk) -> None:
    """A program without an event loop loses at most a group."""
    path = tmp_path / "run.jsonl"
    recorder = record(path, sync="group", group_records=10)
    store = Store(make_observatory(), middleware=[recorder])
    for number in range(1, 35):
        take(store, number)
        assert len(recorded_values(path)) == number // 10 * 10
        assert disk.lacks(path) == 0 or number < 10  # the header waits for the first group
    close_store(store)
    assert disk.lacks(path) == 0
    assert len(recorded_values(path)) == 34


async def test_a_group_survives_its_segments(tmp_path: Path, disk: Disk) -> None:
    """What is in a segment that was closed meanwhile is on disk as well."""
    path = tmp_path / "log"
    recorder = record(path, sync="group", segment_bytes=1000, group_ms=10**6)
    async with Store(make_observatory(), middleware=[recorder]) as store:
        for number in range(50):
            take(store, number)
        await store.flushed()
        assert disk.lacks(path) == 0


async def test_a_group_that_fails_stops_the_store(tmp_path: Path, disk: Disk) -> None:
    """If the disk fails, whoever waits gets the error, and so does every later dispatch."""
    path = tmp_path / "run.jsonl"
    async with Store(make_observatory(), middleware=[record(path, sync="group")]) as store:
        take(store, 1)
        disk.is_broken = True
        with pytest.raises(LogWriteError, match="not surely on disk"):
            await store.flushed()
        with pytest.raises(LogWriteError, match="refuses further actions"):
            take(store, 2)
        with pytest.raises(LogWriteError):
            await store.flushed()
    assert recorded_values(path) == [1.0]


async def test_closing_ends_the_waiting(tmp_path: Path, disk: Disk) -> None:
    """Whoever waits for a group while the store is closed is let go, with all on disk."""
    path = tmp_path / "run.jsonl"
    store = Store(make_observatory(), middleware=[record(path, sync="group")])
    take(store, 1)
    waiting = asyncio.ensure_future(store.flushed())
    await asyncio.sleep(0)
    await store.aclose()
    await waiting
    assert disk.lacks(path) == 0
