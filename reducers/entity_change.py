"""Changing the fields of one entity: an attrs record, a NamedTuple or a PMap.

What belongs here: giving the identical entity back where nothing changes.  What does not: its key.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import attrs
from pyrsistent import PMap

from refold.reducers.entity_map import ABSENT
from refold.reducers.evolve import evolve

__all__ = ["change_entity", "merge_entities"]

_TOLD_APART: Final = frozenset({bool, bytes, int, str})
"""Classes whose equal instances nobody can tell apart; of floats, -0.0 equals 0.0."""


def change_entity(entity: Any, changes: Mapping[str, object]) -> Any:
    """Return an entity with some fields changed; the identical one if all are so already.

    Raises:
        TypeError: the entity has no such field.
    """
    if _is_map(entity):
        found = {name: entity.get(name, ABSENT) for name in changes}
        is_same = all(_is_so(found[name], new) for name, new in changes.items())
        return entity if is_same else entity.update(changes)
    for name, new in changes.items():
        if not _is_so(getattr(entity, name, ABSENT), new):
            has_fields = hasattr(entity, "_replace")  # a NamedTuple
            return entity._replace(**changes) if has_fields else evolve(entity, **changes)
    return entity


def merge_entities(old: Any, new: Any, fields: tuple[str, ...]) -> Any:
    """Return the old entity with fields of the new one.

    Args:
        old: the entity that is there.
        new: another of the same key.
        fields: which ones to take over; empty for all that the new one has.
    """
    if fields:
        is_map = _is_map(new)
        return change_entity(old, {n: new[n] if is_map else getattr(new, n) for n in fields})
    if _is_map(new) and _is_map(old):
        return change_entity(old, new)
    return old if _has_same_fields(old, new) else new


def _is_map(entity: object) -> bool:
    return isinstance(entity, PMap)


def _has_same_fields(old: Any, new: Any) -> bool:
    cls: Any = new.__class__
    if old is new or type(old) is not cls:
        return old is new
    names = [field.name for field in attrs.fields(cls)] if attrs.has(cls) else ()
    return bool(names) and all(_is_so(getattr(old, n), getattr(new, n)) for n in names)


def _is_so(old: object, new: object) -> bool:
    return old is new or (type(old) is type(new) and type(old) in _TOLD_APART and old == new)
