"""`refold health`: whether the ledger of a recorded session was sound after every action."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from refold.actions.ledger import (
    RestartSessionClearOrBoundary,
    SetLocalPause,
    SetPlayerWaitTimerStartMs,
    SetSpeedAndUpdateNominalTickInterval,
)
from refold.middleware.record import record
from refold.selectors.ledger_health import LEDGER_HEALTH_CHECKS
from refold.store.store import Store
from tests.commands import ledger_application
from tests.commands.ledger_application import LEDGERS, mutating, record_ledger, root
from tests.ledger.ledger_scene import step
from tests.strategies.log_lines import raw_lines

if TYPE_CHECKING:
    from pathlib import Path

    from refold.actions.action import Action
    from tests.commands.conftest import RunCommand

NAMES = [check.__name__ for check in LEDGER_HEALTH_CHECKS]

RUN: list[Action] = [
    step(0),
    step(1),
    SetLocalPause(local_pause=True),
    SetSpeedAndUpdateNominalTickInterval("pause"),
    SetPlayerWaitTimerStartMs(5),
    RestartSessionClearOrBoundary("s1"),
    step(2),
]
"""Seven actions; a broken reducer does its harm at seq 3."""


@pytest.fixture
async def ledger_log(tmp_path: Path) -> Path:
    """Return the log of a sound ledger."""
    await record_ledger(tmp_path / "ledger.jsonl", RUN)
    return tmp_path / "ledger.jsonl"


def test_a_sound_log_holds(run_command: RunCommand, ledger_log: Path) -> None:
    """Status 0; every check is listed, with how many actions there were."""
    outcome = run_command("health", ledger_log)
    assert (outcome.status, outcome.err) == (0, "")
    assert "7 actions" in outcome.lines[0]
    assert [line.split()[1] for line in outcome.lines if "health_check" in line] == ["holds"] * 6
    for name in NAMES:
        assert name in outcome.out


def test_json_is_one_object(run_command: RunCommand, ledger_log: Path) -> None:
    """--json tells the same to programs."""
    outcome = run_command("health", ledger_log, "--json")
    value = json.loads(outcome.out)
    assert (outcome.status, value["holds"], value["problem"], value["actions"]) == (
        0,
        True,
        None,
        7,
    )
    assert [entry["checker"] for entry in value["checkers"]] == NAMES
    assert {entry["failures"] for entry in value["checkers"]} == {0}
    assert {entry["first_seq"] for entry in value["checkers"]} == {None}


@pytest.mark.parametrize(
    ("attribute", "name", "words"),
    [
        ("mutating", NAMES[0], "changed"),
        ("losing", NAMES[0], "2 events became 1"),
        ("moving", NAMES[1], "elsewhere"),
    ],
)
async def test_a_failure_is_named(
    run_command: RunCommand, tmp_path: Path, attribute: str, name: str, words: str
) -> None:
    """Status 1, with the seq, the check and the difference, readably and as JSON."""
    log = tmp_path / "broken.jsonl"
    await record_ledger(log, RUN, getattr(ledger_application, attribute))
    outcome = run_command("health", log, "--app", f"{LEDGERS}:{attribute}")
    assert outcome.status == 1
    (line,) = [line for line in outcome.lines if line.startswith("seq ")]
    assert line.startswith(f"seq 3: {name}: ")
    assert words in line
    value = json.loads(run_command("health", log, "--app", f"{LEDGERS}:{attribute}", "--json").out)
    failed = [entry for entry in value["checkers"] if entry["failures"]]
    assert [(entry["checker"], entry["first_seq"]) for entry in failed] == [(name, 3)]
    assert words in failed[0]["first_difference"]
    assert (value["holds"], value["problem"]) == (False, None)


@pytest.mark.parametrize("name", NAMES)
async def test_one_check_can_be_chosen(run_command: RunCommand, tmp_path: Path, name: str) -> None:
    """--checker runs that one alone: only the one that fails gives status 1."""
    log = tmp_path / "broken.jsonl"
    await record_ledger(log, RUN, mutating)
    arguments = ["--app", f"{LEDGERS}:mutating", "--checker", name]
    outcome = run_command("health", log, *arguments)
    assert outcome.status == (1 if name == NAMES[0] else 0)
    assert [other for other in NAMES if other in outcome.out] == [name]


def test_an_unknown_check_is_refused(run_command: RunCommand, ledger_log: Path) -> None:
    """Status 2, and the names of those there are."""
    outcome = run_command("health", ledger_log, "--checker", "health_check_of_weather")
    assert (outcome.status, outcome.out) == (2, "")
    assert "health_check_of_weather" in outcome.err
    for name in NAMES:
        assert name in outcome.err


async def test_a_ledger_inside_a_root_is_found(run_command: RunCommand, tmp_path: Path) -> None:
    """With --app, the ledger is found in the root's state by its type."""
    log = tmp_path / "root.jsonl"
    await record_ledger(log, RUN, root)
    outcome = run_command("health", log, "--app", f"{LEDGERS}:root", "--json")
    value = json.loads(outcome.out)
    assert (outcome.status, value["actions"], value["holds"]) == (0, 7, True)


