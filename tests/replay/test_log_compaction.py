"""Compaction: what is kept is what it was, and no crash leaves less than a whole log.

What belongs here: `compact_log` on one file, on folders, and with another place for the result.
What does not: what the command prints.
"""

from __future__ import annotations

import itertools
import json
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyrsistent import PMap, pmap

from refold.errors import (
    LogDamagedError,
    LogError,
    LogExistsError,
    LogLockedError,
    LogWriteError,
    ReplayMismatchError,
)
from refold.middleware.record import record
from refold.reducers.reducer import Reducer
from refold.replay.canonical_digest import state_digest
from refold.replay.log_compaction import Compaction, compact_log
from refold.replay.log_reader import LogReader
from refold.replay.log_segments import list_segments
from refold.replay.timeline import Timeline
from refold.store.store import Store
from tests.replay.bank_with_bugs import Deposited, Opened, make_bank, random_session
from tests.strategies.recorded_runs import ENVIRONMENT, close_store

if TYPE_CHECKING:
    from collections.abc import Callable

COMPACT = """
import sys
from pathlib import Path
from refold.replay.log_compaction import compact_log
from tests.replay.bank_with_bugs import make_bank

print("begun", flush=True)
compact_log(Path(sys.argv[1]), make_bank(), lambda seqs: int(sys.argv[2]))
"""


def record_session(path: Path, seed: int = 1, count: int = 300, **options: Any) -> None:
    """Record a session of which every seventh commit is a transaction of two or three actions."""
    store = Store(make_bank(), middleware=[record(path, **options)])
    actions = iter(random_session(seed, count) if count else [])
    for number, one in enumerate(actions):
        if number % 7:
            store.dispatch(one)
        else:
            with store.transaction():
                store.dispatch(one)
                for another in itertools.islice(actions, 1 + number % 2):
                    store.dispatch(another)
    close_store(store)


def open_timeline(path: Path) -> Timeline[Any]:
    """Return the timeline of a log that may begin later than with its first record."""
    return Timeline(LogReader(path, from_seq=None), make_bank())


def read_all(path: Path) -> dict[int, tuple[Any, str]]:
    """Return each record with the digest of the state after it; every recorded digest holds."""
    timeline = open_timeline(path)
    timeline.verify()
    return {one.seq: (one, state_digest(state)) for one, state in timeline.states()}


def keep(count: int) -> Callable[[range], int]:
    """Return what chooses so many records to keep."""
    return lambda seqs: max(seqs.stop - count, seqs.start)


def assert_is_end_of(path: Path, whole: dict[int, tuple[Any, str]], first_seq: int) -> None:
    """A log has exactly the records of another from one on, ids and all, and the same states."""
    assert read_all(path) == {seq: one for seq, one in whole.items() if seq >= first_seq}
    timeline = open_timeline(path)
    assert timeline.header.first_seq == first_seq
    if first_seq - 1 in whole:
        assert state_digest(timeline.start) == whole[first_seq - 1][1]


