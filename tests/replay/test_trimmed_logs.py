"""Logs whose oldest segments were deleted: replayed from where they begin, under the same seqs.

What belongs here: the timeline of such a log, and the digests at its seams.  What does not:
deleting segments, and commands.
"""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refold.errors import LogError, ReplayMismatchError
from refold.reducers.evolve import evolve
from refold.replay.canonical_digest import state_digest
from refold.replay.log_housekeeping import trim_segments
from refold.replay.log_reader import LogReader
from refold.replay.log_segments import list_segments
from refold.replay.log_writer import LogWriter
from refold.replay.replay import replay
from tests.strategies.observatory_actions import ReadingTaken
from tests.strategies.observatory_reducer import make_observatory
from tests.strategies.recorded_runs import close_store, record_readings, resume_store

if TYPE_CHECKING:
    from tests.strategies.observatory_states import Observatory

COUNT = 60
"""Records of the log before it was trimmed."""


@pytest.fixture
def logs(tmp_path: Path) -> tuple[Path, Path, int]:
    """Return a whole log, the same one trimmed, and the first seq of that."""
    whole, trimmed = tmp_path / "whole", tmp_path / "trimmed"
    record_readings(whole, COUNT, segment_bytes=1000)
    trimmed.mkdir()
    for segment in list_segments(whole):
        (trimmed / segment.path.name).write_bytes(segment.path.read_bytes())
    trim_segments(trimmed, 30)
    first_seq = list_segments(trimmed)[0].first_seq
    assert first_seq is not None
    assert 1 < first_seq <= 30
    return whole, trimmed, first_seq


def test_every_state_that_is_left_is_the_one_of_the_whole_log(
    logs: tuple[Path, Path, int],
) -> None:
    """The timeline starts before its first record, ends where it did, and verifies."""
    whole, trimmed, first_seq = logs
    before, after = (replay(path, make_observatory()) for path in (whole, trimmed))
    assert (after.seq, after.head) == (first_seq - 1, COUNT)
    assert after.seqs == list(range(first_seq, COUNT + 1))
    for seq in range(first_seq - 1, COUNT + 1):
        assert state_digest(after.at(seq)) == state_digest(before.at(seq))
    assert [one.seq for one, _ in after.states()] == after.seqs
    assert [one.seq for one in after.records] == after.seqs
    assert after.blame("totals.sum") == before.blame("totals.sum")
    assert after.why(COUNT) == before.why(COUNT)
    assert after.diff(first_seq - 1, COUNT) == before.diff(first_seq - 1, COUNT)
    after.verify()


def test_searches_speak_of_the_log_s_seqs(logs: tuple[Path, Path, int]) -> None:
    """Bisecting, skipping and forking name records as the log does."""
    _, trimmed, first_seq = logs
    timeline = replay(trimmed, make_observatory())
    limit = timeline.at(50).totals.sum
    assert timeline.bisect(lambda state: state.totals.sum < limit) == 50
    assert timeline.first_broken(lambda state: state.totals.sum < limit) == 50
    assert timeline.bisect(lambda _: False) == first_seq - 1
    fork = timeline.fork(45)
    fork.skip(40)
    added = fork.append(ReadingTaken("north", 1.0, 1))
    assert (fork.head, timeline.head) == (added, COUNT)
    assert fork.at(added).totals.sum == timeline.at(45).totals.sum - 40.0 + 1.0
    timeline.jump(COUNT)
    timeline.reset()
    assert timeline.seq == first_seq - 1


def test_what_was_trimmed_is_refused(logs: tuple[Path, Path, int]) -> None:
    """A seq before the start is an error that says where the start is."""
    _, trimmed, first_seq = logs
    timeline = replay(trimmed, make_observatory())
    with pytest.raises(LogError, match=rf"{first_seq - 1} \(the start\) or more, got 3"):
        timeline.at(3)
    with pytest.raises(LogError, match="no record with the seq 3"):
        timeline.why(3)


