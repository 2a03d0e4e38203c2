"""Going on with a log: where it ended, with what was torn kept aside, and never over damage.

What belongs here: `record(path, resume=True)` on logs that other writers left.
"""

from __future__ import annotations

import gc
import gzip
import logging
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refold.errors import LogDamagedError, LogFormatError, LogWriteError, ReplayMismatchError
from refold.middleware.record import record
from refold.replay.log_options import LogOptions
from refold.replay.log_reader import LogReader
from refold.replay.log_writer import LogWriter
from refold.replay.replay import replay
from refold.store.store import Store
from tests.strategies.log_lines import raw_lines, reseal
from tests.strategies.observatory_actions import ReadingTaken
from tests.strategies.observatory_reducer import make_observatory
from tests.strategies.recorded_runs import (
    close_store,
    record_readings,
    recorded_values,
    resume_store,
)

if TYPE_CHECKING:
    from tests.strategies.observatory_states import Observatory


def go_on(path: Path, number: int) -> None:
    """Go on with a log by one reading, and close it."""
    store, _ = resume_store(path)
    store.dispatch(ReadingTaken("north", float(number), 1))
    close_store(store)


@pytest.mark.parametrize("name", ["run.jsonl", "folder"])
def test_a_log_goes_on_where_it_ended(tmp_path: Path, name: str) -> None:
    """A log that is resumed keeps its id, its numbers go on, and the whole of it verifies."""
    path = tmp_path / name
    go_on(path, 1)
    log_id = replay(path, make_observatory()).header.log_id
    for number in range(2, 6):
        go_on(path, number)
    timeline = replay(path, make_observatory())
    timeline.verify()
    assert [one.payload["value"] for one in timeline.records] == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert len({one.id for one in timeline.records}) == 5
    assert timeline.header.log_id == log_id


def test_a_tail_torn_at_any_byte_is_cut_off_and_kept(tmp_path: Path) -> None:
    """Whatever is left of the last line, its bytes are kept aside, and the log goes on without."""
    path = tmp_path / "run.jsonl"
    record_readings(path, 3)
    content, last = path.read_bytes(), len(raw_lines(path)[-1])
    for left in range(last):
        path.write_bytes(content[: len(content) - last + left])
        writer = LogWriter(path, start_state=None, start_digest="", digest_every=0, resume=True)
        writer.close()
        cut = writer.cut_tail
        assert writer.head == 2
        assert path.read_bytes() == content[: len(content) - last]
        if cut is None:
            assert left == 0
        else:
            assert (cut.torn.seq, cut.torn.line, cut.torn.size_bytes) == (3, 4, left)
            assert cut.kept_at.read_bytes() == content[len(content) - last :][:left]
            cut.kept_at.unlink()


