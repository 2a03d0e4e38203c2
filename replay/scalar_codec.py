"""The codec of single values: numbers, texts, times; members of enums go by `choice_codec`.

Both ways refuse a value that is not of the declared type, so that whatever is written comes back as
it was: an int in a float field stays an int, True stays True, -0.0 keeps its sign.
"""

from __future__ import annotations

import base64
import datetime
import decimal
import enum
import math
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, cast

from refold.replay.choice_codec import (
    is_enum,
    is_literal,
    make_decode_literal,
    make_decode_member,
    make_encode_literal,
    make_encode_member,
)
from refold.replay.refuse_value import refuse_value
from refold.replay.time_codec import decode_datetime, decode_time, encode_moment

if TYPE_CHECKING:
    from cattrs import Converter

__all__ = ["add_enum", "add_scalar", "add_scalars", "expect", "json_object"]

_SMALLEST_JSON_INT: Final = -(2**63)
_LARGEST_JSON_INT: Final = 2**64 - 1

_NOT_FINITE: Final = frozenset({"nan", "inf", "-inf"})

_Way = Callable[[Any], Any]

_TEXT_FORMS: Final[dict[type, tuple[_Way, _Way]]] = {
    bytes: (lambda v: base64.b64encode(v).decode(), lambda v: base64.b64decode(v, validate=True)),
    datetime.datetime: (encode_moment, decode_datetime),
    datetime.date: (datetime.date.isoformat, datetime.date.fromisoformat),
    datetime.time: (encode_moment, decode_time),
    uuid.UUID: (str, uuid.UUID),
    decimal.Decimal: (str, decimal.Decimal),
}
"""Types that are written as one text, with the way there and back."""


def add_scalars(converter: Converter) -> None:
    """Teach a converter all single values."""

    def add(cls: type, encode: _Way, decode: _Way) -> None:
        add_scalar(converter, cls, encode, decode)

    add(type(None), lambda v: expect(v, type(None)), lambda v: expect(v, type(None)))
    add(bool, lambda v: expect(v, bool), lambda v: expect(v, bool))
    add(int, _encode_int, _decode_int)
    add(float, _encode_float, _decode_float)
    add(str, _encode_text, _decode_text)
    for cls, (encode, decode) in _TEXT_FORMS.items():
        add(cls, _exactly(cls, encode), _from_text(cls, decode))
    add(
        datetime.timedelta,
        _exactly(datetime.timedelta, lambda delta: [delta.days, delta.seconds, delta.microseconds]),
        _decode_timedelta,
    )
    _add_choices(converter)


def add_scalar(converter: Converter, cls: type, encode: _Way, decode: _Way) -> None:
    """Teach a converter one class of single values, in the place of what it knew of it.

    Args:
        converter: what is taught.
        cls: the class.
        encode: the way there; it is also given members of enums that are of the class.
        decode: the way back.
    """
    decode_by_enum: dict[Any, Callable[[Any, Any], Any]] = {}

    def decode_exactly(value: Any, tp: Any) -> Any:
        # cattrs comes here with an Enum of texts as well, because such a member is a text
        if tp is cls or not is_enum(tp):
            return decode(value)
        if tp not in decode_by_enum:
            decode_by_enum[tp] = make_decode_member(converter, tp)
        return decode_by_enum[tp](value, tp)

    converter.register_unstructure_hook(cls, encode)
    converter.register_structure_hook(cls, decode_exactly)


def add_enum(converter: Converter, cls: type[enum.Enum]) -> None:
    """Teach a converter one enum, so that it is not taken for the texts or ints it is made of."""
    converter.register_unstructure_hook(cls, make_encode_member(converter, cls))


def expect(value: Any, wanted: type[Any]) -> Any:
    """Return the value if it is of the class.

    Raises:
        TypeError: it is not.
    """
    return value if isinstance(value, wanted) else refuse_value(wanted.__name__, value)


