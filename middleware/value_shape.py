"""`shape_of`: how to look into a value, whatever its declared type says.

What belongs here: the kinds of values, told by their class.  What does not: what the checks make of
them (`find_mutation`, `find_unserialisable`).
"""

from __future__ import annotations

import enum
import reprlib
import types
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from operator import attrgetter
from typing import Any, Final, NamedTuple, TypeAlias

import attrs
from pyrsistent import PDeque, PSet, PVector

from refold.actions.check_value_type import is_scalar_type

__all__ = ["ABSENT", "Contents", "ValueShape", "shape_of"]

ABSENT: Final = "(absent)"
"""Stands where there is nothing: in a field that was never set, beyond the end of a list."""

_Parts: TypeAlias = "Iterable[tuple[Any, Any]]"


class Contents(NamedTuple):
    """How to tell whether a value that can change did change."""

    read: Callable[[Any], tuple[Any, ...]]
    """Gives the objects that the value holds now, flat, to be compared one by one."""

    label: Callable[[tuple[Any, ...]], Mapping[Any, Any]]
    """Gives these objects by their labels; nothing if they have none."""


class ValueShape(NamedTuple):
    """How to look into the values of one class."""

    parts: Callable[[Any], _Parts]
    """Gives each part with its label: a field's name, an index, a key."""

    spell: Callable[[Any], str]
    """Spells a label as the end of a path, such as ``.text`` or ``[3]``."""

    contents: Contents | None
    """What is compared to see a change; None if the value itself can never change."""

    is_serialisable: bool
    """Whether a log can carry such a value, if it can carry its parts."""


class _Key(NamedTuple):
    """The label of a key that is itself made of parts."""

    key: object


_shapes: dict[type, ValueShape | None] = {}
"""What `shape_of` has found out."""


def shape_of(value: object) -> ValueShape | None:
    """Return how to look into a value; None for a single one, which never changes."""
    cls = type(value)
    try:
        return _shapes[cls]
    except KeyError:
        shape = _shapes[cls] = _find_shape(cls)
        return shape


def _find_shape(cls: Any) -> ValueShape | None:
    if is_scalar_type(cls) or issubclass(cls, enum.Enum):
        return None
    if attrs.has(cls):
        return _attrs_shape(cls)
    names = getattr(cls, "_fields", None)
    if names is not None and issubclass(cls, tuple):
        return _named_tuple_shape(names)
    if issubclass(cls, tuple | PVector | PDeque):
        return ValueShape(enumerate, _spell_index, None, is_serialisable=True)
    if issubclass(cls, frozenset | PSet):
        return ValueShape(_elements, _spell_key, None, is_serialisable=True)
    return _mapping_shape(cls) if issubclass(cls, Mapping) else _foreign_shape(cls)


def _mapping_shape(cls: Any) -> ValueShape:
    """Return the shape of a mapping; a hashable one promises not to change.

    A mapping proxy promises it for entries that are another's.
    """
    is_proxy = issubclass(cls, types.MappingProxyType)
    if issubclass(cls, Hashable) and not is_proxy:
        return ValueShape(_entries, _spell_key, None, is_serialisable=True)
    contents = Contents(_keys_and_values, _halves)
    return ValueShape(_entries, _spell_key, contents, is_serialisable=False)


def _foreign_shape(cls: Any) -> ValueShape:
    """Return the shape of what no type of a state or an action allows."""
    if issubclass(cls, list | deque | bytearray):
        contents = Contents(tuple, _by_index)
        return ValueShape(enumerate, _spell_index, contents, is_serialisable=False)
    if issubclass(cls, set):
        contents = Contents(tuple, _without_labels)
        return ValueShape(_elements, _spell_key, contents, is_serialisable=False)
    if issubclass(cls, type | types.ModuleType | types.FunctionType):
        return ValueShape(_nothing, str, None, is_serialisable=False)
    contents = Contents(_names_and_values, _halves)
    return ValueShape(_attributes, _spell_field, contents, is_serialisable=False)


def _attrs_shape(cls: type[Any]) -> ValueShape:
    """Return the shape of a record; even of a frozen one `object.__setattr__` changes a field."""
    names = tuple(field.name for field in attrs.fields(cls))
    fills_in = getattr(cls, "__getattr__", None) is not None
    read = object.__getattribute__ if fills_in else getattr

    def read_one(record: Any, name: str) -> Any:
        try:
            return read(record, name)
        except AttributeError:
            return ABSENT

    def read_one_by_one(record: Any) -> tuple[Any, ...]:
        return tuple([read_one(record, name) for name in names])

    # an attrgetter of one name gives no tuple, and would have an absent field made
    quick = len(names) > 1 and not fills_in
    read_all: Callable[[Any], tuple[Any, ...]] = attrgetter(*names) if quick else read_one_by_one

    def contents(record: Any) -> tuple[Any, ...]:
        try:
            return read_all(record)
        except AttributeError:  # a field was never set
            return read_one_by_one(record)

    def parts(record: Any) -> _Parts:
        return zip(names, contents(record), strict=True)

    def by_name(held: tuple[Any, ...]) -> dict[Any, Any]:
        return dict(zip(names, held, strict=True))

    return ValueShape(parts, _spell_field, Contents(contents, by_name), is_serialisable=True)


def _named_tuple_shape(names: tuple[str, ...]) -> ValueShape:
    def parts(record: Any) -> _Parts:
        return zip(names, record, strict=True)

    return ValueShape(parts, _spell_field, None, is_serialisable=True)


def _elements(elements: Any) -> Iterator[tuple[Any, Any]]:
    return ((element, element) for element in elements)


def _entries(mapping: Any) -> Iterator[tuple[Any, Any]]:
    for key, value in mapping.items():
        if shape_of(key) is not None:
            yield _Key(key), key
        yield key, value


def _keys_and_values(mapping: Any) -> tuple[Any, ...]:
    return (*mapping.keys(), *mapping.values())


def _attributes(candidate: Any) -> list[tuple[str, Any]]:
    """Return the attributes of an object that refold knows nothing of."""
    slots = (name for cls in type(candidate).__mro__ for name in _slots_of(cls))
    found = {name: getattr(candidate, name) for name in slots if hasattr(candidate, name)}
    return [*found.items(), *getattr(candidate, "__dict__", {}).items()]


def _slots_of(cls: type) -> tuple[str, ...]:
    slots = cls.__dict__.get("__slots__", ())
    names = (slots,) if isinstance(slots, str) else tuple(slots)
    return tuple(name for name in names if not name.startswith("__"))


def _names_and_values(candidate: Any) -> tuple[Any, ...]:
    attributes = _attributes(candidate)
    return (*(name for name, _ in attributes), *(value for _, value in attributes))


def _nothing(_candidate: object) -> tuple[tuple[Any, Any], ...]:
    return ()


def _without_labels(_held: tuple[Any, ...]) -> dict[Any, Any]:
    return {}


def _by_index(held: tuple[Any, ...]) -> dict[Any, Any]:
    return dict(enumerate(held))


def _halves(held: tuple[Any, ...]) -> dict[Any, Any]:
    """Return keys and values that stand one half behind the other as a dictionary."""
    middle = len(held) // 2
    return dict(zip(held[:middle], held[middle:], strict=True))


def _spell_field(name: str) -> str:
    return f".{name}"


def _spell_index(index: int) -> str:
    return f"[{index}]"


def _spell_key(label: object) -> str:
    if isinstance(label, _Key):
        return f"[key {reprlib.repr(label.key)}]"
    return f"[{reprlib.repr(label)}]"