def test_what_was_cut_off_is_reported(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The recorder has it, the program's log says it, and no side file is overwritten."""
    path = tmp_path / "log"
    kept: set[Path] = set()
    record_readings(path, 2)
    for times in (1, 2):
        file = path / "00000000000000000001.jsonl"
        with file.open("ab") as end:
            end.write(b'{"seq":')
        with caplog.at_level(logging.WARNING, logger="refold.record"):
            store, recorder = resume_store(path)
        close_store(store)
        assert recorder.cut_tail is not None
        kept.add(recorder.cut_tail.kept_at)
        assert len(kept) == times
        assert recorder.cut_tail.kept_at.read_bytes() == b'{"seq":'
        assert str(recorder.cut_tail.kept_at) in caplog.text
    assert recorded_values(path) == [1.0, 2.0]


@pytest.mark.parametrize("left", [0, 1, 5, 14, 60, None])
@pytest.mark.parametrize("name", ["run.jsonl", "folder"])
def test_a_log_without_a_whole_header_begins_anew(
    tmp_path: Path, name: str, left: int | None
) -> None:
    """A writer that died in the first line left nothing, so the log begins again."""
    path = tmp_path / name
    record_readings(path, 1)
    file = path if path.is_file() else path / "00000000000000000001.jsonl"
    header = file.read_bytes().splitlines()[0]
    file.write_bytes(header[:left])
    recorder = record(path, resume=True)
    store = Store(make_observatory(), middleware=[recorder])
    store.dispatch(ReadingTaken("north", 7.0, 1))
    close_store(store)
    assert recorded_values(path) == [7.0]
    assert (recorder.cut_tail is None) == (left == 0)


def damage(file: Path) -> None:
    """Change the first record of a segment."""
    content = file.read_bytes()
    assert b"north" in content
    file.write_bytes(content.replace(b"north", b"nodth", 1))


def log_of_segments(path: Path) -> list[Path]:
    """Leave a log of several segments, as a dead writer does, and return its files."""
    record_readings(path, 21, segment_bytes=1000)
    segments = sorted(path.iterdir())
    assert len(segments) > 3
    return segments


def contents(path: Path) -> dict[Path, bytes]:
    """Return what stands in a folder."""
    return {each: each.read_bytes() for each in path.iterdir()}


def state_of(path: Path) -> Observatory:
    """Return the last state of a log."""
    timeline = replay(path, make_observatory())
    return timeline.at(timeline.head)


def test_damage_in_the_last_segment_is_refused(tmp_path: Path) -> None:
    """A damaged line before the end is named, and not a byte of the log is changed."""
    path = tmp_path / "log"
    *_, last = log_of_segments(path)
    state = state_of(path)
    damage(last)
    before = contents(path)
    with pytest.raises(LogDamagedError, match="checksum does not fit") as caught:
        Store(make_observatory(), state=state, middleware=[record(path, resume=True)])
    assert (caught.value.segment, caught.value.line) == (last.name, 2)
    assert caught.value.seq == int(last.stem)
    assert contents(path) == before


def test_only_the_last_segment_is_read_to_go_on(tmp_path: Path) -> None:
    """Earlier segments may even be damaged: going on does not read them, a replay names it."""
    path = tmp_path / "log"
    segments = log_of_segments(path)
    state = state_of(path)
    for segment in segments[:-2]:
        segment.write_bytes(b"not to be read")
    damage(segments[-2])
    store = Store(make_observatory(), state=state, middleware=[record(path, resume=True)])
    store.dispatch(ReadingTaken("north", 22.0, 1))
    close_store(store)
    reader = LogReader(path, from_seq=int(segments[-1].stem))
    assert [one.seq for entry in reader.entries() for one in entry][-1] == 22
    with pytest.raises(LogDamagedError):
        LogReader(path, from_seq=int(segments[-2].stem)).entries().__next__()


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("change", ["shorten", "delete", "empty"])
def test_a_segment_that_does_not_follow_is_refused(
    tmp_path: Path, change: str, *, packed: bool
) -> None:
    """Lines or whole segments that are missing before the last segment are seen without reading."""
    path = tmp_path / "log"
    *_, before, last = log_of_segments(path)
    state = state_of(path)
    lines = raw_lines_of(before)
    if change == "delete":
        before.unlink()
    else:
        before.write_bytes(b"".join(lines[:-1] if change == "shorten" else []))
    if packed:
        for each in sorted(path.iterdir())[:-1]:
            (path / f"{each.name}.gz").write_bytes(gzip.compress(each.read_bytes()))
            each.unlink()
    found = contents(path)
    with pytest.raises(LogDamagedError, match=r"does not follow .* as it is now") as caught:
        Store(make_observatory(), state=state, middleware=[record(path, resume=True)])
    assert (caught.value.segment, caught.value.line, caught.value.seq) == (last.name, 1, None)
    assert contents(path) == found


@pytest.fixture(scope="module")
def few_objects_to_collect() -> Generator[None]:
    """Let collections leave alone what was there before, which takes most of their time."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("few_objects_to_collect")
@given(
    runs=st.lists(
        st.tuples(st.integers(0, 12), st.integers(0, 60), st.booleans()), min_size=1, max_size=6
    ),
    segment_bytes=st.integers(300, 3000),
)
def test_runs_that_go_on_make_one_unbroken_log(
    runs: list[tuple[int, int, bool]], segment_bytes: int
) -> None:
    """However often it is closed or dies, torn or not, the log is one run that verifies."""
    with tempfile.TemporaryDirectory() as folder:
        path, count = Path(folder) / "log", 0
        for readings, torn_bytes, is_closed in runs:
            store, _ = resume_store(path, segment_bytes=segment_bytes)
            for _ in range(readings):
                count += 1
                store.dispatch(ReadingTaken("north", float(count), 1))
            if is_closed:
                close_store(store)
            else:
                del store, _
                gc.collect()
                with max(path.glob("*.jsonl")).open("ab") as end:
                    end.write(b"x" * torn_bytes)
        resumed, _ = resume_store(path)
        close_store(resumed)
        timeline = replay(path, make_observatory())
        timeline.verify()
        assert recorded_values(path) == [float(number) for number in range(1, count + 1)]
        assert len({one.id for one in timeline.records}) == count


def test_a_segment_that_is_gone_on_with_does_not_outgrow_its_limit(tmp_path: Path) -> None:
    """Short runs, too, begin the next segment when the present one is full."""
    path = tmp_path / "log"
    for number in range(1, 13):
        store, _ = resume_store(path, segment_bytes=1000)
        store.dispatch(ReadingTaken("north", float(number), 1))
        close_store(store)
    assert len(list(path.glob("*.jsonl"))) > 3
    replay(path, make_observatory()).verify()


def test_what_is_no_log_is_not_written_to(tmp_path: Path) -> None:
    """A file with anything else in it is refused and kept."""
    path = tmp_path / "notes.jsonl"
    path.write_text("dear diary\n")
    with pytest.raises(LogFormatError, match="is no refold log"):
        Store(make_observatory(), middleware=[record(path, resume=True)])
    assert path.read_text() == "dear diary\n"


def test_a_device_is_no_log(tmp_path: Path) -> None:
    """A path that leads to a device without an end is refused instead of being read."""
    path = tmp_path / "full.jsonl"
    path.symlink_to("/dev/full")
    with pytest.raises(LogWriteError, match="no regular file"):
        Store(make_observatory(), middleware=[record(path, resume=True)])


@pytest.mark.parametrize("close", [True, False])
def test_a_store_with_another_state_is_found_out(tmp_path: Path, *, close: bool) -> None:
    """After a clean end another state is refused at once; after a crash verifying names it."""
    path = tmp_path / "log"
    store, _ = resume_store(path)
    store.dispatch(ReadingTaken("north", 1.0, 1))
    if close:
        close_store(store)
        with pytest.raises(ReplayMismatchError, match=r"state=hydrate\(path, reducer\).state"):
            Store(make_observatory(), middleware=[record(path, resume=True)])
        go_on(path, 2)
        return
    del store, _
    gc.collect()
    wrong = Store(make_observatory(), middleware=[record(path, resume=True)])
    wrong.dispatch(ReadingTaken("north", 2.0, 1))
    with pytest.raises(ReplayMismatchError) as caught:
        replay(path, make_observatory()).verify()
    assert caught.value.seq == 2


def test_a_log_without_records_keeps_its_start(tmp_path: Path) -> None:
    """A log that was only begun is not gone on with from another state."""
    path = tmp_path / "log"
    store, _ = resume_store(path)
    store.dispatch(ReadingTaken("north", 1.0, 1))
    other = store.state
    close_store(store)
    record_readings(tmp_path / "begun", 0)
    with pytest.raises(ReplayMismatchError, match=r"hydrate\(path, reducer\)"):
        Store(make_observatory(), state=other, middleware=[record(tmp_path / "begun", resume=True)])


def test_a_log_with_other_digests_is_not_gone_on_with(tmp_path: Path) -> None:
    """A log whose digests nobody here can compare is refused and says what to do."""
    path = tmp_path / "run.jsonl"
    record_readings(path, 1)
    reseal(path, lambda lines: lines[0].update(digest_algorithm="blake2b-128/0"))
    with pytest.raises(LogFormatError, match="go on with it by the refold that wrote it"):
        resume_unread(path)


def resume_unread(path: Path) -> None:
    """Go on with a log without replaying it."""
    Store(make_observatory(), middleware=[record(path, resume=True)])


@pytest.mark.parametrize("left", [0, 30])
def test_a_segment_without_a_whole_header_is_begun_anew(tmp_path: Path, left: int) -> None:
    """A writer that died while it began a segment left all before whole; it is begun again."""
    path = tmp_path / "log"
    record_readings(path, 20, segment_bytes=1000)
    last = max(path.iterdir())
    while len(raw_lines_of(last)) > 1:  # its records were never written
        last.write_bytes(b"".join(raw_lines_of(last)[:-1]))
    values = recorded_values(path)
    last.write_bytes(last.read_bytes()[:left])
    timeline = replay(path, make_observatory())
    assert timeline.head == len(values)
    assert (timeline.torn_tail is None) == (left == 0)
    go_on(path, 99)
    assert recorded_values(path) == [*values, 99.0]
    replay(path, make_observatory()).verify()


def raw_lines_of(file: Path) -> list[bytes]:
    """Return the lines of one file."""
    return file.read_bytes().splitlines(keepends=True)


def test_a_log_of_which_all_is_compressed_goes_on(tmp_path: Path) -> None:
    """If somebody compressed the last segment too, the log goes on in the next."""
    path = tmp_path / "log"
    record_readings(path, 3)
    (file,) = path.iterdir()
    (path / f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes()))
    file.unlink()
    go_on(path, 4)
    assert recorded_values(path) == [1.0, 2.0, 3.0, 4.0]
    assert [each.name for each in sorted(path.iterdir())] == [
        "00000000000000000001.jsonl.gz",
        "00000000000000000004.jsonl",
    ]


def test_segments_need_a_folder(tmp_path: Path) -> None:
    """One file cannot be cut into segments, and a wrong choice is named."""
    with pytest.raises(
        ValueError, match=r"segment_bytes needs segments; give the path of a folder"
    ):
        record(tmp_path / "run.jsonl", segment_bytes=1000)
    with pytest.raises(ValueError, match="sync expects one of never, group, always, got 'often'"):
        LogOptions(sync="often")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # what is refused
    with pytest.raises(ValueError, match="group_records expects 1 or more"):
        LogOptions(group_records=0)