def test_a_changed_reducer_is_found_in_what_is_left(logs: tuple[Path, Path, int]) -> None:
    """Verifying compares from the start that is left on, and names a seq of the log."""
    trimmed, first_seq = logs[1:]
    changed = make_observatory()

    @changed.on(ReadingTaken)
    def _(_state: Observatory, _action: ReadingTaken) -> Observatory:
        return make_observatory().initial

    with pytest.raises(ReplayMismatchError) as caught:
        replay(trimmed, changed).verify()
    assert first_seq <= caught.value.seq <= COUNT


def test_a_log_opened_behind_a_header_is_refused(logs: tuple[Path, Path, int]) -> None:
    """Of a reader that begins between two segments nobody knows the start state."""
    whole, trimmed, first_seq = logs
    with pytest.raises(LogError, match=rf"LogReader\(path, from_seq={first_seq}\)"):
        replay(LogReader(trimmed, from_seq=first_seq + 1), make_observatory())
    timeline = replay(LogReader(whole, from_seq=first_seq), make_observatory())
    assert timeline.at(COUNT).totals.sum == sum(range(1, COUNT + 1))


def test_a_beginning_without_a_state_is_refused(tmp_path: Path) -> None:
    """A trimmed log whose writer knew no states cannot be folded, and says what can be done."""
    path = tmp_path / "log"
    record_readings(path, 3)
    writer = LogWriter(path, start_state=None, start_digest="", digest_every=0, resume=True)
    writer.begin_segment(None, "")
    writer.close()
    trim_segments(path, 4)
    with pytest.raises(LogError, match=r"seq 4 and does not say the state before it.*hydrate\("):
        replay(path, make_observatory())


numbers = itertools.count()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a log that is only ever copied."""
    path = tmp_path_factory.mktemp("logs") / "whole"
    record_readings(path, 20, segment_bytes=600)
    return path


@given(before=st.integers(0, 25))
def test_wherever_a_log_is_trimmed_its_end_is_the_same(whole: Path, before: int) -> None:
    """Any number of segments may go, up to all but the last."""
    path = shutil.copytree(whole, whole.with_name(f"{next(numbers)}"))
    expected = state_digest(replay(whole, make_observatory()).at(20))
    trim_segments(path, before)
    timeline = replay(path, make_observatory())
    timeline.verify()
    assert timeline.header.first_seq <= max(before, 1)
    assert state_digest(timeline.at(timeline.head)) == expected


def test_the_digests_of_later_segments_are_compared(whole: Path) -> None:
    """A log whose segment begins with another state than its records lead to does not verify."""
    path = shutil.copytree(whole, whole.with_name(f"{next(numbers)}"))
    first_seqs = [segment.first_seq or 0 for segment in list_segments(path)]
    records = replay(path, make_observatory()).records
    assert len(records) == 20
    assert [one.seq for one in records if one.digest] == [seq - 1 for seq in first_seqs[1:]]
    changed = make_observatory()

    @changed.on(ReadingTaken)
    def _(state: Observatory, action: ReadingTaken) -> Observatory:
        return evolve(state, title="changed") if action.value >= first_seqs[3] else state

    with pytest.raises(ReplayMismatchError) as caught:
        replay(path, changed).verify()
    assert caught.value.seq < first_seqs[4]


def test_the_digests_of_closed_sessions_are_compared(tmp_path: Path) -> None:
    """What was written when a log was closed counts also if the log was gone on with."""
    path = tmp_path / "run.jsonl"
    for _ in range(3):
        store, _recorder = resume_store(path)
        store.dispatch(ReadingTaken("north", 1.0, 1))
        store.dispatch(ReadingTaken("north", 1.0, 1))
        close_store(store)
    records = list(replay(path, make_observatory()).records)
    assert [one.seq for one in records if one.digest] == [2, 4, 6]
