"""`encode_payload`: an application's object as a message, or an error that says what is wrong.

What belongs here: JSON, and where a value that has none stands.  What does not: queueing.
"""

from __future__ import annotations

import dataclasses
import enum
import math
from typing import TYPE_CHECKING, Any, Final, cast

import orjson

from refold.actions.message import is_declared_message_class
from refold.errors import InvalidPayloadError
from refold.middleware.decode_message import DEFAULT_TYPE_KEY, encode_message
from refold.middleware.outbound_message import Message, size_of_message

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from _typeshed import DataclassInstance

__all__ = ["encode_payload"]

_ROOT: Final = "payload"

_LONGEST_SHOWN: Final = 200
"""Characters of a path in a sentence; the attribute has it whole."""

_DEEPEST: Final = 256
"""Levels to look into: orjson writes 254, and an object that contains itself has no end."""


def encode_payload(value: object, max_bytes: int, *, key: str = DEFAULT_TYPE_KEY) -> Message:
    """Return a message at once, so that a later change of the object changes nothing.

    Args:
        value: a text or bytes, which are sent as they are; an object of a class declared by
            ``@message``; else what orjson can write: dicts with text keys, lists, tuples, numbers,
            texts, bools, None, dates, UUIDs, enums, dataclasses.
        max_bytes: how large the message may be; a text counts as its UTF-8 form.
        key: under which the type of a ``@message`` is written.

    Returns:
        A text, but bytes for bytes.

    Raises:
        InvalidPayloadError: it cannot be written, would be written as something else (NaN as null),
            or is too large; ``path`` says where, such as ``payload.orders[3].price``.
    """
    message = value if isinstance(value, str | bytes) else _to_json(value, key)
    try:
        size = size_of_message(message)
    except UnicodeEncodeError as error:
        text = (
            f"{_ROOT} has a lone surrogate at character {error.start}, which no peer would accept;"
            f" decode it from bytes with the right encoding"
        )
        raise InvalidPayloadError(text, path=_ROOT) from None
    if size > max_bytes:
        text = f"{_ROOT} has {size} bytes, but at most {max_bytes} may be sent; split it"
        raise InvalidPayloadError(text, path=_ROOT)
    return message


def _to_json(value: object, key: str) -> str:
    if is_declared_message_class(type(value)):
        try:
            return encode_message(value, key=key)
        except (TypeError, ValueError) as error:
            raise InvalidPayloadError(str(error), path=_ROOT) from error
    try:
        written = _dumps(value)
    except TypeError as error:  # all that orjson raises
        raise _unwritable(value, error) from None
    if b"null" in written:  # else nothing can have been lost
        _refuse_lost_floats(value)
    return written.decode()


def _dumps(value: object) -> bytes:
    """Write JSON; dataclasses by ourselves, as orjson 3.13 crashes at a slot that was never set."""
    return orjson.dumps(value, default=_dataclass_as_dict, option=orjson.OPT_PASSTHROUGH_DATACLASS)


def _dataclass_as_dict(value: object) -> dict[str, object]:
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        message = f"JSON has nothing for the type {type(value).__name__}"
        raise TypeError(message)
    return {name: getattr(value, name) for name in _written_names(value)}


def _written_names(value: DataclassInstance) -> list[str]:
    """Return the public fields of a dataclass: a private one is nobody else's business."""
    return [field.name for field in dataclasses.fields(value) if not field.name.startswith("_")]


def _unwritable(value: object, error: TypeError) -> InvalidPayloadError:
    """Follow the first value that orjson cannot write down to where the reason is."""
    path = _ROOT
    for _ in range(_DEEPEST):
        for child_path, child in _children(value, path):
            found = _why_not(child)
            if found is not None:
                path, value, error = child_path, child, found
                break
        else:
            break
    for key in _keys(value):
        found = _why_not({key: None})
        if found is not None:
            path, error = _key_path(path, key), found
            break
    shown = path if len(path) <= _LONGEST_SHOWN else f"{path[:_LONGEST_SHOWN]}..."
    text = (
        f"{shown} cannot be sent as JSON: {error} (a value of type {type(value).__name__});"
        f" convert it first, or send text or bytes"
    )
    return InvalidPayloadError(text, path=path)


def _why_not(value: object) -> TypeError | None:
    """Return why orjson cannot write a value; None if it can."""
    try:
        _dumps(value)
    except TypeError as error:
        return error
    return None


def _refuse_lost_floats(value: object) -> None:
    """Refuse a float that JSON has no number for; orjson writes null instead."""
    depth_first = [iter([(_ROOT, value)])]
    while depth_first:
        for path, inner in depth_first[-1]:
            if isinstance(inner, float) and not math.isfinite(inner):
                text = f"{path} is {inner}, which JSON does not have; send None or a text instead"
                raise InvalidPayloadError(text, path=path)
            depth_first.append(_children(inner, path))
            break
        else:
            depth_first.pop()


def _children(value: object, path: str) -> Iterator[tuple[str, object]]:
    """Give what orjson would write of a value's inside, and where each part stands."""
    if isinstance(value, dict):
        for key, item in cast("Mapping[Any, Any]", value).items():
            yield _key_path(path, key), item
    elif isinstance(value, list | tuple):
        for index, item in enumerate(cast("Sequence[Any]", value)):
            yield f"{path}[{index}]", item
    elif isinstance(value, enum.Enum):
        yield f"{path}.value", value.value
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for name in _written_names(value):
            yield f"{path}.{name}", getattr(value, name, None)  # an unset one is not written


def _keys(value: object) -> Sequence[Any]:
    """Return the keys of a dict; none for anything else."""
    return list(cast("Mapping[Any, Any]", value)) if isinstance(value, dict) else ()


def _key_path(path: str, key: object) -> str:
    return f"{path}.{key}" if isinstance(key, str) and key.isidentifier() else f"{path}[{key!r}]"
