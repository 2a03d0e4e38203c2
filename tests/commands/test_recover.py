"""`refold recover`: what is whole of a damaged log, and exactly what is not."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refold.errors import LogError
from refold.replay.log_reader import LogReader
from refold.replay.log_salvage import salvage_log, write_salvaged
from refold.replay.log_segments import list_segments
from refold.replay.replay import replay
from tests.strategies.log_lines import file_of, raw_lines
from tests.strategies.observatory_actions import ReadingTaken
from tests.strategies.observatory_reducer import make_observatory
from tests.strategies.recorded_runs import close_store, record_readings, resume_store

if TYPE_CHECKING:
    from tests.commands.conftest import RunCommand

COUNT = 21
"""Records of the log."""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Return a log of several segments."""
    path = tmp_path / "log"
    record_readings(path, COUNT, segment_bytes=1000)
    assert len(list(path.iterdir())) > 4
    return path


@pytest.fixture(scope="module")
def whole_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a log of several segments that is only read."""
    path = tmp_path_factory.mktemp("whole") / "log"
    record_readings(path, COUNT, segment_bytes=1000)
    return path


def contents(path: Path) -> dict[str, bytes]:
    """Return what stands in a folder."""
    return {each.name: each.read_bytes() for each in path.iterdir()}


def change(file: Path, line: int) -> None:
    """Change a letter in a line, the first being 1."""
    lines = file.read_bytes().splitlines(keepends=True)
    at = len(lines[line - 1]) // 2
    lines[line - 1] = lines[line - 1][:at] + b"\x07" + lines[line - 1][at + 1 :]
    file.write_bytes(b"".join(lines))


def seqs_of(path: Path) -> list[int]:
    """Return the numbers of a log's records as far as it can be read."""
    reader, found = LogReader(path, from_seq=None), list[int]()
    try:
        found.extend(one.seq for entry in reader.entries() for one in entry)
    except LogError:
        reader.close()
    return found


def as_json(outcome: Any) -> dict[str, Any]:
    """Return what a command printed."""
    value: dict[str, Any] = json.loads(outcome.out)
    return value


