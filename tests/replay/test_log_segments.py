"""Logs in segments: cut by size and age, chained, trimmed and compressed, and read as one.

What belongs here: whole folders.  What does not: bytes within one file.
"""

from __future__ import annotations

import gzip
import itertools
import json
import os
import shutil
import sys
from pathlib import Path

import attrs
import pytest

from refold.errors import LogDamagedError, LogError, LogTruncatedError
from refold.middleware.record import record
from refold.replay.action_codec import decode_action, decode_state
from refold.replay.checked_line import FIRST_CHECKSUM, seal_line
from refold.replay.log_housekeeping import tidy_segments, trim_segments
from refold.replay.log_options import LogOptions
from refold.replay.log_reader import LogReader
from refold.replay.log_segments import Segment, list_segments
from refold.replay.replay import replay
from refold.store.store import Store
from tests.strategies.observatory_actions import ReadingTaken
from tests.strategies.observatory_reducer import make_observatory
from tests.strategies.observatory_states import Observatory
from tests.strategies.recorded_runs import (
    close_store,
    record_readings,
    recorded_values,
    resume_store,
)

COUNT = 60
"""Records of the log."""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Return a log of many segments."""
    path = tmp_path / "log"
    record_readings(path, COUNT, segment_bytes=1000)
    assert len(segments_of(path)) > 8
    return path


def segments_of(path: Path) -> list[Path]:
    """Return the files of a log, in order."""
    return sorted(path.glob("*.jsonl*"))


def first_seq_of(file: Path) -> int:
    """Return the number in a segment's name."""
    return int(file.name.partition(".")[0])


def test_segments_are_read_as_one_log(log: Path) -> None:
    """However it is cut, a log has all its records, in order, and verifies."""
    timeline = replay(log, make_observatory())
    assert [one.seq for one in timeline.records] == list(range(1, COUNT + 1))
    assert timeline.at(COUNT).totals.sum == sum(range(1, COUNT + 1))
    timeline.verify()


def test_a_segment_is_named_by_its_first_record(log: Path) -> None:
    """Each file is named by its first record and has a header that says the state before it."""
    timeline = replay(log, make_observatory())
    for file in segments_of(log):
        reader = LogReader(log, from_seq=first_seq_of(file))
        assert reader.header.first_seq == first_seq_of(file)
        for entry in reader.entries():
            known = timeline.records[entry[0].seq - 1]
            # a timeline also gives a record the digest that the next header says
            assert entry[0] == attrs.evolve(known, digest=entry[0].digest)
            assert entry[0].digest in {None, known.digest}
        reader.close()


def test_a_segment_holds_about_as_much_as_was_asked_for(log: Path) -> None:
    """The records of a closed segment take as asked for, and one record at most over."""
    for file in segments_of(log)[:-1]:
        header, *lines = file.read_bytes().splitlines(keepends=True)
        assert header.startswith(b'{"refold_log":')
        assert sum(map(len, lines)) >= 1000 > sum(map(len, lines[:-1]))


def test_a_segment_ends_by_age(tmp_path: Path) -> None:
    """With an age of nothing each record has a segment of its own."""
    record_readings(tmp_path / "log", 5, segment_age_s=0)
    assert [first_seq_of(file) for file in segments_of(tmp_path / "log")] == [1, 2, 3, 4, 5, 6]
    assert recorded_values(tmp_path / "log") == [1.0, 2.0, 3.0, 4.0, 5.0]


def test_a_missing_segment_is_seen(log: Path) -> None:
    """Whichever segment but the last is gone, reading stops before the gap and says so."""
    files = segments_of(log)
    for missing, following in itertools.pairwise(files[1:]):
        kept = missing.read_bytes()
        missing.unlink()
        with pytest.raises(LogDamagedError, match="whole segments between are missing") as caught:
            list(replay(log, make_observatory()).records)
        assert (caught.value.segment, caught.value.line) == (following.name, 1)
        missing.write_bytes(kept)
    assert len(recorded_values(log)) == COUNT


def test_swapped_segments_are_seen(log: Path) -> None:
    """Segments under each other's names are refused at the first of them."""
    files = segments_of(log)
    content = files[2].read_bytes()
    files[2].write_bytes(files[3].read_bytes())
    files[3].write_bytes(content)
    with pytest.raises(LogDamagedError) as caught:
        list(replay(log, make_observatory()).records)
    assert (caught.value.segment, caught.value.line) == (files[2].name, 1)


