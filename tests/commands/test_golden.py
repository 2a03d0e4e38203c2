"""`refold golden`: whether recorded sessions still lead to what was accepted."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import Mock

import pytest
from rich.console import Console

from refold.commands import golden as module
from refold.commands.application import find_application
from tests.commands.shop_application import SHOP, record_run
from tests.replay.bank_with_bugs import DayEnded
from tests.replay.golden_bank import record_session
from tests.strategies.recorded_runs import ENVIRONMENT

if TYPE_CHECKING:
    from tests.commands.conftest import RunCommand

APP = ["--app", f"{SHOP}:root"]
OTHER = ["--app", f"{SHOP}:other_root"]


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    """Return a folder of three sessions: a file, a file below, and a log in a folder."""
    sessions = tmp_path / "sessions"
    (sessions / "week").mkdir(parents=True)
    await record_run(sessions / "monday.jsonl", ["apple", "pear", "apple"])
    await record_run(sessions / "week" / "tuesday.jsonl", ["fig"])
    await record_run(sessions / "holidays", [f"nut {number}" for number in range(20)])
    return sessions


def files(folder: Path) -> dict[str, bytes]:
    """Return the accepted files with what is in them."""
    found = folder.rglob("*.golden.json*")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def test_sessions_are_new_until_they_are_accepted(run_command: RunCommand, folder: Path) -> None:
    """Nothing is written without --accept; with it each session gets a file beside its log."""
    outcome = run_command("golden", folder, *APP)
    assert outcome.status == 0
    assert outcome.lines == [
        f"reducer: --app {SHOP}:root",
        "new      holidays",
        "    nothing was accepted yet; all 2 recorded digests are equal",
        "new      monday.jsonl",
        "    nothing was accepted yet; all 2 recorded digests are equal",
        "new      week/tuesday.jsonl",
        "    nothing was accepted yet; all 2 recorded digests are equal",
        "3 sessions: 3 new",
        f"if that is as it should be: refold golden {folder} --app {SHOP}:root --accept",
    ]
    assert files(folder) == {}
    outcome = run_command("golden", folder, *APP, "--accept")
    assert outcome.status == 0
    assert outcome.lines[1:] == [
        "accepted holidays",
        "accepted monday.jsonl",
        "accepted week/tuesday.jsonl",
        "3 sessions: 3 accepted",
    ]
    assert sorted(files(folder)) == [
        "holidays.golden.json",
        "monday.jsonl.golden.json",
        "week/tuesday.jsonl.golden.json",
    ]


def test_accepted_sessions_are_the_same_and_stay_untouched(
    run_command: RunCommand, folder: Path
) -> None:
    """A second --accept ends with 0 and writes nothing."""
    run_command("golden", folder, *APP, "--accept")
    stamps = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    for more in ([], ["--accept"]):
        outcome = run_command("golden", folder, *APP, *more)
        assert (outcome.status, outcome.lines[1:]) == (0, ["3 sessions: 3 same"])
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == stamps


def test_a_changed_reducer_is_shown_by_slice_and_path(
    run_command: RunCommand, folder: Path
) -> None:
    """Each session with its slices, the first record, some values, and how many more there are."""
    run_command("golden", folder, *APP, "--accept")
    before = files(folder)
    outcome = run_command("golden", folder, *OTHER)
    assert outcome.status == 1
    assert outcome.lines == [
        f"reducer: --app {SHOP}:other_root",
        "differs  holidays",
        "    1 slice differs from what was accepted",
        "    cart first differs at seq 1",
        *(f"      cart.counts['nut {n}']: 1 -> 2" for n in (0, 1, 10, 11, 12, 13)),
        "      ... and 14 more (--json shows all)",
        "differs  monday.jsonl",
        "    1 slice differs from what was accepted",
        "    cart first differs at seq 1",
        "      cart.counts['apple']: 2 -> 4",
        "      cart.counts['pear']: 1 -> 2",
        "differs  week/tuesday.jsonl",
        "    1 slice differs from what was accepted",
        "    cart first differs at seq 1",
        "      cart.counts['fig']: 1 -> 2",
        "3 sessions: 3 differs",
        f"if that is as it should be: refold golden {folder} --app {SHOP}:other_root --accept",
    ]
    assert files(folder) == before


def test_accepting_rewrites_only_what_differs(run_command: RunCommand, folder: Path) -> None:
    """The files of other sessions keep their bytes, and the next run is all the same."""
    run_command("golden", folder, *APP, "--accept")
    run_command("golden", folder / "week", *OTHER, "--accept")
    before = files(folder)
    outcome = run_command("golden", folder, *APP, "--accept")
    assert outcome.status == 0
    assert outcome.lines[1:] == [
        "accepted week/tuesday.jsonl",
        "    cart first differs at seq 1",
        "      cart.counts['fig']: 2 -> 1",
        "3 sessions: 2 same, 1 accepted",
    ]
    after = files(folder)
    assert {name for name in after if after[name] != before[name]} == {
        "week/tuesday.jsonl.golden.json"
    }
    assert run_command("golden", folder, *APP).status == 0


def test_json_holds_every_session_and_every_path(run_command: RunCommand, folder: Path) -> None:
    """No value and no path is cut; what is absent on one side has no such key."""
    run_command("golden", folder, *APP, "--accept")
    outcome = run_command("golden", folder, "--app", f"{SHOP}:wide_root", "--json")
    value = json.loads(outcome.out)
    assert (outcome.status, value["holds"]) == (1, False)
    assert [one["session"] for one in value["sessions"]] == [
        "holidays",
        "monday.jsonl",
        "week/tuesday.jsonl",
    ]
    tuesday = value["sessions"][2]
    (cart,) = tuesday.pop("slices")
    assert (tuesday.pop("is"), tuesday.pop("head")) == ("differs", 1)
    assert len(tuesday.pop("log_id")) == 16
    paths = cart.pop("paths")
    assert cart == {"slice": "cart", "equal_until": 0, "differs_at": 1, "differs_at_end": True}
    assert paths[0] == {"path": "cart.counts['fig']", "accepted": 1}
    assert paths[1:] == [{"path": f"cart.counts['fig {n}']", "today": n} for n in range(9)]
    same = json.loads(run_command("golden", folder, *APP, "--json").out)
    assert same["holds"]
    assert [one["reason"] for one in same["sessions"]] == [None] * 3


def test_what_cannot_be_folded_is_told_and_the_others_go_on(
    run_command: RunCommand, folder: Path
) -> None:
    """A torn log and one of another application: status 1, a reason each, and no file of theirs."""
    torn = folder / "monday.jsonl"
    torn.write_bytes(torn.read_bytes()[:-70])
    record_session(folder / "bank.jsonl", [DayEnded()])
    outcome = run_command("golden", folder, *APP, "--accept")
    assert outcome.status == 1
    assert "damaged  monday.jsonl" in outcome.lines
    assert "failed   bank.jsonl" in outcome.lines
    assert "the last line is torn" in " ".join(outcome.out.split())
    assert outcome.lines[-1] == "4 sessions: 2 accepted, 1 failed, 1 damaged"
    assert sorted(files(folder)) == ["holidays.golden.json", "week/tuesday.jsonl.golden.json"]


def test_accepting_never_touches_the_file_of_what_cannot_be_folded(
    run_command: RunCommand, folder: Path
) -> None:
    """A log that was damaged later, or a reducer that raises, leaves what was accepted."""
    run_command("golden", folder, *APP, "--accept")
    before = files(folder)
    outcome = run_command("golden", folder, "--app", f"{SHOP}:raising_root", "--accept")
    assert (outcome.status, outcome.lines[-1]) == (1, "3 sessions: 3 failed")
    assert "the reducer raised ValueError: out of stock" in outcome.out
    assert "Traceback" not in outcome.out + outcome.err
    for log in (folder / "monday.jsonl", folder / "week" / "tuesday.jsonl"):
        log.write_bytes(log.read_bytes().replace(b'"count":1', b'"count":7'))
    outcome = run_command("golden", folder, *OTHER, "--accept")
    assert (outcome.status, outcome.lines[-1]) == (1, "3 sessions: 1 accepted, 2 damaged")
    after = files(folder)
    assert {name for name in after if after[name] != before[name]} == {"holidays.golden.json"}


def test_an_accepted_file_without_a_log_is_stale_until_it_is_removed(
    run_command: RunCommand, folder: Path
) -> None:
    """A session that is gone is told, because otherwise nobody would miss it."""
    run_command("golden", folder, *APP, "--accept")
    (folder / "monday.jsonl").unlink()
    outcome = run_command("golden", folder, *APP)
    assert (outcome.status, outcome.lines[1:4]) == (
        1,
        [
            "stale    monday.jsonl.golden.json",
            "    what was accepted has no log any more",
            "3 sessions: 2 same, 1 stale",
        ],
    )
    outcome = run_command("golden", folder, *APP, "--accept")
    assert (outcome.status, outcome.lines[-1]) == (0, "3 sessions: 2 same, 1 removed")
    assert len(files(folder)) == 2


def test_a_folder_of_stale_files_alone_needs_no_application(
    run_command: RunCommand, folder: Path
) -> None:
    """There is nothing to fold, but something to tell."""
    run_command("golden", folder / "week", *APP, "--accept")
    (folder / "week" / "tuesday.jsonl").unlink()
    outcome = run_command("golden", folder / "week")
    assert (outcome.status, outcome.lines[-2]) == (1, "1 session: 1 stale")


def test_one_log_may_be_given(run_command: RunCommand, folder: Path) -> None:
    """A log in the place of a folder is the only session, a log in a folder as well."""
    for log in (folder / "monday.jsonl", folder / "holidays"):
        outcome = run_command("golden", log, *APP, "--accept")
        assert outcome.lines[1:] == [f"accepted {log.name}", "1 session: 1 accepted"]


def test_a_log_without_digests_says_so(run_command: RunCommand, folder: Path) -> None:
    """A log that was not closed may have no digest but that of its start."""
    log = folder / "week" / "tuesday.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines[:2]))
    outcome = run_command("golden", log, *APP)
    assert outcome.status == 0
    assert "the log has no digest of a record to compare" in " ".join(outcome.out.split())


def test_where_there_is_nothing_to_look_at_the_status_is_2(
    run_command: RunCommand, tmp_path: Path
) -> None:
    """No folder, an empty one, and a file that is no log: what to do is told."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").touch()
    for name, words in {
        "nowhere": "give a folder in which logs are",
        "empty": "put recorded sessions into it",
        "notes.txt": "give a folder in which logs are",
    }.items():
        outcome = run_command("golden", tmp_path / name, *APP)
        assert (outcome.status, outcome.out) == (2, "")
        assert words in outcome.err


