"""Types that hold themselves, and generic types with their arguments.

What belongs here: questions about type forms.  What does not: drawing values of them.
"""

from __future__ import annotations

import functools
import math
import types
import typing
from collections.abc import Mapping
from typing import Any, NewType, Union

import attrs

from refold.actions.annotation_scope import resolved_field_types

__all__ = ["field_types_of", "height_of", "is_recursive", "is_row_class"]


def is_row_class(cls: Any) -> bool:
    """Tell whether a class is a NamedTuple."""
    return isinstance(cls, type) and hasattr(cls, "_fields") and issubclass(cls, tuple)


def field_types_of(tp: Any) -> dict[str, Any]:
    """Return the types of a record's fields, type variables replaced by what the form says.

    Raises:
        NameError: an annotation names something that is not defined.
    """
    cls = typing.get_origin(tp) or tp
    known = _arguments_of(tp)
    return {name: _with_arguments(part, known) for name, part in resolved_field_types(cls).items()}


@functools.cache
def is_recursive(cls: type) -> bool:
    """Tell whether a record of the class may hold another one, at any depth."""
    waiting = list(resolved_field_types(cls).values())
    seen: set[type] = set()
    while waiting:
        tp = waiting.pop()
        if tp is cls or typing.get_origin(tp) is cls:
            return True
        waiting += _inner_types(tp)
        record = typing.get_origin(tp) or tp
        if _is_record(record) and record not in seen:
            seen.add(record)
            waiting += resolved_field_types(record).values()
    return False


def height_of(tp: Any, inside: frozenset[Any] = frozenset()) -> float:  # noqa: PLR0911  # a table of kinds
    """Return how many records that hold themselves the lowest value of a type has in each other.

    Infinite if it must hold a record that it stands in.
    """
    if isinstance(tp, NewType):
        return height_of(tp.__supertype__, inside)
    origin: Any = typing.get_origin(tp)
    arguments = typing.get_args(tp)
    if origin in {Union, types.UnionType}:
        return min(height_of(choice, inside) for choice in arguments)
    if origin in {typing.Annotated, typing.Final}:
        return height_of(arguments[0], inside)
    cls = origin or tp
    if cls is tuple and Ellipsis not in arguments:
        return max((height_of(part, inside) for part in arguments if part != ()), default=0)
    if not _is_record(cls):
        return 0
    if cls in inside:
        return math.inf
    parts = field_types_of(tp).values()
    highest = max((height_of(part, inside | {cls}) for part in parts), default=0)
    return highest + is_recursive(cls)


def _inner_types(tp: Any) -> list[Any]:
    return [tp.__supertype__] if isinstance(tp, NewType) else list(typing.get_args(tp))


def _is_record(cls: Any) -> bool:
    return isinstance(cls, type) and (attrs.has(cls) or is_row_class(cls))


def _arguments_of(tp: Any) -> Mapping[Any, Any]:
    """Return what each type variable of a record and its bases stands for."""
    cls = typing.get_origin(tp) or tp
    known = dict(zip(getattr(cls, "__parameters__", ()), typing.get_args(tp), strict=False))
    for base in getattr(cls, "__orig_bases__", ()):
        origin = typing.get_origin(base)
        if origin is not None and origin is not typing.Generic:
            known = {**_arguments_of(_with_arguments(base, known)), **known}
    return known


def _with_arguments(tp: Any, known: Mapping[Any, Any]) -> Any:
    if isinstance(tp, typing.TypeVar):
        return known.get(tp, tp)
    parameters = getattr(tp, "__parameters__", ()) if typing.get_origin(tp) is not None else ()
    return tp[tuple(known.get(one, one) for one in parameters)] if parameters else tp
