"""When two values are the same to the last bit: type, sign of zero and all.

What belongs here: an oracle that shares no code with what it judges.
"""

from __future__ import annotations

import datetime
import enum
import struct
from collections import Counter
from collections.abc import Callable, Hashable, Mapping
from collections.abc import Set as AbstractSet
from decimal import Decimal
from typing import Any
from uuid import UUID

import attrs

__all__ = ["exact_form", "exactly_same"]


def exactly_same(left: object, right: object) -> bool:
    """Tell whether nothing could tell the two values apart but their identity."""
    return exact_form(left) == exact_form(right)


def exact_form(value: Any, *, merge_lists: bool = False) -> Hashable:
    """Return something hashable that is equal for two values only if they are the same.

    Args:
        value: what a state may hold.
        merge_lists: take all list-likes for one type, and all set-likes for one.
    """

    def form(part: Any) -> Hashable:
        return exact_form(part, merge_lists=merge_lists)

    parts: Any = value  # its type is not narrowed
    kind: Any = parts.__class__
    if isinstance(value, enum.Enum):
        return kind, "member", str(value.name), str(value.value)
    if attrs.has(kind):
        fields = [name for name in (f.name for f in attrs.fields(kind)) if hasattr(value, name)]
        return kind, tuple((name, form(getattr(value, name))) for name in fields)
    if isinstance(value, Mapping):
        pairs = frozenset((form(key), form(entry)) for key, entry in parts.items())
        return "map" if merge_lists else kind, pairs
    if isinstance(value, AbstractSet):
        elements = frozenset(Counter(map(form, parts)).items())  # a set may hold nan twice
        return "set" if merge_lists else kind, elements
    if kind in _SCALARS:
        return kind, _SCALARS[kind](value)
    return "list" if merge_lists else kind, tuple(map(form, value))


def _float(number: float) -> Hashable:
    return "nan" if number != number else struct.pack(">d", number)  # noqa: PLR0124  # finds nan


def _itself(value: Hashable) -> Hashable:
    return value


def _clock(value: Any) -> Hashable:
    return value.replace(tzinfo=None), repr(value.utcoffset())


_SCALARS: dict[type, Callable[[Any], Hashable]] = {
    type(None): _itself,
    bool: _itself,
    int: _itself,
    float: _float,
    str: _itself,
    bytes: _itself,
    Decimal: repr,
    datetime.datetime: _clock,
    datetime.date: _itself,
    datetime.time: _clock,
    datetime.timedelta: _itself,
    UUID: _itself,
}
