"""`find_application`: the reducer that a person named.

What belongs here: the three places where a name may stand, and importing it.  What does not: a
name found in a log; nothing is ever imported because a log says so.
"""

from __future__ import annotations

import functools
import importlib
import os
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import attrs

from refold.commands.report_error import CommandError, explain_raised
from refold.reducers.reducer import Reducer, as_reducer

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["Application", "find_application", "find_named_application"]

_ENVIRONMENT_VARIABLE: Final = "REFOLD_APP"
_ADVICE: Final = "write it as module:attribute, such as shop.main:root"


@attrs.frozen
class Application:
    """A reducer, and who said that it is the one."""

    reducer: Reducer[Any]
    """Folds the actions of a log."""

    source: str
    """Where its name was found, such as ``--app shop.main:root``."""


def find_named_application(app: str | None) -> Application | None:
    """Return the application of ``--app``, else of REFOLD_APP, else of ./pyproject.toml.

    Args:
        app: what ``--app`` was given; None if it was not.

    Returns:
        None if it is named nowhere.

    Raises:
        CommandError: it is named, but cannot be imported or is no reducer.
    """
    if app is not None:
        return find_application(app)
    from_environment = os.environ.get(_ENVIRONMENT_VARIABLE)
    if from_environment:
        return find_application(from_environment, f"{_ENVIRONMENT_VARIABLE}=")
    from_project = _name_in_project(Path("pyproject.toml"))
    if from_project is not None:
        return find_application(from_project, "[tool.refold] app = ")
    return None


def find_application(name: str, named_by: str = "--app ") -> Application:
    """Import a reducer.

    Args:
        name: ``module:attribute``; the module may be in the current folder.
        named_by: where the name was found, for error messages.

    Raises:
        CommandError: the name is of another form, cannot be imported, or is no reducer.
    """
    source = f"{named_by}{name}"
    module_name, colon, attribute = name.partition(":")
    if not (module_name and colon and attribute) or module_name.startswith("."):
        message = f"{source} does not name a reducer; {_ADVICE}"
        raise CommandError(message)
    module = _import_module(module_name, source)
    try:
        value = functools.reduce(getattr, attribute.split("."), cast("Any", module))
    except AttributeError as error:
        message = (
            f"{source}: the module {module_name} ({getattr(module, '__file__', None)}) has no"
            f" {attribute}; name the variable that holds the root reducer"
        )
        raise CommandError(message) from error
    if not callable(value) or isinstance(value, type):
        what = f"the class {value.__name__}" if isinstance(value, type) else repr(value)
        message = (
            f"{source} is {what:.60}, expected a Reducer or a function (state, action) -> state;"
            f" name the root reducer that the store is made with"
        )
        raise CommandError(message)
    return Application(as_reducer(value), source)


def _import_module(module_name: str, source: str) -> ModuleType:
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        return importlib.import_module(module_name)
    except (Exception, SystemExit) as error:
        if isinstance(error, ModuleNotFoundError) and _is_part(error.name, module_name):
            message = (
                f"{source}: there is no module {error.name}, neither in {folder} nor installed;"
                f" run the command in the project's folder, or install the project"
            )
        else:
            message = f"{source}: importing {module_name} raised {explain_raised(error)}"
        raise CommandError(message) from error


def _is_part(missing: str | None, module_name: str) -> bool:
    """Tell whether the module that is missing is the one asked for, or a package around it."""
    return missing is not None and f"{module_name}.".startswith(f"{missing}.")


def _name_in_project(path: Path) -> str | None:
    try:
        project = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        message = f"{path.absolute()} cannot be read for [tool.refold] app: {error}; or give --app"
        raise CommandError(message) from error
    try:
        name = project["tool"]["refold"]["app"]
    except (KeyError, TypeError):
        return None
    if isinstance(name, str):
        return name
    message = f"[tool.refold] app in {path.absolute()} is {name!r}; {_ADVICE}"
    raise CommandError(message)