def test_a_segment_of_another_log_is_seen(log: Path, tmp_path: Path) -> None:
    """A segment of another recording is refused, even if its numbers fit."""
    other = tmp_path / "other"
    record_readings(other, COUNT, segment_bytes=1000)
    files = segments_of(log)
    shutil.copy(other / files[2].name, files[2])
    with pytest.raises(LogDamagedError, match="belongs to another log") as caught:
        list(replay(log, make_observatory()).records)
    assert caught.value.segment == files[2].name


def test_a_shortened_segment_is_seen(log: Path) -> None:
    """Only the last segment may end early: lines missing at the end of another are damage."""
    file = segments_of(log)[1]
    content = file.read_bytes()
    for left in (len(content) - 10, content.rindex(b"\n", 0, -1) + 1):
        file.write_bytes(content[:left])
        with pytest.raises(LogDamagedError):
            list(replay(log, make_observatory()).records)


def test_a_segment_that_was_written_anew_is_seen(log: Path) -> None:
    """A segment whose own checksums fit, but that is not the one the next was begun after."""
    files = segments_of(log)
    checksum, lines = FIRST_CHECKSUM, bytearray()
    for line in files[1].read_bytes().replace(b"north", b"south").splitlines():
        value = {name: each for name, each in json.loads(line).items() if name != "crc"}
        sealed, checksum = seal_line(value, checksum)
        lines += sealed
    files[1].write_bytes(lines)
    with pytest.raises(LogDamagedError, match="does not follow") as caught:
        list(replay(log, make_observatory()).records)
    assert (caught.value.segment, caught.value.line) == (files[2].name, 1)