@settings(max_examples=25)
@given(
    seed=st.integers(0, 10**6),
    count=st.integers(0, 90),
    kept=st.integers(0, 100),
    segment_bytes=st.sampled_from([None, 500, 3000]),
    compress=st.booleans(),
    output=st.sampled_from([None, "new.jsonl", "new/log"]),
)
def test_every_state_that_is_kept_is_the_same(  # noqa: PLR0913  # drawn
    *,
    seed: int,
    count: int,
    kept: int,
    segment_bytes: int | None,
    compress: bool,
    output: str | None,
) -> None:
    """Whatever is dropped, the records after it and their states are as before."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ("run.jsonl" if segment_bytes is None else "log")
        options = {
            "segment_bytes": segment_bytes,
            "compress": compress and segment_bytes is not None,
        }
        record_session(path, seed, count, **options)
        whole = read_all(path)
        result = None if output is None else Path(folder) / output
        done = compact_log(path, make_bank(), keep(kept), output=result)
        assert_is_end_of(result or path, whole, done.first_seq)
        assert (done.old_first_seq, done.head) == (1, len(whole))
        assert done.first_seq <= done.asked_first_seq == max(len(whole) + 1 - kept, 1)
        if result is not None:
            assert read_all(path) == whole
        if result is not None or segment_bytes is None:
            assert done.asked_first_seq - done.first_seq <= 2, "a transaction has three at most"


@pytest.mark.parametrize("name", ["run.jsonl", "log"])
def test_a_compacted_log_goes_on(tmp_path: Path, name: str) -> None:
    """It can be recorded on, compacted again, and each time all that is kept is the same."""
    path = tmp_path / name
    options: dict[str, Any] = {} if name == "run.jsonl" else {"segment_bytes": 2000}
    record_session(path, count=200, **options)
    for _ in range(3):
        done = compact_log(path, make_bank(), keep(30))
        assert done.records_dropped > 0
        timeline = open_timeline(path)
        store = Store(
            make_bank(),
            state=timeline.at(timeline.head),
            middleware=[record(path, resume=True, **options)],
        )
        for one in random_session(5, 60):
            store.dispatch(one)
        close_store(store)
        assert open_timeline(path).head == done.head + 60
        open_timeline(path).verify()


def test_a_folder_keeps_whole_files_and_packs_the_closed_ones(tmp_path: Path) -> None:
    """Only files that lie wholly before the cut go; the rest is compressed but the last."""
    path = tmp_path / "log"
    record_session(path, segment_bytes=3000)
    whole = read_all(path)
    before = list_segments(path)
    cut = before[3].first_seq or 0
    done = compact_log(path, make_bank(), lambda _: cut + 1)
    after = list_segments(path)
    assert [each.first_seq for each in after] == [each.first_seq for each in before[3:]]
    assert [each.is_compressed for each in after] == [True] * (len(after) - 1) + [False]
    assert (done.first_seq, done.asked_first_seq) == (cut, cut + 1)
    assert done.bytes_after == sum(each.path.stat().st_size for each in after) < done.bytes_before
    assert_is_end_of(path, whole, cut)


def test_nothing_to_drop_changes_nothing(tmp_path: Path) -> None:
    """A log that is short enough stays as it is, to the byte."""
    path = tmp_path / "run.jsonl"
    record_session(path, count=10)
    content = path.read_bytes()
    done = compact_log(path, make_bank(), keep(500))
    assert (done.records_dropped, path.read_bytes()) == (0, content)


def test_the_digest_of_the_end_and_the_permissions_stay(tmp_path: Path) -> None:
    """What ends the old log ends the new one, and nobody else may read it."""
    path = tmp_path / "run.jsonl"
    record_session(path, count=40)
    path.chmod(0o600)
    last = json.loads(path.read_bytes().splitlines()[-1])
    assert last.pop("checkpoint")
    compact_log(path, make_bank(), keep(3))
    new = json.loads(path.read_bytes().splitlines()[-1])
    assert (new["seq"], new["digest"]) == (last["seq"], last["digest"])
    assert path.stat().st_mode & 0o777 == 0o600


def content_of(log: Path) -> dict[str, bytes]:
    """Return what stands in the folder around a log, and in the log."""
    return {str(each): each.read_bytes() for each in log.parent.rglob("*") if each.is_file()}


def test_a_log_that_is_being_written_is_refused(tmp_path: Path) -> None:
    """The writer's lock is respected, also where the result would be elsewhere."""
    path = tmp_path / "run.jsonl"
    store = Store(make_bank(), middleware=[record(path)])
    store.dispatch(Opened("a"))
    for output in (None, tmp_path / "new.jsonl"):
        with pytest.raises(LogLockedError, match="is being written"):
            compact_log(path, make_bank(), keep(0), output=output)
    close_store(store)
    assert compact_log(path, make_bank(), keep(0)).head == 1


@pytest.mark.parametrize("name", ["run.jsonl", "log"])
@pytest.mark.parametrize("where", ["middle", "end"])
def test_a_damaged_log_is_refused(tmp_path: Path, name: str, where: str) -> None:
    """Damage before or after the cut, and a torn line: nothing is touched."""
    path = tmp_path / name
    record_session(path, **({} if name == "run.jsonl" else {"segment_bytes": 2000}))
    segments = list_segments(path)
    file = segments[0 if where == "middle" else -1].path
    content = file.read_bytes()
    changed = content.replace(b"bank/", b"bunk/", 1) if where == "middle" else content[:-5]
    assert changed != content
    file.write_bytes(changed)
    before = content_of(path)
    for kept in (0, 50):
        with pytest.raises(LogDamagedError):
            compact_log(path, make_bank(), keep(kept))
    assert content_of(path) == before


@pytest.mark.parametrize("name", ["run.jsonl", "log"])
def test_another_reducer_drops_nothing(tmp_path: Path, name: str) -> None:
    """If the fold is not what was recorded, its state must not stand for the records."""
    path = tmp_path / name
    record_session(path, **({} if name == "run.jsonl" else {"segment_bytes": 2000}))
    before = content_of(path)
    with pytest.raises(ReplayMismatchError, match="name the reducer that recorded it"):
        compact_log(path, make_bank("interest from nowhere"), keep(50))
    assert content_of(path) == before


def test_what_is_there_is_not_overwritten(tmp_path: Path) -> None:
    """A file, a folder with a log, and a file where a folder is needed are refused."""
    path = tmp_path / "run.jsonl"
    record_session(path, count=10)
    record_session(tmp_path / "log", count=10)
    (tmp_path / "notes").write_text("mine")
    before = content_of(path)
    for name in ("run.jsonl", "log", "notes"):
        with pytest.raises(LogExistsError, match="is there already"):
            compact_log(path, make_bank(), keep(5), output=tmp_path / name)
    with pytest.raises(LogWriteError, match="is as it was"):
        compact_log(path, make_bank(), keep(5), output=tmp_path / "notes" / "new.jsonl")
    assert content_of(path) == before


