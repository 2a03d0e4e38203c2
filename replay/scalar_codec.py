"""The codec of single values: numbers, texts, times, members of enums.

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
from typing import TYPE_CHECKING, Any, Final, Literal, cast, get_args, get_origin

if TYPE_CHECKING:
    from cattrs import Converter

__all__ = ["add_enum", "add_scalars", "expect", "json_object"]

_SMALLEST_JSON_INT: Final = -(2**63)
_LARGEST_JSON_INT: Final = 2**64 - 1

_Way = Callable[[Any], Any]

_TEXT_FORMS: Final[dict[type, tuple[_Way, _Way]]] = {
    bytes: (lambda v: base64.b64encode(v).decode(), base64.b64decode),
    datetime.datetime: (datetime.datetime.isoformat, datetime.datetime.fromisoformat),
    datetime.date: (datetime.date.isoformat, datetime.date.fromisoformat),
    datetime.time: (datetime.time.isoformat, datetime.time.fromisoformat),
    uuid.UUID: (str, uuid.UUID),
    decimal.Decimal: (str, decimal.Decimal),
}
"""Types that are written as one text, with the way there and back."""


def add_scalars(converter: Converter) -> None:
    """Teach a converter all single values."""

    def add(cls: type, encode: _Way, decode: _Way) -> None:
        def decode_exactly(value: Any, tp: Any) -> Any:
            # cattrs comes here with an Enum of texts as well, because such a member is a text
            return _decode_enum(value, tp) if issubclass(tp, enum.Enum) else decode(value)

        converter.register_unstructure_hook(cls, encode)
        converter.register_structure_hook(cls, decode_exactly)

    add(type(None), lambda v: expect(v, type(None)), lambda v: expect(v, type(None)))
    add(bool, lambda v: expect(v, bool), lambda v: expect(v, bool))
    add(int, _encode_int, lambda value: _decode_number(value, int))
    add(float, _encode_float, lambda value: _decode_number(value, float))
    add(str, _encode_text, _decode_text)
    for cls, (encode, decode) in _TEXT_FORMS.items():
        add(cls, _exactly(cls, encode), _from_text(decode))
    add(
        datetime.timedelta,
        _exactly(datetime.timedelta, lambda delta: [delta.days, delta.seconds, delta.microseconds]),
        lambda parts: datetime.timedelta(*expect(parts, list)),
    )
    converter.register_unstructure_hook_factory(_is_enum, _make_encode_member)
    converter.register_structure_hook_func(_is_enum, _decode_enum)
    converter.register_unstructure_hook_factory(_is_literal, _make_encode_literal)


def add_enum(converter: Converter, cls: type[enum.Enum]) -> None:
    """Teach a converter one enum, so that it is not taken for the texts or ints it is made of."""
    converter.register_unstructure_hook(cls, _make_encode_member(cls))


def expect(value: Any, wanted: type[Any]) -> Any:
    """Return the value if it is of the class.

    Raises:
        TypeError: it is not.
    """
    if isinstance(value, wanted):
        return value
    message = f"expected {wanted.__name__}, got {value!r}"
    raise TypeError(message)


def json_object(value: Any) -> dict[str, Any]:
    """Return the value if it is a JSON object, else an empty one."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _exactly(cls: type, encode: _Way) -> _Way:
    """Return the way there for instances of the very class: a datetime is no date."""

    def encode_exactly(value: Any) -> Any:
        if type(value) is not cls:
            expect(None, cls) if value is None else _refuse(value, cls)
        return encode(value)

    return encode_exactly


def _from_text(decode: _Way) -> _Way:
    return lambda value: decode(expect(value, str))


def _refuse(value: object, wanted: type) -> None:
    message = f"expected {wanted.__name__}, got {value!r}"
    raise TypeError(message)


def _encode_float(number: Any) -> object:
    if isinstance(number, float):
        return number if math.isfinite(number) else {"$float": repr(number)}
    if not isinstance(number, int):
        _refuse(number, float)
    return _encode_int(number)


def _encode_int(number: Any) -> object:
    if isinstance(number, enum.Enum):  # of ints; cattrs comes here with one as well
        return number.value
    if expect(number, int) is number and _SMALLEST_JSON_INT <= number <= _LARGEST_JSON_INT:
        return number
    return {"$int": hex(number)}


def _encode_text(text: Any) -> object:
    if isinstance(text, enum.Enum):  # of texts; cattrs comes here with one as well
        return text.value
    if expect(text, str).isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:  # a lone surrogate, which JSON's UTF-8 lacks
        return {"$str": base64.b64encode(text.encode("utf-8", "surrogatepass")).decode()}
    return text


def _decode_text(value: Any) -> str:
    escaped = json_object(value).get("$str")
    if escaped is not None:
        return base64.b64decode(escaped).decode("utf-8", "surrogatepass")
    return str(expect(value, str))


def _decode_number(value: Any, wanted: type[Any]) -> Any:
    """Return the number as it was."""
    tagged = json_object(value)
    if wanted is float and "$float" in tagged:
        return float(tagged["$float"])
    if "$int" in tagged:
        return int(tagged["$int"], 16)
    if isinstance(value, int) or (wanted is float and isinstance(value, float)):
        return value
    return expect(value, wanted)


def _is_enum(tp: Any) -> bool:
    return isinstance(tp, type) and issubclass(tp, enum.Enum)


def _is_written_by_value(cls: Any) -> bool:
    return all(isinstance(member.value, str | int) for member in cls)


def _make_encode_member(cls: Any) -> _Way:
    """Return the way there for an enum: its values if all are texts or ints, else its names."""
    by_value = _is_written_by_value(cls)

    def encode(member: Any) -> Any:
        expect(member, cls)
        return member.value if by_value else member.name

    return encode


def _decode_enum(value: Any, cls: Any) -> Any:
    return cls(value) if _is_written_by_value(cls) else cls[value]


def _is_literal(tp: Any) -> bool:
    return get_origin(tp) is Literal


def _make_encode_literal(tp: Any) -> _Way:
    choices = get_args(tp)

    def encode(value: Any) -> Any:
        if value not in choices:
            message = f"expected one of {choices}, got {value!r}"
            raise TypeError(message)
        return value.value if isinstance(value, enum.Enum) else value

    return encode
