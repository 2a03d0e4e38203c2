"""`refold why`: what led to a record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.commands.answering_shop import record_answers
from tests.commands.help_example import run_help_example
from tests.strategies.log_lines import reseal

if TYPE_CHECKING:
    from tests.commands.conftest import RunCommand


@pytest.fixture
async def answers_log(tmp_path: Path) -> Path:
    """Return the log of a run in which record 3 answers 2, and 4 answers 3."""
    await record_answers(tmp_path / "answers.jsonl")
    return tmp_path / "answers.jsonl"


def test_the_records_stand_below_what_they_answer(
    run_command: RunCommand, answers_log: Path
) -> None:
    """The first cause comes first, each answer is indented below it, and 80 columns are enough."""
    outcome = run_command("why", answers_log, 4)
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.lines == [
        "record 4, below the 2 that led to it",
        "seq  seconds origin action",
        '  2   +1.000 app    tests_of_commands/put_article_into_cart article="apple" cou…',
        '  3   +2.000 app    └─ tests_of_commands/put_article_into_cart article="pear" c…',
        '  4   +3.000 app       └─ tests_of_commands/put_article_into_cart article="plum…',
    ]
    assert run_command("why", answers_log, 3).lines[0] == "record 3, below the one that led to it"


def test_a_record_that_answers_none_stands_alone(run_command: RunCommand, shop_log: Path) -> None:
    """It is said that nothing led to it."""
    outcome = run_command("why", shop_log, 2)
    assert outcome.status == 0
    assert outcome.lines[0] == "record 2 answers no other record"
    assert len(outcome.lines) == 3


def test_json_has_the_whole_records_in_their_order(
    run_command: RunCommand, answers_log: Path
) -> None:
    """One object; its records are as they were written, the first cause first."""
    value = json.loads(run_command("why", answers_log, 3, "--json").out)
    assert list(value) == ["log_id", "seq", "records", "cause_elsewhere"]
    assert [record["seq"] for record in value["records"]] == [2, 3]
    assert value["records"][1]["cause"] == value["records"][0]["id"]
    assert value["records"][1]["payload"] == {"article": "pear", "count": 1}
    assert (value["seq"], value["cause_elsewhere"]) == (3, None)


def test_a_cause_in_another_log_is_named(run_command: RunCommand, answers_log: Path) -> None:
    """The chain ends at a record whose cause was recorded elsewhere; its id is told."""

    def let_the_first_answer_another(lines: list[dict[str, Any]]) -> None:
        lines[1]["cause"] = "other\x1b-7"

    reseal(answers_log, let_the_first_answer_another)
    outcome = run_command("why", answers_log, 1)
    assert outcome.status == 0
    assert outcome.lines[0] == "record 1 answers one that is not in this log"
    assert outcome.lines[-1] == r"record 1 answers other\x1b-7, which is not in this log"
    value = json.loads(run_command("why", answers_log, 1, "--json").out)
    assert value["cause_elsewhere"] == "other\x1b-7"


@pytest.mark.parametrize("seq", [-1, 0, 5])
def test_a_record_that_is_not_there_is_refused(
    run_command: RunCommand, answers_log: Path, seq: int
) -> None:
    """Status 2, and which records there are."""
    outcome = run_command("why", answers_log, seq)
    assert (outcome.status, outcome.out) == (2, "")
    assert f"has no record {seq}: its records are 1 to 4" in outcome.err


@pytest.mark.parametrize("log", ["torn_log", "damaged_log"])
def test_only_damage_before_the_record_is_in_the_way(
    run_command: RunCommand, request: pytest.FixtureRequest, log: str
) -> None:
    """Status 0 for a record before damage or a tear, 1 with its place for one behind it."""
    path = request.getfixturevalue(log)
    assert run_command("why", path, 1).status == 0
    outcome = run_command("why", path, 3)
    assert (outcome.status, outcome.out) == (1, "")
    assert f"{path.name}, line {4 if log == 'torn_log' else 3}" in outcome.err


def test_what_is_no_log_is_refused(run_command: RunCommand, tmp_path: Path) -> None:
    """A path without a log, and a record that is no number: status 2."""
    assert "there is no" in run_command("why", tmp_path / "none.jsonl", 1).err
    outcome = run_command("why", tmp_path / "none.jsonl", "first")
    assert outcome.status == 2
    assert "try: refold why --help" in outcome.err


async def test_the_example_of_the_help_runs(
    run_command: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the help shows can be copied."""
    outcome = await run_help_example(run_command, "why", monkeypatch)
    assert outcome.status == 0
    assert outcome.lines[-1].startswith(" 12 ")


def test_a_cause_that_was_trimmed_is_named(run_command: RunCommand, answers_log: Path) -> None:
    """The chain ends at the first record that is kept; what that one answers is told."""
    app = ["--app", "tests.commands.shop_application:root"]
    assert run_command("compact", answers_log, *app, "--before", 3).status == 0
    outcome = run_command("why", answers_log, 4)
    assert [line.split()[0] for line in outcome.lines[2:4]] == ["3", "4"]
    assert outcome.lines[4].startswith("record 3 answers ")
    assert run_command("why", answers_log, 2).status == 2
