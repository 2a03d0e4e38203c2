"""`record(path, keyframe_every=N)`: states are kept beside the log, and never at its expense."""

from __future__ import annotations

import gc
import logging
import tempfile
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refold.errors import LogWriteError
from refold.middleware.record import record
from refold.replay import log_keyframe_saver
from refold.replay.action_codec import decode_state
from refold.replay.action_log import Keyframe
from refold.replay.log_keyframes import latest_keyframe, save_keyframe
from refold.replay.replay import replay
from refold.store.store import Store
from tests.strategies.observatory_actions import ReadingTaken
from tests.strategies.observatory_reducer import make_observatory
from tests.strategies.observatory_states import Observatory
from tests.strategies.recorded_runs import close_store, record_readings, resume_store


def keyframe_seqs(log: Path) -> list[int]:
    """Return the records of which a state was kept."""
    return sorted(int(each.name.partition(".")[0]) for each in log.glob("*.keyframe.json"))


def wait_for_keyframes() -> None:
    """Wait until no keyframe is being saved."""
    for thread in threading.enumerate():
        if thread.name == "refold-keyframe":
            thread.join()


def take_readings(store: Store[Observatory], numbers: range) -> None:
    """Dispatch readings, and wait after each so that no keyframe falls due meanwhile."""
    for number in numbers:
        store.dispatch(ReadingTaken("north", float(number), 1))
        wait_for_keyframes()


@given(
    commits=st.lists(st.integers(1, 4), max_size=30),
    every=st.integers(1, 8),
    segment_bytes=st.integers(500, 4000),
)
def test_each_keyframe_is_the_state_after_its_record(
    commits: list[int], every: int, segment_bytes: int
) -> None:
    """At the commit that reaches the count the state is kept, and the log verifies as without."""
    with tempfile.TemporaryDirectory() as folder:
        log, expected, since = Path(folder) / "log", list[int](), 0
        recorder = record(log, keyframe_every=every, segment_bytes=segment_bytes)
        store = Store(make_observatory(), middleware=[recorder])
        head = 0
        for count in commits:
            with store.transaction():
                for _ in range(count):
                    store.dispatch(ReadingTaken("north", 1.0, 1))
            wait_for_keyframes()
            head, since = head + count, since + count
            if since >= every:
                expected.append(head)
                since = 0
        close_store(store)
        assert keyframe_seqs(log) == expected
        timeline = replay(log, make_observatory())
        timeline.verify()
        for seq in expected:
            keyframe = latest_keyframe(log, seq)
            assert keyframe is not None
            assert decode_state(keyframe.state, Observatory) == timeline.at(seq)


def test_dispatch_does_not_wait_for_a_keyframe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one is written, actions go on; the one that fell due meanwhile comes after it."""
    may_write, log = threading.Event(), tmp_path / "log"

    def save_late(folder: Path, keyframe: Keyframe) -> None:
        may_write.wait(60)
        save_keyframe(folder, keyframe)

    monkeypatch.setattr(log_keyframe_saver, "save_keyframe", save_late)
    store = Store(make_observatory(), middleware=[record(log, keyframe_every=2)])
    for number in range(1, 8):
        store.dispatch(ReadingTaken("north", float(number), 1))
    assert keyframe_seqs(log) == []
    may_write.set()
    take_readings(store, range(8, 9))
    take_readings(store, range(9, 10))
    close_store(store)
    first, second, *_ = keyframe_seqs(log)
    assert first == 2
    assert second in {8, 9}


def test_closing_waits_for_the_keyframe_that_was_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the store was closed the last keyframe is there, and nobody writes any more."""
    begun, log = threading.Event(), tmp_path / "log"

    def save_late(folder: Path, keyframe: Keyframe) -> None:
        begun.wait(60)
        save_keyframe(folder, keyframe)

    monkeypatch.setattr(log_keyframe_saver, "save_keyframe", save_late)
    store = Store(make_observatory(), middleware=[record(log, keyframe_every=1)])
    store.dispatch(ReadingTaken("north", 1.0, 1))
    timer = threading.Thread(target=begun.set)
    timer.start()
    close_store(store)
    timer.join()
    assert keyframe_seqs(log) == [1]
    assert not [each for each in threading.enumerate() if each.name == "refold-keyframe"]


