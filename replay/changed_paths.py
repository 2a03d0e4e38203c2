"""Where two states differ: paths of parts, with what stood there and what stands there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import zip_longest
from typing import Any, Final, cast

import attrs
from pyrsistent import PDeque, PVector

__all__ = ["ABSENT", "ChangedPath", "changed_paths"]


class _Absent:
    def __repr__(self) -> str:
        return "(absent)"


ABSENT: Final = _Absent()
"""Stands where one of the states has nothing."""


@attrs.frozen
class ChangedPath:
    """One difference between two states."""

    path: str
    """Such as ``connection.status`` or ``todos['a'].done``; empty if the whole states differ."""

    old: Any
    """What stood there; `ABSENT` for an addition."""

    new: Any
    """What stands there; `ABSENT` for a removal."""


def changed_paths(old: object, new: object, path: str = "") -> Iterator[ChangedPath]:
    """Yield the smallest parts in which two states differ, in the order of fields and keys.

    Parts that are the identical object are not looked into, so the cost grows with the change.

    Args:
        old: any state.
        new: another.
        path: where both stand.
    """
    if old is new:
        return
    cls = type(old)
    if cls is not type(new) and not _are_maps(old, new):
        yield ChangedPath(path, old, new)
    elif attrs.has(cls):
        for field in attrs.fields(cls):
            yield from changed_paths(
                getattr(old, field.name, ABSENT),
                getattr(new, field.name, ABSENT),
                f"{path}.{field.name}".lstrip("."),
            )
    elif _are_maps(old, new):
        before, after = cast("Mapping[object, Any]", old), cast("Mapping[object, Any]", new)
        for key in [*before, *(key for key in after if key not in before)]:
            pair = before.get(key, ABSENT), after.get(key, ABSENT)
            yield from changed_paths(*pair, f"{path}[{key!r}]")
    elif isinstance(old, PVector | PDeque | tuple):
        sides = cast("Iterable[Any]", old), cast("Iterable[Any]", new)
        for index, (was, now) in enumerate(zip_longest(*sides, fillvalue=ABSENT)):
            yield from changed_paths(was, now, f"{path}[{index}]")
    elif old != new:
        yield ChangedPath(path, old, new)


def _are_maps(old: object, new: object) -> bool:
    """Tell whether both are maps; they may be of two libraries."""
    return isinstance(old, Mapping) and isinstance(new, Mapping)
