"""A test that skips because an optional part is missing fails where everything is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.house.checkout import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Callable

SKIPS_IN_A_TEST: Final = """
import pytest
def test_part() -> None:
    pytest.skip("optional part missing: a checker")
"""

SKIPS_A_MODULE: Final = """
import pytest
part = pytest.importorskip("no_such_optional_part")
"""

SKIPS_FOR_ANOTHER_REASON: Final = """
import pytest
@pytest.mark.skipif(True, reason="the sources are not here")
def test_part() -> None:
    pass
"""


@pytest.fixture
def run(tmp_path: Path) -> Callable[[str, str], str]:
    """Return a function that runs a file beside this suite's conftest and gives the last line."""
    for name in ("conftest.py", "house/checkout.py", "house/installed_files.py"):
        target = tmp_path / "tests" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(CHECKOUT / "tests" / name, target)
    settings = '[tool.pytest.ini_options]\naddopts = ["--import-mode=importlib"]\n'
    (tmp_path / "pyproject.toml").write_text(settings, encoding="utf-8")

    def run_file(text: str, refold_ci: str) -> str:
        (tmp_path / "tests" / "test_part.py").write_text(text, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "tests"],
            cwd=tmp_path,
            env={**os.environ, "REFOLD_CI": refold_ci},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout.strip().splitlines()[-1]

    return run_file


@pytest.mark.parametrize("text", [SKIPS_IN_A_TEST, SKIPS_A_MODULE])
def test_a_missing_optional_part_skips_at_home(run: Callable[[str, str], str], text: str) -> None:
    """Who has not installed an optional part sees its tests skipped."""
    assert "1 skipped" in run(text, "")


def test_a_missing_optional_part_fails_a_test_in_ci(run: Callable[[str, str], str]) -> None:
    """In CI the same test fails."""
    assert "1 failed" in run(SKIPS_IN_A_TEST, "1")


def test_a_missing_optional_part_fails_a_module_in_ci(run: Callable[[str, str], str]) -> None:
    """In CI a whole module that skips is an error."""
    assert "1 error" in run(SKIPS_A_MODULE, "1")


def test_another_reason_skips_in_ci_too(run: Callable[[str, str], str]) -> None:
    """A test that does not apply is skipped everywhere."""
    assert "1 skipped" in run(SKIPS_FOR_ANOTHER_REASON, "1")
