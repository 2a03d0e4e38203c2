"""`refold show`: the records of a log for people and for programs."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from refold.actions.action import Action, action
from refold.middleware.record import record
from refold.reducers.reducer import Reducer
from refold.store.store import Store
from tests.commands.shop_application import SHOP, record_run
from tests.commands.trimmed_shop_log import record_trimmed_run

if TYPE_CHECKING:
    from tests.commands.conftest import RunCommand


@action("tests_of_show/number_named")
class NumberNamed(Action):
    """A number was named; the subscriber answers small ones."""

    number: int
    text: str = ""


async def record_answers(path: Path) -> None:
    """Record a run without times, in which one action is dispatched in answer to another."""
    reducer = Reducer(0)

    @reducer.on(NumberNamed)
    def take(_state: int, action: NumberNamed) -> int:
        """Keep the number that was named."""
        return action.number

    store = Store(reducer, middleware=[record(path)])
    store.subscribe(lambda: store.state or store.dispatch(NumberNamed(1, "x" * 200)))
    store.dispatch(NumberNamed(0, "\x1b[31m\u202e"))
    await store.aclose()


def test_a_log_is_one_line_per_record_below_a_header(
    run_command: RunCommand, shop_log: Path
) -> None:
    """The header names log, count, time span and format; each record is one line."""
    outcome = run_command("show", shop_log)
    assert outcome.status == 0
    assert outcome.lines[0].startswith("log ")
    assert outcome.lines[0].endswith(f" in {shop_log}")
    assert outcome.lines[1:] == [
        "3 records, 2.000 s from 2027-01-15 08:00:00 UTC, format 1",
        "seq  seconds origin     action",
        '  1   +0.000 s:delivery tests_of_commands/put_article_into_cart article="apple"…',
        '  2   +1.000 s:delivery tests_of_commands/put_article_into_cart article="pear" …',
        '  3   +2.000 s:delivery tests_of_commands/put_article_into_cart article="apple"…',
    ]


async def test_an_answer_names_its_cause_and_nothing_reaches_the_terminal_raw(
    run_command: RunCommand, tmp_path: Path
) -> None:
    """A cause is shown by its number, control characters as escapes, long lines cut to 80."""
    path = tmp_path / "folder"
    await record_answers(path)
    outcome = run_command("show", path)
    assert outcome.lines[1:4] == [
        "2 records, without times, format 1",
        "seq origin cause action",
        '  1 app          tests_of_show/number_named number=0 text="\\u001b[31m\\u202e"',
    ]
    assert outcome.lines[4].startswith("  2 app       <1 tests_of_show/number_named number=1")
    assert len(outcome.lines[4]) == 80


def test_json_is_one_object_per_record(run_command: RunCommand, shop_log: Path) -> None:
    """With --json every line of stdout is one record, whole and as it was written."""
    outcome = run_command("show", shop_log, "--json", "--from", "2")
    records = [json.loads(line) for line in outcome.lines]
    assert [record["seq"] for record in records] == [2, 3]
    as_written = json.loads(shop_log.read_text().splitlines()[2])
    assert records[0] == {name: as_written[name] for name in as_written if name != "crc"}


def test_a_range_of_records_can_be_chosen(run_command: RunCommand, shop_log: Path) -> None:
    """--from and --to are both shown; a --to behind the end means the end."""
    one = run_command("show", shop_log, "--json", "--from", "2", "--to", "2")
    assert [json.loads(line)["seq"] for line in one.lines] == [2]
    assert len(run_command("show", shop_log, "--json", "--to", "99").lines) == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--from", "0"], "numbered from 1"),
        (["--from", "3", "--to", "2"], "--to must not be below --from"),
        (["--from", "4"], "the last record is 3"),
        (["--from", "first"], "--from"),
    ],
)
def test_a_range_without_records_is_refused(
    run_command: RunCommand, shop_log: Path, arguments: list[str], words: str
) -> None:
    """A range that can show nothing ends with status 2 and says which there is."""
    outcome = run_command("show", shop_log, *arguments)
    assert (outcome.status, outcome.out) == (2, "")
    assert words in outcome.err


def test_with_the_reducer_each_record_shows_what_it_changed(
    run_command: RunCommand, shop_log: Path
) -> None:
    """--app folds the log, and shows the changed paths below each record."""
    outcome = run_command("show", shop_log, "--app", f"{SHOP}:root", "--from", "3")
    assert outcome.lines[-1] == "      cart.counts['apple']: 1 -> 2"
    as_json = run_command("show", shop_log, "--app", f"{SHOP}:root", "--json").lines
    assert json.loads(as_json[0])["state_changes"] == [
        {"path": "cart.counts['apple']", "old": "(absent)", "new": "1"}
    ]


async def test_many_changes_of_one_record_are_counted_not_listed(
    run_command: RunCommand, tmp_path: Path
) -> None:
    """Below a record stand six changes at most, and how many more there are."""
    await record_run(tmp_path / "run.jsonl", ["apple"])
    outcome = run_command("show", tmp_path / "run.jsonl", "--app", f"{SHOP}:wide_root")
    assert [line.strip() for line in outcome.lines[-1:]] == ["... and 3 more"]


def test_a_torn_tail_is_reported_after_the_whole_records(
    run_command: RunCommand, torn_log: Path
) -> None:
    """The whole records are shown, the torn line is named on stderr, and the status is 1."""
    outcome = run_command("show", torn_log)
    assert outcome.status == 1
    assert len(outcome.lines) == 3 + 2
    assert "line 4 (seq 3): the last line is torn after 12 bytes" in outcome.err


def test_damage_is_reported_after_the_records_before_it(
    run_command: RunCommand, damaged_log: Path
) -> None:
    """The records before the damage are shown, the damage is named, and the status is 1."""
    for form in ([], ["--json"]):
        outcome = run_command("show", damaged_log, *form)
        assert outcome.status == 1
        assert "apple" in outcome.lines[-1]
        assert "run.jsonl, line 3 (seq 2): the checksum does not fit" in outcome.err


def test_a_damaged_header_is_damage(run_command: RunCommand, shop_log: Path) -> None:
    """Without its header nothing of a log can be shown; the status is 1."""
    shop_log.write_bytes(shop_log.read_bytes().replace(b"start_state", b"xtart_state"))
    outcome = run_command("show", shop_log)
    assert (outcome.status, outcome.out) == (1, "")
    assert "line 1 (the header)" in outcome.err


def test_what_is_no_log_is_refused(run_command: RunCommand, tmp_path: Path) -> None:
    """A missing path, an empty folder, a wrong name, a foreign file: status 2 and a reason."""
    (tmp_path / "empty").mkdir()
    for name, text in {"foreign.jsonl": "{}\n", "notes.txt": "", "empty.jsonl": ""}.items():
        (tmp_path / name).write_text(text)
    expected = {
        "nowhere.jsonl": "there is no",
        "empty": "holds no log",
        "notes.txt": "is no log by its name",
        "foreign.jsonl": "its first line is no header",
        "empty.jsonl": "its first line is no header",
    }
    for name, words in expected.items():
        outcome = run_command("show", tmp_path / name)
        assert (outcome.status, outcome.out) == (2, "")
        assert words in outcome.err


def test_a_log_of_a_newer_format_is_refused(run_command: RunCommand, shop_log: Path) -> None:
    """A format that this refold does not know: status 2 and the advice to update."""
    shop_log.write_bytes(shop_log.read_bytes().replace(b'"refold_log":1', b'"refold_log":2'))
    outcome = run_command("show", shop_log)
    assert outcome.status == 2
    assert "update refold" in outcome.err


async def test_a_log_without_records_is_shown(run_command: RunCommand, tmp_path: Path) -> None:
    """A run in which nothing happened is a log of no records, and no error."""
    await record_run(tmp_path / "run.jsonl", [])
    outcome = run_command("show", tmp_path / "run.jsonl")
    assert outcome.status == 0
    assert outcome.lines[1:] == ["0 records, without times, format 1"]


async def test_times_that_no_calendar_has_are_shown_as_numbers(
    run_command: RunCommand, tmp_path: Path
) -> None:
    """A nonsensical time in a log is shown in milliseconds, and hides nothing else."""
    reducer = Reducer.of(lambda state, _action: state, 0)
    store = Store(reducer, middleware=[record(tmp_path / "run.jsonl")])
    store.dispatch(NumberNamed(1, at_ms=10**18))
    store.dispatch(NumberNamed(2))
    await store.aclose()
    outcome = run_command("show", tmp_path / "run.jsonl")
    assert "from 1000000000000000000 ms" in outcome.lines[1]
    assert outcome.lines[-1].startswith("  2        - app")


async def test_a_trimmed_log_is_shown_under_its_seqs(
    run_command: RunCommand, tmp_path: Path
) -> None:
    """Of a log whose beginning is gone the rest is shown, and ranges are meant by seq."""
    first = await record_trimmed_run(tmp_path / "run", 9)
    outcome = run_command("show", tmp_path / "run")
    assert outcome.status == 0
    assert outcome.lines[1].startswith(f"{10 - first} records ({first} to 9), ")
    assert [int(line.split()[0]) for line in outcome.lines[3:]] == list(range(first, 10))
    for extra in ([], ["--app", f"{SHOP}:root"]):
        chosen = run_command("show", tmp_path / "run", "--json", "--from", 7, "--to", 8, *extra)
        records = [json.loads(line) for line in chosen.lines]
        assert [record["seq"] for record in records] == [7, 8]
    assert records[0]["state_changes"] == [{"path": "cart.counts['apple']", "old": "6", "new": "7"}]


async def test_what_was_trimmed_is_no_range(run_command: RunCommand, tmp_path: Path) -> None:
    """A range before the first record that is left ends with status 2 and says which that is."""
    first = await record_trimmed_run(tmp_path / "run", 9)
    expected = {"--from": f"there, {first}: the log was trimmed", "--to": f"numbered from {first}"}
    for option, words in expected.items():
        outcome = run_command("show", tmp_path / "run", option, 1)
        assert (outcome.status, outcome.out) == (2, "")
        assert words in outcome.err


def test_damage_before_the_first_record_is_reported_after_the_heading(
    run_command: RunCommand, shop_log: Path
) -> None:
    """If no record is whole the log is named, then the damage."""
    shop_log.write_bytes(shop_log.read_bytes().replace(b"apple", b"ample"))
    outcome = run_command("show", shop_log)
    assert (outcome.status, outcome.lines[1][:9]) == (1, "0 records")
    assert "line 2 (seq 1)" in outcome.err


def test_a_compressed_file_is_shown(run_command: RunCommand, shop_log: Path) -> None:
    """One file that was compressed is a log as it was before."""
    plain = run_command("show", shop_log, "--json")
    compressed = shop_log.with_name("run.jsonl.gz")
    compressed.write_bytes(gzip.compress(shop_log.read_bytes()))
    outcome = run_command("show", compressed, "--json")
    assert (outcome.status, outcome.out) == (0, plain.out)
    compressed.write_bytes(compressed.read_bytes()[:-20])
    assert run_command("show", compressed).status == 1
