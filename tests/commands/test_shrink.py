"""`refold shrink`: from a recorded session to a test that fails until the bug is mended.

What belongs here: the command.  What does not: how far a run is shrunken.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from refold.middleware.record import record
from refold.store.store import Store
from tests.commands.shop_application import SHOP
from tests.replay.bank_with_bugs import make_bank, random_session
from tests.strategies.recorded_runs import ROOT

if TYPE_CHECKING:
    from tests.commands.conftest import Outcome, RunCommand

APPLICATION = """
import os
from tests.replay.bank_with_bugs import make_bank

root = make_bank(os.environ.get("BANK_BUG", ""))


def is_confused(bank):
    return bank.no_such_field


def grumble(bank):
    return bank is not None


class BankError(Exception):
    pass
"""

RULES = "tests.replay.bank_with_bugs"

PLANTED = [
    ("large sums are not checked", ["--invariant", f"{RULES}:is_never_negative"], 2),
    ("moving to itself doubles", ["--invariant", f"{RULES}:is_balanced"], 3),
    ("renaming loses the other", ["--invariant", f"{RULES}:is_balanced"], 4),
    ("interest from nowhere", ["--invariant", f"{RULES}:is_balanced"], 5),
    ("raises when frozen", ["--raises", "ZeroDivisionError"], 3),
]


@pytest.fixture(scope="module")
def bank_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the log of 5,000 random actions, recorded by a bank without bugs."""
    path = tmp_path_factory.mktemp("bank") / "run.jsonl"
    store = Store(make_bank(), middleware=[record(path)])
    for one in random_session(3):
        store.dispatch(one)
    asyncio.run(store.aclose())
    return path


@pytest.fixture
def bank_app(run_command: RunCommand, tmp_path: Path) -> str:
    """Return the name of a bank whose bug the environment says, in the working folder."""
    del run_command  # it has changed to the folder
    name = f"bank_app_{tmp_path.name}"
    Path(f"{name}.py").write_text(APPLICATION)
    return name


