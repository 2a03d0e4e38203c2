"""The converter of messages: JSON to typed objects and back, without any coercion.

What belongs here: where a foreign peer's JSON is read more strictly than a log of our own, which
`refold.replay.value_codec` reads: true is no number, 1.0 is no int, null is no empty map.  What
does not: the envelope, which `decode_message` opens.

What JSON lacks is refused in both directions (NaN, infinities, ints beyond 64 bits); the texts that
stand for bytes, times, UUIDs and Decimals, and the ``$of`` of unions, are those of the log.
"""

from __future__ import annotations

import base64
import datetime
import enum
import functools
import math
import reprlib
import typing
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Literal, cast

import pyrsistent
import pyrsistent.typing

from refold.replay.scalar_codec import json_object
from refold.replay.value_codec import make_value_converter

if TYPE_CHECKING:
    from cattrs import Converter

__all__ = ["message_converter"]

_SMALLEST_INT: Final = -(2**63)
_LARGEST_INT: Final = 2**64 - 1

_MAP_FORMS: Final = frozenset({pyrsistent.PMap, pyrsistent.typing.PMap})


@functools.cache
def message_converter() -> Converter:
    """Return the one converter of all messages."""
    converter = make_value_converter()
    _add_exactly(converter, bool, frozenset({bool}))
    _add_exactly(converter, int, frozenset({int}))
    _add_exactly(converter, float, frozenset({int, float}))
    _add_exactly(converter, str, frozenset({str}))
    converter.register_structure_hook(bytes, _decode_bytes)
    converter.register_structure_hook(datetime.timedelta, _decode_timedelta)
    converter.register_structure_hook_func(_is_enum, _decode_member)
    converter.register_structure_hook_func(_is_literal, _decode_literal)

    def make_decode_map(tp: Any) -> Callable[[Any, Any], Any]:
        return _make_decode_map(converter, tp)

    converter.register_structure_hook_factory(_is_map, make_decode_map)
    return converter


def _add_exactly(converter: Converter, cls: type, allowed: frozenset[type]) -> None:
    """Teach a converter to take values of the allowed classes only, there and back."""

    def decode(value: Any, tp: Any) -> Any:
        # cattrs comes here with an Enum of texts as well, because such a member is a text
        if tp is not cls and _is_enum(tp):
            return _decode_member(value, tp)
        return _expect_plain(value, cls, allowed)

    def encode(value: Any) -> Any:
        plain = value.value if isinstance(value, enum.Enum) else value
        return _expect_plain(plain, cls, allowed)

    converter.register_structure_hook(cls, decode)
    converter.register_unstructure_hook(cls, encode)


def _expect_plain(value: Any, cls: type, allowed: frozenset[type]) -> Any:
    if type(value) not in allowed:
        _refuse(cls.__name__, value)
    if type(value) is float and not math.isfinite(value):
        _refuse("a finite number, which JSON can carry", value)
    if type(value) is int and not _SMALLEST_INT <= value <= _LARGEST_INT:
        _refuse("an int of at most 64 bits, which JSON's readers agree on", hex(value))
    return value


def _decode_bytes(value: Any, _tp: Any) -> bytes:
    return base64.b64decode(_expect_plain(value, str, frozenset({str})), validate=True)


def _decode_timedelta(value: Any, _tp: Any) -> datetime.timedelta:
    if not isinstance(value, list):
        _refuse("[days, seconds, microseconds]", value)
    parts = cast("list[Any]", value)
    return datetime.timedelta(*(_expect_plain(part, int, frozenset({int})) for part in parts))


def _is_enum(tp: Any) -> bool:
    return isinstance(tp, type) and issubclass(tp, enum.Enum)


def _decode_member(value: Any, cls: Any) -> Any:
    """Return the member with exactly this value, or of this name where values are no JSON."""
    if issubclass(cls, enum.Flag):  # what is joined of members is none of them
        return cls(_expect_plain(value, int, frozenset({int})))
    is_by_value = all(isinstance(member.value, str | int) for member in cls)
    for name, member in cls.__members__.items():
        if _is_same(value, member.value if is_by_value else name):
            return member
    return _refuse(f"a member of {cls.__name__}", value)


def _is_literal(tp: Any) -> bool:
    return typing.get_origin(tp) is Literal


def _decode_literal(value: Any, tp: Any) -> Any:
    """Return the choice with exactly this value: true is not 1."""
    for choice in typing.get_args(tp):
        if _is_same(value, choice.value if isinstance(choice, enum.Enum) else choice):
            return choice
    return _refuse(f"one of {typing.get_args(tp)}", value)


def _is_same(value: Any, other: Any) -> bool:
    return type(value) is type(other) and value == other


def _is_map(tp: Any) -> bool:
    return (typing.get_origin(tp) or tp) in _MAP_FORMS


def _make_decode_map(converter: Converter, tp: Any) -> Callable[[Any, Any], Any]:
    key_type, value_type = typing.get_args(tp)

    def decode(value: Any, _tp: Any) -> Any:
        if not isinstance(value, dict | list):
            _refuse("a JSON object, or a list of pairs", value)
        pairs = json_object(value).items() if isinstance(value, dict) else cast("list[Any]", value)
        entries: dict[Any, Any] = {}
        for raw_key, raw_entry in pairs:
            key = converter.structure(raw_key, key_type)
            if key in entries:
                _refuse("each key once", raw_key)
            entries[key] = converter.structure(raw_entry, value_type)
        return pyrsistent.pmap(entries)

    return decode


def _refuse(wanted: str, value: object) -> Any:
    message = f"expected {wanted}, got {reprlib.repr(value)}"
    raise TypeError(message)