def refuse_to_save(_folder: Path, _keyframe: Keyframe) -> None:
    """Stand for a disk without room for a state."""
    message = "no room"
    raise LogWriteError(message)


def refuse_to_start(_thread: threading.Thread) -> None:
    """Stand for a system without room for a thread."""
    message = "can't start new thread"
    raise RuntimeError(message)


@pytest.mark.parametrize("what", ["disk", "thread"])
def test_a_keyframe_that_fails_is_told_once_and_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, what: str
) -> None:
    """Recording goes on, the log verifies, and one warning says why there is no keyframe."""
    log = tmp_path / "log"
    store = Store(make_observatory(), middleware=[record(log, keyframe_every=2)])
    with monkeypatch.context() as patch, caplog.at_level(logging.WARNING, logger="refold.record"):
        if what == "disk":
            patch.setattr(log_keyframe_saver, "save_keyframe", refuse_to_save)
        else:
            patch.setattr(threading.Thread, "start", refuse_to_start)
        take_readings(store, range(1, 8))
    assert len(caplog.records) == 1
    assert "after seq 2" in caplog.text
    assert "recording goes on" in caplog.text
    take_readings(store, range(8, 9))  # as soon as it works again
    close_store(store)
    timeline = replay(log, make_observatory())
    assert timeline.head == 8
    timeline.verify()
    assert keyframe_seqs(log) == [8]


def test_a_keyframe_of_a_record_that_the_log_lost_is_dropped(tmp_path: Path) -> None:
    """After a loss of power a keyframe may be ahead; going on deletes it, and half-made ones."""
    log = tmp_path / "log"
    store, _ = resume_store(log, keyframe_every=1)
    take_readings(store, range(1, 6))
    del store, _
    gc.collect()
    (file,) = log.glob("*.jsonl")
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:4]))  # 3 records
    (log / "00000000000000000002.keyframe.tmp").write_bytes(b"half")
    store, _ = resume_store(log)
    assert keyframe_seqs(log) == [1, 2, 3]
    assert not list(log.glob("*.tmp"))
    close_store(store)


def test_a_new_log_has_no_keyframes_of_another(tmp_path: Path) -> None:
    """What lies in a folder without a log is no state of the log that is begun there."""
    log = tmp_path / "log"
    log.mkdir()
    save_keyframe(log, Keyframe(0, None, "digest"))
    save_keyframe(log, Keyframe(7, None, "digest"))
    record_readings(log, 3)
    assert keyframe_seqs(log) == []


def test_a_stale_keyframe_that_cannot_be_deleted_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rather than letting a wrong state lie about, the log is not opened, and says what to do."""
    log = tmp_path / "log"
    log.mkdir()
    save_keyframe(log, Keyframe(7, None, "digest"))

    def refuse(_path: Path, *, missing_ok: bool = False) -> None:
        raise PermissionError(13, f"Permission denied {missing_ok}")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refuse)
        with pytest.raises(LogWriteError, match="delete the keyframes after seq 0 by hand"):
            Store(make_observatory(), middleware=[record(log)])
    record_readings(log, 1)  # its lock is free again


def test_keyframes_are_trimmed_with_their_segments(tmp_path: Path) -> None:
    """What retention leaves can be folded from each keyframe that is left."""
    log = tmp_path / "log"
    options: dict[str, Any] = {"segment_bytes": 1000, "keep_bytes": 4000, "keyframe_every": 3}
    store, _ = resume_store(log, **options)
    take_readings(store, range(1, 61))
    close_store(store)
    first = replay(log, make_observatory()).header.first_seq
    assert first > 3
    seqs = keyframe_seqs(log)
    assert seqs
    assert seqs[0] >= first - 1
    timeline = replay(log, make_observatory())
    assert all(timeline.at(seq) is not None for seq in seqs)


@pytest.mark.parametrize(
    ("name", "every", "words"),
    [
        ("run.jsonl", 5, "needs a place for keyframes; give the path of a folder"),
        ("log", 0, "keyframe_every expects 1 or more, or None, got 0"),
    ],
)
def test_keyframes_that_cannot_be_are_refused(
    tmp_path: Path, name: str, every: int, words: str
) -> None:
    """One file has no place for keyframes, and a count is 1 or more."""
    with pytest.raises(ValueError, match=words):
        record(tmp_path / name, keyframe_every=every)
