"""`first_difference`: where two values differ for anybody who looks closely.

What belongs here: comparing more strictly than ``==``: ``False`` is not ``0``, ``1`` is not
``1.0``, ``-0.0`` is not ``0.0``, and a not-a-number is the same as another.  What does not: what no
log can tell apart either: a member of a ``StrEnum`` and its text, maps of two libraries, sets of
two classes, and the order in which a map or a set is walked through.
"""

from __future__ import annotations

import datetime
import enum
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from decimal import Decimal
from itertools import zip_longest
from typing import Any, Final, cast

import attrs
from pyrsistent import PDeque, PVector

from refold.replay.canonical_digest import canonical_digest
from refold.replay.changed_paths import ABSENT

__all__ = ["Difference", "first_difference"]

_LISTS: Final = (tuple, PVector, PDeque, list)


@attrs.frozen
class Difference:
    """The first place in which two values differ."""

    path: str
    """Such as ``Root.todos['a'].done``."""

    expected: Any
    """What the first value has there."""

    found: Any
    """What the second has."""


def first_difference(expected: object, found: object, path: str = "") -> Difference | None:
    """Return the first difference, in the order of fields and keys; None if there is none.

    Parts that are the identical object are not looked into.

    Args:
        expected: any value that a state may hold.
        found: another.
        path: where both stand; the name of the class of the first, unless it is said.
    """
    return _compare(expected, found, path or type(expected).__name__)


def _compare(old: Any, new: Any, path: str) -> Difference | None:
    if old is new:
        return None
    old, new = _plain(old), _plain(new)
    kind = _kind(old)
    if kind is not _kind(new):
        return Difference(path, old, new)
    if attrs.has(kind):
        return _first(
            (getattr(old, name, ABSENT), getattr(new, name, ABSENT), f"{path}.{name}")
            for name in (field.name for field in attrs.fields(kind))
        )
    if kind is Mapping:
        return _compare_maps(old, new, path)
    if issubclass(kind, _LISTS):
        return _compare_lists(old, new, path)
    return None if _is_same(old, new, kind) else Difference(path, old, new)


def _first(parts: Iterable[tuple[Any, Any, str]]) -> Difference | None:
    for old, new, path in parts:
        found = _compare(old, new, path)
        if found is not None:
            return found
    return None


def _compare_lists(old: Any, new: Any, path: str) -> Difference | None:
    names: tuple[str, ...] = getattr(old, "_fields", ())
    return _first(
        (was, now, f"{path}.{names[index]}" if names else f"{path}[{index}]")
        for index, (was, now) in enumerate(zip_longest(old, new, fillvalue=ABSENT))
    )


def _compare_maps(old: Mapping[Any, Any], new: Mapping[Any, Any], path: str) -> Difference | None:
    before = {_mark(key): (key, value) for key, value in old.items()}
    after = {_mark(key): (key, value) for key, value in new.items()}
    for mark, (key, value) in before.items():
        other = after.get(mark)
        if other is None:
            return Difference(f"{path}[{key!r}]", value, ABSENT)
        found = _compare(value, other[1], f"{path}[{key!r}]")
        if found is not None:
            return found
    for mark, (key, value) in after.items():
        if mark not in before:
            return Difference(f"{path}[{key!r}]", ABSENT, value)
    return None


def _mark(value: Any) -> Hashable:
    """Return something that is equal for two keys or elements only if they are the same."""
    if value.__class__ is str or value.__class__ is int:
        return value.__class__, value
    return canonical_digest(value)


def _plain(value: Any) -> Any:
    """Return the value of an enum's member that equals it, as a log may."""
    is_its_value = isinstance(value, enum.Enum) and isinstance(value, str | int)
    return cast("Any", value).value if is_its_value else value


def _kind(value: Any) -> Any:
    """Return the class, or what several classes stand for that no log tells apart."""
    if isinstance(value, Mapping):
        return Mapping
    if isinstance(value, AbstractSet):
        return AbstractSet
    if isinstance(value, PVector):  # it has two implementations
        return PVector
    return cast("Any", type(value))


def _is_same(old: Any, new: Any, kind: Any) -> bool:
    if kind is AbstractSet:
        return Counter(map(_mark, old)) == Counter(map(_mark, new))
    if issubclass(kind, float | Decimal):
        return repr(old) == repr(new)
    if issubclass(kind, datetime.datetime | datetime.time):
        return bool(old.isoformat() == new.isoformat())
    return bool(old == new)
