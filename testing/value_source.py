"""`value_source`, `change_source`: what somebody would write in a test for a value or a change.

What belongs here: expressions, short enough to read.  What does not: imports; the test that is
being written has the names already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import attrs
from pyrsistent import PMap, PVector

from refold.errors import PayloadError
from refold.middleware.operation_telling import OPERATION_ACTIONS
from refold.replay.changed_paths import ABSENT, changed_paths
from refold.replay.regression_source import SourceWriter

__all__ = ["change_source", "class_source", "short_source", "value_source"]

_SHORT: Final = 40
"""Characters of a value that needs no shorter way to write it."""

_LONGEST: Final = 200
"""Characters of a value in a line of a message."""


class _NamesOnly(SourceWriter):
    """Writes a class by the name that it has where it is declared, a function's inside included."""

    def name_of(self, thing: Any) -> str:
        return class_source(thing)

    def name_in(self, module: str, qualified: str) -> str:  # noqa: ARG002  # of another file
        return qualified


def class_source(cls: type[Any]) -> str:
    """Return what a test writes for a class: its name, or ``load.pending`` for an operation's."""
    name = str(cls.__qualname__).rpartition("<locals>.")[2]
    if issubclass(cls, OPERATION_ACTIONS) and "/" not in name:
        return f"{name.split('.')[-2]}.{cls.wire_name.rpartition('_')[2]}"
    return name


def value_source(value: object) -> str:
    """Return an expression for a value; its repr if it is of a kind that has none."""
    try:
        return _NamesOnly().source(value)
    except PayloadError:
        return repr(value)


def short_source(value: object) -> str:
    """Return the expression as far as it fits a line of a message."""
    source = repr(value) if value is ABSENT else value_source(value)
    return source if len(source) <= _LONGEST else f"{source[:_LONGEST]}…"


def change_source(old: object, new: object) -> str:
    """Return what a test states for a part that changed: its new value, or a function of the old.

    The function is written where it is shorter: one field of a record, one entry of a map, what was
    added to a vector.
    """
    value = value_source(new)
    if len(value) <= _SHORT:
        return value
    by_function = _expression(old, new, "old")
    if by_function is None or len(by_function) >= len(value):
        return value
    return f"lambda old: {by_function}"


def _expression(old: Any, new: Any, name: str) -> str | None:
    """Return the new value as an expression of the old one, which has a name; None if none fits."""
    for kind, write in _KINDS:
        if isinstance(old, kind) and isinstance(new, kind):
            return write(old, new, name)
    if old.__class__ is new.__class__ and attrs.has(new.__class__):
        return _of_record(old, new, name)
    return None


def _part(old: object, new: object, name: str) -> str:
    value = value_source(new)
    by_function = None if len(value) <= _SHORT else _expression(old, new, name)
    return value if by_function is None or len(by_function) >= len(value) else by_function


def _of_record(old: Any, new: Any, name: str) -> str | None:
    fields = attrs.fields(new.__class__)
    if any(not field.init for field in fields):
        return None
    parts = [
        f"{field.alias}={_part(was, now, f'{name}.{field.name}')}"
        for field, was, now in _pairs_of_fields(fields, old, new)
        if any(changed_paths(was, now))
    ]
    return f"evolve({name}, {', '.join(parts)})"


def _pairs_of_fields(
    fields: tuple[attrs.Attribute[Any], ...], old: Any, new: Any
) -> Iterator[tuple[attrs.Attribute[Any], Any, Any]]:
    for field in fields:
        yield field, getattr(old, field.name, ABSENT), getattr(new, field.name, ABSENT)


def _of_vector(old: PVector[Any], new: PVector[Any], name: str) -> str | None:
    count = len(old)
    if len(new) > count and not any(changed_paths(old, new[:count])):
        added = list(new[count:])
        if len(added) == 1:
            return f"{name}.append({value_source(added[0])})"
        return f"{name}.extend([{', '.join(map(value_source, added))}])"
    if len(new) != count:
        return None
    changed = [
        index
        for index, (was, now) in enumerate(zip(old, new, strict=True))
        if any(changed_paths(was, now))
    ]
    return "".join(
        (
            name,
            *(f".set({i}, {_part(old[i], new[i], f'{name}[{i}]')})" for i in changed),
        )
    )


def _of_map(old: PMap[Any, Any], new: PMap[Any, Any], name: str) -> str:
    steps = [name]
    entries: Mapping[Any, Any] = old
    for key, value in new.items():
        was = entries.get(key, ABSENT)
        if any(changed_paths(was, value)):
            written = value_source(key)
            steps.append(f".set({written}, {_part(was, value, f'{name}[{written}]')})")
    steps.extend(f".remove({value_source(key)})" for key in old if key not in new)
    return "".join(steps)


_KINDS: Final[list[tuple[Any, Callable[[Any, Any, str], str | None]]]] = [
    (PVector, _of_vector),
    (PMap, _of_map),
]
"""How a change of a collection is written."""