@given(data=st.data())
def test_the_longest_whole_beginning_is_salvaged(
    whole_log: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Whatever is changed, cut off or lost: the new log is what could be read, and verifies."""
    folder = tmp_path_factory.mktemp("damaged")
    log = folder / "log"
    shutil.copytree(whole_log, log)
    files = sorted(log.iterdir())
    file = data.draw(st.sampled_from(files))
    content = file.read_bytes()
    at = data.draw(st.integers(0, len(content) - 1))
    match data.draw(st.sampled_from(["change", "cut", "insert", "delete"])):
        case "change":
            file.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        case "cut":
            file.write_bytes(content[:at])
        case "insert":
            file.write_bytes(content[:at] + b"\n" + content[at:])
        case _:
            file.unlink()
    before = contents(log)
    try:
        expected = seqs_of(log)
    except LogError:
        expected = []
    salvage = salvage_log(log)
    found = list(range(salvage.first_seq, salvage.last_seq + 1))
    assert found == expected
    if salvage.whole:
        write_salvaged(salvage, folder / "new")
        assert seqs_of(folder / "new") == expected
        timeline = replay(folder / "new", make_observatory())
        timeline.verify()
        if expected[-1:] != [COUNT] and file != files[-1]:
            assert salvage.lost
    for second in salvage.second_logs:
        alone = folder / f"second{second.first_seq}"
        alone.mkdir()
        for name in second.files:
            shutil.copy(log / name, alone / name)
        assert seqs_of(alone) == list(range(second.first_seq, second.last_seq + 1))
        replay(alone, make_observatory()).at(second.last_seq)
    assert contents(log) == before


@given(
    damaged=st.lists(st.integers(1, COUNT), min_size=1, max_size=4, unique=True),
)
def test_every_line_is_either_salvaged_or_told_as_lost(
    whole_log: Path, tmp_path_factory: pytest.TempPathFactory, damaged: list[int]
) -> None:
    """However many lines are damaged, each is in the new log or in the report, with its bytes."""
    log = tmp_path_factory.mktemp("damaged") / "log"
    shutil.copytree(whole_log, log)
    lines_of = {each.name: raw_count(each) for each in log.iterdir()}
    places = [
        (each, line) for each in sorted(log.iterdir()) for line in range(2, raw_count(each) + 1)
    ]
    for number in damaged:
        change(*places[number - 1])
    salvage = salvage_log(log)
    whole = {segment.path.name: size for segment, size in salvage.whole}
    for name, count in lines_of.items():
        lost = [one for one in salvage.lost if one.segment == name]
        content = (log / name).read_bytes()
        in_new = content[: whole.get(name, 0)].count(b"\n")
        assert in_new + sum(one.last_line - one.first_line + 1 for one in lost) == count
        assert whole.get(name, 0) + sum(one.size_bytes for one in lost) == len(content)
    broken = {
        seq
        for one in salvage.lost
        if not one.is_whole and one.first_seq is not None
        for seq in range(one.first_seq, (one.last_seq or COUNT) + 1)
    }
    assert broken == set(damaged)


def raw_count(file: Path) -> int:
    """Return the number of lines in a file."""
    return file.read_bytes().count(b"\n")


def test_the_report_says_what_is_lost(run_command: RunCommand, log: Path, tmp_path: Path) -> None:
    """Segment, line, seq, reason and bytes of what is lost, and what could be a second log."""
    files = sorted(log.iterdir())
    change(files[1], 3)
    first = int(files[1].stem)
    before = contents(log)
    outcome = run_command("recover", log, "--output", tmp_path / "new")
    assert outcome.status == 1
    sizes = [len(line) for line in files[1].read_bytes().splitlines(keepends=True)]
    behind = sum(sizes[3:]) + sum(file.stat().st_size for file in files[2:])
    assert max(len(line) for line in outcome.lines[1:]) <= 80
    told = " ".join(line.strip() for line in outcome.lines)
    assert told == (
        f"{tmp_path / 'new'} has seq 1 to {first} lost:"
        f" {files[1].name}, line 3 seq {first + 1}, {sizes[2]} bytes:"
        f" the checksum does not fit: the line was changed, or a line before it is missing"
        f" {files[1].name}, line 4 to {files[-1].name} seq {first + 2} to {COUNT}, {behind} bytes:"
        f" whole, but cannot be folded without what is lost before it"
        f" seq {int(files[2].stem)} to {COUNT} could be a log of their own, because the state"
        f" before is known; to have it, copy {files[2].name} to {files[-1].name} to an empty folder"
    )
    assert contents(log) == before
    assert seqs_of(tmp_path / "new") == list(range(1, first + 1))


@pytest.mark.parametrize("name", ["run.jsonl", "folder"])
def test_a_whole_log_is_copied(run_command: RunCommand, tmp_path: Path, name: str) -> None:
    """Of a log without damage nothing is lost; the new one is the same and can be gone on with."""
    path, new = tmp_path / name, tmp_path / f"new_{name}"
    record_readings(path, 3)
    outcome = run_command("recover", path, "--output", new)
    assert (outcome.status, outcome.lines) == (0, [f"{new} has seq 1 to 3", "nothing is lost"])
    assert raw_lines(new) == raw_lines(path)
    store, _ = resume_store(new)
    close_store(store)
    replay(new, make_observatory()).verify()


def test_a_torn_end_is_told(run_command: RunCommand, torn_log: Path, tmp_path: Path) -> None:
    """What the writer died in is no record; the rest is the new log."""
    outcome = run_command("recover", torn_log, "--output", tmp_path / "new.jsonl", "--json")
    assert outcome.status == 1
    value = as_json(outcome)
    assert (value["records"], value["last_seq"]) == (2, 2)
    assert value["lost"] == [
        {
            "segment": "run.jsonl",
            "first_line": 4,
            "last_line": 4,
            "first_seq": 3,
            "last_seq": None,
            "is_whole": False,
            "reason": "the line is unfinished: its writer died in it",
            "size_bytes": 12,
        }
    ]


def test_missing_segments_are_told(run_command: RunCommand, log: Path, tmp_path: Path) -> None:
    """Segments that are gone are named by the records that they had."""
    files = sorted(log.iterdir())
    files[1].unlink()
    files[3].unlink()
    outcome = run_command("recover", log, "--output", tmp_path / "new", "--json")
    missing = [one for one in as_json(outcome)["lost"] if not one["is_whole"]]
    assert [(one["segment"], one["first_seq"], one["last_seq"]) for one in missing] == [
        (files[2].name, int(files[1].stem), int(files[2].stem) - 1),
        (files[4].name, int(files[3].stem), int(files[4].stem) - 1),
    ]
    assert [one["size_bytes"] for one in missing] == [0, 0]
    assert [one["first_seq"] for one in as_json(outcome)["second_logs"]] == [
        int(files[2].stem),
        int(files[4].stem),
    ]


def test_a_damaged_checkpoint_loses_no_record(run_command: RunCommand, tmp_path: Path) -> None:
    """A damaged line without a record is told as one, and what follows it is whole."""
    log = tmp_path / "log"
    for number in (1, 2):
        store, _ = resume_store(log)
        store.dispatch(ReadingTaken("north", float(number), 1))
        close_store(store)
    change(file_of(log), 3)
    outcome = run_command("recover", log, "--output", tmp_path / "new", "--json")
    assert outcome.status == 1
    assert [
        (one["first_line"], one["last_line"], one["first_seq"], one["last_seq"], one["is_whole"])
        for one in as_json(outcome)["lost"]
    ] == [(3, 3, None, None, False), (4, 5, 2, 2, True)]


def test_without_its_first_line_nothing_is_salvaged(
    run_command: RunCommand, log: Path, tmp_path: Path
) -> None:
    """Without the state to begin with there is no new log, but later segments may be one."""
    files = sorted(log.iterdir())
    change(files[0], 1)
    outcome = run_command("recover", log, "--output", tmp_path / "new")
    assert outcome.status == 1
    assert outcome.lines[0].startswith("nothing can be salvaged")
    assert f"seq {int(files[1].stem)} to {COUNT} could be a log of their own" in outcome.out
    assert not (tmp_path / "new").exists()


def test_compressed_segments_are_salvaged(
    run_command: RunCommand, log: Path, tmp_path: Path
) -> None:
    """Whole packed segments come out unpacked; one that cannot be unpacked is told."""
    files = sorted(log.iterdir())
    for file in files[:3]:
        packed = gzip.compress(file.read_bytes())
        broken = packed if file != files[2] else packed[: len(packed) // 2]
        (log / f"{file.name}.gz").write_bytes(broken)
        file.unlink()
    outcome = run_command("recover", log, "--output", tmp_path / "new", "--json")
    assert outcome.status == 1
    new = sorted((tmp_path / "new").iterdir())
    assert [each.name for each in new][:2] == [each.name for each in files[:2]]
    replay(tmp_path / "new", make_observatory()).verify()
    reasons = [one["reason"] for one in as_json(outcome)["lost"] if not one["is_whole"]]
    assert any("cannot be read on" in reason for reason in reasons)


@pytest.mark.parametrize(
    ("log_name", "output", "words"),
    [
        ("nothing", "new", "there is no"),
        ("log", "new.jsonl", "is a folder, and"),
        ("run.jsonl", "new", "does not end in .jsonl"),
        ("log", "log", "is there already"),
        ("log", "log/new", "which stays as it is"),
        ("diary.jsonl", "new.jsonl", "is no refold log"),
        ("newer.jsonl", "new.jsonl", "update refold"),
        ("log", "diary.jsonl/new", "choose a path that can be written"),
    ],
)
def test_what_cannot_be_done_is_refused(  # noqa: PLR0913, PLR0917  # a table's columns
    run_command: RunCommand, tmp_path: Path, log: Path, log_name: str, output: str, words: str
) -> None:
    """A wrong path is named with what to give instead, and nothing is written."""
    record_readings(tmp_path / "run.jsonl", 1)
    (tmp_path / "diary.jsonl").write_text("dear diary\n")
    (tmp_path / "newer.jsonl").write_bytes(b'{"refold_log":99,"crc":"00000000"}\n')
    before = contents(log)
    outcome = run_command("recover", tmp_path / log_name, "--output", tmp_path / output)
    assert (outcome.status, outcome.out) == (2, "")
    assert words in outcome.err
    assert contents(log) == before


def test_a_log_without_records_keeps_its_start(run_command: RunCommand, tmp_path: Path) -> None:
    """If the first record is damaged, the new log is the start, from which one can go on."""
    path = tmp_path / "run.jsonl"
    record_readings(path, 1)
    change(path, 2)
    outcome = run_command("recover", path, "--output", tmp_path / "new.jsonl")
    assert outcome.status == 1
    assert outcome.lines[0].endswith("new.jsonl has the log's start, without any record")
    assert list_segments(tmp_path / "new.jsonl")
    assert replay(tmp_path / "new.jsonl", make_observatory()).head == 0
