"""`refold demo`: a real program over real sockets, recorded and replayed."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from refold.commands import demo_client, run_demo
from refold.commands.demo_hub import DemoHub
from refold.commands.demo_steps import LIVE_STEPS
from refold.errors import LogFormatError

if TYPE_CHECKING:
    from tests.commands.conftest import RunCommand


@pytest.mark.timeout(40)
def test_the_demo_holds_and_its_log_can_be_shown_and_replayed(
    run_command: RunCommand, tmp_path: Path
) -> None:
    """The demo ends well by itself, in plain lines of 80 columns, and its log verifies elsewhere.

    The demo runs in a process with another PYTHONHASHSEED than the replay.
    """
    log = tmp_path / "run.jsonl"
    demo = subprocess.run(
        [sys.executable, "-X", "dev", "-m", "refold", "demo", "--seconds", "0", "--log", str(log)],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
        env=os.environ | {"COLUMNS": "80", "PYTHONWARNINGS": "error", "PYTHONHASHSEED": "7"},
    )
    assert (demo.returncode, demo.stderr) == (0, "")
    assert "\x1b" not in demo.stdout
    for words in ("HTTP 503", "the peer is silent", "closed with code 1012", "everything held"):
        assert words in demo.stdout
    assert f"  refold replay {log} --verify" in demo.stdout.splitlines()
    lines = [line for line in demo.stdout.splitlines() if str(log) not in line]
    assert max(map(len, lines)) <= 80
    replayed = run_command("replay", log, "--verify")
    assert replayed.status == 0
    assert "are equal" in replayed.lines[1]
    assert run_command("show", log).status == 0


@pytest.mark.timeout(40)
def test_json_is_one_object_about_every_step(run_command: RunCommand, tmp_path: Path) -> None:
    """--json prints nothing but the report, and a folder is a place for a log, too."""
    outcome = run_command("demo", "--seconds", "0", "--json", "--log", tmp_path / "log")
    report = json.loads(outcome.out)
    assert (outcome.status, report["held"], outcome.err) == (0, True, "")
    assert len(report["steps"]) == len(LIVE_STEPS) + 1
    assert all(check["held"] for step in report["steps"] for check in step["checks"])
    shown = run_command("show", report["log"], "--json")
    assert len(shown.lines) == report["records"]


@pytest.mark.timeout(40)
def test_what_does_not_hold_is_named_and_fails_the_demo(
    run_command: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hub that does not refuse, and a log that cannot be read: both are told, status 1."""

    def refuse_nobody(_hub: DemoHub, _count: int) -> None: ...

    def cannot_read(*_arguments: object) -> None:
        message = "no log"
        raise LogFormatError(message)

    monkeypatch.setattr(DemoHub, "refuse_next", refuse_nobody)
    monkeypatch.setattr(run_demo, "replay", cannot_read)
    outcome = run_command("demo", "--seconds", "0")
    assert outcome.status == 1
    assert "  FAILED two attempts failed with HTTP 503: found []" in outcome.lines
    assert "  FAILED the log is whole and its digests are equal: found no log" in outcome.lines
    assert any(line.startswith("NOT everything held") for line in outcome.lines)


@pytest.mark.timeout(40)
def test_what_does_not_happen_is_not_waited_for_without_end(
    run_command: RunCommand, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A hub that lets nobody in: every wait ends, and the demo with it."""
    forever = DemoHub.refuse_next

    def refuse_everybody(hub: DemoHub, _count: int) -> None:
        forever(hub, 1_000_000)

    monkeypatch.setattr(DemoHub, "refuse_next", refuse_everybody)
    monkeypatch.setattr(demo_client, "_LIMIT_SECONDS", 0.05)
    outcome = run_command("demo", "--seconds", "0", "--json", "--log", tmp_path / "run.jsonl")
    report = json.loads(outcome.out)
    held = {
        step["title"]: all(check["held"] for check in step["checks"]) for step in report["steps"]
    }
    assert outcome.status == 1
    assert held["the hub refuses twice with HTTP 503"] is False
    assert held["the log is replayed"] is True


def test_a_step_that_hangs_is_cut_off(
    run_command: RunCommand, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A step that goes on behind the time of the demo is ended and fails."""

    async def hang(*_arguments: object) -> None:
        """Wait for ever."""
        await asyncio.Event().wait()

    monkeypatch.setattr(run_demo, "_SPARE_SECONDS", 0.0)
    monkeypatch.setattr(run_demo, "LIVE_STEPS", (("something hangs", hang),))
    outcome = run_command("demo", "--seconds", "0", "--log", tmp_path / "run.jsonl")
    assert outcome.status == 1
    assert "  FAILED the step ended in time" in outcome.lines


def test_a_log_is_never_overwritten(run_command: RunCommand, shop_log: Path) -> None:
    """A path that holds a log: status 2, and the log stays as it is."""
    before = shop_log.read_bytes()
    outcome = run_command("demo", "--log", shop_log)
    assert outcome.status == 2
    assert "is there already" in outcome.err
    assert shop_log.read_bytes() == before


@pytest.mark.parametrize("seconds", ["-1", "1e9", "nan", "soon"])
def test_a_time_that_makes_no_sense_is_refused(run_command: RunCommand, seconds: str) -> None:
    """--seconds is between 0 and an hour."""
    outcome = run_command("demo", "--seconds", seconds)
    assert (outcome.status, outcome.out) == (2, "")
    assert "--seconds" in outcome.err
