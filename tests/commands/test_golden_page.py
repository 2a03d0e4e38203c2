"""The page on golden sessions shows what is true: its program, its commands and its test."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.house.checkout import CHECKOUT, needs_sources

if TYPE_CHECKING:
    from tests.commands.conftest import RunCommand

pytestmark = needs_sources


def blocks(language: str) -> list[str]:
    """Return the page's blocks of a language."""
    text = (CHECKOUT / "docs" / "golden.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


def test_a_reader_who_follows_the_page_sees_what_it_says(run_command: RunCommand) -> None:
    """The program records, each command prints what stands below it, and the test passes."""
    (program, test), (session,) = blocks("python"), blocks("console")
    for name, text in {"shop.py": program, "test_sessions.py": test}.items():
        Path(name).write_text(text, encoding="utf-8")
    Path("sessions").mkdir()
    subprocess.run([sys.executable, "-W", "error", "shop.py"], check=True)
    for step in session.removeprefix("$ ").split("\n$ "):
        command, _, expected = step.partition("\n")
        assert run_command(*command.split()[1:]).lines == expected.splitlines()
    arguments = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "test_sessions.py"]
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)
    assert "1 passed" in done.stdout, done.stdout + done.stderr
