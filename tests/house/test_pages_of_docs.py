"""The pages in docs show what is true: their programs, their outputs and the diagram.

What belongs here: those pages.  What does not: what they speak of, which other tests hold.
"""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from refold.reducers.reconnect_diagram import render_reconnect_diagram
from tests.house.checkout import CHECKOUT, needs_sources

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = needs_sources


def block(page: str, language: str) -> str:
    """Return a page's one block of a language."""
    text = (CHECKOUT / "docs" / page).read_text(encoding="utf-8")
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    return str(found)


@pytest.mark.parametrize(
    "page", ["connection.md", "messages.md", "ledger.md", "listeners.md", "checks.md"]
)
def test_the_program_runs_as_shown(tmp_path: Path, page: str) -> None:
    """A reader who copies it into a file sees what the page says."""
    program = tmp_path / "example.py"
    program.write_text(block(page, "python"), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (done.stdout, done.stderr) == (block(page, "text"), "")


def test_the_diagram_is_drawn_from_the_table() -> None:
    """The page's block is what `TRANSITIONS` gives now; replace it by this one if it differs."""
    assert block("connection.md", "mermaid") == render_reconnect_diagram() + "\n"
