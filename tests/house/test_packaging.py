"""What gets into the wheel: every Python file of every room, and the mark that refold is typed.

What belongs here: the lists in `pyproject.toml`.  What does not: the tests over an installed wheel,
which `.ci/run` runs.
"""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from tests.house.checkout import CHECKOUT, ROOMS, needs_sources
from tests.house.installed_files import package_folders

pytestmark = needs_sources


def settings() -> dict[str, Any]:
    """Return `pyproject.toml`."""
    return tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))


def test_every_mapped_package_is_listed() -> None:
    """`packages` and `package-dir` name the same packages, and each room is one of them."""
    packages = settings()["tool"]["setuptools"]["packages"]
    assert sorted(packages) == sorted(package_folders(CHECKOUT))
    assert set(packages) >= {"refold", *(f"refold.{room}" for room in ROOMS)}


@pytest.mark.parametrize("room", ["facade", *ROOMS])
def test_every_python_file_of_a_room_is_in_a_listed_package(room: str) -> None:
    """A folder inside a room is a package of its own, and missing from the wheel unless listed."""
    mapped = {CHECKOUT / folder for folder in package_folders(CHECKOUT).values()}
    forgotten = [path for path in (CHECKOUT / room).rglob("*.py") if path.parent not in mapped]
    assert forgotten == [], "add their folders to packages and package-dir in pyproject.toml"


def test_every_folder_is_mapped_by_its_own_path() -> None:
    """The folder `a/b` is the package `refold.a.b`."""
    for package, folder in package_folders(CHECKOUT).items():
        if package != "refold":
            assert package == "refold." + folder.replace("/", ".")


def test_every_package_is_marked_as_typed() -> None:
    """Every package has its own `py.typed`: pyright looks there when there is no `__init__.py`."""
    folders = package_folders(CHECKOUT).values()
    missing = [folder for folder in folders if not (CHECKOUT / folder / "py.typed").is_file()]
    assert missing == [], "make an empty file py.typed in each"
    assert settings()["tool"]["setuptools"]["package-data"]["*"] == ["py.typed"]


def test_dependencies_have_lower_bounds_only() -> None:
    """A library that pins its dependencies cannot be installed beside another one."""
    project = settings()["project"]
    for group in (project["dependencies"], project["optional-dependencies"]["test"]):
        for requirement in group:
            assert ">=" in requirement
            assert not {"<", "=="} & set(requirement.replace(">=", "").split())
            assert "<" not in requirement