def test_a_state_that_cannot_be_read_again_keeps_its_records(tmp_path: Path) -> None:
    """A bare collection does not tell its types, so a log cannot begin with it."""
    nothing: PMap[str, int] = pmap()
    reducer = Reducer(nothing)

    @reducer.on(Deposited)
    def _(state: PMap[str, int], action: Deposited) -> PMap[str, int]:
        return state.set(action.name, action.amount)

    for recorder in (record(tmp_path / "run.jsonl"), record(tmp_path / "log", segment_bytes=300)):
        store = Store(reducer, middleware=[recorder])
        for number in range(20):
            store.dispatch(Deposited("a", number))
        close_store(store)
    before = content_of(tmp_path / "run.jsonl")
    with pytest.raises(LogError, match="is not read as it was written"):
        compact_log(tmp_path / "run.jsonl", reducer, keep(5))
    assert compact_log(tmp_path / "log", reducer, keep(5)).records_dropped == 0
    kept = content_of(tmp_path / "run.jsonl")
    assert kept[str(tmp_path / "run.jsonl")] == before[str(tmp_path / "run.jsonl")]
    assert not list(tmp_path.glob("*compacting*"))


@pytest.mark.parametrize("name", ["run.jsonl", "log"])
def test_a_crash_between_any_two_changes_of_files_leaves_a_whole_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Whichever deleting or renaming is the last one that happens, every kept state is there."""
    original = tmp_path / "original" / name
    record_session(original, count=120, **({} if name == "run.jsonl" else {"segment_bytes": 2500}))
    whole = read_all(original)
    changes = 0
    while True:
        path = tmp_path / str(changes) / name
        shutil.copytree(original.parent, path.parent)
        with monkeypatch.context() as patch:
            crash_after(patch, changes)
            try:
                done = compact_log(path, make_bank(), keep(20))
            except KeyboardInterrupt:
                done = None
        first_seq = open_timeline(path).header.first_seq
        assert_is_end_of(path, whole, first_seq)
        again = compact_log(path, make_bank(), keep(20))
        assert_is_end_of(path, whole, again.first_seq)
        if done is not None:
            break
        changes += 1
    assert changes >= (2 if name == "run.jsonl" else 5)


def crash_after(patch: pytest.MonkeyPatch, changes: int) -> None:
    """Let the next change of files after so many not happen."""
    left = [changes]

    def counted(change: Callable[..., Any]) -> Callable[..., Any]:
        def do(path: Path, *arguments: Any, **options: Any) -> Any:
            if path.suffix != ".lock":  # the system itself frees what a dead process had locked
                if left[0] == 0:
                    raise KeyboardInterrupt
                left[0] -= 1
            return change(path, *arguments, **options)

        return do

    for method in ("unlink", "replace", "hardlink_to"):
        patch.setattr(Path, method, counted(getattr(Path, method)))


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", ["run.jsonl", "log"])
def test_a_killed_compaction_leaves_a_whole_log(tmp_path: Path, name: str) -> None:
    """``kill -9`` at random moments: the log is always readable, with every kept state."""
    original = tmp_path / "original" / name
    record_session(
        original, count=1500, **({} if name == "run.jsonl" else {"segment_bytes": 20_000})
    )
    whole = read_all(original)
    chance = random.Random(name)  # noqa: S311  # no secret
    began = time.perf_counter()
    compact_log(copied(original, tmp_path / "timed"), make_bank(), keep(100))
    seconds = time.perf_counter() - began
    times = 60 if settings().max_examples > 1000 else 8
    for number in range(times):
        path = copied(original, tmp_path / str(number))
        with subprocess.Popen(
            [sys.executable, "-c", COMPACT, str(path), "1400"],
            stdout=subprocess.PIPE,
            env=ENVIRONMENT,
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"begun\n"
            until = time.perf_counter() + chance.uniform(0.1, 1.2) * seconds
            while time.perf_counter() < until:  # anywhere in what it does
                pass
            process.send_signal(signal.SIGKILL)
        assert_is_end_of(path, whole, open_timeline(path).header.first_seq)
        done = compact_log(path, make_bank(), keep(100))  # a dead one is in nobody's way
        assert_is_end_of(path, whole, done.first_seq)


def copied(log: Path, folder: Path) -> Path:
    """Return a copy of a log that stands alone in its folder."""
    shutil.copytree(log.parent, folder)
    return folder / log.name


def test_the_result_counts_what_it_did() -> None:
    """The number of dropped records is that between the two beginnings."""
    done = Compaction(
        log_id="", path=Path(), old_first_seq=3, first_seq=8, asked_first_seq=9, head=20,
        bytes_before=100, bytes_after=50,
    )  # fmt: skip
    assert done.records_dropped == 5