def test_a_writer_that_goes_on_while_a_reader_reaches_the_end(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line that is finished, and a segment begun, just after the reader saw the end, are read."""
    *_, last_but_one, last = segments_of(log)
    content, following = last_but_one.read_bytes(), last.read_bytes()
    for left in (len(content) - 5, content.rindex(b"\n", 0, -1) + 1):
        last.unlink()
        last_but_one.write_bytes(content[:left])
        reader = LogReader(log)

        def go_on(path: Path, reader: LogReader = reader) -> list[Segment]:
            if reader.path == last_but_one:
                last_but_one.write_bytes(content)
                last.write_bytes(following)
            return list_segments(path)

        with monkeypatch.context() as patch:
            patch.setattr(sys.modules[LogReader.__module__], "list_segments", go_on)
            seqs = [one.seq for entry in reader.entries() for one in entry]
        assert seqs == list(range(1, COUNT + 1))


def test_a_renamed_segment_is_seen(log: Path) -> None:
    """A segment under a wrong number is refused."""
    last = segments_of(log)[-1]
    last.rename(log / f"{COUNT + 7:020}.jsonl")
    with pytest.raises(LogDamagedError, match="named for another record"):
        list(replay(log, make_observatory()).records)


def test_compressed_segments_are_read(tmp_path: Path) -> None:
    """Closed segments become .gz files, and the log is read, verified and gone on with."""
    path = tmp_path / "log"
    for _ in range(2):
        store, _recorder = resume_store(path, segment_bytes=1000, compress=True)
        for number in range(20):
            store.dispatch(ReadingTaken("north", float(number), 1))
        close_store(store)
    files = segments_of(path)
    assert [file.suffix for file in files] == [".gz"] * (len(files) - 1) + [".jsonl"]
    assert recorded_values(path) == [float(number) for number in range(20)] * 2
    replay(path, make_observatory()).verify()


def test_every_flipped_byte_of_a_compressed_segment_is_seen(log: Path) -> None:
    """A compressed segment with another byte gives an error of the log, or says the same."""
    tidy_segments(log, LogOptions(compress=True))
    file = segments_of(log)[1]
    content = file.read_bytes()
    expected = recorded_values(log)
    for place in range(len(content)):
        changed = bytearray(content)
        changed[place] ^= 1 << place % 8
        file.write_bytes(changed)
        seen: list[float] = []
        try:
            for entry in LogReader(log).entries():
                seen += [one.payload["value"] for one in entry]
        except LogError:
            assert seen == expected[: len(seen)]
        else:
            assert seen == expected


def test_a_crash_while_compressing_loses_nothing(log: Path) -> None:
    """Half-made files are passed over, and a segment both plain and compressed is read once."""
    file = segments_of(log)[0]
    (log / f"{file.name}.gz.tmp").write_bytes(b"half")
    (log / f"{segments_of(log)[1].name}.gz").write_bytes(gzip.compress(b"older"))
    assert len(recorded_values(log)) == COUNT
    tidy_segments(log, LogOptions(compress=True))
    assert len(recorded_values(log)) == COUNT
    assert not list(log.glob("*.tmp"))


def test_a_trimmed_log_says_so(log: Path) -> None:
    """After trimming, reading from the start is refused, and from the first kept record works."""
    trim_segments(log, 30)
    first_seq = first_seq_of(segments_of(log)[0])
    assert 1 < first_seq <= 30
    with pytest.raises(LogTruncatedError, match=f"begins with seq {first_seq}") as caught:
        LogReader(log, from_seq=1)
    assert (caught.value.asked_seq, caught.value.first_seq) == (1, first_seq)
    seqs = [one.seq for entry in LogReader(log, from_seq=first_seq).entries() for one in entry]
    assert seqs == list(range(first_seq, COUNT + 1))


def test_a_reader_that_is_overtaken_by_trimming_is_told(log: Path) -> None:
    """A reader whose next segment was trimmed gets an error, not a gap."""
    entries = LogReader(log).entries()
    next(entries)
    trim_segments(log, 40)
    with pytest.raises(LogTruncatedError) as caught:
        list(entries)
    assert caught.value.first_seq == first_seq_of(segments_of(log)[0])


def test_trimming_keeps_the_last_segment(log: Path) -> None:
    """Even if all may go, the last segment stays, so that the log knows where it goes on."""
    trim_segments(log, 10**6)
    (last,) = segments_of(log)
    assert LogReader(log, from_seq=None).header.first_seq == first_seq_of(last)


def test_only_the_newest_segments_are_kept(tmp_path: Path) -> None:
    """With a limit in bytes the oldest closed segments go, and what is left has no gap."""
    path = tmp_path / "log"
    store = Store(
        make_observatory(), middleware=[record(path, segment_bytes=1000, keep_bytes=8000)]
    )
    for number in range(COUNT):
        store.dispatch(ReadingTaken("north", float(number), 1))
    close_store(store)
    closed = segments_of(path)[:-1]
    assert first_seq_of(closed[0]) > 1
    assert sum(file.stat().st_size for file in closed) <= 8000
    reader = LogReader(path, from_seq=None)
    seqs = [one.seq for entry in reader.entries() for one in entry]
    assert seqs == list(range(first_seq_of(closed[0]), COUNT + 1))


def test_old_segments_go(log: Path) -> None:
    """With a limit in seconds the closed segments that are older go, up to the first younger."""
    files = segments_of(log)
    for age_s, file in zip((100, 90, 5, 80), files, strict=False):
        os.utime(file, (1000 - age_s, 1000 - age_s))
    tidy_segments(log, LogOptions(keep_age_s=50), now_s=1000)
    assert segments_of(log) == files[2:]


def test_a_trimmed_log_is_gone_on_with(log: Path) -> None:
    """A log whose beginning is gone is written on where it ended."""
    trim_segments(log, 30)
    state = replay_kept(log)
    store = Store(make_observatory(), state=state, middleware=[record(log, resume=True)])
    store.dispatch(ReadingTaken("north", 1.0, 1))
    close_store(store)
    reader = LogReader(log, from_seq=None)
    assert [one.seq for entry in reader.entries() for one in entry][-1] == COUNT + 1


def replay_kept(log: Path) -> Observatory:
    """Return the state at the end of a log whose beginning is gone."""
    reader, reducer = LogReader(log, from_seq=None), make_observatory()
    state = decode_state(reader.header.start_state, Observatory)
    for entry in reader.entries():
        for one in entry:
            state = reducer(state, decode_action(one))
    return state


def test_a_segment_that_is_about_to_begin_is_not_read_first(log: Path) -> None:
    """A file that its writer has made and not yet written does not stop a reader of the end."""
    (log / f"{COUNT + 1:020}.jsonl").touch()
    reader = LogReader(log, from_seq=COUNT + 1)
    assert list(reader.entries()) == []
    assert reader.lines.head == COUNT
