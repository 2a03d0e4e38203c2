"""The codec of values: every type that a state or action may hold, to JSON and exactly back.

What belongs here: cattrs hooks for the types that `check_value_type` allows.  What does not: the
envelope of an action, which `action_codec` writes.

What JSON lacks is written as an object with one key that begins with ``$``: ``{"$float": "nan"}``
and ``{"$int": "..."}`` beyond 64 bits.  A value of a union is written with the name of its type
unless JSON tells it.  Sets and maps are written in the order of their canonical forms.
"""

from __future__ import annotations

import base64
import datetime
import decimal
import enum
import math
import types
import typing
import uuid
from collections.abc import Callable
from typing import Any, Final, Union, cast

import attrs
import pyrsistent
import pyrsistent.typing
from cattrs import Converter
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn

from refold.actions.annotation_scope import resolve_annotations, resolved_field_types
from refold.replay.canonical_digest import canonical_digest

__all__ = ["make_value_converter"]

_SMALLEST_JSON_INT: Final = -(2**63)
_LARGEST_JSON_INT: Final = 2**64 - 1

_TEXT_FORMS: Final[dict[type, tuple[Callable[[Any], Any], Callable[[Any], Any]]]] = {
    bytes: (lambda v: base64.b64encode(v).decode(), base64.b64decode),
    datetime.datetime: (datetime.datetime.isoformat, datetime.datetime.fromisoformat),
    datetime.date: (datetime.date.isoformat, datetime.date.fromisoformat),
    datetime.time: (datetime.time.isoformat, datetime.time.fromisoformat),
    uuid.UUID: (str, uuid.UUID),
    decimal.Decimal: (str, decimal.Decimal),
}
"""Types that are written as one text, with the way there and back."""

_COLLECTIONS: Final[dict[Any, Callable[[Any], Any]]] = {
    frozenset: frozenset,
    pyrsistent.PVector: pyrsistent.pvector,
    pyrsistent.PSet: pyrsistent.pset,
    pyrsistent.typing.PVector: pyrsistent.pvector,
    pyrsistent.typing.PSet: pyrsistent.pset,
}

_MAPS: Final = (pyrsistent.PMap, pyrsistent.typing.PMap)

_ORIGIN_OF_VALUE: Final[tuple[tuple[Any, type], ...]] = (
    (pyrsistent.typing.PVector, pyrsistent.PVector),
    (pyrsistent.typing.PSet, pyrsistent.PSet),
    (pyrsistent.typing.PMap, pyrsistent.PMap),
)
"""Type forms whose values are of another class than the form says."""


def make_value_converter() -> Converter:
    """Return a cattrs converter with a hook for each allowed type."""
    converter = Converter(forbid_extra_keys=True)
    _add_scalars(converter)
    _add_enums(converter)
    _add_collections(converter)
    _add_maps(converter)
    _add_records(converter)
    _add_unions(converter)
    return converter


def _add_scalars(converter: Converter) -> None:
    def add(cls: type, encode: Callable[[Any], Any], decode: Callable[[Any], Any]) -> None:
        def decode_exactly(value: Any, tp: Any) -> Any:
            # cattrs comes here with an Enum of texts as well, because such a member is a text
            return _decode_enum(value, tp) if issubclass(tp, enum.Enum) else decode(value)

        converter.register_unstructure_hook(cls, encode)
        converter.register_structure_hook(cls, decode_exactly)

    add(float, _encode_float, lambda value: _decode_number(value, float))
    add(int, _encode_int, lambda value: _decode_number(value, int))
    add(str, _encode_enum, lambda value: _expect(value, str))
    add(bool, _as_it_is, lambda value: _expect(value, bool))
    for cls, (encode, decode) in _TEXT_FORMS.items():
        add(cls, encode, _from_text(decode))
    add(
        datetime.timedelta,
        lambda delta: [delta.days, delta.seconds, delta.microseconds],
        lambda parts: datetime.timedelta(*_expect(parts, list)),
    )


def _as_it_is(value: Any) -> Any:
    return value


