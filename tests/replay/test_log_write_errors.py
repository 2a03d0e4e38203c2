"""Logs that cannot be written: one clear error, what was recorded stays, the store by its policy.

What belongs here: real causes, in processes of their own: a limit on a file's size, a full device,
a closed and a read-only descriptor; and a log that another writer holds.
"""

from __future__ import annotations

import errno
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from refold.errors import LogExistsError, LogLockedError, LogWriteError
from refold.middleware.record import record
from refold.replay.replay import replay
from refold.store.store import Store
from tests.strategies.log_lines import raw_lines
from tests.strategies.observatory_actions import ReadingTaken
from tests.strategies.observatory_reducer import make_observatory
from tests.strategies.recorded_runs import (
    ENVIRONMENT,
    close_store,
    record_readings,
    recorded_values,
    resume_store,
)

PYTHON = [sys.executable, "-X", "dev", "-W", "error"]

BREAK_AND_GO_ON = """
import os, resource, sys
from pathlib import Path
from refold.errors import LogWriteError
from refold.middleware.record import record
from refold.store.store import Store
from tests.strategies.observatory_actions import ReadingTaken
from tests.strategies.observatory_reducer import make_observatory
from tests.strategies.recorded_runs import close_store

path, cause, policy, sync = sys.argv[1:]
recorder = record(path, on_write_error=policy, sync=sync)
store = Store(make_observatory(), middleware=[recorder])
for number in range(5):
    store.dispatch(ReadingTaken("north", float(number), 1))

def descriptor():
    folder = "/proc/self/fd"
    flags = [int(one) for one in os.listdir(folder) if os.path.islink(f"{folder}/{one}")
        and os.readlink(f"{folder}/{one}").endswith(".jsonl")]
    return next(one for one in flags if os.get_blocking(one))  # the lock's one is not

match cause:
    case "limit":
        size = Path(path).stat().st_size + 100
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    case "full":
        os.dup2(os.open("/dev/full", os.O_WRONLY), descriptor())
    case "closed":
        os.close(descriptor())
    case "read-only":
        os.dup2(os.open(path, os.O_RDONLY), descriptor())
for number in range(5, 8):
    try:
        store.dispatch(ReadingTaken("north", float(number), 1))
    except LogWriteError as error:
        print("LogWriteError", error)
    else:
        print("dispatched")
print(type(recorder.failure).__name__, store.state.totals.sum)
close_store(store)
"""


@pytest.mark.parametrize("sync", ["never", "always"])
@pytest.mark.parametrize("policy", ["stop", "go_on"])
@pytest.mark.parametrize("cause", ["limit", "full", "closed", "read-only"])
def test_a_log_that_breaks_leaves_what_it_had(
    tmp_path: Path, cause: str, policy: str, sync: str
) -> None:
    """The log keeps its records, and the store stops or goes on as it was told, and says so."""
    path = tmp_path / "run.jsonl"
    done = subprocess.run(
        [*PYTHON, "-c", BREAK_AND_GO_ON, str(path), cause, policy, sync],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    *dispatches, last = done.stdout.splitlines()
    if policy == "stop":
        assert all(line.startswith("LogWriteError recording to") for line in dispatches)
        assert all("after seq 5" in line for line in dispatches)
        assert last == f"LogWriteError {sum(range(6)):.1f}"  # the first was folded, not recorded
    else:
        assert dispatches == ["dispatched"] * 3
        assert last == f"LogWriteError {sum(range(8)):.1f}"
        assert done.stderr.count("the store goes on without recording") == 1
    assert recorded_values(path) == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert replay(path, make_observatory()).torn_tail is None


async def test_what_is_not_recorded_is_not_flushed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """With "go_on" nobody is told that an action is safe which was never written."""
    recorder = record(tmp_path / "log", on_write_error="go_on")
    async with Store(make_observatory(), middleware=[recorder]) as store:
        await store.flushed()
        with monkeypatch.context() as patch, caplog.at_level(logging.ERROR):
            patch.setattr(os, "write", refuse)
            store.dispatch(ReadingTaken("north", 1.0, 1))
        store.dispatch(ReadingTaken("north", 2.0, 1))
        assert recorder.failure is not None
        with pytest.raises(LogWriteError, match="goes on without recording"):
            await store.flushed()


def refuse(*_arguments: object) -> int:
    """Stand for a disk that is gone."""
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_a_failed_sync_is_a_failed_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With "always" a record that is not surely on disk is taken back out of the log."""
    path = tmp_path / "run.jsonl"
    store = Store(make_observatory(), middleware=[record(path, sync="always")])
    store.dispatch(ReadingTaken("north", 1.0, 1))
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", refuse)
        with pytest.raises(LogWriteError, match="after seq 1"):
            store.dispatch(ReadingTaken("north", 2.0, 1))
    assert recorded_values(path) == [1.0]


def test_a_segment_that_cannot_be_begun_leaves_the_log_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record that filled the segment is kept, no half-made segment is left, and it goes on."""
    path = tmp_path / "log"
    store = Store(make_observatory(), middleware=[record(path, segment_bytes=1)])
    write, calls = os.write, 0

    def write_once(descriptor: int, data: bytes) -> int:
        nonlocal calls
        calls += 1
        return write(descriptor, data) if calls == 1 else refuse()

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write_once)
        with pytest.raises(LogWriteError, match="after seq 1"):
            store.dispatch(ReadingTaken("north", 1.0, 1))
    assert [each.name for each in path.iterdir()] == ["00000000000000000001.jsonl"]
    assert recorded_values(path) == [1.0]
    again, _ = resume_store(path)
    again.dispatch(ReadingTaken("north", 2.0, 1))
    close_store(again)
    assert recorded_values(path) == [1.0, 2.0]


