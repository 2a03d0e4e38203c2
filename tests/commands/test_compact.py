"""`refold compact`: what it prints and refuses.

What belongs here: the command.  What does not: that nothing is lost, which the tests of
`log_compaction` hold.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from refold.middleware.record import record
from refold.store.store import Store
from tests.commands.shop_application import SHOP, PutArticleIntoCart
from tests.commands.shop_application import root as shop_root
from tests.strategies.recorded_runs import close_store

if TYPE_CHECKING:
    from tests.commands.conftest import Outcome, RunCommand


def record_articles(path: Path, count: int = 30, **options: Any) -> None:
    """Record a run that puts so many articles into the cart."""
    store: Store[Any] = Store(shop_root, middleware=[record(path, **options)])
    for number in range(count):
        store.dispatch(PutArticleIntoCart(f"article {number}"))
    close_store(store)


def compact_shop(run_command: RunCommand, log: Path, *arguments: object) -> Outcome:
    """Run the command with the shop's reducer."""
    return run_command("compact", log, "--app", f"{SHOP}:root", *arguments)


def test_one_file_becomes_smaller_and_replays_to_the_same_state(
    run_command: RunCommand, tmp_path: Path
) -> None:
    """The last record keeps its number, and the state after it is the same."""
    log = tmp_path / "run.jsonl"
    record_articles(log)
    replay = ["replay", log, "--verify", "--json", "--app", f"{SHOP}:root"]
    before, size = json.loads(run_command(*replay).out), log.stat().st_size
    outcome = compact_shop(run_command, log, "--keep", 4)
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.lines == [
        "26 records dropped",
        f"log {before['log_id']} in {log}",
        "records: 1 to 30 -> 27 to 30",
        f"bytes: {size:,} -> {log.stat().st_size:,}",
    ]
    assert log.stat().st_size < size
    assert json.loads(run_command(*replay).out) == before
    again = compact_shop(run_command, log, "--before", 30)
    assert again.lines[2] == "records: 27 to 30 -> 30 to 30"
    assert json.loads(run_command(*replay).out) == before
    nothing = compact_shop(run_command, log, "--keep", 0)
    assert nothing.lines[2] == "records: 30 to 30 -> none"
    assert json.loads(run_command(*replay).out) == before
    assert compact_shop(run_command, log, "--keep", 4).lines[0] == "nothing to drop"


def test_the_result_may_be_another_log(run_command: RunCommand, tmp_path: Path) -> None:
    """With --output the old log stays as it is; --json says what was done."""
    log = tmp_path / "run.jsonl"
    record_articles(log)
    content = log.read_bytes()
    outcome = compact_shop(run_command, log, "--before", 30, "--output", "new.jsonl", "--json")
    value = json.loads(outcome.out)
    assert (value["records_dropped"], value["first_seq"], value["head"]) == (29, 30, 30)
    assert (value["path"], value["bytes_before"]) == ("new.jsonl", len(content))
    assert value["bytes_after"] == Path("new.jsonl").stat().st_size
    assert log.read_bytes() == content
    twice = compact_shop(run_command, log, "--keep", 1, "--output", "new.jsonl")
    assert twice.status == 2
    assert "nothing is overwritten" in twice.err


def test_what_a_folder_keeps_besides_is_explained(run_command: RunCommand, tmp_path: Path) -> None:
    """Records that stand in one file with the first to keep stay, and how to part them is said."""
    log = tmp_path / "log"
    record_articles(log, segment_bytes=2000)
    outcome = compact_shop(run_command, log, "--keep", 1)
    assert outcome.status == 0
    assert "--output FILE.jsonl" in outcome.lines[-1]
    assert sorted(each.suffix for each in log.iterdir()) == [".gz", ".jsonl"]


def test_a_transaction_is_not_parted(run_command: RunCommand, tmp_path: Path) -> None:
    """A commit of several actions is kept whole, and that is said."""
    log = tmp_path / "run.jsonl"
    store: Store[Any] = Store(shop_root, middleware=[record(log)])
    with store.transaction():
        for number in range(3):
            store.dispatch(PutArticleIntoCart(f"article {number}"))
    close_store(store)
    outcome = compact_shop(run_command, log, "--keep", 1)
    assert outcome.lines[0] == "nothing to drop"
    assert outcome.lines[-1] == "records 1 to 2 stay: they are of one transaction with the next"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "either --keep N, or --before SEQ"),
        (["--keep", "1", "--before", "2"], "either --keep N, or --before SEQ"),
        (["--keep", "-1"], "0 or more, got -1"),
        (["--before", "0"], "1 or more, got 0"),
        (["--before", "5"], "--before 5 is behind the end: the last record is 3"),
    ],
)
def test_a_choice_that_is_none_is_refused(
    run_command: RunCommand, shop_log: Path, arguments: list[str], words: str
) -> None:
    """Status 2, what can be given, and the log as it was."""
    content = shop_log.read_bytes()
    outcome = compact_shop(run_command, shop_log, *arguments)
    assert (outcome.status, outcome.out) == (2, "")
    assert words in outcome.err
    assert shop_log.read_bytes() == content


def test_a_reducer_is_needed_and_must_be_the_right_one(
    run_command: RunCommand, shop_log: Path
) -> None:
    """Without one the status is 2; with one that counts or raises otherwise it is 1."""
    content = shop_log.read_bytes()
    missing = run_command("compact", shop_log, "--keep", "1")
    assert missing.status == 2
    assert "--app" in missing.err
    for name, words in (("other_root", "name the reducer"), ("raising_root", "out of stock")):
        outcome = run_command("compact", shop_log, "--keep", "1", "--app", f"{SHOP}:{name}")
        assert outcome.status == 1
        assert words in outcome.err
    assert shop_log.read_bytes() == content


def test_a_log_that_cannot_be_compacted_is_refused(
    run_command: RunCommand, torn_log: Path, tmp_path: Path
) -> None:
    """A torn log has status 1; one that is being written, or is none, has 2."""
    torn = compact_shop(run_command, torn_log, "--keep", "1")
    assert torn.status == 1
    assert "torn" in torn.err
    store: Store[Any] = Store(shop_root, middleware=[record(tmp_path / "live.jsonl")])
    live = compact_shop(run_command, tmp_path / "live.jsonl", "--keep", "1")
    assert live.status == 2
    assert "is being written by process" in live.err
    close_store(store)
    assert compact_shop(run_command, tmp_path / "none.jsonl", "--keep", "1").status == 2
