"""Damaged logs: every damage is seen, named, and leaves the records before it readable.

What belongs here: files whose bytes are not what was written.  What does not: whole files that are
refused for what they say (`test_refused_logs`).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refold.errors import LogDamagedError, LogError, LogFormatError
from refold.middleware.record import record
from refold.replay.replay import replay
from refold.store.store import Store
from tests.strategies.log_lines import raw_lines
from tests.strategies.observatory_actions import NobodyCares, ReadingTaken, SessionOpened
from tests.strategies.observatory_reducer import make_observatory

if TYPE_CHECKING:
    from pathlib import Path

    from refold.replay.log_record import LogRecord
    from refold.replay.timeline import Timeline
    from tests.strategies.observatory_states import Observatory

Damage = Callable[[list[bytes]], list[bytes]]
"""A change of the lines of a log."""


def record_run(path: Path) -> Observatory:
    """Record five entries, of which the third is a transaction of two, and do not close."""
    store = Store(make_observatory(), middleware=[record(path)])
    store.dispatch(SessionOpened("Ada"))
    store.dispatch(ReadingTaken("north", 1.0, 2))
    with store.transaction():
        store.dispatch(ReadingTaken("north", 2.0, 2))
        store.dispatch(ReadingTaken("north", 3.0, 2))
    store.dispatch(ReadingTaken("north", 4.0, 2))
    store.dispatch(NobodyCares())
    return store.state


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a log that nobody damages."""
    path = tmp_path_factory.mktemp("whole") / "run.jsonl"
    record_run(path)
    return path


@pytest.fixture
def log(whole: Path, tmp_path: Path) -> Path:
    """Return a copy to damage."""
    copy = tmp_path / "run.jsonl"
    shutil.copy(whole, copy)
    return copy


def damage(log: Path, change: Damage) -> None:
    """Change the lines of a log."""
    log.write_bytes(b"".join(change(raw_lines(log))))


def read_until_damage(timeline: Timeline[Observatory]) -> tuple[list[LogRecord], LogDamagedError]:
    """Return the records before the damage, and the error that it gives."""
    records: list[LogRecord] = []
    with pytest.raises(LogDamagedError) as caught:
        records.extend(_each(timeline, records))
    return records, caught.value


def _each(timeline: Timeline[Observatory], into: list[LogRecord]) -> list[LogRecord]:
    into.extend(timeline.records)
    return []


def flip_in(line: int) -> Damage:
    """Return a damage that changes one letter of a line."""

    def change(lines: list[bytes]) -> list[bytes]:
        lines[line] = lines[line].replace(b"observatory", b"observatoxy", 1)
        return lines

    return change


def duplicate(lines: list[bytes]) -> list[bytes]:
    """Write the second record twice."""
    return [*lines[:3], lines[2], *lines[3:]]


def swap(lines: list[bytes]) -> list[bytes]:
    """Swap the second and third entry."""
    return [*lines[:2], lines[3], lines[2], *lines[4:]]


def remove(lines: list[bytes]) -> list[bytes]:
    """Take the second record out."""
    return [*lines[:2], *lines[3:]]


def insert_empty(lines: list[bytes]) -> list[bytes]:
    """Put an empty line after the first record."""
    return [*lines[:2], b"\n", *lines[2:]]


def tear(lines: list[bytes]) -> list[bytes]:
    """Take the end of a line in the middle away, with its newline."""
    return [*lines[:2], lines[2][:20], *lines[3:]]


def garble(lines: list[bytes]) -> list[bytes]:
    """Put binary rubbish in the place of a record."""
    return [*lines[:2], b"\x00\xff\xfe rubbish \x80\n", *lines[3:]]


@pytest.mark.parametrize(
    "change", [flip_in(2), swap, remove, insert_empty, tear, garble], ids=lambda one: one.__name__
)
def test_damage_in_the_middle_is_named(log: Path, change: Damage) -> None:
    """The records before it are read; the error says segment, line, seq, reason, what to do."""
    damage(log, change)
    timeline = replay(log, make_observatory())
    error = read_until_damage(timeline)[1]
    assert [one.seq for one in timeline.records[:1]] == [1]
    assert (error.segment, error.line, error.seq) == ("run.jsonl", 3, 2)
    assert error.reason
    for words in ("run.jsonl, line 3 (seq 2)", error.reason, "before it are whole", "restore"):
        assert words in str(error)


def test_a_duplicated_line_is_named(log: Path) -> None:
    """A line that stands there twice is damage at its second place."""
    damage(log, duplicate)
    error = read_until_damage(replay(log, make_observatory()))[1]
    assert (error.line, error.seq) == (4, 3)


