"""The check that a field's type can be trusted: deeply immutable, and able to survive the log.

What belongs here: the list of types that are allowed, and the advice for those that are not.  What
does not: encoding, which `refold.replay.value_codec` does for exactly the types allowed here.

A class is checked once, when a reducer or a log first meets it; a dispatch pays nothing.
"""

from __future__ import annotations

import collections.abc
import datetime
import decimal
import enum
import types
import typing
from typing import Any, Literal, NewType, TypeVar, Union

import attrs
import pyrsistent
import pyrsistent.typing

from refold.actions.annotation_scope import resolved_field_types
from refold.actions.union_choices import check_union_names
from refold.errors import ValueTypeError

__all__ = ["allows_none", "check_class", "check_value_type", "is_scalar_type"]

_SCALAR_TYPES: frozenset[Any] = frozenset(
    {
        type(None),
        bool,
        int,
        float,
        str,
        bytes,
        datetime.datetime,
        datetime.date,
        datetime.time,
        datetime.timedelta,
        decimal.Decimal,
    }
)
"""The leaf types that are immutable and that the log can carry; `is_scalar_type` knows one more."""

_COLLECTIONS: dict[Any, str] = {
    tuple: "element",
    frozenset: "element",
    pyrsistent.PVector: "element",
    pyrsistent.PDeque: "element",
    pyrsistent.PSet: "element",
    pyrsistent.PMap: "value",
    pyrsistent.typing.PVector: "element",
    pyrsistent.typing.PDeque: "element",
    pyrsistent.typing.PSet: "element",
    pyrsistent.typing.PMap: "value",
}

_ADVICE: dict[Any, str] = {
    list: "use tuple[...] or pyrsistent's PVector[...]",
    dict: "use pyrsistent's PMap[...]",
    set: "use frozenset[...] or pyrsistent's PSet[...]",
    bytearray: "use bytes",
    complex: "use two float fields",
    collections.abc.Sequence: "use tuple[...] or pyrsistent's PVector[...], which cannot change",
    collections.abc.MutableSequence: "use tuple[...] or pyrsistent's PVector[...]",
    collections.abc.Iterable: "use tuple[...] or pyrsistent's PVector[...], which cannot change",
    collections.abc.Mapping: "use pyrsistent's PMap[...], which cannot change",
    collections.abc.MutableMapping: "use pyrsistent's PMap[...]",
    collections.abc.Set: "use frozenset[...] or pyrsistent's PSet[...], which cannot change",
    collections.abc.MutableSet: "use frozenset[...] or pyrsistent's PSet[...]",
    collections.abc.Callable: "keep functions out of the state; name the choice by an Enum",  # pyright: ignore[reportUnknownMemberType]  # only a key here
    Any: "name the real type, so that a log can be decoded again",
    object: "name the real type, so that a log can be decoded again",
}

_checked_classes: set[type] = set()


def check_class(cls: type) -> None:
    """Check every field of an action or state class, once per class.

    Raises:
        ValueTypeError: a field's type is mutable or cannot be serialised; the message names the
            path and says what to use instead.
        NameError: an annotation names something that is not, or not yet, defined.
    """
    if cls in _checked_classes:
        return
    _check_fields(cls, cls.__name__, frozenset())
    _checked_classes.add(cls)


def check_value_type(tp: Any, path: str) -> None:
    """Check one type, and all that it is made of.

    Args:
        tp: any type form: a class, a generic alias, a union, a NewType, a Literal.
        path: where it stands, such as ``AppState.todos``; the error names it.

    Raises:
        ValueTypeError: the type is mutable or cannot be serialised.
        NameError: an annotation in it names something that is not defined.
    """
    _check(tp, path, frozenset())


def allows_none(tp: Any) -> bool:
    """Tell whether None is one of the values of a type form."""
    if tp is None or tp is type(None):
        return True
    if typing.get_origin(tp) is typing.Annotated:
        return allows_none(typing.get_args(tp)[0])
    is_union = typing.get_origin(tp) in {Union, types.UnionType}
    return is_union and any(allows_none(choice) for choice in typing.get_args(tp))


