"""What type checkers accept and reject: `typing_tests/` is checked here and never run.

What belongs here: running mypy and pyright over it.  What does not: the cases.  In
`typing_tests/accepted` nothing may be reported; in `typing_tests/rejected` exactly the lines that
end in ``# expect-error``.
"""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from typing import Final

import pytest

from tests.house.checkout import CHECKOUT

TYPING_TESTS: Final = CHECKOUT / "typing_tests"

SECONDS: Final = 300
"""A time limit for one checker: its first run reads all libraries, and pyright fetches itself."""

pytestmark = pytest.mark.timeout(SECONDS)

Place = tuple[str, int]
"""A file's name and a line of it."""


def expected_places() -> set[Place]:
    """Return every line that a checker has to report."""
    return {
        (path.name, number)
        for path in (TYPING_TESTS / "rejected").glob("*.py")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if line.endswith("# expect-error")
    }


def run_checker(name: str, *arguments: str) -> str:
    """Return what a checker prints; skip if it is not installed."""
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"optional part missing: {name}")
    command = [sys.executable, "-m", name, *arguments]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr  # 1: it worked and found errors
    return done.stdout


def test_mypy_reports_exactly_the_wrong_lines() -> None:
    """With mypy every right use passes, and every wrong one is reported at its own line."""
    files = [str(path) for path in TYPING_TESTS.rglob("*.py")]
    output = run_checker("mypy", "--no-error-summary", *files)
    reported = re.findall(r"(\w+\.py):(\d+): error", output)
    assert {(name, int(line)) for name, line in reported} == expected_places(), output


def test_pyright_reports_exactly_the_wrong_lines() -> None:
    """With pyright every right use passes, and every wrong one is reported at its own line."""
    output = run_checker(
        "pyright", "--project=typing_tests", f"--pythonpath={sys.executable}", "--outputjson"
    )
    reported = {
        (re.split(r"[\\/]", found["file"])[-1], found["range"]["start"]["line"] + 1)
        for found in json.loads(output)["generalDiagnostics"]
        if found["severity"] == "error"
    }
    assert reported == expected_places(), output


def test_every_promise_is_among_the_rejected() -> None:
    """A wrong action field, a wrong state in `.on` and a middleware of another state are tried."""
    tried = {name for name, _ in expected_places()}
    assert tried >= {
        "wrong_action_field.py",
        "wrong_state_type_in_on.py",
        "middleware_for_another_state.py",
    }
