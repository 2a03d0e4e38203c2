"""Forms: what JSON a field of a type is written as, itself in canonical JSON.

What belongs here: the form of one type, and judging a form that was read.  What does not: the
fields of records, which `schema` lists once by name.

A form is one of: the name of a scalar, such as ``"int"``; ``{"tuple": F}`` and the like;
``{"row": [F, ...]}``; ``{"pmap": [F, F]}``; ``{"enum": NAME, "members": {...}}``;
``{"literal": [...]}``; ``{"union": {NAME: F}, "none": true}``; ``{"record": NAME}``.
"""

from __future__ import annotations

import datetime
import decimal
import enum
import types
import typing
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, NewType, TypeVar, Union

import attrs
import orjson
import pyrsistent

from refold.actions.union_choices import union_choices
from refold.replay.collection_codec import CLASS_OF_VALUE
from refold.replay.scalar_codec import json_object
from refold.replay.value_codec import make_value_converter

__all__ = ["COLLECTIONS", "SCALARS", "check_form", "form_of", "is_record_type", "sorted_json"]

Form = Any
"""A form, as JSON values."""

SCALARS: Final[Mapping[str, type]] = {
    "none": type(None),
    "bool": bool,
    "int": int,
    "float": float,
    "str": str,
    "bytes": bytes,
    "datetime": datetime.datetime,
    "date": datetime.date,
    "time": datetime.time,
    "timedelta": datetime.timedelta,
    "decimal": decimal.Decimal,
    "uuid": uuid.UUID,
}
"""The names of leaf types."""

COLLECTIONS: Final[Mapping[str, Any]] = {
    "tuple": tuple,
    "frozenset": frozenset,
    "pvector": pyrsistent.PVector,
    "pdeque": pyrsistent.PDeque,
    "pset": pyrsistent.PSet,
}
"""The names of collections of one type."""

_KEY_AND_VALUE: Final = 2

_SCALAR_OF: Final[dict[Any, str]] = {cls: name for name, cls in SCALARS.items()} | {None: "none"}
_COLLECTION_OF: Final[dict[Any, str]] = {cls: name for name, cls in COLLECTIONS.items()}


def sorted_json(value: Any) -> str:
    """Return the canonical text of JSON values: keys in order, no white space."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def is_record_type(tp: Any) -> bool:
    """Tell whether a type form is an attrs class or a NamedTuple, given its arguments or not."""
    cls: Any = typing.get_origin(tp) or tp
    is_named_tuple = hasattr(cls, "_fields") and _is_subclass(cls, tuple)
    return is_named_tuple or (isinstance(cls, type) and attrs.has(cls))


def form_of(  # noqa: PLR0911  # a table of kinds, one per line
    tp: Any, name_record: Callable[[Any], str], variables: Mapping[Any, Any] | None = None
) -> Form:
    """Return the form of a type.

    Args:
        tp: any type form that a field may have.
        name_record: gives the name of an attrs class or NamedTuple.
        variables: what the type variables around it stand for.
    """
    known = variables or {}

    def inner(part: Any) -> Form:
        return form_of(part, name_record, known)

    origin, arguments = typing.get_origin(tp), typing.get_args(tp)
    if tp in _SCALAR_OF:
        return _SCALAR_OF[tp]
    if isinstance(tp, NewType):
        return inner(tp.__supertype__)
    if isinstance(tp, TypeVar):
        return inner(known[tp]) if tp in known else "any"
    if origin is typing.Annotated or origin is typing.Final:
        return inner(arguments[0])
    if origin is Literal:
        return {"literal": _literal_forms(tp, arguments)}
    if origin is Union or origin is types.UnionType:
        choices = {name: inner(choice) for name, choice in union_choices(tp).items()}
        return {"union": choices, "none": type(None) in arguments}
    if is_record_type(tp):
        return {"record": name_record(_with_variables(tp, known))}
    if isinstance(tp, type) and issubclass(tp, enum.Enum):
        return _enum_form(tp)
    return _collection_form(origin or tp, arguments, inner)


def check_form(form: Form, records: Mapping[str, object]) -> None:
    """Check a form that was read from a file.

    Raises:
        ValueError: it is none, or names a record that is not there.
    """
    for part in _parts_of_form(form, records):
        check_form(part, records)


def _parts_of_form(form: Form, records: Mapping[str, object]) -> list[Form]:
    """Return the forms that a form is made of.

    Raises:
        ValueError: it is no form.
    """
    if isinstance(form, str) and (form in SCALARS or form == "any"):
        return []
    parts = json_object(form)
    row: list[Any] = [*parts.get("row", ()), *parts.get("pmap", ())]
    is_known = {
        frozenset({"enum", "members"}): bool(json_object(parts.get("members"))),
        frozenset({"literal"}): bool(parts.get("literal")),
        frozenset({"record"}): parts.get("record") in records,
        frozenset({"row"}): True,
        frozenset({"pmap"}): len(row) == _KEY_AND_VALUE,
        frozenset({"union", "none"}): isinstance(parts.get("none"), bool),
    }.get(frozenset(parts), len(parts) == 1 and next(iter(parts)) in COLLECTIONS)
    if not is_known:
        message = f"{sorted_json(form):.60} is no form of a type that this refold knows"
        raise ValueError(message)
    elements = [part for kind, part in parts.items() if kind in COLLECTIONS]
    return [*row, *json_object(parts.get("union")).values(), *elements]


def _collection_form(cls: Any, arguments: tuple[Any, ...], inner: Callable[[Any], Form]) -> Form:
    cls = CLASS_OF_VALUE.get(cls, cls)
    if cls is pyrsistent.PMap:
        return {"pmap": [inner(part) for part in arguments] or ["any", "any"]}
    if cls is tuple and Ellipsis not in arguments:
        return {"row": [inner(part) for part in arguments if part != ()]}
    if cls in _COLLECTION_OF:
        return {_COLLECTION_OF[cls]: inner(arguments[0]) if arguments else "any"}
    return "any"


def _enum_form(cls: type[enum.Enum]) -> Form:
    converter = make_value_converter()
    members = {name: converter.unstructure(m, cls) for name, m in cls.__members__.items()}
    return {"enum": cls.__name__, "members": members}


def _is_subclass(cls: Any, base: type) -> bool:
    return isinstance(cls, type) and issubclass(cls, base)


def _literal_forms(tp: Any, choices: tuple[Any, ...]) -> list[Any]:
    """Return what is written for each choice, in an order that does not depend on the imports.

    Two literals of other orders are equal, so typing may give the one for the other.
    """
    converter = make_value_converter()
    return sorted((converter.unstructure(choice, tp) for choice in choices), key=sorted_json)


def _with_variables(tp: Any, known: Mapping[Any, Any]) -> Any:
    arguments = typing.get_args(tp)
    if not arguments:
        return tp
    made = tuple(known.get(part, part) for part in arguments)
    origin: Any = typing.get_origin(tp)
    return origin[made]
