"""Resolving the annotations of classes, also of those declared inside a function.

What belongs here: the way from a class to the real types of its fields.  What does not: judging
those types, which `check_value_type` does.
"""

from __future__ import annotations

import sys
import typing
from typing import Any

import attrs

__all__ = ["remember_annotation_scope", "resolve_annotations", "resolved_field_types"]

_SCOPE = "__refold_annotation_scope__"


def remember_annotation_scope(cls: type, *, depth: int) -> None:
    """Keep the local names around a class declared in a function, for its textual annotations.

    Args:
        cls: the class being declared.
        depth: how many frames above this call the class statement stands, counting the caller
            as 1.
    """
    frame = sys._getframe(depth)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # the documented way to the declaring scope
    if frame.f_locals is not frame.f_globals:
        setattr(cls, _SCOPE, dict(frame.f_locals))


def resolved_field_types(cls: type) -> dict[str, Any]:
    """Return the type of each field of an attrs class or NamedTuple, by field name, in order.

    Raises:
        NameError: an annotation names something that is not, or not yet, defined.
    """
    hints = typing.get_type_hints(cls, localns=_scope_of(cls), include_extras=True)
    names = [field.name for field in attrs.fields(cls)] if attrs.has(cls) else list(hints)
    return {name: hints.get(name, Any) for name in names}


def resolve_annotations(cls: type) -> None:
    """Replace the textual annotations of an attrs class's fields by real types, for good.

    Raises:
        NameError: an annotation names something that is not, or not yet, defined.
    """
    attrs.resolve_types(cls, localns=_scope_of(cls))


def _scope_of(cls: type) -> dict[str, Any]:
    """Return the names, besides the module's, that the annotations of a class may use."""
    scope: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        scope.update(base.__dict__.get(_SCOPE, {}))
    scope[cls.__name__] = cls
    return scope