def test_without_an_application_the_ways_to_name_one_are_told(
    run_command: RunCommand, folder: Path
) -> None:
    """Nothing is guessed from a log."""
    outcome = run_command("golden", folder)
    assert (outcome.status, outcome.out) == (2, "")
    assert "--app module:attribute" in outcome.err


def test_a_file_that_cannot_be_written_is_told(run_command: RunCommand, folder: Path) -> None:
    """Status 2, and which file it is; what was there stays."""
    (folder / "monday.jsonl.golden.json.new").mkdir()
    outcome = run_command("golden", folder, *APP, "--accept")
    assert outcome.status == 2
    assert "monday.jsonl.golden.json cannot be written" in outcome.err
    assert "Traceback" not in outcome.err


def test_a_renamed_state_class_is_told_as_the_whole_state(
    run_command: RunCommand, tmp_path: Path
) -> None:
    """No field differs, and still the digests do."""
    text = (
        "import attrs\nfrom refold import Reducer\n@attrs.frozen\nclass {0}:\n"
        "    count: int = 1\nroot = Reducer({0}())\n"
    )
    for name in ("Former", "Renamed"):
        Path(f"application_{name.lower()}.py").write_text(text.format(name))
    log = tmp_path / "run.jsonl"
    record_session(log, [], find_application("application_former:root").reducer)
    run_command("golden", log, "--app", "application_former:root", "--accept")
    outcome = run_command("golden", log, "--app", "application_renamed:root")
    assert outcome.status == 1
    assert outcome.lines[3:6] == [
        "    the whole state differs from the start state on",
        "      no kept value differs: its class has another name, or it is a",
        "      bare collection, of which only digests are kept",
    ]