def _from_text(decode: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: decode(_expect(value, str))


def _encode_float(number: float) -> object:
    if isinstance(number, float) and not math.isfinite(number):
        return {"$float": repr(number)}
    return number if isinstance(number, float) else _encode_int(number)


def _encode_int(number: int) -> object:
    if _SMALLEST_JSON_INT <= number <= _LARGEST_JSON_INT:
        return number
    return {"$int": hex(number)}


def _decode_number(value: Any, wanted: type[Any]) -> Any:
    """Return the number as it was; an int in a float field stays an int."""
    tagged = cast("dict[str, Any]", value) if isinstance(value, dict) else None
    if tagged is not None and len(tagged) == 1:
        if wanted is float and "$float" in tagged:
            return float(tagged["$float"])
        if "$int" in tagged:
            return int(tagged["$int"], 16)
    if isinstance(value, int) or (wanted is float and isinstance(value, float)):
        return value
    return _expect(value, wanted)


def _expect(value: Any, wanted: type[Any]) -> Any:
    if isinstance(value, wanted):
        return value
    message = f"expected {wanted.__name__}, got {value!r}"
    raise TypeError(message)


def _add_enums(converter: Converter) -> None:
    def is_enum(cls: Any) -> bool:
        return isinstance(cls, type) and issubclass(cls, enum.Enum)

    converter.register_unstructure_hook_func(is_enum, _encode_enum)
    converter.register_structure_hook_func(is_enum, _decode_enum)


def _is_written_by_value(cls: Any) -> bool:
    return all(isinstance(member.value, str | int) for member in cls)


def _encode_enum(member: Any) -> Any:
    """Return a member's value if all members have texts or ints, else its name."""
    if not isinstance(member, enum.Enum):
        return member
    return member.value if _is_written_by_value(type(member)) else member.name


def _decode_enum(value: Any, cls: Any) -> Any:
    return cls(value) if _is_written_by_value(cls) else cls[value]


def _add_collections(converter: Converter) -> None:
    def is_collection(tp: Any) -> bool:
        return (typing.get_origin(tp) or tp) in _COLLECTIONS

    def decode(value: Any, tp: Any) -> Any:
        (element,) = typing.get_args(tp) or (Any,)
        parts = (converter.structure(part, element) for part in _expect(value, list))
        return _COLLECTIONS[typing.get_origin(tp) or tp](parts)

    def make_encode(tp: Any) -> Callable[[Any], Any]:
        (element,) = typing.get_args(tp) or (Any,)
        is_ordered = "Vector" in getattr(typing.get_origin(tp) or tp, "__name__", "")

        def encode(values: Any) -> list[Any]:
            ordered = values if is_ordered else sorted(values, key=canonical_digest)
            return [converter.unstructure(value, element) for value in ordered]

        return encode

    converter.register_unstructure_hook_factory(is_collection, make_encode)
    converter.register_structure_hook_func(is_collection, decode)


def _add_maps(converter: Converter) -> None:
    def is_map(tp: Any) -> bool:
        return (typing.get_origin(tp) or tp) in _MAPS

    def make_encode(tp: Any) -> Callable[[Any], Any]:
        key_type, value_type = typing.get_args(tp) or (Any, Any)

        def encode(entries: Any) -> Any:
            ordered = sorted(entries.items(), key=lambda pair: canonical_digest(pair[0]))
            pairs = [
                [converter.unstructure(key, key_type), converter.unstructure(value, value_type)]
                for key, value in ordered
            ]
            return dict(sorted(pairs)) if key_type is str else pairs

        return encode

    def decode(value: Any, tp: Any) -> Any:
        key_type, value_type = typing.get_args(tp) or (Any, Any)
        is_object = isinstance(value, dict)
        pairs = cast("dict[str, Any]", value).items() if is_object else _expect(value, list)
        return pyrsistent.pmap(
            {
                converter.structure(key, key_type): converter.structure(entry, value_type)
                for key, entry in pairs
            }
        )

    converter.register_unstructure_hook_factory(is_map, make_encode)
    converter.register_structure_hook_func(is_map, decode)


def _add_records(converter: Converter) -> None:
    def is_record(tp: Any) -> bool:
        return attrs.has(typing.get_origin(tp) or tp)

    def make_encode(tp: Any) -> Callable[[Any], Any]:
        resolve_annotations(typing.get_origin(tp) or tp)
        return make_dict_unstructure_fn(tp, converter)

    def make_decode(tp: Any) -> Callable[[Any, Any], Any]:
        resolve_annotations(typing.get_origin(tp) or tp)
        return make_dict_structure_fn(tp, converter, _cattrs_forbid_extra_keys=True)

    def is_named_tuple(tp: Any) -> bool:
        return isinstance(tp, type) and hasattr(tp, "_fields") and issubclass(tp, tuple)

    def make_encode_tuple(tp: Any) -> Callable[[Any], Any]:
        types_in_order = tuple(resolved_field_types(tp).values())
        return lambda values: [
            converter.unstructure(value, part)
            for value, part in zip(values, types_in_order, strict=True)
        ]

    def decode_tuple(value: Any, tp: Any) -> Any:
        parts = zip(_expect(value, list), resolved_field_types(tp).values(), strict=True)
        return tp(*(converter.structure(value, part) for value, part in parts))

    converter.register_unstructure_hook_factory(is_record, make_encode)
    converter.register_structure_hook_factory(is_record, make_decode)
    converter.register_unstructure_hook_factory(is_named_tuple, make_encode_tuple)
    converter.register_structure_hook_func(is_named_tuple, decode_tuple)


def _add_unions(converter: Converter) -> None:
    def is_union(tp: Any) -> bool:
        return typing.get_origin(tp) in {Union, types.UnionType}

    def make_encode(tp: Any) -> Callable[[Any], Any]:
        choices = _choices_of(tp)
        return lambda value: _encode_choice(converter, choices, value)

    def decode(value: Any, tp: Any) -> Any:
        if value is None and type(None) in typing.get_args(tp):
            return None
        return _decode_choice(converter, _choices_of(tp), value)

    converter.register_unstructure_hook_factory(is_union, make_encode)
    converter.register_structure_hook_func(is_union, decode)


def _encode_choice(converter: Converter, choices: dict[str, Any], value: Any) -> Any:
    """Return a union's value as JSON, with the name of its type where JSON does not tell it."""
    if value is None:
        return None
    if len(choices) == 1:
        return converter.unstructure(value, next(iter(choices.values())))
    if type(value) in {bool, int, float, str} and type(value) in choices.values():
        return converter.unstructure(value, type(value))
    name = _name_of_choice(choices, value)
    return {"$of": name, "value": converter.unstructure(value, choices[name])}


def _decode_choice(converter: Converter, choices: dict[str, Any], value: object) -> Any:
    """Return a union's value from what `_encode_choice` made of it."""
    if len(choices) == 1:
        return converter.structure(value, next(iter(choices.values())))
    tagged = _json_object(value)
    if tagged is not None and tagged.get("$of") in choices:
        return converter.structure(tagged["value"], choices[tagged["$of"]])
    if tagged is not None and tagged.keys() <= {"$int", "$float"}:
        return _decode_number(value, float)
    if type(value) in choices.values():
        return value
    message = f"expected one of {', '.join(choices)}, got {value!r}"
    raise TypeError(message)


def _json_object(value: object) -> dict[str, Any] | None:
    """Return the value if it is a JSON object."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


def _choices_of(tp: Any) -> dict[str, Any]:
    """Return the members of a union but None, by the names that they are written with."""
    return {
        choice.__name__ if isinstance(choice, type) else str(choice): choice
        for choice in typing.get_args(tp)
        if choice is not type(None)
    }


def _name_of_choice(choices: dict[str, Any], value: object) -> str:
    """Return the name of the member that the value belongs to, the exact class first."""
    for name, choice in choices.items():
        if type(value) is choice:
            return name
    for name, choice in choices.items():
        origin = typing.get_origin(choice) or choice
        classes: list[Any] = [cls for form, cls in _ORIGIN_OF_VALUE if form is origin] or [origin]
        if origin is typing.Literal:
            if value in typing.get_args(choice):
                return name
        elif isinstance(classes[0], type) and isinstance(value, classes[0]):
            return name
    message = f"expected one of {', '.join(choices)}, got {value!r}"
    raise TypeError(message)
