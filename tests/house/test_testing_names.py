"""The names that `refold.testing` exports, though no file stands for the package."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

import refold.testing

TESTING_NAMES: Final = [
    "TestStore",
    "VirtualClock",
    "actions_for",
    "check_reducer_laws",
    "example_from_log",
    "reducer_machine",
    "register_strategy",
    "runs_for",
    "states_for",
]


def test_the_names_are_there_when_they_are_asked_for() -> None:
    """Each name can be imported, and is the thing of that name."""
    assert set(TESTING_NAMES) <= set(dir(refold.testing))
    for name in TESTING_NAMES:
        assert getattr(refold.testing, name).__name__ == name


def test_type_checkers_are_told_the_same() -> None:
    """The stub beside the modules has exactly these names, each from a module that is there."""
    stub = Path(refold.testing.__path__[0]) / "__init__.pyi"
    imports = [
        node for node in ast.parse(stub.read_text()).body if isinstance(node, ast.ImportFrom)
    ]
    assert [node.names[0].asname for node in imports] == sorted(
        TESTING_NAMES, key=lambda name: getattr(refold.testing, name).__module__
    )
    for node in imports:
        assert getattr(refold.testing, node.names[0].name).__module__ == node.module


def test_another_name_is_refused() -> None:
    """A name that is not exported is an AttributeError, as in any module."""
    with pytest.raises(AttributeError, match=r"'refold\.testing' has no attribute 'nothing'"):
        _ = refold.testing.nothing  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownVariableType]


def test_importing_the_package_does_not_import_hypothesis() -> None:
    """Only a name that needs Hypothesis loads it."""
    program = (
        "import sys; from refold.testing import TestStore, VirtualClock;"
        " sys.exit('hypothesis' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