def run_pytest(file: Path, bug: str) -> subprocess.CompletedProcess[str]:
    """Run a test file in a process of its own, with or without the bug."""
    return subprocess.run(
        [sys.executable, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", str(file)],
        cwd=file.parent,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{file.parent}", "BANK_BUG": bug},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(("bug", "how", "count"), PLANTED, ids=[bug for bug, _, _ in PLANTED])
def test_a_session_becomes_a_test_that_fails_until_the_bug_is_mended(  # noqa: PLR0913  # fixtures
    *,
    run_command: RunCommand,
    monkeypatch: pytest.MonkeyPatch,
    bank_log: Path,
    bank_app: str,
    bug: str,
    how: list[str],
    count: int,
) -> None:
    """5,000 actions become two to five; pytest fails with the bug and passes without it."""
    monkeypatch.setenv("BANK_BUG", bug)
    outcome = run_command(
        "shrink", bank_log, "--app", f"{bank_app}:root", *how, "--write-test", "test_bank.py"
    )
    assert (outcome.status, outcome.err) == (1, "")
    assert outcome.lines[1] == f"5,000 actions -> {count}"
    assert outcome.lines[-1] == "written: test_bank.py; run it by pytest test_bank.py"
    file = Path("test_bank.py").absolute()
    failing = run_pytest(file, bug)
    assert failing.returncode == 1, failing.stdout
    assert "1 failed" in failing.stdout
    passing = run_pytest(file, "")
    assert passing.returncode == 0, passing.stdout


def shrink_bank(
    run_command: RunCommand, log: Path, application: str, *arguments: object
) -> Outcome:
    """Run the command with the bank of a module."""
    return run_command("shrink", log, "--app", f"{application}:root", *arguments)


def test_the_actions_can_be_pasted(
    run_command: RunCommand, monkeypatch: pytest.MonkeyPatch, bank_log: Path, bank_app: str
) -> None:
    """What is printed below the counts is Python, with its imports."""
    monkeypatch.setenv("BANK_BUG", "large sums are not checked")
    how = ["--invariant", f"{RULES}:is_never_negative"]
    outcome = shrink_bank(run_command, bank_log, bank_app, *how)
    assert outcome.lines[0].startswith("is_never_negative does not hold, for the first time after")
    assert outcome.lines[2:] == [
        f"from {RULES} import Opened, Withdrawn",
        "",
        "actions = [",
        "    Opened(name=''),",
        "    Withdrawn(name='', amount=101),",
        "]",
    ]
    as_json = json.loads(shrink_bank(run_command, bank_log, bank_app, *how, "--json").out)
    assert as_json["source"].splitlines() == outcome.lines[2:]
    assert (as_json["actions_before"], as_json["actions_after"]) == (5000, 2)
    assert outcome.lines[0].endswith(f" seq {as_json['first_failing_seq']}")
    assert as_json["actions"][1] == {
        "name": "bank/withdrawn",
        "version": 1,
        "payload": {"name": "", "amount": 101, "note": None},
    }


def test_a_run_that_does_not_fail_is_told_so(
    run_command: RunCommand, bank_log: Path, bank_app: str
) -> None:
    """All is well: the status is 0, and no file is written."""
    for how in (["--invariant", f"{RULES}:is_balanced"], ["--raises", "KeyError"]):
        outcome = shrink_bank(run_command, bank_log, bank_app, *how, "--write-test", "test_it.py")
        assert outcome.status == 0
        assert outcome.lines == [
            f"this run of 5,000 actions does not fail: {how[1]}, from the start to the end"
        ]
        as_json = shrink_bank(run_command, bank_log, bank_app, *how, "--json")
        assert json.loads(as_json.out) == {"fails": False, "actions_before": 5000}
    assert not Path("test_it.py").exists()


@pytest.mark.parametrize("name", ["builtins:ZeroDivisionError", "ArithmeticError"])
def test_an_exception_may_be_named_by_its_module_or_its_base(
    run_command: RunCommand, monkeypatch: pytest.MonkeyPatch, bank_log: Path, bank_app: str,
    name: str,
) -> None:  # fmt: skip
    """What is raised is that class or one below it."""
    monkeypatch.setenv("BANK_BUG", "raises when frozen")
    outcome = shrink_bank(run_command, bank_log, bank_app, "--raises", name)
    assert outcome.status == 1
    named = name.rpartition(":")[2]
    assert outcome.lines[0].startswith(f"the reducer raises {named}, for the first time after")


def test_a_reducer_that_raises_something_else_is_named(
    run_command: RunCommand, monkeypatch: pytest.MonkeyPatch, bank_log: Path, bank_app: str
) -> None:
    """Both ways of looking say what was met instead, and how to look for that."""
    monkeypatch.setenv("BANK_BUG", "raises when frozen")
    for how, status in (
        (["--raises", f"{bank_app}:BankError"], 2),
        (["--raises", "KeyError"], 2),
        (["--invariant", f"{RULES}:is_balanced"], 1),
    ):
        outcome = shrink_bank(run_command, bank_log, bank_app, *how)
        assert (outcome.status, outcome.out) == (status, "")
        assert "--raises ZeroDivisionError" in outcome.err
        assert "bank_with_bugs.py, line" in outcome.err


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ([], "say how the run fails"),
        (["--raises", "E", "--invariant", "a:b"], "say how the run fails"),
        (["--invariant", "nonsense"], "does not name a function of the state"),
        (["--invariant", "BANK:root.initial"], "expected a function that returns True"),
        (["--invariant", "BANK:missing"], "has no missing"),
        (["--invariant", "BANK:is_confused"], "is_confused raised AttributeError"),
        (["--raises", "BANK:grumble"], "expected the class of an exception"),
        (["--raises", "BANK:BankError", "--write-test", "mine.py"], "nothing is overwritten"),
    ],
)
def test_what_cannot_be_looked_for_is_refused(
    run_command: RunCommand, bank_log: Path, bank_app: str, how: list[str], words: str
) -> None:
    """Status 2 and what to give instead; a file that is there is not touched."""
    Path("mine.py").write_text("mine")
    arguments = [one.replace("BANK", bank_app) for one in how]
    outcome = shrink_bank(run_command, bank_log, bank_app, *arguments)
    assert (outcome.status, outcome.out) == (2, "")
    assert words in outcome.err
    assert Path("mine.py").read_text() == "mine"


def test_a_test_that_cannot_be_written_is_an_error(
    run_command: RunCommand, monkeypatch: pytest.MonkeyPatch, bank_log: Path, bank_app: str
) -> None:
    """A folder that is not there is named."""
    monkeypatch.setenv("BANK_BUG", "large sums are not checked")
    outcome = shrink_bank(
        run_command, bank_log, bank_app, "--invariant", f"{RULES}:is_never_negative",
        "--write-test", "nowhere/test_it.py",
    )  # fmt: skip
    assert outcome.status == 2
    assert "cannot write nowhere/test_it.py" in outcome.err


def test_of_a_damaged_log_the_whole_part_is_shrunken(
    run_command: RunCommand, damaged_log: Path
) -> None:
    """The damage is told with status 1, whether what is whole fails or not."""
    for root, words in (("root", "1 action does not fail"), ("raising_root", "1 action -> 1")):
        outcome = run_command(
            "shrink", damaged_log, "--app", f"{SHOP}:{root}", "--raises", "ValueError"
        )
        assert outcome.status == 1
        assert words in outcome.out
        assert "line 3 (seq 2)" in outcome.err
