"""`refold export`: records for other programs, on stdout or in a file."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from refold.middleware.record import record
from refold.store.store import Store
from tests.commands.shop_application import PutArticleIntoCart
from tests.commands.shop_application import root as shop_root
from tests.strategies.recorded_runs import close_store

if TYPE_CHECKING:
    from tests.commands.conftest import RunCommand


@pytest.fixture
def folder_log(tmp_path: Path) -> Path:
    """Return the log of 30 actions in several files, some of them compressed."""
    path = tmp_path / "log"
    recorder = record(path, segment_bytes=1000, compress=True)
    store: Store[Any] = Store(shop_root, middleware=[recorder])
    for number in range(30):
        store.dispatch(PutArticleIntoCart(f"article {number}"))
    close_store(store)
    assert len(list(path.glob("*.gz"))) > 3
    return path


def test_by_default_the_envelopes_stand_on_stdout(run_command: RunCommand, shop_log: Path) -> None:
    """Each line is one record as it was written, without its checksum."""
    outcome = run_command("export", shop_log)
    assert (outcome.status, outcome.err) == (0, "")
    written = [json.loads(line) for line in shop_log.read_text().splitlines()[1:4]]
    for one in written:
        del one["crc"]
    assert [json.loads(line) for line in outcome.lines] == written


def test_all_files_of_a_log_are_joined(run_command: RunCommand, folder_log: Path) -> None:
    """Segments, also compressed ones, become one file of all records."""
    outcome = run_command("export", folder_log, "--output", "all.jsonl")
    assert (outcome.status, outcome.out) == (0, "")
    lines = Path("all.jsonl").read_text().splitlines()
    assert [json.loads(line)["seq"] for line in lines] == list(range(1, 31))


def test_the_other_forms(run_command: RunCommand, shop_log: Path) -> None:
    """--format chooses plain actions for Redux DevTools, or a table for spreadsheets."""
    redux = json.loads(run_command("export", shop_log, "--format", "redux").out)
    assert [one["type"] for one in json.loads(redux["payload"])] == [
        "tests_of_commands/put_article_into_cart"
    ] * 3
    assert json.loads(redux["preloadedState"]) == {"cart": {"counts": {}}}
    assert run_command("export", shop_log, "--format", "csv", "--output", "run.csv").status == 0
    with Path("run.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["at"] for row in rows] == [f"2027-01-15 08:00:0{n}.000" for n in range(3)]
    assert json.loads(rows[1]["payload"]) == {"article": "pear", "count": 1}


@pytest.mark.parametrize("form", ["jsonl", "redux", "csv"])
def test_what_is_whole_before_damage_is_written(
    run_command: RunCommand, damaged_log: Path, form: str
) -> None:
    """The damage is told with status 1; what was written is whole in its form."""
    outcome = run_command("export", damaged_log, "--format", form)
    assert outcome.status == 1
    assert "line 3 (seq 2)" in outcome.err
    assert outcome.out.count("put_article_into_cart") == 1
    if form != "csv":
        assert json.loads(outcome.out)


def test_a_torn_tail_is_told(run_command: RunCommand, torn_log: Path) -> None:
    """The whole records are written, and the status is 1."""
    outcome = run_command("export", torn_log)
    assert (outcome.status, len(outcome.lines)) == (1, 2)
    assert "torn" in outcome.err


def test_nothing_is_overwritten(run_command: RunCommand, shop_log: Path) -> None:
    """A file that is there, and a folder that is not, are refused with status 2."""
    Path("mine").write_text("mine")
    outcome = run_command("export", shop_log, "--output", "mine")
    assert outcome.status == 2
    assert "nothing is overwritten" in outcome.err
    assert Path("mine").read_text() == "mine"
    missing = run_command("export", shop_log, "--output", "nowhere/mine")
    assert missing.status == 2
    assert "cannot write nowhere/mine" in missing.err


def test_an_unknown_form_is_refused(run_command: RunCommand, shop_log: Path) -> None:
    """Which forms there are is said."""
    outcome = run_command("export", shop_log, "--format", "xml")
    assert outcome.status == 2
    assert "csv" in outcome.err