@pytest.mark.parametrize("name", ["run.jsonl", "folder"])
def test_a_second_writer_in_the_same_process_is_refused(tmp_path: Path, name: str) -> None:
    """The first writer goes on unharmed; a second may come once it is closed."""
    path = tmp_path / name
    first = Store(make_observatory(), middleware=[record(path)])
    first.dispatch(ReadingTaken("north", 1.0, 1))
    with pytest.raises(LogExistsError, match="resume=True"):
        Store(make_observatory(), middleware=[record(path)])
    with pytest.raises(LogLockedError, match=f"process {os.getpid()} on ") as caught:
        resume_store(path)
    assert caught.value.pid == os.getpid()
    first.dispatch(ReadingTaken("north", 2.0, 1))
    close_store(first)
    second, _ = resume_store(path)
    second.dispatch(ReadingTaken("north", 3.0, 1))
    close_store(second)
    assert recorded_values(path) == [1.0, 2.0, 3.0]


def test_a_lock_without_a_note_still_holds(tmp_path: Path) -> None:
    """A note that is gone or says nothing does not open the log for a second writer."""
    path = tmp_path / "log"
    first = Store(make_observatory(), middleware=[record(path)])
    note = tmp_path / "log.lock"
    for content in (b"", b"\xff", b"[]", b'{"pid":"many"}'):
        note.write_bytes(content)
        with pytest.raises(LogLockedError, match="another writer") as caught:
            resume_store(path)
        assert (caught.value.pid, caught.value.host) == (None, None)
    note.unlink()
    with pytest.raises(LogLockedError):
        resume_store(path)
    close_store(first)


def test_reading_takes_no_lock(tmp_path: Path) -> None:
    """A log is read while it is written, and written while it is read."""
    path = tmp_path / "log"
    store = Store(make_observatory(), middleware=[record(path)])
    store.dispatch(ReadingTaken("north", 1.0, 1))
    timeline = replay(path, make_observatory())
    store.dispatch(ReadingTaken("north", 2.0, 1))
    assert timeline.head == 2
    close_store(store)
    assert len(raw_lines(path)) == 4


def test_a_log_of_a_dead_process_is_taken_over(tmp_path: Path) -> None:
    """A note of a process that is no more is in nobody's way."""
    path = tmp_path / "log"
    record_readings(path, 1)
    (tmp_path / "log.lock").write_text('{"pid": 1, "host": "elsewhere"}')
    store, _ = resume_store(path)
    close_store(store)
    assert not (tmp_path / "log.lock").exists()