def test_the_states_before_the_damage_are_there(log: Path, whole: Path) -> None:
    """States up to the damage can be asked for, before and after it was reached."""
    damage(log, flip_in(4))
    timeline, intact = replay(log, make_observatory()), replay(whole, make_observatory())
    for seq in (4, 1, 3, 0):
        assert timeline.at(seq) == intact.at(seq)
    with pytest.raises(LogDamagedError):
        timeline.at(5)
    for seq in (4, 2):
        assert timeline.at(seq) == intact.at(seq)


def test_damage_is_raised_as_often_as_it_is_reached(log: Path) -> None:
    """A second look does not take a damaged log for one that ends before the damage."""
    damage(log, flip_in(4))
    timeline = replay(log, make_observatory())
    for _ in range(2):
        with pytest.raises(LogDamagedError):
            list(timeline.records)
        with pytest.raises(LogDamagedError):
            timeline.at(5)
        with pytest.raises(LogDamagedError):
            timeline.verify()
        with pytest.raises(LogDamagedError):
            _ = timeline.head


def test_a_damaged_transaction_is_damaged_as_a_whole(log: Path) -> None:
    """No action of a transaction is read if its line is damaged."""
    damage(log, lambda lines: [*lines[:3], lines[3].replace(b"3.0", b"9.0"), *lines[4:]])
    timeline = replay(log, make_observatory())
    error = read_until_damage(timeline)[1]
    assert (error.line, error.seq) == (4, 3)
    assert [one.seq for one in timeline.records[:2]] == [1, 2]


def test_a_torn_last_line_is_reported(log: Path, whole: Path) -> None:
    """What stands before a torn end is read as if it were all; verifying says that it is not."""
    size = len(raw_lines(log)[-1])
    log.write_bytes(log.read_bytes()[:-10])
    timeline = replay(log, make_observatory())
    assert timeline.head == 5
    assert timeline.at(5) == replay(whole, make_observatory()).at(5)
    torn = timeline.torn_tail
    assert torn is not None
    assert (torn.segment, torn.line, torn.seq, torn.size_bytes) == ("run.jsonl", 6, 6, size - 10)
    with pytest.raises(LogDamagedError, match=r"line 6 .*torn") as caught:
        timeline.verify()
    assert (caught.value.line, caught.value.seq) == (6, 6)


def test_a_whole_log_has_no_torn_tail(whole: Path) -> None:
    """A log that was not cut verifies and has nothing torn."""
    timeline = replay(whole, make_observatory())
    assert timeline.torn_tail is None
    timeline.verify()


@given(data=st.data())
def test_a_log_cut_anywhere_gives_exactly_a_prefix(whole: Path, data: st.DataObject) -> None:
    """Cut after any byte, a log has a prefix of its records and no other, or is refused."""
    cut = whole.parent / "cut.jsonl"
    content = whole.read_bytes()
    size = data.draw(st.integers(0, len(content)))
    cut.write_bytes(content[:size])
    header = len(raw_lines(whole)[0])
    if size < header - 1:  # its newline says nothing
        with pytest.raises(LogError):
            replay(cut, make_observatory())
        return
    timeline = replay(cut, make_observatory())
    expected = list(replay(whole, make_observatory()).records)
    assert list(timeline.records) == expected[: timeline.head]
    assert (timeline.torn_tail is None) == (content[:size].endswith(b"\n") or size < header)
    assert timeline.head in {0, 1, 2, 4, 5, 6}


@given(data=st.data())
def test_one_flipped_bit_is_always_seen(whole: Path, data: st.DataObject) -> None:
    """Whichever bit is flipped, verifying the log fails, and no wrong record is read before."""
    flipped = whole.parent / "flipped.jsonl"
    content = bytearray(whole.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= 1 << data.draw(st.integers(0, 7))
    flipped.write_bytes(content)
    expected = list(replay(whole, make_observatory()).records)
    with pytest.raises((LogDamagedError, LogFormatError)):
        verify_and_compare(flipped, expected)


def verify_and_compare(log: Path, expected: list[LogRecord]) -> None:
    """Read a log, each record compared with what it should be, then verify it."""
    timeline = replay(log, make_observatory())
    for found, right in zip(timeline.records, expected, strict=False):
        assert found == right
    timeline.verify()


def test_a_damaged_header_is_named(log: Path) -> None:
    """A header with a changed start state is refused when the log is opened, as line 1."""
    damage(log, flip_in(0))
    with pytest.raises(LogDamagedError, match=r"run.jsonl, line 1 \(the header\)") as caught:
        replay(log, make_observatory())
    assert (caught.value.line, caught.value.seq) == (1, None)
