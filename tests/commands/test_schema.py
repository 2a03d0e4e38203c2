"""`refold schema lock` and `refold schema check`, on an application that changes meanwhile."""

from __future__ import annotations

import builtins
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from refold.replay.schema_file import read_schema
from tests.commands.shop_application import SHOP
from tests.replay.aging_application import FIRST, MODULE, SECOND, THIRD, load_application

if TYPE_CHECKING:
    from tests.commands.conftest import RunCommand

APP = f"{MODULE}:root"
FILE = "refold-schema.json"

BROKEN = SECOND.replace(
    '    payload["count"] = 1\n',
    '    payload["count"] = 1 if len(payload["article"]) < 3 else "many"\n',
)
"""An upcaster that gives for longer texts what does not fit."""

CHANGED = FIRST.replace("    article: str\n\nroot", "    article: str\n    note: str = ''\n\nroot")
"""A field more, without a new version."""


@pytest.fixture
def locked(run_command: RunCommand) -> RunCommand:
    """Return a way to run commands where the first text of the application is locked."""
    load_application(FIRST)
    assert run_command("schema", "lock", "--app", APP).status == 0
    return run_command


def verdicts(out: str) -> dict[str, str]:
    """Return the verdict of each class, of the JSON form."""
    return {one["name"]: one["verdict"] for one in json.loads(out)["classes"]}


def test_lock_writes_what_check_finds_fine(run_command: RunCommand) -> None:
    """Lock says what it wrote; check of the same application ends well and says little."""
    outcome = run_command("schema", "lock", "--app", f"{SHOP}:root")
    assert outcome.status == 0
    assert outcome.out.startswith(f"{FILE}: 1 action, 2 state classes, fingerprint ")
    schema = read_schema(Path(FILE).read_bytes())
    assert schema.fingerprint in outcome.out
    assert set(schema.classes) == {
        "CartState",
        "ShopState",
        "tests_of_commands/put_article_into_cart",
    }
    outcome = run_command("schema", "check", "--app", f"{SHOP}:root")
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.lines[0] == "3 fine, 0 risky, 0 impossible"


def test_lock_writes_the_same_bytes_again(locked: RunCommand) -> None:
    """A file under version control changes only when the schema does; nothing else is left."""
    before = Path(FILE).read_bytes()
    assert locked("schema", "lock", "--app", APP).status == 0
    assert Path(FILE).read_bytes() == before
    assert [path.name for path in Path().iterdir()] == [FILE]


def test_a_change_without_a_version_ends_with_1(locked: RunCommand) -> None:
    """The class is named, with what changed and what to do."""
    load_application(CHANGED)
    outcome = locked("schema", "check", "--app", APP)
    assert outcome.status == 1
    assert outcome.lines[0] == "risky      aging/ordered"
    assert "note is new, with a default" in outcome.out
    assert "@upcaster('aging/ordered', from_version=1)" in outcome.out
    assert "2 fine, 1 risky, 0 impossible" in outcome.out


def test_a_required_field_without_a_version_is_impossible(locked: RunCommand) -> None:
    """Old payloads lack it, and one of them is shown."""
    load_application(CHANGED.replace("note: str = ''", "note: str"))
    outcome = locked("schema", "check", "--app", APP)
    assert outcome.status == 1
    assert outcome.lines[0] == "impossible aging/ordered"
    assert 'payload: {"article":""}' in outcome.out
    assert "note" in outcome.out


@pytest.mark.parametrize("text", [SECOND, THIRD], ids=["second", "third"])
def test_proven_upcasters_are_fine(locked: RunCommand, text: str) -> None:
    """Each chain is run on payloads of the locked schema, and ends well."""
    load_application(text)
    outcome = locked("schema", "check", "--app", APP, "--payloads", "30")
    assert outcome.status == 0
    assert "30 older payloads are read" in outcome.out
    outcome = locked("schema", "check", "--app", APP, "--json")
    assert set(verdicts(outcome.out).values()) == {"fine"}


def test_the_payload_that_breaks_an_upcaster_is_told(locked: RunCommand) -> None:
    """The smallest payload that was found, for people and for programs; each time the same."""
    load_application(BROKEN)
    outcome = locked("schema", "check", "--app", APP)
    assert outcome.status == 1
    assert 'payload: {"article":"000"}' in outcome.out
    assert "upcast from version 1 to 2" in " ".join(outcome.out.split())
    outputs = [locked("schema", "check", "--app", APP, "--json") for _ in range(2)]
    assert outputs[0] == outputs[1]
    value = json.loads(outputs[0].out)
    (one,) = [one for one in value["classes"] if one["verdict"] != "fine"]
    assert (one["name"], one["verdict"]) == ("aging/ordered", "impossible")
    assert (one["locked_version"], one["version"]) == (1, 2)
    assert one["payload"] == {"article": "000"}
    assert value["holds"] is False
    assert value["fingerprint"] != value["locked_fingerprint"]


def test_another_seed_makes_other_payloads(locked: RunCommand) -> None:
    """With few payloads, some seeds find a rare mistake and others do not."""
    load_application(BROKEN.replace("< 3", "< 9"))
    statuses = {
        locked("schema", "check", "--app", APP, "--payloads", "6", "--seed", seed).status
        for seed in range(20)
    }
    assert statuses == {0, 1}


