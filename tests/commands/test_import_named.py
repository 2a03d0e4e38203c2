"""Importing what a person named as module:attribute."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from refold.commands.import_named import import_named
from refold.commands.report_error import CommandError


@pytest.fixture
def working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current folder, which is not among those of Python's modules."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])
    return tmp_path


def import_it(name: str) -> object:
    """Import by a name that ``--thing`` was given."""
    return import_named(name, f"--thing {name}", "a thing", "shop.main:thing")


def test_a_module_in_the_current_folder_is_found(working_folder: Path) -> None:
    """It need not be installed; attributes of attributes can be named."""
    (working_folder / "things_of_test.py").write_text("class A:\n    b = 3\n")
    assert import_it("things_of_test:A.b") == 3


@pytest.mark.parametrize("name", ["", "json", "json:", ":dumps", ".json:dumps", "json.dumps"])
def test_another_form_is_refused(name: str) -> None:
    """The form is told, with an example."""
    with pytest.raises(CommandError, match=r"module:attribute, such as shop\.main:thing"):
        import_it(name)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nowhere:a", "there is no module nowhere, neither in"),
        ("json.nowhere.deep:a", r"there is no module json\.nowhere"),
        ("json:nothing", "has no nothing; name the variable that holds a thing"),
    ],
)
def test_what_is_not_there_is_named(working_folder: Path, name: str, words: str) -> None:
    """The missing part is told, and the option that asked for it."""
    assert working_folder.is_dir()
    with pytest.raises(CommandError, match=words) as caught:
        import_it(name)
    assert str(caught.value).startswith(f"--thing {name}")


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("1 / 0", "raised ZeroDivisionError"),
        ("raise SystemExit('bye')", "raised SystemExit: bye"),
        ("import nowhere_at_all", "raised ModuleNotFoundError: No module named 'nowhere_at_all'"),
    ],
)
def test_what_the_module_raises_is_told(working_folder: Path, source: str, words: str) -> None:
    """The error, and the file and line that raised it; a module that it lacks is not the named."""
    name = f"raising_of_test_{len(words)}"
    (working_folder / f"{name}.py").write_text(source)
    with pytest.raises(CommandError, match=words) as caught:
        import_it(f"{name}:a")
    assert f"{name}.py, line 1)" in str(caught.value)
