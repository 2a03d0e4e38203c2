"""A log cut at every byte, and with every byte flipped: a prefix, or an error of the log.

What belongs here: damage to the bytes of one file, without leaving a place out.  A reading that
stands before the damaged line reads on, so that a case costs one line and not the whole log.
"""

from __future__ import annotations

import copy
import os
from pathlib import Path

import pytest
from hypothesis import settings

from refold.errors import LogDamagedError, LogError, LogFormatError
from refold.replay.log_reader import LogReader
from tests.strategies.log_lines import raw_lines
from tests.strategies.recorded_runs import record_readings

COUNT = 200
"""Records of the log."""

LOOKS_HARD_FROM = 1000
"""Examples of a Hypothesis profile from which on each byte gets all eight flips, not one."""


class DamagedLog:
    """A log with a reading that stands before each of its lines."""

    def __init__(self, path: Path) -> None:
        """Record the log and read it once."""
        record_readings(path, COUNT)
        self.path = path
        self.lines = raw_lines(path)
        self.readings: list[LogReader] = []
        """At index i a reading that has taken the lines before line i, from 1 on."""
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line))
        reader = LogReader(path)
        self.readings = [standing(reader), standing(reader)]
        for _ in reader.entries():
            self.readings.append(standing(reader))
        assert reader.lines.head == COUNT
        assert len(self.readings) == len(self.lines) + 1

    def read_from(self, line: int) -> tuple[list[int], LogReader]:
        """Read on from before a line; return the numbers of what is found."""
        reader = standing(self.readings[line])
        try:
            return [one.seq for entry in reader.read_on() for one in entry], reader
        finally:
            reader.close()


def standing(reader: LogReader) -> LogReader:
    """Return another reading that stands where one stands."""
    other = copy.copy(reader)
    other.lines = copy.copy(reader.lines)
    return other


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> DamagedLog:
    """Return a log to damage; each test leaves it whole."""
    return DamagedLog(tmp_path_factory.mktemp("damaged") / "run.jsonl")


def test_a_log_cut_at_every_byte_gives_a_prefix(damaged: DamagedLog) -> None:
    """Whatever is cut off, what is read is a prefix, and a torn line is reported as such."""
    content = damaged.path.read_bytes()
    try:
        for line in range(len(damaged.lines) - 1, 0, -1):
            for size in range(damaged.starts[line + 1] - 1, damaged.starts[line] - 1, -1):
                os.truncate(damaged.path, size)
                seqs, reader = damaged.read_from(line)
                torn_bytes = size - damaged.starts[line]
                torn = reader.torn_tail
                assert seqs == []
                assert (0 if torn is None else torn.size_bytes) == torn_bytes
                assert torn is None or (torn.line, torn.seq) == (line + 1, line)
        for size in range(len(damaged.lines[0]) - 2, -1, -1):
            os.truncate(damaged.path, size)
            with pytest.raises((LogDamagedError, LogFormatError)):
                LogReader(damaged.path)
    finally:
        damaged.path.write_bytes(content)


def test_every_flipped_byte_is_seen(damaged: DamagedLog) -> None:
    """Whichever byte is another, the line is refused by its number, or the end is torn."""
    content = damaged.path.read_bytes()
    looks_hard = settings().max_examples >= LOOKS_HARD_FROM
    with damaged.path.open("r+b", buffering=0) as file:
        for line in range(1, len(damaged.lines)):
            for place in range(damaged.starts[line], damaged.starts[line + 1]):
                for bit in range(8) if looks_hard else (place % 8,):
                    os.pwrite(file.fileno(), bytes([content[place] ^ 1 << bit]), place)
                    check_flipped(damaged, line)
                os.pwrite(file.fileno(), content[place : place + 1], place)
    assert damaged.path.read_bytes() == content


def check_flipped(damaged: DamagedLog, line: int) -> None:
    """Check that a line with a flipped byte is not taken for anything."""
    seen: LogDamagedError | None = None
    try:
        seqs, reader = damaged.read_from(line)
    except LogDamagedError as error:
        seen = error
    else:
        assert seqs == []
        assert line == len(damaged.lines) - 1
        assert reader.torn_tail is not None
    if seen is not None:
        assert (seen.line, seen.seq, seen.segment) == (line + 1, line, damaged.path.name)


def test_every_flipped_byte_of_the_header_is_seen(damaged: DamagedLog) -> None:
    """A header with any other byte is refused when the log is opened."""
    content = damaged.path.read_bytes()
    try:
        for place in range(len(damaged.lines[0])):
            for bit in range(8):
                changed = bytearray(content)
                changed[place] ^= 1 << bit
                damaged.path.write_bytes(changed)
                with pytest.raises(LogError):
                    LogReader(damaged.path)
    finally:
        damaged.path.write_bytes(content)


def test_a_fresh_reading_sees_the_same(damaged: DamagedLog) -> None:
    """Read from the start, a log that was cut or flipped gives the records before, and no other."""
    content = damaged.path.read_bytes()
    try:
        for place in range(len(damaged.lines[0]), len(content), 397):
            whole = sum(start <= place for start in damaged.starts[2:])
            damaged.path.write_bytes(content[:place])
            assert [one[0].seq for one in LogReader(damaged.path).entries()] == [
                *range(1, whole + 1)
            ]
            damaged.path.write_bytes(content[:place] + b"\x00" + content[place + 1 :])
            assert read_to_damage(damaged.path) == [*range(1, whole + 1)]
    finally:
        damaged.path.write_bytes(content)


def read_to_damage(path: Path) -> list[int]:
    """Return the numbers of the records before the damage."""
    seqs: list[int] = []
    try:
        for entry in LogReader(path).entries():
            seqs += [one.seq for one in entry]
    except LogDamagedError:
        pass
    return seqs
