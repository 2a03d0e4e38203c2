"""`refold bisect`: the first record after which a rule about the state is broken."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.commands.answering_shop import record_answers
from tests.commands.help_example import run_help_example
from tests.commands.shop_application import SHOP, record_run
from tests.commands.shop_rules import RULES

if TYPE_CHECKING:
    from tests.commands.conftest import RunCommand

APP = ["--app", f"{SHOP}:root"]


async def test_the_record_its_change_and_its_causes_are_shown(
    run_command: RunCommand, tmp_path: Path
) -> None:
    """The record that breaks the rule, what it changed, and what led to it: status 1."""
    await record_answers(tmp_path / "run.jsonl")
    rule = ["--invariant", f"{RULES}:no_plum"]
    outcome = run_command("bisect", tmp_path / "run.jsonl", *APP, *rule)
    assert (outcome.status, outcome.err) == (1, "")
    assert outcome.lines[:2] == [
        f"reducer: --app {SHOP}:root",
        f"rule:    --invariant {RULES}:no_plum",
    ]
    assert outcome.lines[2].startswith("record 4 breaks it (asked ")
    assert outcome.lines[2].endswith(" times; there are 5 states)")
    assert outcome.lines[3:6] == [
        "  cart.counts['plum']: (absent) -> 1",
        "record 4, below the 2 that led to it",
        "seq  seconds origin action",
    ]
    assert [line.split()[0] for line in outcome.lines[6:]] == ["2", "3", "4"]
    assert max(map(len, outcome.lines[2:])) <= 80


async def test_few_states_of_a_long_run_are_asked(run_command: RunCommand, tmp_path: Path) -> None:
    """The same record is found by both ways; without --every, by asking tens of 1,301 states."""
    await record_run(tmp_path / "run.jsonl", ["pear"] * 700 + ["apple"] * 600)
    arguments = ["bisect", tmp_path / "run.jsonl", *APP, "--invariant", f"{RULES}:few", "--json"]
    few, every = (json.loads(run_command(*arguments, *more).out) for more in ([], ["--every"]))
    assert few.pop("times_asked") < 20
    assert every.pop("times_asked") == 703
    assert few == every
    assert few["seq"] == 702


def test_a_rule_that_holds_is_well(run_command: RunCommand, shop_log: Path) -> None:
    """Status 0; what was asked is told, and what was not."""
    arguments = ["bisect", shop_log, *APP, "--invariant", f"{RULES}:holds"]
    outcome = run_command(*arguments)
    assert outcome.status == 0
    assert outcome.lines[2:] == [
        "it holds after the last record, 3 (asked once; there are 4 states)",
        "a break that healed before the end is found by --every",
    ]
    every = run_command(*arguments, "--every")
    assert every.status == 0
    assert every.lines[2:] == ["it holds after every record (asked 4 times; there are 4 states)"]


def test_a_break_that_healed_is_found_by_every(run_command: RunCommand, shop_log: Path) -> None:
    """Few states cannot tell that a rule was broken in between; all of them can."""
    arguments = ["bisect", shop_log, *APP, "--invariant", f"{RULES}:odd"]
    assert run_command(*arguments).status == 0
    outcome = run_command(*arguments, "--every")
    assert outcome.status == 1
    assert outcome.lines[2].startswith("record 1 breaks it")


@pytest.mark.parametrize("every", [[], ["--every"]])
def test_a_start_state_that_breaks_the_rule_is_told(
    run_command: RunCommand, shop_log: Path, every: list[str]
) -> None:
    """Status 1; there is no record to show."""
    arguments = ["bisect", shop_log, *APP, "--invariant", f"{RULES}:never", *every]
    outcome = run_command(*arguments)
    assert (outcome.status, len(outcome.lines)) == (1, 3)
    assert outcome.lines[2].startswith("it does not hold in the start state")
    value = json.loads(run_command(*arguments, "--json").out)
    assert (value["holds"], value["seq"], value["records"]) == (False, 0, [])


def test_json_is_one_object(run_command: RunCommand, shop_log: Path) -> None:
    """--json tells the same to programs, with the whole records."""
    arguments = ["bisect", shop_log, *APP, "--json", "--invariant"]
    value = json.loads(run_command(*arguments, f"{RULES}:few").out)
    assert value.pop("log_id")
    assert value.pop("times_asked") > 1
    assert [record["seq"] for record in value.pop("records")] == [3]
    assert value == {
        "holds": False,
        "seq": 3,
        "changes": [{"path": "cart.counts['apple']", "old": "1", "new": "2"}],
        "problem": None,
    }
    holding = json.loads(run_command(*arguments, f"{RULES}:holds").out)
    assert (holding["holds"], holding["seq"], holding["changes"]) == (True, None, [])


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (["raising"], "raised ZeroDivisionError"),
        (["raising", "--every"], "raised ZeroDivisionError"),
        (["forgetful"], "returned None"),
        (["forgetful", "--every"], "returned None"),
    ],
)
def test_a_rule_that_cannot_answer_is_named_with_the_record(
    run_command: RunCommand, shop_log: Path, asked: list[str], words: str
) -> None:
    """What the rule raises, or that it forgot to return: status 2, and after which record."""
    rule, *every = asked
    seq = {"raising": 2, "forgetful": 0}[rule] if every else 3  # else the end is asked first
    outcome = run_command("bisect", shop_log, *APP, "--invariant", f"{RULES}:{rule}", *every)
    assert (outcome.status, outcome.out) == (2, "")
    assert words in outcome.err
    assert f"for the state after record {seq}" in outcome.err
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (f"{RULES}:NUMBER", "is 3, expected a function"),
        (f"{RULES}:nothing", "has no nothing"),
        ("nowhere:few", "there is no module nowhere"),
        ("few", "write it as module:attribute"),
        ("decimal:Decimal", "expected a function"),
    ],
)
def test_a_rule_that_is_none_is_refused(
    run_command: RunCommand, shop_log: Path, rule: str, words: str
) -> None:
    """Status 2, the name as it was given, and what is wrong with it."""
    outcome = run_command("bisect", shop_log, *APP, "--invariant", rule)
    assert (outcome.status, outcome.out) == (2, "")
    assert f"--invariant {rule}" in outcome.err
    assert words in outcome.err


def test_what_cannot_be_searched_is_refused(run_command: RunCommand, shop_log: Path) -> None:
    """No such log, no reducer, no rule: status 2 and why."""
    rule = ["--invariant", f"{RULES}:few"]
    for arguments, words in {
        ("none.jsonl", *APP, *rule): "there is no none.jsonl",
        (shop_log, *rule): "no reducer is named",
        (shop_log, *APP): "--invariant",
    }.items():
        outcome = run_command("bisect", *arguments)
        assert (outcome.status, outcome.out) == (2, "")
        assert words in outcome.err


@pytest.mark.parametrize(("log", "last"), [("torn_log", 2), ("damaged_log", 1)])
@pytest.mark.parametrize("every", [[], ["--every"]])
def test_what_is_whole_of_a_log_is_searched(
    run_command: RunCommand, request: pytest.FixtureRequest, log: str, last: int, every: list[str]
) -> None:
    """Holding in the whole part is not all well: status 1, and the damage is named."""
    path = request.getfixturevalue(log)
    arguments = ["bisect", path, *APP, *every, "--json", "--invariant"]
    outcome = run_command(*arguments, f"{RULES}:holds")
    value = json.loads(outcome.out)
    assert (outcome.status, value["holds"]) == (1, True)
    assert "the lines before it are whole" in outcome.err
    assert "the lines before it are whole" in value["problem"]
    readable = run_command("bisect", path, *APP, "--invariant", f"{RULES}:holds")
    assert f"it holds after the last record, {last} " in readable.out


@pytest.mark.parametrize("every", [[], ["--every"]])
def test_a_reducer_that_raises_is_named(
    run_command: RunCommand, shop_log: Path, every: list[str]
) -> None:
    """If the rule still held: status 1, and the record at which the reducer raised."""
    arguments = ["--app", f"{SHOP}:raising_root", "--invariant", f"{RULES}:few", *every]
    outcome = run_command("bisect", shop_log, *arguments)
    assert (outcome.status, outcome.out) == (1, "")
    assert "the reducer raised ValueError: out of stock" in outcome.err
    assert "raised while replaying seq 1" in outcome.err


async def test_the_example_of_the_help_runs(
    run_command: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the help shows can be copied."""
    outcome = await run_help_example(run_command, "bisect", monkeypatch)
    assert outcome.status == 1
    assert outcome.lines[2].startswith("record 4 breaks it")


def test_a_trimmed_log_is_searched_from_its_start(run_command: RunCommand, shop_log: Path) -> None:
    """Numbers stay, and the start is the state before the first record that is kept."""
    assert run_command("compact", shop_log, *APP, "--before", 3).status == 0
    arguments = ["bisect", shop_log, *APP, "--json", "--invariant"]
    for rule, seq in {"few": 3, "never": 2}.items():
        assert json.loads(run_command(*arguments, f"{RULES}:{rule}").out)["seq"] == seq


def test_a_rule_may_stand_in_the_working_folder(run_command: RunCommand, shop_log: Path) -> None:
    """A module beside the person is found; one that cannot be imported is refused."""
    name = "rules_of_test_bisect"
    Path(f"{name}.py").write_text("def few(state):\n    return True\n")
    assert run_command("bisect", shop_log, *APP, "--invariant", f"{name}:few").status == 0
    Path(f"{name}_broken.py").write_text("1 / 0\n")
    outcome = run_command("bisect", shop_log, *APP, "--invariant", f"{name}_broken:few")
    assert (outcome.status, outcome.out) == (2, "")
    assert f"importing {name}_broken raised ZeroDivisionError" in outcome.err
    assert f"{name}_broken.py, line 1" in outcome.err
