"""What a person named as ``module:attribute`` for the plugin of pytest.

What belongs here: importing it, or saying why that failed.  What does not: names found in data;
nothing is ever imported because a log says so.
"""

from __future__ import annotations

import importlib
import operator
import sys
import tomllib
import traceback
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import pytest

from refold.reducers.reducer import Reducer, as_reducer

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["InvariantTable", "import_invariants", "import_reducer", "name_in_project"]

InvariantTable: TypeAlias = Mapping[str, tuple[Callable[..., object], ...]]
"""Invariants by slice; those of the whole state by an empty text."""


def import_reducer(name: str, folders: Iterable[Path]) -> Reducer[Any]:
    """Import a reducer.

    Args:
        name: ``module:attribute``.
        folders: where the module may be, besides what is installed.

    Raises:
        UsageError: the name is of another form, cannot be imported, or is no reducer.
    """
    found = _import_named("--refold", name, folders, "the root reducer, such as shop.main:root")
    if callable(found) and not isinstance(found, type):
        return as_reducer(cast("Callable[[Any, Any], Any]", found))
    message = (
        f"--refold {name} is {found!r:.60}, expected a Reducer or a function (state, action) ->"
        f" state; name the root reducer that the store is made with"
    )
    raise pytest.UsageError(message)


def import_invariants(name: str, folders: Iterable[Path]) -> InvariantTable:
    """Import invariants: a function or a list of them for the whole state, or lists by slice.

    Raises:
        UsageError: the name is of another form, cannot be imported, or holds something else.
    """
    option = "--refold-invariants"
    found = _import_named(option, name, folders, "a list or mapping, such as shop.rules:invariants")
    is_table = isinstance(found, Mapping)
    table = cast("Mapping[Any, Any]", found) if is_table else {"": found}
    lists: dict[Any, Any] = {
        key: (value,) if callable(value) else value for key, value in table.items()
    }
    for key, value in lists.items():
        is_list = isinstance(value, Iterable) and not isinstance(value, str)
        if not (isinstance(key, str) and is_list):
            message = (
                f"{option} {name} is {found!r:.60}, expected a list of functions for the whole"
                f" state, or a mapping from slices to such lists, as in {{'cart': [is_sound]}}"
            )
            raise pytest.UsageError(message)
    return {key: tuple(value) for key, value in lists.items()}


def name_in_project(folder: Path) -> str:
    """Return what ``[tool.refold] app`` says in a folder's pyproject.toml.

    Raises:
        UsageError: it says nothing, or cannot be read.
    """
    path = folder / "pyproject.toml"
    try:
        name = tomllib.loads(path.read_text(encoding="utf-8"))["tool"]["refold"]["app"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        message = (
            f"--refold without a name tests the reducer of [tool.refold] app, which {path} does not"
            f" say ({type(error).__name__}: {error}); write --refold=module:reducer"
        )
        raise pytest.UsageError(message) from error
    return str(name)


def _import_named(option: str, name: str, folders: Iterable[Path], what: str) -> object:
    module_name, _, attribute = name.partition(":")
    if not (module_name and attribute):
        message = f"{option} {name!r} does not name {what}; write it as module:attribute"
        if option == "--refold":
            message += ".  For the reducer of [tool.refold] app, write --refold behind the paths"
        raise pytest.UsageError(message)
    for folder in map(str, folders):
        if folder not in sys.path:
            sys.path.insert(0, folder)
    try:
        return operator.attrgetter(attribute)(importlib.import_module(module_name))
    except (Exception, SystemExit) as error:
        message = f"{option} {name} cannot be imported: {_explain(error)}; name {what}"
        raise pytest.UsageError(message) from error


def _explain(error: BaseException) -> str:
    """Return what was raised, and where if that is in the project."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    is_own = not frame.filename.startswith("<") and frame.filename != __file__
    where = f" ({frame.filename}, line {frame.lineno})" if is_own else ""
    return f"{type(error).__name__}: {error}{where}"