def test_what_a_log_holds_cannot_command_the_terminal(
    run_command: RunCommand, tmp_path: Path
) -> None:
    """Names of files and values are printed with everything that a terminal obeys escaped."""
    log = tmp_path / "a\x1b[31m.jsonl"
    record_session(log, [])
    shown = run_command("golden", log, "--app", f"{SHOP}:root").out
    assert "\x1b" not in shown
    assert "a\\x1b[31m.jsonl" in shown


def test_sessions_have_a_bar_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bar goes to stderr and is gone at the end; one session has none."""
    logs = [Path("a.jsonl"), Path("b.jsonl")]
    for is_terminal in (True, False):
        file = io.StringIO()
        console = Console(file=file, force_terminal=is_terminal, width=80)
        monkeypatch.setattr(module, "Console", Mock(return_value=console))
        assert list(module.with_progress(logs)) == logs
        assert ("folding sessions" in file.getvalue()) == is_terminal
        assert list(module.with_progress(logs[:1])) == logs[:1]


def test_neither_the_order_of_files_nor_the_hash_seed_matters(tmp_path: Path) -> None:
    """Processes with other hash seeds, on folders filled in other orders, write the same bytes."""
    source = tmp_path / "source"
    source.mkdir()
    program = tmp_path / "observatory.py"
    program.write_text(OBSERVATORY)
    _in_process("1", program, tmp_path, "record", source)
    outputs: list[tuple[dict[str, bytes], str, str]] = []
    for seed, is_reversed in (("1", False), ("2", True)):
        folder = tmp_path / f"seed {seed}" / "sessions"
        folder.mkdir(parents=True)
        for path in sorted(source.iterdir(), reverse=is_reversed):
            shutil.copy(path, folder)
        accepted = _in_process(seed, program, folder.parent, "root", "--accept")
        differing = _in_process(seed, program, folder.parent, "other_root", "--json")
        outputs.append((files(folder), accepted, differing))
    assert outputs[0] == outputs[1]
    assert "\n3 sessions: 3 accepted\n" in outputs[0][1]
    assert len(outputs[0][0]) == 3
    assert "labels" in outputs[0][2]


OBSERVATORY = """
import asyncio, sys, uuid
from pathlib import Path
from refold import Reducer, Store, evolve, record
from refold.commands.main import run
from tests.strategies.observatory_actions import InstrumentAdded, ReadingTaken
from tests.strategies.observatory_reducer import make_observatory

root = make_observatory()

@Reducer.of
def other_root(state, action):
    if isinstance(action, InstrumentAdded):
        action = evolve(action, labels=action.labels | {"x", "y"})
    return root(state, action)

if __name__ == "__main__":
    if sys.argv[1] != "record":
        sys.exit(run(["golden", "sessions", "--app", f"observatory:{sys.argv[1]}", *sys.argv[2:]]))
    for count in (1, 9, 27):
        store = Store(root, middleware=[record(Path(sys.argv[2]) / f"{count}.jsonl")])
        for number in range(count):
            labels = frozenset(f"label {n}" for n in range(9))
            store.dispatch(InstrumentAdded(f"name {number}", uuid.UUID(int=number), b"", labels))
            store.dispatch(ReadingTaken(f"name {number}", 0.5, 1))
        asyncio.run(store.aclose())
"""


def _in_process(seed: str, program: Path, folder: Path, *arguments: object) -> str:
    done = subprocess.run(
        [sys.executable, program, *map(str, arguments)],
        cwd=folder,
        env={**ENVIRONMENT, "PYTHONHASHSEED": seed, "COLUMNS": "80"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout
