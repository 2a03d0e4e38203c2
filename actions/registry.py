"""The one table from wire names to action classes.

What belongs here: claiming and looking up names.  What does not: importing anything by a name
found in data; a class is known only because its module was imported by the application.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from refold.errors import ActionDeclarationError, WireNameTakenError

if TYPE_CHECKING:
    from refold.actions.action import Action

__all__ = ["check_wire_name", "claim_wire_name", "find_action_class", "is_declared_action_class"]

_WIRE_NAME = re.compile(r"[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)+")

_class_by_wire_name: dict[str, type[Action]] = {}


def find_action_class(wire_name: str) -> type[Action] | None:
    """Return the class declared under the wire name; None if no loaded module declares it."""
    return _class_by_wire_name.get(wire_name)


def is_declared_action_class(candidate: object) -> bool:
    """Tell whether the very class was declared by ``@action`` (a subclass of one was not)."""
    return isinstance(candidate, type) and "wire_name" in candidate.__dict__


def check_wire_name(wire_name: object) -> str:
    """Return the wire name if it is of the form ``group/long_snake_case_name``.

    Raises:
        ActionDeclarationError: it is not a text of that form.
    """
    if isinstance(wire_name, str) and _WIRE_NAME.fullmatch(wire_name):
        return wire_name
    message = (
        f"the wire name of an action must be a text 'group/long_snake_case_name' of letters,"
        f" digits, '_', '-' and '.', got {wire_name!r}; write @action('group/name') above it:"
        f" logs find it by this name wherever it has moved to"
    )
    raise ActionDeclarationError(message)


def claim_wire_name(wire_name: str, cls: type[Action]) -> None:
    """Enter the class under its wire name; the same class declared again (a reload) replaces it.

    Raises:
        WireNameTakenError: another class has the name.
    """
    holder = _class_by_wire_name.get(wire_name)
    if holder is not None and _qualified_name(holder) != _qualified_name(cls):
        message = (
            f"the wire name {wire_name!r} of {_qualified_name(cls)} is taken by"
            f" {_qualified_name(holder)}; give one of the two another name"
        )
        raise WireNameTakenError(message)
    _class_by_wire_name[wire_name] = cls


def _qualified_name(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"
