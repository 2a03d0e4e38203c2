"""Where two states differ: paths of parts, with what stood there and what stands there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import attrs
from pyrsistent import PMap, PVector

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


def changed_paths(old: Any, new: Any, path: str = "") -> Iterator[ChangedPath]:
    """Yield the smallest parts in which two states differ, in the order of fields and keys.

    Parts that are the identical object are not looked into, so the cost grows with the change.

    Args:
        old: any state.
        new: another.
        path: where both stand.
    """
    if old is new:
        return
    if type(old) is not type(new):
        yield ChangedPath(path, old, new)
    elif attrs.has(type(old)):
        for field in attrs.fields(type(old)):
            yield from changed_paths(
                getattr(old, field.name, ABSENT),
                getattr(new, field.name, ABSENT),
                f"{path}.{field.name}".lstrip("."),
            )
    elif isinstance(old, PMap):
        for key in [*old, *(key for key in new if key not in old)]:
            yield from changed_paths(old.get(key, ABSENT), new.get(key, ABSENT), f"{path}[{key!r}]")
    elif isinstance(old, PVector | tuple):
        for index in range(max(len(old), len(new))):
            yield from changed_paths(
                old[index] if index < len(old) else ABSENT,
                new[index] if index < len(new) else ABSENT,
                f"{path}[{index}]",
            )
    elif old != new:
        yield ChangedPath(path, old, new)
