"""The comparison of refold as installed with the checkout."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.house.installed_files import describe_difference

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a small checkout with a facade and one room."""
    root = tmp_path / "checkout"
    for folder in ("facade", "store"):
        (root / folder).mkdir(parents=True)
    mapping = '[tool.setuptools.package-dir]\n"refold" = "facade"\n"refold.store" = "store"\n'
    (root / "pyproject.toml").write_text(mapping, encoding="utf-8")
    (root / "facade" / "__init__.py").write_text("", encoding="utf-8")
    (root / "store" / "store.py").write_text("present = True\n", encoding="utf-8")
    return root


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """Return the same as installed."""
    package = tmp_path / "site" / "refold"
    (package / "store").mkdir(parents=True)
    (package / "__init__.py").write_text("", encoding="utf-8")
    (package / "store" / "store.py").write_text("present = True\n", encoding="utf-8")
    return package


def test_a_true_copy_has_no_difference(checkout: Path, installed: Path) -> None:
    """Nothing is said when the installed files are those of the checkout."""
    assert describe_difference(checkout, installed) is None


def test_a_new_file_is_reported(checkout: Path, installed: Path) -> None:
    """A file that was written after the installation is named, and what to run."""
    (checkout / "store" / "entry.py").write_text("", encoding="utf-8")
    difference = describe_difference(checkout, installed)
    assert difference is not None
    assert "store/entry.py is not installed" in difference
    assert "make test" in difference


def test_an_old_copy_is_reported(checkout: Path, installed: Path) -> None:
    """A file that was changed after a copying installation is named."""
    (checkout / "store" / "store.py").write_text("present = False\n", encoding="utf-8")
    difference = describe_difference(checkout, installed)
    assert difference is not None
    assert "store/store.py is installed as it was before" in difference


def test_a_removed_file_is_reported(checkout: Path, installed: Path) -> None:
    """A file that only the installation still has is named."""
    (checkout / "store" / "store.py").unlink()
    difference = describe_difference(checkout, installed)
    assert difference is not None
    assert "store/store.py is installed, but no longer here" in difference


def test_tests_of_a_wheel_compare_nothing(checkout: Path, installed: Path) -> None:
    """Without the rooms beside the tests there is nothing to compare."""
    (checkout / "facade" / "__init__.py").unlink()
    (checkout / "facade").rmdir()
    assert describe_difference(checkout, installed) is None
