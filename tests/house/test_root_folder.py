"""The two traps of a flat root, and the table that explains it.

What belongs here: what may stand in the root folder.  What does not: what gets into the wheel, see
`test_packaging`.
"""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.house.checkout import CHECKOUT, ROOMS, needs_sources
from tests.house.installed_files import package_folders

pytestmark = needs_sources


def test_asyncio_imports_in_the_root() -> None:
    """With the root first on the path, asyncio still finds the standard library's `selectors`."""
    program = "import asyncio, selectors; print(selectors.DefaultSelector.__name__)"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("Selector")


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_is_there_and_has_no_init_file(room: str) -> None:
    """Only `facade` has an `__init__.py`; one in `selectors` would break asyncio."""
    assert (CHECKOUT / room).is_dir()
    assert not list((CHECKOUT / room).rglob("__init__.py"))


def test_the_facade_has_an_init_file() -> None:
    """`facade` is the package `refold` itself."""
    assert (CHECKOUT / "facade" / "__init__.py").is_file()


def test_no_root_folder_is_named_refold() -> None:
    """A folder `refold` in the root would hide the mapped packages."""
    assert not (CHECKOUT / "refold").exists()


def test_the_readme_tells_which_folder_is_which_package() -> None:
    """The README's folder table and `package-dir` say the same."""
    readme = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| `([\w/]+)/` \| `([\w.]+)` \|", readme, flags=re.MULTILINE)
    assert {package: folder for folder, package in told} == package_folders(CHECKOUT)
