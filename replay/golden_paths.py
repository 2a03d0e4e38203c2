"""Where two encoded values differ, with paths as `changed_paths` writes them.

What belongs here: walking JSON values.  What does not: walking states, which `changed_paths` does:
the accepted state may be one that today's classes cannot decode.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from itertools import zip_longest
from typing import Any, Final, cast

import attrs
import orjson

from refold.replay.canonical_digest import canonical_digest
from refold.replay.changed_paths import ABSENT

__all__ = ["ABSENT", "PathDifference", "json_text", "part_below", "path_differences"]

_UNION: Final = {"$of", "value"}
"""The keys of a member of a union; see `union_codec`."""

_PAIR: Final = 2
"""A key and its value."""


@attrs.frozen
class PathDifference:
    """One part in which two encoded states differ."""

    path: str
    """Such as ``cart.counts['apple']``."""

    accepted: Any
    """The JSON value that was accepted; `ABSENT` if there was none."""

    today: Any
    """The JSON value that was found; `ABSENT` if there is none."""


def path_differences(accepted: Any, today: Any, part: Any, path: str) -> Iterator[PathDifference]:
    """Yield the smallest parts in which two encoded values differ, sorted by keys.

    Args:
        accepted: a JSON value.
        today: another.
        part: what the latter was encoded from, which tells a record from a map; None if unknown.
        path: where both stand.
    """
    if isinstance(accepted, dict) and isinstance(today, dict):
        old, new = cast("dict[str, Any]", accepted), cast("dict[str, Any]", today)
        if old.keys() == new.keys() == _UNION and old["$of"] == new["$of"]:
            yield from path_differences(old["value"], new["value"], part, path)
            return
        if not _is_tagged_scalar(old) and not _is_tagged_scalar(new):
            yield from _in_objects(old, new, part, path)
            return
    if isinstance(accepted, list) and isinstance(today, list):
        walk = _walk_of_lists(part)
        if walk is not None:
            yield from walk(accepted, today, part, path)
            return
    if json_text(accepted) != json_text(today):
        yield PathDifference(path, accepted, today)


def part_below(part: Any, key: str) -> Any:
    """Return what a record or a map with texts as keys has under a name; None if it has nothing."""
    if isinstance(part, Mapping):
        mapping: Mapping[Any, Any] = part  # pyright: ignore[reportUnknownVariableType]  # of any types
        return mapping.get(key)
    return getattr(part, key, None) if key in _fields_of(part) else None


def json_text(value: Any) -> str:
    """Return a JSON value, or `ABSENT`, as one line of text: the same for the same value."""
    if value is ABSENT:
        return repr(ABSENT)
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def _in_objects(
    old: dict[str, Any], new: dict[str, Any], part: Any, path: str
) -> Iterator[PathDifference]:
    is_record = attrs.has(_class_of(part))
    for key in sorted({*old, *new}):
        where = f"{path}.{key}" if is_record else f"{path}[{key!r}]"
        yield from path_differences(
            old.get(key, ABSENT), new.get(key, ABSENT), part_below(part, key), where
        )


def _walk_of_lists(part: Any) -> Callable[..., Iterator[PathDifference]] | None:
    """Return how to walk the lists that something is written as; None if they are one value."""
    if isinstance(part, AbstractSet | datetime.timedelta):
        return None
    return _in_maps if isinstance(part, Mapping) else _in_lists


def _in_maps(
    old: list[Any], new: list[Any], part: Mapping[Any, Any], path: str
) -> Iterator[PathDifference]:
    """Walk maps whose keys are no texts: they are written as pairs of key and value."""
    before, after = _by_key(old), _by_key(new)
    if before is None or after is None:
        yield from _in_lists(old, new, None, path)
        return
    keys = sorted(part, key=canonical_digest)  # the order that they are written in
    parts = dict(zip(after, (part[key] for key in keys), strict=False))
    for text in sorted({*before, *after}):
        was, now = before.get(text, ABSENT), after.get(text, ABSENT)
        yield from path_differences(was, now, parts.get(text), f"{path}[{text}]")


def _by_key(pairs: list[Any]) -> dict[str, Any] | None:
    """Return the values by the texts of their keys; None if this is no map, or has NaN twice."""
    if not all(isinstance(pair, list) and len(cast("Any", pair)) == _PAIR for pair in pairs):
        return None
    values = {json_text(key): value for key, value in pairs}
    return values if len(values) == len(pairs) else None


def _in_lists(old: list[Any], new: list[Any], part: Any, path: str) -> Iterator[PathDifference]:
    elements: Any = part  # its type is not narrowed
    parts: list[Any] = list(elements) if isinstance(part, Iterable) else []
    for index, (was, now) in enumerate(zip_longest(old, new, fillvalue=ABSENT)):
        below = parts[index] if index < len(parts) else None
        yield from path_differences(was, now, below, f"{path}[{index}]")


def _fields_of(part: Any) -> Container[str]:
    cls = _class_of(part)
    return attrs.fields_dict(cls) if attrs.has(cls) else ()


def _class_of(part: Any) -> type[Any]:
    return type(part)  # pyright: ignore[reportUnknownVariableType]  # of any value


def _is_tagged_scalar(value: dict[str, Any]) -> bool:
    return len(value) == 1 and next(iter(value)) in {"$float", "$int", "$str"}
