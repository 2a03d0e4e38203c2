"""The command line as a whole: help, mistakes, and how it ends."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from refold.commands import main as main_module
from tests.commands.shop_application import record_run

if TYPE_CHECKING:
    from tests.commands.conftest import RunCommand


def refold(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ``python -m refold`` as a person would."""
    return subprocess.run(
        [sys.executable, "-m", "refold", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
        env=os.environ | {"COLUMNS": "80", "PYTHONWARNINGS": "error"} | environment,
    )


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_help_says_where_to_start(run_command: RunCommand, arguments: list[str]) -> None:
    """Without a command the commands are listed, with one to begin with."""
    outcome = run_command(*arguments)
    assert outcome.status == 0
    assert "Start here: refold demo" in outcome.out
    assert max(map(len, outcome.lines)) <= 80


@pytest.mark.parametrize("command", ["demo", "show", "replay"])
def test_the_help_of_each_command_has_an_example(run_command: RunCommand, command: str) -> None:
    """The help of a command fits 80 columns and shows a line to copy."""
    outcome = run_command(command, "--help")
    assert outcome.status == 0
    assert f"Example: refold {command} " in outcome.out
    assert max(map(len, outcome.lines)) <= 80


def test_the_version_is_told(run_command: RunCommand) -> None:
    """--version prints one word or two, and ends well."""
    outcome = run_command("--version")
    assert outcome.status == 0
    assert outcome.out.strip()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["shwo"], "try: refold --help"),
        (["show"], "try: refold show --help"),
        (["show", "a.jsonl", "--nope"], "--nope"),
        (["replay", "a.jsonl", "b.jsonl"], "b.jsonl"),
    ],
)
def test_a_mistyped_command_is_refused(
    run_command: RunCommand, arguments: list[str], words: str
) -> None:
    """Arguments that make no sense: status 2, the mistake, and the help to read."""
    outcome = run_command(*arguments)
    assert (outcome.status, outcome.out) == (2, "")
    assert words in outcome.err


def test_the_module_is_the_command(tmp_path: Path) -> None:
    """``python -m refold`` ends with the status of the command, and without a traceback."""
    outcome = refold("show", tmp_path / "nowhere.jsonl")
    assert (outcome.returncode, outcome.stdout) == (2, "")
    assert outcome.stderr.startswith("refold: there is no ")
    assert outcome.stderr.count("\n") == 1


def test_an_interrupt_ends_without_a_traceback(
    run_command: RunCommand, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Ctrl-C: status 130, one word."""

    def interrupt(*_arguments: object, **_options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("refold.commands.show.summarize_log", interrupt)
    outcome = run_command("show", tmp_path)
    assert (outcome.status, outcome.err) == (130, "refold: interrupted\n")


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_a_reader_that_goes_away_is_no_error(tmp_path: Path, form: list[str]) -> None:
    """``refold show LOG | head`` says nothing on stderr."""
    asyncio.run(record_run(tmp_path / "run.jsonl", ["apple"] * 2000))
    command = [sys.executable, "-m", "refold", "show", str(tmp_path / "run.jsonl"), *form]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""


def test_a_terminal_without_unicode_gets_replacements(tmp_path: Path) -> None:
    """Characters that the output cannot carry are replaced, never an error."""
    asyncio.run(record_run(tmp_path / "run.jsonl", ["plüm" * 30]))
    outcome = refold("show", tmp_path / "run.jsonl", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert outcome.returncode == 0
    assert "pl?m" in outcome.stdout


def test_the_version_of_a_tree_that_is_not_installed(
    run_command: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checkout that was never installed says so instead of failing."""

    def find_none(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(main_module, "version", find_none)
    assert run_command("--version").out.strip() == "not installed"


def test_main_exits_with_the_status_of_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The console script hands the arguments of the process over."""
    monkeypatch.setattr(sys, "argv", ["refold", "show", str(tmp_path / "nowhere")])
    with pytest.raises(SystemExit) as caught:
        main_module.main()
    assert caught.value.code == 2
    assert "there is no" in capsys.readouterr().err
