"""Compare refold as installed with the rooms of the checkout.

What belongs here: finding the rooms and their files.  What does not: when to compare, which
`tests/conftest.py` decides.
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["describe_difference", "package_folders"]


def package_folders(checkout: Path) -> dict[str, str]:
    """Return the folder of each package, as `pyproject.toml` maps them."""
    settings = tomllib.loads((checkout / "pyproject.toml").read_text(encoding="utf-8"))
    folders: dict[str, str] = settings["tool"]["setuptools"]["package-dir"]
    return folders


def describe_difference(checkout: Path, installed: Path) -> str | None:
    """Say in which files the two differ, and what to do.

    Args:
        checkout: the folder with `pyproject.toml`.
        installed: the folder of the imported package.

    Returns:
        None if they are the same, or if the rooms are not there: then the wheel is being tested.
    """
    if not (checkout / "facade").is_dir():
        return None
    expected: set[str] = set()
    wrong: set[str] = set()
    for package, folder in package_folders(checkout).items():
        place = "/".join(package.split(".")[1:])
        for source in (checkout / folder).glob("*.py"):
            name = f"{place}/{source.name}".lstrip("/")
            expected.add(name)
            copy = installed / name
            if not copy.is_file():
                wrong.add(f"{name} is not installed")
            elif copy.read_bytes() != source.read_bytes():
                wrong.add(f"{name} is installed as it was before")
    for copy in installed.rglob("*.py"):
        name = copy.relative_to(installed).as_posix()
        if name not in expected:
            wrong.add(f"{name} is installed, but no longer here")
    if not wrong:
        return None
    return (
        f"refold as installed in {installed} is not this checkout:\n  "
        + "\n  ".join(sorted(wrong))
        + "\nInstall it again: `make test` does so and then runs the tests; without make,"
        + " `rm -rf build/lib` and `pip install '.[test]'`"
    )
