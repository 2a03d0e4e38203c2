"""The README's code runs as shown and prints what is shown.

What belongs here: running its blocks.  What does not: its commands, which `.ci/run` runs.
"""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest

from tests.house.checkout import CHECKOUT

if TYPE_CHECKING:
    from pathlib import Path

BLOCK: Final = re.compile(
    r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL
)
"""A block of Python and, if one follows at once, the block of text that it prints."""


def blocks() -> list[tuple[str, str]]:
    """Return each Python block of the README with what is said to be printed by it."""
    return BLOCK.findall((CHECKOUT / "README.md").read_text(encoding="utf-8"))


def test_the_readme_shows_code() -> None:
    """There is at least one example, with its output."""
    assert any(output for _, output in blocks())


@pytest.mark.parametrize(("code", "output"), blocks())
def test_a_block_of_the_readme_runs_as_shown(tmp_path: Path, code: str, output: str) -> None:
    """A reader who copies a block into a file gets what the README shows."""
    program = tmp_path / "example.py"
    program.write_text(code, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    if output:
        assert done.stdout == output