def test_upcasters_stay_proven_after_the_next_lock(locked: RunCommand) -> None:
    """The first version is locked, then the second; the chain from the first is still proven."""
    load_application(SECOND)
    assert locked("schema", "lock", "--app", APP).status == 0
    assert locked("schema", "check", "--app", APP).status == 0
    load_application(BROKEN)
    outcome = locked("schema", "check", "--app", APP, "--json")
    assert (outcome.status, verdicts(outcome.out)["aging/ordered"]) == (1, "impossible")
    load_application(THIRD)
    assert locked("schema", "check", "--app", APP).status == 0


def test_every_line_fits_80_columns(locked: RunCommand) -> None:
    """Reasons, payloads and advice are wrapped."""
    load_application(BROKEN)
    outcome = locked("schema", "check", "--app", APP)
    assert max(map(len, outcome.lines)) <= 80


@pytest.mark.parametrize("command", ["lock", "check"])
def test_the_help_has_an_example(run_command: RunCommand, command: str) -> None:
    """The help of both commands fits 80 columns and shows a line to copy."""
    outcome = run_command("schema", command, "--help")
    assert outcome.status == 0
    assert f"Example: refold schema {command} --app" in outcome.out
    assert max(map(len, outcome.lines)) <= 80


def test_the_group_lists_its_commands(run_command: RunCommand) -> None:
    """Without a command the two are listed, and the group stands in the list of all."""
    outcome = run_command("schema")
    assert outcome.status == 0
    assert "lock" in outcome.out
    assert "check" in outcome.out
    assert "schema" in run_command().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["check", "--app", APP], "there is no refold-schema.json; write it with refold schema"),
        (["check"], "whose schema? Name the root reducer: --app module:attribute"),
        (["lock"], "whose schema?"),
        (["lock", "--app", f"{SHOP}:NUMBER"], "expected a Reducer"),
        (["lock", "--app", f"{SHOP}:raising_root"], "declares no handler"),
        (["lock", "--app", APP, "--file", "no/folder.json"], "give another --file"),
        (["lock", "--app", APP, "--file", "."], "cannot be read"),
        (["check", "--app", APP, "--payloads", "0"], "--payloads 0 proves nothing"),
        (["check", "--nope"], "try: refold schema --help"),
        (["nope"], "try: refold schema --help"),
    ],
)
def test_what_cannot_be_done_ends_with_2(
    run_command: RunCommand, arguments: list[str], words: str
) -> None:
    """Bad input: status 2, what is wrong and what to do, and nothing on stdout."""
    load_application(FIRST)
    outcome = run_command("schema", *arguments)
    assert (outcome.status, outcome.out) == (2, "")
    assert words in outcome.err


@pytest.mark.parametrize("command", ["lock", "check"])
def test_a_file_that_is_no_schema_is_left_as_it_is(locked: RunCommand, command: str) -> None:
    """Neither command takes it, and lock does not overwrite it."""
    Path(FILE).write_text("<<<<<<< HEAD\n", encoding="utf-8")
    outcome = locked("schema", command, "--app", APP)
    assert outcome.status == 2
    assert "it is no JSON" in outcome.err
    assert Path(FILE).read_text(encoding="utf-8") == "<<<<<<< HEAD\n"


def test_lock_refuses_a_chain_with_a_gap(locked: RunCommand) -> None:
    """Upcasters that make no whole chain: status 2, and the file stays as it was."""
    before = Path(FILE).read_bytes()
    load_application(SECOND.replace("from_version=1)\ndef order", "from_version=2)\ndef order"))
    outcome = locked("schema", "lock", "--app", APP)
    assert (outcome.status, Path(FILE).read_bytes()) == (2, before)
    assert "leads to version 3" in outcome.err


def test_an_initial_state_that_raises_is_told(run_command: RunCommand) -> None:
    """The application's own error is named, without a traceback."""
    load_application(FIRST.replace("Reducer(Shop())", "Reducer(factory=lambda: 1 / 0)"))
    outcome = run_command("schema", "lock", "--app", APP)
    assert (outcome.status, outcome.out) == (2, "")
    assert "ZeroDivisionError" in outcome.err


def test_without_the_library_of_tests_it_is_said(
    locked: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only a proof needs hypothesis; where it is not installed, the command that installs it."""
    real: Any = builtins.__import__

    def refuse(name: str, *arguments: Any, **options: Any) -> Any:
        if name.startswith(("hypothesis", "refold.testing")):
            raise ModuleNotFoundError(name, name="hypothesis")
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", refuse)
    assert locked("schema", "check", "--app", APP).status == 0
    load_application(SECOND)
    outcome = locked("schema", "check", "--app", APP)
    assert outcome.status == 2
    assert "pip install 'refold[test]'" in outcome.err


def test_both_commands_run_in_a_process_of_their_own(tmp_path: Path) -> None:
    """A person's way: texts in a file, two processes, no traceback, the warnings are errors."""
    application = tmp_path / f"{MODULE}.py"

    def refold(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-B", "-m", "refold", "schema", *arguments, "--app", APP],
            capture_output=True,
            text=True,
            check=False,
            timeout=50,
            cwd=tmp_path,
            env=os.environ | {"COLUMNS": "80", "PYTHONWARNINGS": "error"},
        )

    application.write_text(FIRST, encoding="utf-8")
    done = refold("lock")
    assert (done.returncode, done.stderr) == (0, "")
    application.write_text(SECOND, encoding="utf-8")
    done = refold("check")
    assert (done.returncode, done.stderr) == (0, "")
    application.write_text(CHANGED, encoding="utf-8")
    done = refold("check", "--json")
    assert (done.returncode, done.stderr) == (1, "")
    assert verdicts(done.stdout)["aging/ordered"] == "risky"
    assert sorted(path.name for path in tmp_path.iterdir()) == [application.name, FILE]
