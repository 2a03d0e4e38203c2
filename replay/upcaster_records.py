"""The versions of records inside payloads and states: written, and read by their upcasters.

What belongs here: the key ``$version`` of an encoded attrs record.  What does not: the fields,
which `record_codec` writes, and the version of an action, which stands in its envelope.

A record of version 1 has no such key, so what was written before its class had a version is read as
version 1.
"""

from __future__ import annotations

import typing
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import attrs

from refold.actions.action import Action
from refold.replay.refuse_value import refuse_value
from refold.replay.scalar_codec import json_object
from refold.replay.upcaster_chain import (
    check_chain,
    explain_missing_step,
    upcast,
    version_of,
)

if TYPE_CHECKING:
    from cattrs import Converter

__all__ = ["VERSION_KEY", "add_record_versions", "mark_version", "upcast_record"]

VERSION_KEY: Final = "$version"
"""Where an encoded record says the version of its fields; absent in version 1."""


def add_record_versions(converter: Converter) -> None:
    """Teach a converter that knows records to write and read their versions."""
    encoding: set[Any] = set()
    decoding: set[Any] = set()

    def make_encode(tp: Any) -> Callable[[Any], Any]:
        cls = typing.get_origin(tp) or tp
        encoding.add(tp)
        try:
            encode = converter.get_unstructure_hook(tp, cache_result=False)
        finally:
            encoding.discard(tp)
        if version_of(cls) == 1:
            return encode
        return lambda record: mark_version(encode(record), cls)

    def make_decode(tp: Any) -> Callable[[Any, Any], Any]:
        cls = typing.get_origin(tp) or tp
        decoding.add(tp)
        try:
            decode = converter.get_structure_hook(tp, cache_result=False)
        finally:
            decoding.discard(tp)
        return lambda value, _tp: decode(upcast_record(value, cls), tp)

    converter.register_unstructure_hook_factory(
        lambda tp: _has_own_version(tp) and tp not in encoding, make_encode
    )
    converter.register_structure_hook_factory(
        lambda tp: _has_own_version(tp) and tp not in decoding, make_decode
    )


def mark_version(fields: dict[str, Any], cls: type) -> dict[str, Any]:
    """Return a record's encoded fields with the version of its class."""
    version = version_of(cls)
    return fields if version == 1 else {VERSION_KEY: version, **fields}


def upcast_record(value: Any, cls: type) -> Any:
    """Return an encoded record as the class's own version has it, without the key.

    Raises:
        ValueError: no upcaster leads from its version, or one raised.
        TypeError: its version is no int, or newer than the class.
    """
    check_chain(cls)
    if value.__class__ is not dict:
        return value
    fields = json_object(value)
    present, found = version_of(cls), fields.get(VERSION_KEY, 1)
    if type(found) is not int or found < 1:
        refuse_value("a version of 1 or more", found)
    if VERSION_KEY in fields:
        fields = {name: part for name, part in fields.items() if name != VERSION_KEY}
    if found == present:
        return fields
    if found > present:
        message = (
            f"{cls.__name__} was written in version {found}, but the loaded class is version"
            f" {present}; update the application"
        )
        raise TypeError(message)
    made = upcast(fields, cls, found)
    if made is None:
        message = (
            f"{cls.__name__} was written in version {found}, but the loaded class is version"
            f" {present}; {explain_missing_step(cls, found)}"
        )
        raise ValueError(message)
    return made


def _has_own_version(tp: Any) -> bool:
    cls = typing.get_origin(tp) or tp
    return attrs.has(cls) and not issubclass(cls, Action)