def test_a_damaged_log_is_checked_up_to_the_damage(
    run_command: RunCommand, ledger_log: Path
) -> None:
    """Status 1; the damage is named, and the actions before it are checked."""
    ledger_log.write_bytes(ledger_log.read_bytes().replace(b"label 1", b"lapel 1"))
    outcome = run_command("health", ledger_log, "--json")
    value = json.loads(outcome.out)
    assert (outcome.status, value["actions"], value["holds"]) == (1, 1, False)
    assert "line 3 (seq 2)" in outcome.err
    assert "line 3 (seq 2)" in value["problem"]
    assert run_command("health", ledger_log).status == 1


def test_a_torn_log_is_checked_up_to_the_tear(run_command: RunCommand, ledger_log: Path) -> None:
    """Status 1; the tear is named, and the whole records are checked."""
    lines = raw_lines(ledger_log)
    ledger_log.write_bytes(b"".join(lines[:4]) + lines[4][:12])
    outcome = run_command("health", ledger_log, "--json")
    value = json.loads(outcome.out)
    assert (outcome.status, value["actions"], value["holds"]) == (1, 3, False)
    assert "torn after 12 bytes" in outcome.err


async def test_a_log_that_a_broken_reducer_wrote_is_found(
    run_command: RunCommand, tmp_path: Path
) -> None:
    """The ledger's own reducer leads elsewhere than the digests say: status 1, and the place."""
    log = tmp_path / "broken.jsonl"
    await record_ledger(log, RUN, mutating)
    outcome = run_command("health", log, "--json")
    value = json.loads(outcome.out)
    assert (outcome.status, value["holds"]) == (1, False)
    assert "seq" in value["problem"]
    assert "LedgerState.ledger" in outcome.err


def test_the_log_of_another_application_is_refused(run_command: RunCommand, shop_log: Path) -> None:
    """Without --app: status 2, the action that is no ledger's, and what to give."""
    outcome = run_command("health", shop_log)
    assert (outcome.status, outcome.out) == (2, "")
    assert "tests_of_commands/put_article_into_cart" in outcome.err
    assert "--app" in outcome.err


def test_an_application_without_a_ledger_is_refused(
    run_command: RunCommand, shop_log: Path
) -> None:
    """With --app of a root that holds no ledger: status 2, and the type of its state."""
    outcome = run_command("health", shop_log, "--app", "tests.commands.shop_application:root")
    assert (outcome.status, outcome.out) == (2, "")
    assert "ShopState" in outcome.err


@pytest.mark.parametrize("start", ["three", 3])
def test_an_empty_log_of_another_application_is_refused(
    run_command: RunCommand, tmp_path: Path, start: object
) -> None:
    """A log without records whose start state is no ledger cannot be checked: status 2."""
    path = tmp_path / "other.jsonl"
    Store(lambda state, _action: state, state=start, middleware=[record(path)])
    outcome = run_command("health", path)
    assert outcome.status == 2
    assert "--app" in outcome.err
    assert "Traceback" not in outcome.err


def test_a_log_that_is_not_there_is_refused(run_command: RunCommand, tmp_path: Path) -> None:
    """Status 2, and which file was looked for."""
    outcome = run_command("health", tmp_path / "none.jsonl")
    assert outcome.status == 2
    assert "none.jsonl" in outcome.err
