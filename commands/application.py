"""`find_application`: the reducer that a person named.

What belongs here: the three places where a name may stand, and importing it.  What does not: a
name found in a log; nothing is ever imported because a log says so.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any, Final

import attrs

from refold.commands.import_named import import_named
from refold.commands.report_error import CommandError
from refold.reducers.reducer import Reducer, as_reducer

__all__ = ["Application", "find_application", "find_named_application"]

_ENVIRONMENT_VARIABLE: Final = "REFOLD_APP"
_EXAMPLE: Final = "shop.main:root"


@attrs.frozen
class Application:
    """A reducer, and who said that it is the one."""

    reducer: Reducer[Any]
    """Folds the actions of a log."""

    name: str
    """``module:attribute``."""

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
    value = import_named(name, source, "the root reducer", _EXAMPLE)
    if not callable(value) or isinstance(value, type):
        what = f"the class {value.__name__}" if isinstance(value, type) else repr(value)
        message = (
            f"{source} is {what:.60}, expected a Reducer or a function (state, action) -> state;"
            f" name the root reducer that the store is made with"
        )
        raise CommandError(message)
    return Application(as_reducer(value), name, source)


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
    message = (
        f"[tool.refold] app in {path.absolute()} is {name!r}; write it as module:attribute, such as"
        f" {_EXAMPLE}"
    )
    raise CommandError(message)
