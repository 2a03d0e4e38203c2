"""JSON texts to message objects and back: an object with its type under one key, its fields beside.

What belongs here: the envelope, and saying what is wrong with one.  What does not: single values,
which `message_converter` knows; counting, which `MessageDecoder` does.

Nothing that a peer sends makes `decode_message` raise.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, cast

import attrs
import cattrs
import orjson

from refold.actions.annotation_scope import resolved_field_types
from refold.actions.check_value_type import check_class
from refold.actions.message import DEFAULT_MESSAGES, MessageRegistry, wire_type_of
from refold.middleware.message_converter import message_converter

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["DEFAULT_TYPE_KEY", "BadMessage", "decode_message", "encode_message"]

DEFAULT_TYPE_KEY: Final = "type"
"""The key under which a message says its type."""

_MOST_CHARACTERS: Final = 200
"""Of a sample and of a reason: what a peer sent may be of any length."""

_BYTES_PER_CHARACTER: Final = 4
"""UTF-8 needs no more, so that a cut inside a character falls behind the sample."""

_STRING: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"')
"""A string of valid JSON."""

_CONTAINERS: Final[frozenset[type]] = frozenset({dict, list})
"""What JSON nests."""

_checked: set[tuple[type[Any], str]] = set()
"""Classes whose fields can be read and written, with the key beside which they can."""


@attrs.frozen
class BadMessage:
    """What arrived and is no message."""

    reason: str
    """What is wrong with it; at most 200 characters."""

    sample: str
    """How it begins; at most 200 characters, and U+FFFD for what is no UTF-8."""


class _UnfitError(Exception):
    """The text is no message; its own text says why."""


def decode_message(
    raw: str | bytes, registry: MessageRegistry = DEFAULT_MESSAGES, *, key: str = DEFAULT_TYPE_KEY
) -> object | BadMessage:
    """Return the message that a JSON text says, or what is wrong with it; never raise.

    Args:
        raw: as it arrived; bytes are read as UTF-8.
        registry: where classes are found.
        key: under which the type stands.
    """
    try:
        return _decode(raw, registry, key)
    except _UnfitError as error:
        return BadMessage(str(error)[:_MOST_CHARACTERS], _sample(raw))
    except Exception as error:  # noqa: BLE001  # a peer must not end the reader, whatever it sends
        reason = f"reading it raised {type(error).__name__}"
        return BadMessage(reason[:_MOST_CHARACTERS], _sample(raw))


def encode_message(message: object, *, key: str = DEFAULT_TYPE_KEY) -> str:
    """Return the JSON text of a message; decoding it gives an equal one.

    Args:
        message: of a class declared by ``@message``.
        key: under which the type is written.

    Raises:
        TypeError: it is no such message, or (`ValueTypeError`) a field's type cannot be written.
        ValueError: a value does not fit its declared type, JSON cannot carry it, or a field has the
            name of the key.
        NameError: an annotation names something that is not defined.
    """
    cls: type[Any] = type(message)
    wire_type = wire_type_of(cls)
    _check_fields(cls, key)
    try:
        fields = message_converter().unstructure(message, cls)
        return orjson.dumps({key: wire_type, **fields}).decode()
    except Exception as error:
        text = (
            f"a message {wire_type!r} ({cls.__qualname__}) cannot be written as JSON:"
            f" {_reason(error, cls)}; give each field a value of its declared type that JSON can"
            f" carry"
        )
        raise ValueError(text) from error


def _decode(raw: str | bytes, registry: MessageRegistry, key: str) -> object:
    try:
        value: Any = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        reason = f"it is no JSON: {error}"
        raise _UnfitError(reason) from error
    if type(value) is not dict:
        reason = f"expected a JSON object, got {_json_name(value)}"
        raise _UnfitError(reason)
    fields = cast("dict[str, Any]", value)
    _refuse_double_keys(raw, fields)
    if key not in fields:
        reason = f"expected the type under the key {key!r}, which is missing"
        raise _UnfitError(reason)
    wire_type = fields.pop(key)
    if type(wire_type) is not str:
        reason = f"expected a text under the key {key!r}, got {_json_name(wire_type)}"
        raise _UnfitError(reason)
    cls = registry.find(wire_type)
    if cls is None:
        reason = f"no loaded module declares a message class for the type {wire_type!r}"
        raise _UnfitError(reason)
    try:
        _check_fields(cls, key)
        message: Any = message_converter().structure(fields, cls)
    except Exception as error:
        reason = f"it does not fit {cls.__name__}: {_reason(error, cls)}"
        raise _UnfitError(reason) from error
    return message


def _check_fields(cls: type[Any], key: str) -> None:
    """Check, once per class, that its fields can be read and written.

    Raises:
        ValueTypeError: a field's type is mutable or cannot be written.
        ValueError: a field has the name of the key that the type stands under.
    """
    if (cls, key) in _checked:
        return
    check_class(cls)
    if key in resolved_field_types(cls):
        text = (
            f"the field {key!r} of {cls.__name__} has the name of the key of the message's type;"
            f" rename the field, or choose another key"
        )
        raise ValueError(text)
    _checked.add((cls, key))


def _refuse_double_keys(raw: str | bytes, value: dict[str, Any]) -> None:
    """Refuse a text in which an object has a key twice: readers disagree on which one counts.

    Every key that was written has a colon, and the parser dropped all but one of equal keys.  So
    there are as many colons outside of strings as keys, unless a key was dropped.
    """
    keys = _count_keys(value)
    if isinstance(raw, str):
        if raw.count(":") == keys:
            return
        raw = raw.encode()
    if raw.count(b":") != keys and _STRING.sub(b"", raw).count(b":") != keys:
        reason = "an object in it has a key twice"
        raise _UnfitError(reason)


def _count_keys(value: dict[str, Any]) -> int:
    """Return the number of keys in an object and in all that it holds."""
    keys = len(value)
    pending = [part for part in value.values() if type(part) in _CONTAINERS]
    while pending:
        container = pending.pop()
        parts: Iterable[Any] = container
        if isinstance(container, dict):
            inner = cast("dict[str, Any]", container)
            keys += len(inner)
            parts = inner.values()
        pending += [part for part in parts if type(part) in _CONTAINERS]
    return keys


def _reason(error: Exception, cls: type) -> str:
    """Return what a converter's error says; its class name if it cannot be asked."""
    try:
        if isinstance(error, cattrs.BaseValidationError):
            return "; ".join(cattrs.transform_error(error, path=cls.__name__))
        return str(error) or type(error).__name__
    except Exception:  # noqa: BLE001  # a broken __str__, or values nested too deeply to be shown
        return type(error).__name__


def _json_name(value: object) -> str:
    names: dict[type, str] = {list: "a list", dict: "an object", str: "a text", bool: "a boolean"}
    return "null" if value is None else names.get(type(value), "a number")


def _sample(raw: str | bytes) -> str:
    if isinstance(raw, str):
        return raw[:_MOST_CHARACTERS]
    head = raw[: _MOST_CHARACTERS * _BYTES_PER_CHARACTER]
    return head.decode("utf-8", "replace")[:_MOST_CHARACTERS]
