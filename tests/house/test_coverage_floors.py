"""The script that holds a coverage report against the floors."""

from __future__ import annotations

from typing import Any, Final

import pytest

from tests.house.coverage_floors import FLOORS, Floor, check_floors

STORE: Final = (Floor("store", 98, ("store/*",)),)


def report(name: str, *, lines: int = 100, branches: int = 100) -> dict[str, Any]:
    """Return a report of one file with 100 lines and 100 branches, so many of them covered."""
    summary = {
        "covered_lines": lines,
        "num_statements": 100,
        "covered_branches": branches,
        "num_branches": 100,
    }
    return {"files": {name: {"summary": summary}}}


@pytest.mark.parametrize(
    "name",
    [
        "store/store.py",
        "build/links/refold/store/store.py",
        "refold/lib/site-packages/refold/store/store.py",
    ],
)
def test_a_file_is_found_however_refold_is_installed(name: str) -> None:
    """A file is known by its room, in the checkout, in a link tree and in site-packages."""
    assert check_floors(report(name), STORE) == []


def test_a_missing_branch_is_not_hidden_by_covered_lines() -> None:
    """Branches have to reach the floor on their own."""
    wrong = check_floors(report("store/store.py", branches=97), STORE)
    assert wrong == ["store: 97.00 % of the branches (floor 98 %)"]


def test_missing_lines_are_reported() -> None:
    """Lines have to reach the floor too."""
    wrong = check_floors(report("store/store.py", lines=90), STORE)
    assert wrong == ["store: 90.00 % of the lines (floor 98 %)"]


def test_a_floor_without_files_is_reported() -> None:
    """A pattern that matches nothing is a mistake, not a pass."""
    assert check_floors(report("replay/replay.py"), STORE) == ["store: no file matches store/*"]


def test_the_floors_are_these() -> None:
    """Lowering a floor is a decision that shows here."""
    assert {floor.name: floor.percent for floor in FLOORS} == {
        "actions": 98,
        "reducers": 98,
        "selectors": 98,
        "store": 98,
        "the connection": 97,
    }
