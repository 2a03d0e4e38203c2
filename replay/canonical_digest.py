"""Canonical digests: the same for equal states whatever the process, machine or Python version.

What belongs here: the one byte form of each value that a state may hold.  What does not: encoding
that can be decoded again, which `value_codec` does.

Every value is written with a tag of its kind and its length, so no two different values share a
form.  Sets and maps are ordered by the forms of their elements, never by their iteration order,
which depends on PYTHONHASHSEED.  All not-a-numbers count as one; -0.0 and 0.0 are told apart.
"""

from __future__ import annotations

import datetime
import decimal
import enum
import hashlib
import struct
import uuid
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final, cast

import attrs

from refold.errors import PayloadError

__all__ = ["DIGEST_ALGORITHM", "canonical_digest", "changed_slices", "state_digest"]

DIGEST_ALGORITHM: Final = "blake2b-128/1"
"""Named in every log's header; the number after the slash is the version of the byte form."""

_SLICE_DIGITS: Final = 8
"""Hexadecimal digits kept of each slice's digest: enough to name the slice that differs."""


def canonical_digest(value: object) -> str:
    """Return 32 hexadecimal digits that are the same for values that a log cannot tell apart.

    Raises:
        PayloadError: the value holds something that no state may hold.
    """
    return _hash(_form(value))


def state_digest(state: object) -> str:
    """Return the digest of a state, followed by short digests of its fields.

    Returns:
        ``<32 digits>`` or, for a record, ``<32 digits>|field=<8 digits>|...``.
    """
    cls = type(state)
    if not attrs.has(cls):
        return canonical_digest(state)
    forms = _field_forms(state, cls)
    whole = _hash(_join(b"r", [cls.__name__.encode(), *_flatten(forms)]))
    slices = (f"{name}={_hash(form)[:_SLICE_DIGITS]}" for name, form in forms)
    return "|".join([whole, *slices])


def changed_slices(expected: str, found: str) -> list[str]:
    """Return the names of the fields in which two state digests differ."""
    fields = [dict(part.split("=") for part in d.split("|")[1:]) for d in (expected, found)]
    names = dict.fromkeys([*fields[0], *fields[1]])
    return [name for name in names if fields[0].get(name) != fields[1].get(name)]


def _hash(form: bytes) -> str:
    return hashlib.blake2b(form, digest_size=16).hexdigest()


def _form(value: object) -> bytes:  # noqa: PLR0911  # a table of kinds, one per line
    cls = type(value)
    write = _FORM_OF.get(cls)
    if write is not None:
        return write(value)
    if isinstance(value, enum.Enum):
        return _enum_form(value)
    if attrs.has(cls):
        return _join(b"r", [cls.__name__.encode(), *_flatten(_field_forms(value, cls))])
    if isinstance(value, Mapping):
        entries = cast("Mapping[object, object]", value)
        pairs = sorted((_form(key), _form(entry)) for key, entry in entries.items())
        return _join(b"m", _flatten_pairs(pairs))
    if isinstance(value, AbstractSet):
        return _join(b"S", sorted(map(_form, cast("AbstractSet[object]", value))))
    write = next((write for base, write in _FORM_OF.items() if isinstance(value, base)), None)
    if write is not None:
        return write(value)
    if isinstance(value, Sequence):
        return _join(b"l", list(map(_form, cast("Sequence[object]", value))))
    message = f"{value!r} of type {cls.__qualname__} has no canonical form"
    raise PayloadError(message, path="")


def _field_forms(record: object, cls: type[attrs.AttrsInstance]) -> list[tuple[str, bytes]]:
    """Return the form of each field of an attrs record; a field that is absent is left out."""
    names = (field.name for field in attrs.fields(cls))
    return [(name, _form(getattr(record, name))) for name in names if hasattr(record, name)]


def _flatten(fields: list[tuple[str, bytes]]) -> list[bytes]:
    return [part for name, form in fields for part in (name.encode(), form)]


def _flatten_pairs(pairs: list[tuple[bytes, bytes]]) -> list[bytes]:
    return [part for pair in pairs for part in pair]


def _join(tag: bytes, parts: list[bytes]) -> bytes:
    body = b"".join(b"%d:%b" % (len(part), part) for part in parts)
    return b"%b%d:%b" % (tag, len(parts), body)


def _enum_form(member: enum.Enum) -> bytes:
    if isinstance(member, str | int):  # such a member equals its value, and may come back as it
        return _form(member.value)
    name = member.name or repr(member.value)  # several flags together have no name
    return _join(b"e", [type(member).__name__.encode(), name.encode()])


def _float_form(number: float) -> bytes:
    canonical = number if number == number else float("nan")  # noqa: PLR0124  # finds every nan
    return b"d" + struct.pack(">d", canonical)


def _timedelta_form(delta: datetime.timedelta) -> bytes:
    return b"D%d,%d,%d" % (delta.days, delta.seconds, delta.microseconds)


_FORM_OF: Final[dict[type, Callable[[Any], bytes]]] = {
    type(None): lambda _: b"n",
    bool: lambda value: b"t" if value else b"f",
    int: lambda value: b"i%x" % value if value >= 0 else b"i-%x" % -value,
    float: _float_form,
    str: lambda value: b"s" + value.encode("utf-8", "surrogatepass"),
    bytes: lambda value: b"b" + value,
    datetime.datetime: lambda value: b"T" + value.isoformat().encode(),
    datetime.date: lambda value: b"T" + value.isoformat().encode(),
    datetime.time: lambda value: b"H" + value.isoformat().encode(),
    datetime.timedelta: _timedelta_form,
    uuid.UUID: lambda value: b"u" + value.bytes,
    decimal.Decimal: lambda value: b"c" + str(value).encode(),
}