def json_object(value: Any) -> dict[str, Any]:
    """Return the value if it is a JSON object, else an empty one."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _add_choices(converter: Converter) -> None:
    def bind(make: Callable[[Converter, Any], Any]) -> Callable[[Any], Any]:
        return lambda tp: make(converter, tp)

    converter.register_unstructure_hook_factory(is_enum, bind(make_encode_member))
    converter.register_structure_hook_factory(is_enum, bind(make_decode_member))
    converter.register_unstructure_hook_factory(is_literal, bind(make_encode_literal))
    converter.register_structure_hook_factory(is_literal, bind(make_decode_literal))


def _exactly(cls: type, encode: _Way) -> _Way:
    """Return the way there for instances of the very class: a datetime is no date."""

    def encode_exactly(value: Any) -> Any:
        return encode(value) if type(value) is cls else refuse_value(cls.__name__, value)

    return encode_exactly


def _from_text(cls: type, decode: _Way) -> _Way:
    def decode_text(value: Any) -> Any:
        try:
            return decode(expect(value, str))
        except (ValueError, ArithmeticError):  # a Decimal's own error is no ValueError
            return refuse_value(f"the text of a {cls.__name__}", value)

    return decode_text


def _decode_timedelta(value: Any) -> datetime.timedelta:
    parts = expect(value, list)
    if [type(part) for part in parts] != [int, int, int]:
        refuse_value("[days, seconds, microseconds], each an int", value)
    try:
        return datetime.timedelta(*parts)
    except OverflowError:
        return refuse_value("a timedelta of less than 10**9 days", value)


def _encode_float(number: Any) -> object:
    if isinstance(number, float):
        return number if math.isfinite(number) else {"$float": repr(number)}
    return _encode_int(number) if isinstance(number, int) else refuse_value("float", number)


def _encode_int(number: Any) -> object:
    if isinstance(number, enum.Enum):  # of ints; cattrs comes here with one as well
        return _encode_int(number.value)
    if expect(number, int) is number and _SMALLEST_JSON_INT <= number <= _LARGEST_JSON_INT:
        return number
    return {"$int": hex(number)}


def _encode_text(text: Any) -> object:
    if isinstance(text, enum.Enum):  # of texts; cattrs comes here with one as well
        return _encode_text(text.value)
    if expect(text, str).isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:  # a lone surrogate, which JSON's UTF-8 lacks
        return {"$str": base64.b64encode(text.encode("utf-8", "surrogatepass")).decode()}
    return text


def _decode_text(value: Any) -> Any:
    if isinstance(value, str):
        return value
    try:
        raw = base64.b64decode(_tagged(value, "$str", str), validate=True)
        text = raw.decode("utf-8", "surrogatepass")
    except ValueError:
        return refuse_value("base64 of a text with a lone surrogate", value)
    return text if _encode_text(text) == value else refuse_value("a text, untagged", value)


def _decode_int(value: Any) -> Any:
    if isinstance(value, int):  # True too: it is written as it is, so it comes back as it was
        return value
    try:
        number = int(_tagged(value, "$int", int), 16)
    except ValueError:
        return refuse_value("a hexadecimal int", value)
    return number if _encode_int(number) == value else refuse_value("an int beyond 64 bits", value)


def _decode_float(value: Any) -> Any:
    if isinstance(value, float | int):
        return value
    if "$int" in json_object(value):
        return _decode_int(value)
    text = _tagged(value, "$float", float)
    return float(text) if text in _NOT_FINITE else refuse_value("one of nan, inf, -inf", value)


def _tagged(value: Any, tag: str, wanted: type) -> str:
    """Return the text under the one key of an object.

    Raises:
        TypeError: it is no such object.
    """
    parts = json_object(value)
    text = parts.get(tag)
    return (
        text if len(parts) == 1 and isinstance(text, str) else refuse_value(wanted.__name__, value)
    )
