"""No file names a package registry's host or a path of the machine it was written on."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING, Final

from tests.house.checkout import CHECKOUT, needs_sources

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = needs_sources

# Each pattern has a character class in it, so that it does not find itself.
FOREIGN: Final = re.compile(
    r"python[h]osted\.|py[p]i\.org/simple|registry\.npm[j]s|deb\.[d]ebian"
    r"|/wor[k]/|/far[m]/|/bash_job[s]|/roo[t]/|/hom[e]/\w|/opt/py[p]i|/tm[p]/venv"
)

LEFT_BEHIND: Final = {"build", "dist", "node_modules", "__pycache__"}
"""Folders that no commit has."""


def tracked_files() -> Iterator[Path]:
    """Yield every file of the checkout that is, or could be, committed."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard"],  # noqa: S607
            cwd=CHECKOUT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()
    except (OSError, subprocess.CalledProcessError):  # no git, or an unpacked archive
        listed = []
    if listed:
        yield from (path for name in listed if (path := CHECKOUT / name).is_file())
        return
    for path in CHECKOUT.rglob("*"):
        folders = path.relative_to(CHECKOUT).parts[:-1]
        hidden = any(part.startswith(".") and part != ".ci" for part in folders)
        if path.is_file() and not hidden and not LEFT_BEHIND & set(folders):
            yield path


def test_no_file_names_a_registry_or_a_machine() -> None:
    """A checkout works anywhere, so it names no host and no folder of one machine."""
    found: list[str] = []
    for path in tracked_files():
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue
        found += [
            f"{path.relative_to(CHECKOUT)}:{number}: {line.strip()}"
            for number, line in enumerate(lines, start=1)
            if FOREIGN.search(line)
        ]
    assert found == []