def is_scalar_type(tp: Any) -> bool:
    """Tell whether a type form is an immutable leaf that the log can carry."""
    if tp in _SCALAR_TYPES:
        return True
    # by name: importing uuid would give reducers a source of chance
    return isinstance(tp, type) and (tp.__module__, tp.__qualname__) == ("uuid", "UUID")


def _check(tp: Any, path: str, inside: frozenset[type]) -> None:
    if tp is None or is_scalar_type(tp) or typing.get_origin(tp) is Literal:
        return
    if isinstance(tp, NewType):
        _check(tp.__supertype__, path, inside)
    elif isinstance(tp, TypeVar):
        _check_type_variable(tp, path, inside)
    elif typing.get_origin(tp) is not None:
        _check_generic(tp, path, inside)
    elif isinstance(tp, type):
        _check_plain_class(tp, path, inside)
    else:
        _refuse(tp, path)


def _check_type_variable(tp: TypeVar, path: str, inside: frozenset[type]) -> None:
    for choice in tp.__constraints__ or (tp.__bound__,):
        if choice is not None:
            _check(choice, path, inside)


def _check_generic(tp: Any, path: str, inside: frozenset[type]) -> None:
    origin, arguments = typing.get_origin(tp), typing.get_args(tp)
    if origin is typing.Annotated or origin is typing.Final:
        _check(arguments[0], path, inside)
    elif origin is Union or origin is types.UnionType:
        check_union_names(tp, path)
        for choice in arguments:
            _check(choice, path, inside)
    elif origin in _COLLECTIONS:
        for index, argument in enumerate(arguments):
            if argument is not Ellipsis and argument != ():
                _check(argument, f"{path}[{_part_name(origin, index, arguments)}]", inside)
    elif isinstance(origin, type) and attrs.has(origin):
        for argument in arguments:
            _check(argument, path, inside)
        _check_plain_class(origin, path, inside)
    else:
        _refuse(tp, path)


def _part_name(origin: Any, index: int, arguments: tuple[Any, ...]) -> str:
    if origin is tuple and arguments[-1] is not Ellipsis:
        return str(index)
    if _COLLECTIONS[origin] == "value" and index == 0:
        return "key"
    return _COLLECTIONS[origin]


def _check_plain_class(tp: type[Any], path: str, inside: frozenset[type]) -> None:
    if issubclass(tp, enum.Enum) or tp in inside or tp in _checked_classes:
        return
    if tp in _COLLECTIONS:
        message = (
            f"{path} is a bare {tp.__name__}: say what is in it, {tp.__name__}[...], so that a log"
            f" can be decoded again"
        )
        raise ValueTypeError(message, path=path)
    if _is_record(tp):
        if not _is_immutable_record(tp):
            advice = "decorate it with attrs.frozen"
            _refuse(tp, path, advice)
        _check_fields(tp, path, inside | {tp})
    else:
        _refuse(tp, path)


def _check_fields(cls: type, path: str, inside: frozenset[type]) -> None:
    for name, tp in resolved_field_types(cls).items():
        _check(tp, f"{path}.{name}", inside)


def _is_record(cls: type[Any]) -> bool:
    return attrs.has(cls) or (hasattr(cls, "_fields") and issubclass(cls, tuple))


def _is_immutable_record(cls: type) -> bool:
    """Tell whether the class refuses assignment, as attrs.frozen and NamedTuple do."""
    return issubclass(cls, tuple) or cls.__setattr__ is not object.__setattr__


def _refuse(tp: Any, path: str, advice: str | None = None) -> None:
    origin = typing.get_origin(tp) or tp
    if advice is None:
        advice = _ADVICE.get(origin) if isinstance(origin, collections.abc.Hashable) else None
    if advice is None:
        advice = (
            "use None, bool, int, float, str, bytes, a date or time, UUID, Decimal, an Enum, a"
            " tuple, frozenset, PVector, PDeque, PMap or PSet of such, or an attrs.frozen class of"
            " them"
        )
    name = tp.__qualname__ if isinstance(tp, type) and tp is origin else str(tp)
    message = (
        f"{path} has the type {name}, which can change in place or cannot be written to a log;"
        f" {advice}"
    )
    raise ValueTypeError(message, path=path)
