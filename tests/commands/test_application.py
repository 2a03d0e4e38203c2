"""`find_named_application`: a reducer is named by a person in one of three places."""

from __future__ import annotations

from pathlib import Path

import pytest

from refold.commands.application import find_application, find_named_application
from refold.commands.report_error import CommandError
from refold.reducers.reducer import Reducer
from tests.commands import shop_application
from tests.commands.shop_application import SHOP


@pytest.fixture(autouse=True)
def _in_an_empty_project(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Run in an empty folder; what is imported from it is found only here."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", __import__("sys").path.copy())
    monkeypatch.delenv("REFOLD_APP", raising=False)


def write_project(text: str) -> None:
    """Write ./pyproject.toml."""
    Path("pyproject.toml").write_text(text)


def test_nobody_names_a_reducer() -> None:
    """Without option, environment and project there is no application."""
    assert find_named_application(None) is None


@pytest.mark.parametrize("text", ["", "tool = 3", "[tool]\nrefold = 3", "[tool.refold]\n"])
def test_a_project_without_an_entry_names_none(text: str) -> None:
    """A pyproject.toml without [tool.refold] app is no error."""
    write_project(text)
    assert find_named_application(None) is None


def test_the_option_goes_before_the_environment_and_that_before_the_project(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The nearest name wins, and the application says where it was found."""
    write_project(f'[tool.refold]\napp = "{SHOP}:root"')
    from_project = find_named_application(None)
    monkeypatch.setenv("REFOLD_APP", f"{SHOP}:other_root")
    from_environment = find_named_application(None)
    from_option = find_named_application(f"{SHOP}:wide_root")
    assert from_project is not None
    assert from_environment is not None
    assert from_option is not None
    assert (from_project.reducer, from_project.source) == (
        shop_application.root,
        f"[tool.refold] app = {SHOP}:root",
    )
    assert (from_environment.reducer, from_environment.source) == (
        shop_application.other_root,
        f"REFOLD_APP={SHOP}:other_root",
    )
    assert (from_option.reducer, from_option.source) == (
        shop_application.wide_root,
        f"--app {SHOP}:wide_root",
    )


def test_a_module_of_the_current_folder_is_found() -> None:
    """A program that is not installed is imported from the folder one stands in."""
    Path("shop_of_this_folder.py").write_text(
        "class shop:\n    root = staticmethod(lambda state, action: state or 0)\n"
    )
    assert isinstance(find_application("shop_of_this_folder:shop.root").reducer, Reducer)


@pytest.mark.parametrize("name", ["", "shop", "shop:", ":root", ".shop:root"])
def test_a_name_of_another_form_is_refused(name: str) -> None:
    """A name is module:attribute."""
    with pytest.raises(CommandError, match="module:attribute"):
        find_application(name)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("no_such_shop:root", "there is no module no_such_shop, neither in"),
        ("tests.no_such_shop:root", "there is no module tests.no_such_shop, neither in"),
        (f"{SHOP}:no_root", "has no no_root"),
        (f"{SHOP}:NUMBER", "is 3, expected a Reducer"),
        (f"{SHOP}:ShopState", "is the class ShopState, expected a Reducer"),
    ],
)
def test_what_is_no_reducer_is_refused(name: str, words: str) -> None:
    """A missing module, a missing attribute, another value, a class: each is told apart."""
    with pytest.raises(CommandError, match=words) as caught:
        find_application(name)
    assert str(caught.value).startswith(f"--app {name}")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import no_such_library", r"No module named 'no_such_library' \(.*broken_shop.*line 1\)"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("def root(:", "SyntaxError: invalid syntax"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
    ],
)
def test_a_module_that_cannot_be_imported_is_named(
    text: str, words: str, request: pytest.FixtureRequest
) -> None:
    """What importing raises is told with its place in the application, and ends nothing."""
    module = f"broken_shop_{abs(hash(request.node.name))}"
    Path(f"{module}.py").write_text(text)
    with pytest.raises(CommandError, match=words):
        find_application(f"{module}:root")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[tool", "cannot be read for"),
        ("[tool.refold]\napp = 3", "is 3; write it as module:attribute"),
    ],
)
def test_a_project_file_that_makes_no_sense_is_refused(text: str, words: str) -> None:
    """A broken pyproject.toml is named, with the option that goes around it."""
    write_project(text)
    with pytest.raises(CommandError, match=words):
        find_named_application(None)
