"""What stands in the code of functions: numbers and texts at which they may change their mind.

What belongs here: reading code objects, the module's own names and closures.  What does not: using
what is found, which `value_pool` does.

Nothing is called, and everything is found in the order of the code, never of a hash.
"""

from __future__ import annotations

import datetime
import decimal
import enum
import functools
import types
import uuid
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Final

import attrs

from refold.actions.action import Action
from refold.actions.registry import is_declared_action_class
from refold.replay.canonical_digest import canonical_digest

__all__ = ["CodeReader", "in_any_order"]

SCALARS: Final = frozenset(
    {
        int,
        float,
        str,
        bytes,
        datetime.datetime,
        datetime.date,
        datetime.time,
        datetime.timedelta,
        decimal.Decimal,
        uuid.UUID,
    }
)
"""Classes of which values are kept."""

_MOST: Final = 60
"""Values of one class; the rest is noise."""

_MOST_ELEMENTS: Final = 50
_LONGEST_TEXT: Final = 40
_LARGEST_LENGTH: Final = 300
_DEEPEST: Final = 6


class CodeReader:
    """Collects what functions name: scalar constants, and action classes."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._values: dict[type, dict[Any, None]] = {}
        self.action_classes: dict[type[Action], None] = {}
        """In the order in which they were found."""
        self._seen: set[int] = set()
        self._kept: list[object] = []

    def read(self, thing: Any, depth: int = 0) -> None:
        """Take whatever is in a function, method, partial, collection, record or class."""
        if depth > _DEEPEST or id(thing) in self._seen:
            return
        if isinstance(thing, enum.Enum):
            self.read(thing.value, depth + 1)
            return
        if type(thing) in SCALARS:
            self._keep(thing)
            return
        self._seen.add(id(thing))
        self._kept.append(thing)  # an id may not be used again meanwhile
        for part in _parts_of(thing):
            self.read(part, depth + 1)
        if isinstance(thing, type):
            self._read_class(thing)

    def constants(self) -> Mapping[type, tuple[Any, ...]]:
        """Return what was found by class, each number with the two beside it."""
        found = {cls: tuple(values)[:_MOST] for cls, values in self._values.items()}
        lengths = [n for n in found.get(int, ()) if 2 < n <= _LARGEST_LENGTH]  # noqa: PLR2004  # shorter texts are drawn anyway
        beside = {
            **found,
            int: _each_once(n + more for n in found.get(int, ()) for more in (0, 1, -1)),
            float: _each_once(
                float(n) + more
                for n in (*found.get(float, ()), *found.get(int, ()))
                if abs(n) < 2**53
                for more in (0, 0.5, -0.5, 1, -1)
            ),
            str: _each_once(
                (*found.get(str, ()), *("a" * (n + more) for n in lengths for more in (0, 1, -1)))
            ),
        }
        return {cls: values for cls, values in beside.items() if values}

    def _keep(self, value: Any) -> None:
        kind: Any = value.__class__  # the value's type is not narrowed
        is_usual = kind is int and -2 < value <= 2  # noqa: PLR2004  # drawn anyway
        is_prose = kind is str and len(value) > _LONGEST_TEXT
        if not is_usual and not is_prose and value == value:  # noqa: PLR0124  # no nan
            self._values.setdefault(kind, {}).setdefault(value)

    def _read_class(self, cls: type) -> None:
        if is_declared_action_class(cls) and issubclass(cls, Action):
            self.action_classes.setdefault(cls)
        elif issubclass(cls, enum.Enum):
            for member in list(cls)[:_MOST_ELEMENTS]:
                self.read(member.value, _DEEPEST)


def in_any_order(elements: Iterable[Any]) -> list[Any]:
    """Return the elements of a set in an order that is the same in every process."""
    values = list(elements)
    classes: set[Any] = {value.__class__ for value in values}
    if len(classes) == 1 and classes <= SCALARS:
        try:
            return sorted(values)
        except TypeError:  # points in time with and without a zone
            pass
    return sorted(values, key=canonical_digest)


def _parts_of(thing: Any) -> Iterable[Any]:  # noqa: PLR0911  # a table of kinds
    kind: Any = thing.__class__  # the thing's type is not narrowed
    if isinstance(thing, types.FunctionType):
        return _parts_of_function(thing)
    if isinstance(thing, types.MethodType):
        return (thing.__func__, thing.__self__)
    if isinstance(thing, functools.partial):
        return (thing.func, *thing.args, *thing.keywords.values())
    if issubclass(kind, Mapping):
        return [part for pair in list(thing.items())[:_MOST_ELEMENTS] for part in pair]
    if issubclass(kind, AbstractSet):
        return _in_order_if_possible(thing)
    if issubclass(kind, tuple | list):
        return thing[:_MOST_ELEMENTS]  # type: ignore[no-any-return]  # a list or tuple
    if attrs.has(kind):
        return [getattr(thing, field.name, None) for field in attrs.fields(kind)]
    return ()


def _in_order_if_possible(elements: AbstractSet[Any]) -> list[Any]:
    scalars = [one for one in elements if type(one) in SCALARS]
    classes = [one for one in elements if isinstance(one, type)]
    return [
        *in_any_order(scalars)[:_MOST_ELEMENTS],
        *sorted(classes, key=lambda cls: (cls.__module__, cls.__qualname__)),
    ]


def _parts_of_function(function: types.FunctionType) -> Iterator[Any]:
    for code in _codes_of(function.__code__):
        for constant in code.co_consts:
            if constant != function.__doc__ and not isinstance(constant, types.CodeType):
                yield constant
        yield from _named_in(code, function)
    yield from function.__defaults__ or ()
    yield from (function.__kwdefaults__ or {}).values()
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # not assigned yet
            continue


def _codes_of(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _codes_of(constant)


def _named_in(code: types.CodeType, function: types.FunctionType) -> Iterator[Any]:
    """Yield what the module's own names in the code stand for; helpers only of the same module."""
    for name in code.co_names:
        value = function.__globals__.get(name)
        if isinstance(value, types.ModuleType):
            values = [getattr(value, other, None) for other in code.co_names]
            yield from (one for one in values if type(one) in SCALARS or isinstance(one, type))
        elif isinstance(value, types.FunctionType):
            if value.__module__ == function.__module__:
                yield value
        else:
            yield value


def _each_once(values: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(values))[:_MOST]
