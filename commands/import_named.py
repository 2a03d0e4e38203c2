"""`import_named`: what a person named as ``module:attribute``.

What belongs here: importing, and saying why it failed.  What does not: what kind of thing it must
be, and names found in data; nothing is ever imported because a log says so.
"""

from __future__ import annotations

import functools
import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from refold.commands.report_error import CommandError, explain_raised

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["import_named"]


def import_named(name: str, source: str, what: str, example: str) -> object:
    """Import a module, which may be in the current folder, and return one of its attributes.

    Args:
        name: ``module:attribute``.
        source: the name and the option it was given to, for error messages.
        what: what it should name, such as ``a reducer``.
        example: a name that would do.

    Raises:
        CommandError: the name is of another form, or there is no such thing.
    """
    module_name, colon, attribute = name.partition(":")
    if not (module_name and colon and attribute) or module_name.startswith("."):
        message = f"{source} does not name {what}; write it as module:attribute, such as {example}"
        raise CommandError(message)
    module = _import_module(module_name, source)
    try:
        return functools.reduce(getattr, attribute.split("."), cast("Any", module))
    except AttributeError as error:
        message = (
            f"{source}: the module {module_name} ({getattr(module, '__file__', None)}) has no"
            f" {attribute}; name the variable that holds {what}"
        )
        raise CommandError(message) from error


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
